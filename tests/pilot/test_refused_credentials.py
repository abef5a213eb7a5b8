"""Credentials that the service refuses for a while are used again afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live import session
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


@pytest.fixture
async def server() -> AsyncIterator[PlaneServer]:
    async with PlaneServer(PlaneSettings(speed=0, seeded=False, fault_route=True)) as running:
        yield running


@pytest.mark.parametrize(
    ("refusal", "cookie", "key"),
    [("status:401", True, "r"), ("status:401", False, ""), ("login", True, ""), ("login", False, "r")],
    ids=["401 with session", "401 with token", "login page with session", "login page with token"],
)
async def test_lists_are_read_again_once_credentials_are_accepted(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch, cookie: bool, refusal: str, key: str
) -> None:
    monkeypatch.setattr(session, "RETRY_ACCESS_EVERY", 0.2 if not key else 600.0)
    world.call(repo_id=world.repo("acme/api"), model="acme/first")
    async with console(cookie=cookie) as ui:
        await ui.sees("first", "x cancel")
        faults = world.plane.faults
        assert faults is not None
        faults.add(parse(f"* /api/* {refusal}"))
        await ui.press("r")
        await ui.until(lambda: not ui.app.runs.listed, "a list that is closed")
        faults.clear()
        world.call(repo_id=world.repo("acme/web"), model="acme/second")
        if key:
            await ui.press(key)
        await ui.sees("second", "x cancel", "● connected")
        assert ui.app.runs.listed


async def test_figures_stay_with_their_age_when_the_session_ends(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), model="acme/nova", status="success")
    async with console() as ui:
        await ui.press("6")
        await ui.sees("models by cost", "nova")
        assert world.plane.faults is not None
        world.plane.faults.add(parse("* /api/* login"))
        await ui.press("r")
        text = await ui.sees("The browser session has expired.", "Showing the last data read.", "stale ")
        assert "as of" not in text and "nova" in text and "Dispatch" in text
        # What is old is drawn as old.
        assert ui.app.screen.query_one("#page").opacity < 1


async def test_no_list_is_announced_if_v1_is_closed_too(console: Run, world: RowFactory) -> None:
    assert world.plane.faults is not None
    for method in ("GET", "POST"):
        world.plane.faults.add(parse(f"{method} /api/* 403"))
    async with console() as ui:
        text = await ui.sees(
            "This credential has no permission for the calls", "has no permission for the automations"
        )
        assert "You see" not in text
        # The refusal was of the agents, whose names are read first. Where no row is, each sentence has a line.
        await ui.app.parts.navigation.go("jobs")
        lines = (await ui.sees("Jobs are not open to this credential.")).splitlines()
        at = next(at for at, line in enumerate(lines) if "Jobs are not open" in line)
        assert lines[at + 1].strip() == "This credential has no permission for the agents: Forbidden."
        await ui.press("6")
        await ui.sees("Figures and costs are not open to this credential.")


async def test_unreadable_call_shows_the_reason_and_its_raw_json(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    assert world.plane.faults is not None
    world.plane.faults.add(parse("GET /api/observability/calls wrong-types:status"))
    async with console(size=(80, 24)) as ui:
        await ui.sees("▫ unreadable", "status is no")
        await ui.press("enter")
        text = await ui.sees(
            "This call could not be read: status is not a text. j shows its JSON.",
            "Events unavailable",
        )
        assert "No events yet" not in text
        await ui.press("j")
        await ui.sees('"type": "agent"')
