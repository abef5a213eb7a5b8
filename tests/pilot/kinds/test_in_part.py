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


@pytest.mark.parametrize(
    ("route", "other", "said"),
    [
        ("/api/flows/approvals", {"control"}, "Approvals of automations are"),
        ("/api/control/approvals", {"tool", "step"}, "Approvals of the orchestrator are"),
    ],
)
async def test_approvals_of_one_sort_are_shown_though_the_other_is_refused_or_fails(
    console: Callable[..., Any], route: str, other: set[str], said: str
) -> None:
    async with console() as ui:
        screen = await shown(ui, "approvals")
        feed, rows = ui.app.collection(kinds()["approvals"]).feed, screen.rows_of().rows
        before = set(rows)
        # One that only fails now may answer again: what was read of it is not taken away meanwhile.
        _fail(ui, f"GET {route} status:500")
        ui.app.session.scheduler.refresh(feed)
        await ui.until(lambda: f"{said} shown as they were read before." in squeezed(ui.text), "the failure")
        assert set(rows) == before
        _fail(ui, f"GET {route} status:403")
        ui.app.session.scheduler.refresh(feed)
        await ui.until(lambda: set(rows) < before, "what is refused leaving the list")
        await ui.until(lambda: f"{said} not shown." in squeezed(ui.text), "what is missing being said")
        sorts = {item.record["sort"] for item in rows.values()}
        assert sorts and sorts <= other


async def test_no_approvals_that_could_be_read_are_not_called_none(console: Callable[..., Any]) -> None:
    async with console() as ui:
        with ui.server.plane.db.transaction() as tx:
            tx.execute("DELETE FROM control_approvals")
        _fail(ui, "GET /api/flows/approvals status:500")
        await ui.app.go("approvals")
        await ui.sees("The service failed", "r retries now")
        assert "Nothing waits" not in ui.text
