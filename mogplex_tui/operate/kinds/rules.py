"""Rules: texts that every agent is given (library.md §7)."""

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
    def heading(text: str) -> str:
        return next((line.lstrip("# ") for line in text.splitlines() if line.strip("# ")), "")

    return listed(
        await client.rules.list(),
        dress=lambda row: {**row.__dict__, "says": heading(row.content), "size": len(row.content)},
    )


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "name: name; type: type; characters: size"),
        [c.when(item, "made", "created_at", context)],
    ]


KIND = Kind(
    name="rules",
    title="Rules",
    noun="rule",
    aliases=("rule", "ru"),
    contract="library.md §7",
    roads=(Road(Family.RULES, _list, every=180.0, blind=120.0),),
    fields=(
        c.text("name", "RULE", 24, flex=1, min_width=14),
        c.text("says", "SAYS", 36, "dim", flex=3, min_width=16, priority=1),
        c.text("type", "TYPE", 10, "dim", priority=3),
        c.count("size", "CHARS", 6, key="chars", priority=2),
        c.age("created_at", key="age", priority=0),
    ),
    search=c.searching("name", "type", "content"),
    default_sort=c.by("name"),
    descending=False,
    label=lambda record: str(c.value(record, "name")),
    facts=_facts,
    texts=lambda item: [("Content", text)] if (text := c.value(item, "content")) else [],
    verbs=(
        deletes(
            lambda client, item: client.rules.delete(item.key),
            "Agents are not told it any more, and what repositories say about it goes too.",
        ),
    ),
    empty="No rules. They are written in the browser, under Rules.",
    needs=session_needed("Rules"),
)
