"""Of what comes in several answers, what was read is shown, and what was not says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mogplex_tui.controlplane.edge.parse import parse
from mogplex_tui.controlplane.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.story import on, shown
from tests.pilot.kinds.walking import squeezed


@pytest.fixture
async def server() -> Any:
    """A plane that tells its ordinary day, and of which routes can be made to fail."""
    async with PlaneServer(Settings(speed=0, seeded=True, rate_limit=None, fault_route=True)) as running:
        yield running


def _fail(ui: Any, rule: str) -> None:
    faults = ui.server.plane.faults
    faults.clear()
    faults.add(parse(rule))


async def test_settings_are_shown_though_the_answer_about_the_account_is_wrong(
    console: Callable[..., Any],
) -> None:
    async with console(size=(80, 24)) as ui:
        _fail(ui, "GET /api/auth/user wrong-types:user")
        screen = await shown(ui, "settings")
        told = squeezed(await ui.sees("default model", "not shown"))
        assert "The answer for the account" in told
        assert "The readiness is not shown." in told
        assert set(screen.rows_of().rows) == {"default_model", "theme"}
        _fail(ui, "GET /api/settings wrong-types:theme,default_model")
        ui.app.session.scheduler.refresh(ui.app.collection(kinds()["settings"]).feed)
        await ui.sees("signed in as", "The answer for the settings")
        assert not set(screen.rows_of().rows) & {"default_model", "theme"}


async def test_the_personal_team_says_that_its_list_fails(console: Callable[..., Any]) -> None:
    async with console() as ui:
        await on(ui, "teams", "personal")
        await ui.press("enter")
        await ui.until(lambda: len(ui.app.screen_stack) > 1 and ui.app.screen.query("#facts"), "its record")
        _fail(ui, "GET /api/memberships status:503")
        feed = ui.app.collection(kinds()["teams"]).feed
        for failures in (1, 2):
            ui.app.session.scheduler.refresh(feed)
            await ui.until(lambda failures=failures: feed.freshness.failures >= failures, "a failure")
        await ui.sees("What was read before stays")
