"""Skills: instructions that agents load for certain tasks (library.md §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import toggle_delete_actions
from mogplex_tui.operate.model import Fact, Kind, Layout, RowPage, Source, TextBlock, column
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.skills import Skill
    from mogplex_tui.live.session import Session


async def _read(client: ClientView, _: Session) -> RowPage[Skill]:
    return page_of(await client.skills.list(), lambda skill: skill, lambda skill: skill.id)


KIND: Kind[Skill] = Kind(
    name="skills",
    title="Skills",
    noun="skill",
    aliases=("skill", "sk"),
    contract="library.md §6",
    sources=(Source(Family.SKILLS, _read, poll=180, poll_without_realtime=120),),
    columns=(
        column(
            "name",
            "SKILL",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=1, min_width=14),
            is_text=True,
        ),
        column(
            "description",
            "DESCRIPTION",
            lambda row: row.description,
            formats.text("dim"),
            Layout(36, priority=1, flex=3, min_width=30),
            field="description",
            is_text=True,
        ),
        column(
            "tags",
            "TAGS",
            lambda row: tuple(row.tags),
            formats.texts("dim"),
            Layout(16, priority=3, flex=1),
            is_text=True,
        ),
        column(
            "public",
            "PUBLIC",
            lambda row: row.is_public,
            formats.flag("public", "private"),
            Layout(9, priority=2),
            field="is_public",
        ),
        column("used", "USED", lambda row: row.usage_count, formats.count(), Layout(5), field="usage_count"),
        column("age", "AGE", lambda row: row.updated_at, formats.AGE, Layout(4), field="updated_at"),
    ),
    label=lambda row: row.name,
    default_sort="name",
    created_at=lambda row: row.created_at,
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("description", lambda row: row.description),
            Fact("tags", lambda row: row.tags),
            Fact("public", lambda row: row.is_public),
        ),
        (
            Fact("used", lambda row: row.usage_count),
            Fact("characters", lambda row: len(row.content)),
            Fact("model", lambda row: row.model),
        ),
        (Fact("created", lambda row: row.created_at), Fact("updated", lambda row: row.updated_at)),
    ),
    texts=(TextBlock("Content", lambda row: row.content),),
    hidden_filters={"content": lambda row: row.content, "what": lambda row: row.description},
    actions=(
        toggle_delete_actions.delete(
            lambda change: change.client.skills.delete(change.key),
            "Agents can no longer use it; repository settings for it are deleted too.",
            Family.SKILLS,
        ),
    ),
    empty="No skills. Create skills in the browser, under Skills.",
    needs=Requirement("skills"),
)
