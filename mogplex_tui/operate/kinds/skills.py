"""Skills: texts that agents take up when a task asks for them (library.md §6)."""

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
    return listed(await client.skills.list(), dress=lambda row: {**row.__dict__, "size": len(row.content)})


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "name: name; what: description; tags: tags; public: is_public"),
        c.group(item, "used: usage_count; characters: size; model: model"),
        [c.when(item, "made", "created_at", context), c.when(item, "changed", "updated_at", context)],
    ]


KIND = Kind(
    name="skills",
    title="Skills",
    noun="skill",
    aliases=("skill", "sk"),
    contract="library.md §6",
    roads=(Road(Family.SKILLS, _list, every=180.0, blind=120.0),),
    fields=(
        c.text("name", "SKILL", 24, flex=1, min_width=14),
        c.text("description", "WHAT", 36, "dim", key="what", flex=3, min_width=16, priority=1),
        c.text("tags", "TAGS", 16, "dim", priority=3, flex=1),
        c.flag("is_public", "PUBLIC", "public", "own", key="public", priority=2),
        c.count("usage_count", "USED", 5, key="used", priority=0),
        c.age("updated_at", key="age", priority=0),
    ),
    search=c.searching("name", "description", "tags", "is_public", "content"),
    default_sort=c.by("name"),
    descending=False,
    label=lambda record: str(c.value(record, "name")),
    facts=_facts,
    texts=lambda item: [("Content", text)] if (text := c.value(item, "content")) else [],
    verbs=(
        deletes(
            lambda client, item: client.skills.delete(item.key),
            "Agents do without it from now on, and what repositories say about it goes too.",
        ),
    ),
    empty="No skills. They are written in the browser, under Skills.",
    needs=session_needed("Skills"),
)
