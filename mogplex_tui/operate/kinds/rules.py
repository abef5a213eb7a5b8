"""Rules: texts that every agent is given (library.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, reading, road

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


def _dress(_: Session, row: Any) -> dict[str, Any]:
    heading = next((line.lstrip("# ") for line in row.content.splitlines() if line.strip("# ")), "")
    return dressed(row, says=heading, size=len(row.content))


_read = reading(lambda client: client.rules.list(), _dress)

KIND = Kind(
    name="rules",
    title="Rules",
    noun="rule",
    aliases=("rule", "ru"),
    contract="library.md §7",
    roads=(road(Family.RULES, _read, every=180, blind=120),),
    fields=(
        c.text("name", "RULE", 24, flex=1, min_width=14),
        c.text("says", "SAYS", 36, "dim", flex=3, min_width=30, priority=1),
        c.text("type", "TYPE", 10, "dim", priority=3),
        c.count("size", "CHARS", 6, key="chars", priority=2),
        c.age("created_at", key="age", priority=0),
    ),
    search=c.searching("content"),
    default_sort=c.by("name"),
    descending=False,
    label=c.named("{name}"),
    facts=c.groups(
        "name; type; characters: size",
        "made: created_at",
    ),
    texts=c.texts(("Content", "content")),
    verbs=(
        p.deletes(
            lambda client, item: client.rules.delete(item.key),
            "Agents are not told it any more, and what repositories say about it goes too.",
        ),
    ),
    empty="No rules. They are written in the browser, under Rules.",
    needs=p.session_needed("Rules"),
)
