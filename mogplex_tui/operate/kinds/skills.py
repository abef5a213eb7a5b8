"""Skills: texts that agents take up when a task asks for them (library.md §6)."""

from __future__ import annotations

from mogplex_tui.api.access import Family
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, reading, road

_read = reading(lambda client: client.skills.list(), lambda _, row: dressed(row, size=len(row.content)))

KIND = Kind(
    name="skills",
    title="Skills",
    noun="skill",
    aliases=("skill", "sk"),
    contract="library.md §6",
    roads=(road(Family.SKILLS, _read, every=180, blind=120),),
    fields=(
        c.text("name", "SKILL", 24, flex=1, min_width=14),
        c.text("description", "WHAT", 36, "dim", key="what", flex=3, min_width=30, priority=1),
        c.text("tags", "TAGS", 16, "dim", priority=3, flex=1),
        c.flag("is_public", "PUBLIC", "public", "own", key="public", priority=2),
        c.count("usage_count", "USED", 5, key="used", priority=0),
        c.age("updated_at", key="age", priority=0),
    ),
    search=c.searching("content"),
    default_sort=c.by("name"),
    descending=False,
    label=c.named("{name}"),
    facts=c.groups(
        "name; what: description; tags; public: is_public",
        "used: usage_count; characters: size; model",
        "made: created_at; changed: updated_at",
    ),
    texts=c.texts(("Content", "content")),
    verbs=(
        p.deletes(
            lambda client, item: client.skills.delete(item.key),
            "Agents do without it from now on, and what repositories say about it goes too.",
        ),
    ),
    empty="No skills. They are written in the browser, under Skills.",
    needs=p.session_needed("Skills"),
)
