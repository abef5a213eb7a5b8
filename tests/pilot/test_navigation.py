"""Navigation by mouse and by fast key presses: one press is one step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.widgets import Select, TextArea

from mogplex_tui.api.errors import Unavailable
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.screens.run_screen import RunScreen
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.tab_line import TabLine
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _stack(ui: Any) -> list[type]:
    return [type(screen) for screen in ui.app.screen_stack]


def _click_tab(ui: Any, title: str) -> None:
    """Click a tab without waiting for its effect."""
    tabs = ui.app.screen.query_one(TabLine)
    at = tabs.render_line(0).text.index(title)
    tabs.post_message(events.Click(tabs, at, 0, 0, 0, 1, False, False, False))


async def test_click_on_the_current_tab_leaves_the_record(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), status="success")
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("following")
        _click_tab(ui, "Runs")
        await ui.sees("Runs   1")
        assert _stack(ui) == [ListScreen]
        _click_tab(ui, "Observability")
        await ui.sees("last 24 h")
        await ui.press("1")
        await ui.sees("acme/api")


async def test_two_presses_on_a_run_open_it_once(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api")
        table = ui.app.screen.table
        for _ in range(2):
            table.post_message(LineTable.RowSelected(table, table.cursor_key))
        await ui.sees("following")
        assert _stack(ui) == [ListScreen, RunScreen]


@pytest.mark.parametrize("refused", [False, True], ids=["started", "refused"])
async def test_late_start_of_a_run_does_not_change_the_screen(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    from mogplex_tui.operate import run_changes

    let_go, start = asyncio.Event(), run_changes.start

    async def late(*given: Any) -> Any:
        await let_go.wait()
        if refused:
            raise Unavailable("it rests", resource="runs", status=503)
        return await start(*given)

    monkeypatch.setattr(run_changes, "start", late)
    repo = world.repo("acme/web")
    async with console() as ui:
        await ui.until(lambda: ui.app.session.names.repos)
        await ui.press("n")
        await ui.sees("New run")
        ui.app.screen.query_one("#repo", Select).value = repo
        ui.app.screen.query_one("#prompt", TextArea).focus()
        await ui.press(*"fix it", "ctrl+s", "6")
        await ui.sees("last 24 h")
        let_go.set()
        await ui.until(lambda: ui.app._notifications, "a word of it")
        (message,) = [notice.message for notice in ui.app._notifications]
        assert "Not started. " in message if refused else message.endswith("has started.")
        assert "acme/web" in message or "n on the Runs screen opens it" in message
        assert len(ui.app.screen_stack) == 1
        await ui.press("1", "n")
        await ui.sees("New run")
        assert ui.app.screen.query_one("#prompt", TextArea).text == ("fix it" if refused else "")
