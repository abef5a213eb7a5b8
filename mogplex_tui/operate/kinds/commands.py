"""Commands: saved slash commands and what they expand to (library.md §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, listed
from mogplex_tui.operate.kinds.parts import deletes, session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, _: Session) -> Listing:
    return listed(
        await client.commands.list(),
        dress=lambda row: {
            **row.__dict__,
            "called": f"/{row.name.lstrip('/')}",
            "takes": "$ARGS" in row.template,
        },
    )


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "command: called; what: description; takes arguments: takes"),
        [c.when(item, "made", "created_at", context)],
    ]


KIND = Kind(
    name="commands",
    title="Slash commands",
    noun="command",
    aliases=("command", "slash", "co"),
    contract="library.md §11",
    roads=(Road(Family.COMMANDS, _list, every=180.0, blind=120.0),),
    fields=(
        c.text("called", "COMMAND", 20, key="command", flex=1, min_width=12),
        c.text("description", "WHAT", 32, "dim", key="what", flex=2, min_width=14, priority=1),
        c.flag("takes", "ARGS", "takes", "none", key="args", priority=2),
        c.text("template", "EXPANDS TO", 32, "dim", key="template", flex=3, min_width=16, priority=3),
        c.age("created_at", key="age", priority=0),
    ),
    search=c.searching("called", "description", "template", "takes"),
    default_sort=c.by("called"),
    descending=False,
    label=lambda record: str(c.value(record, "called")),
    facts=_facts,
    texts=lambda item: [("Expands to", text)] if (text := c.value(item, "template")) else [],
    verbs=(
        deletes(
            lambda client, item: client.commands.delete(item.key), "Chats do not know the command any more."
        ),
    ),
    empty="No slash commands. They are saved in a chat in the browser.",
    needs=session_needed("Slash commands"),
)
