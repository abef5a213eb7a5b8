"""A service that refuses good credentials for a while, as it does while its database is down, is not lost for good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from mogplex_tui.controlplane.edge.parse import parse
from mogplex_tui.controlplane.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live import session
from tests.controlplane.support import World

Run = Callable[..., Any]


@pytest.fixture
async def server() -> AsyncIterator[PlaneServer]:
    async with PlaneServer(PlaneSettings(speed=0, seeded=False, fault_route=True)) as running:
        yield running


@pytest.mark.parametrize(
    ("refusal", "cookie", "key"),
    [("status:401", True, "r"), ("status:401", False, ""), ("login", True, ""), ("login", False, "r")],
)
async def test_what_was_open_is_read_again_once_it_accepts_the_credential_again(
    console: Run, world: World, monkeypatch: pytest.MonkeyPatch, cookie: bool, refusal: str, key: str
) -> None:
    monkeypatch.setattr(session, "DOUBTS", 0.2 if not key else 600.0)
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
        await ui.sees("second", "x cancel", "● nominal")
        assert ui.app.runs.listed
