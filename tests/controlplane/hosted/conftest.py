"""A plane of the hosted profile with an account and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock

SETTINGS = Settings(speed=0, seeded=False, profile="hosted")


@pytest.fixture
async def hosted(clock: ManualClock) -> AsyncIterator[PlaneServer]:
    async with PlaneServer(SETTINGS, clock=clock) as running:
        yield running


@pytest.fixture
def server(hosted: PlaneServer) -> PlaneServer:
    return hosted


@pytest.fixture
async def session(server: PlaneServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Cookie": server.session_cookie}
    async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as opened:
        yield opened
