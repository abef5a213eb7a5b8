"""Commands: saved slash commands and what they expand to (library.md §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, reading, road

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


def _dress(_: Session, row: Any) -> dict[str, Any]:
    return dressed(row, called=f"/{row.name.lstrip('/')}", takes="$ARGS" in row.template)


_read = reading(lambda client: client.commands.list(), _dress)

KIND = Kind(
    name="commands",
    title="Slash commands",
    noun="slash command",
    aliases=("command", "slash", "co"),
    contract="library.md §11",
    roads=(road(Family.COMMANDS, _read, every=180, blind=120),),
    fields=(
        c.text("called", "COMMAND", 20, key="command", flex=1, min_width=12),
        c.text("description", "WHAT", 32, "dim", key="what", flex=2, min_width=24, priority=1),
        c.flag("takes", "ARGS", "takes", "none", key="args", priority=4),
        c.text("template", "EXPANDS TO", 32, "dim", key="template", flex=3, min_width=24, priority=3),
        c.age("created_at", key="age", priority=0),
    ),
    search=c.searching(),
    default_sort=c.by("called"),
    descending=False,
    label=c.named("{called}"),
    facts=c.groups(
        "command: called; what: description; takes arguments: takes",
        "made: created_at",
    ),
    texts=c.texts(("Expands to", "template")),
    verbs=(
        p.deletes(
            lambda client, item: client.commands.delete(item.key), "Chats do not know the command any more."
        ),
    ),
    empty="No slash commands. They are saved in a chat in the browser.",
    needs=p.session_needed("Slash commands"),
)
