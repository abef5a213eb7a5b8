"""Going from place to place by mouse and by quick keys: one press, one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events

from mogplex_tui.screens.runs import RunsScreen
from mogplex_tui.widgets.tab_line import TabLine
from tests.controlplane.support import World

Run = Callable[..., Any]


def _stack(ui: Any) -> list[type]:
    return [type(screen) for screen in ui.app.screen_stack]


def _click_tab(ui: Any, title: str) -> None:
    """Click a tab without waiting for the answer."""
    tabs = ui.app.screen.query_one(TabLine)
    at = tabs.render_line(0).text.index(title)
    tabs.post_message(events.Click(tabs, at, 0, 0, 0, 1, False, False, False))


async def test_a_click_on_the_tab_one_is_in_leads_out_of_a_record_and_the_console_goes_on(
    console: Run, world: World
) -> None:
    world.call(repo_id=world.repo("acme/api"), status="success")
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("following")
        _click_tab(ui, "Runs")
        await ui.sees("Runs   1")
        assert _stack(ui) == [RunsScreen]
        _click_tab(ui, "Observability")
        await ui.sees("last 24 h")
        await ui.press("1")
        await ui.sees("acme/api")
