"""Slash commands of chats and the texts that replace them (library.md §11)."""

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
    from mogplex_tui.api.models.rules_and_commands import Command
    from mogplex_tui.live.session import Session


async def _read(client: ClientView, _: Session) -> RowPage[Command]:
    return page_of(await client.commands.list(), lambda command: command, lambda command: command.id)


def _as_typed(command: Command) -> str:
    return f"/{command.name.lstrip('/')}"


def _takes_arguments(command: Command) -> bool:
    return "$ARGS" in command.template


KIND: Kind[Command] = Kind(
    name="commands",
    title="Slash commands",
    noun="slash command",
    aliases=("command", "slash", "co"),
    contract="library.md §11",
    sources=(Source(Family.COMMANDS, _read, poll=180, poll_without_realtime=120),),
    columns=(
        column(
            "command",
            "COMMAND",
            _as_typed,
            formats.text(),
            Layout(20, flex=1, min_width=12),
            field="name",
            is_text=True,
        ),
        column(
            "description",
            "DESCRIPTION",
            lambda row: row.description,
            formats.text("dim"),
            Layout(32, priority=1, flex=2, min_width=24),
            field="description",
            is_text=True,
        ),
        column(
            "args",
            "ARGS",
            _takes_arguments,
            formats.flag("takes", "none"),
            Layout(7, priority=4),
            field="takes_arguments",
        ),
        column(
            "template",
            "EXPANDS TO",
            lambda row: row.template,
            formats.text("dim"),
            Layout(32, priority=3, flex=3, min_width=24),
            is_text=True,
        ),
        column("age", "AGE", lambda row: row.created_at, formats.AGE, Layout(4), field="created_at"),
    ),
    hidden_filters={"what": lambda row: row.description},
    label=_as_typed,
    default_sort="command",
    facts=(
        (
            Fact("command", _as_typed),
            Fact("description", lambda row: row.description),
            Fact("takes arguments", _takes_arguments),
        ),
        (Fact("created", lambda row: row.created_at),),
    ),
    texts=(TextBlock("Expands to", lambda row: row.template),),
    actions=(
        toggle_delete_actions.delete(
            lambda change: change.client.commands.delete(change.key),
            "Chats can no longer use the command.",
            Family.COMMANDS,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No slash commands. Save slash commands in a chat in the browser.",
    needs=Requirement("slash commands"),
)
