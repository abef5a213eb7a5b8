"""Rules: instructions that every agent gets (library.md §7)."""

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
    from mogplex_tui.api.models.rules_and_commands import Rule
    from mogplex_tui.live.session import Session


async def _read(client: ClientView, _: Session) -> RowPage[Rule]:
    return page_of(await client.rules.list(), lambda rule: rule, lambda rule: rule.id)


def _heading(rule: Rule) -> str:
    return next((line.lstrip("# ") for line in rule.content.splitlines() if line.strip("# ")), "")


KIND: Kind[Rule] = Kind(
    name="rules",
    title="Rules",
    noun="rule",
    aliases=("rule", "ru"),
    contract="library.md §7",
    sources=(Source(Family.RULES, _read, poll=180, poll_without_realtime=120),),
    columns=(
        column(
            "name",
            "RULE",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=1, min_width=14),
            is_text=True,
        ),
        column(
            "title",
            "TITLE",
            _heading,
            formats.text("dim"),
            Layout(36, priority=1, flex=3, min_width=30),
            field="heading",
            is_text=True,
        ),
        column(
            "type", "TYPE", lambda row: row.type, formats.text("dim"), Layout(10, priority=3), is_text=True
        ),
        column(
            "chars",
            "CHARS",
            lambda row: len(row.content),
            formats.count(),
            Layout(6, priority=2),
            field="characters",
        ),
        column("age", "AGE", lambda row: row.created_at, formats.AGE, Layout(4), field="created_at"),
    ),
    label=lambda row: row.name,
    default_sort="name",
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("type", lambda row: row.type),
            Fact("characters", lambda row: len(row.content)),
        ),
        (Fact("created", lambda row: row.created_at),),
    ),
    texts=(TextBlock("Content", lambda row: row.content),),
    hidden_filters={"content": lambda row: row.content, "says": _heading},
    actions=(
        toggle_delete_actions.delete(
            lambda change: change.client.rules.delete(change.key),
            "Agents no longer get it; repository settings for it are deleted too.",
            Family.RULES,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No rules. Create rules in the browser, under Rules.",
    needs=Requirement("rules"),
)
