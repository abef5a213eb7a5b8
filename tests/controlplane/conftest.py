"""A plane on loopback with an empty account, and clients for its credentials."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[PlaneServer]:
    async with PlaneServer(Settings(speed=0, seeded=False), clock=clock) as running:
        yield running


@pytest.fixture
def factory(server: PlaneServer, clock: ManualClock) -> RowFactory:
    return RowFactory(server.plane, clock)


@pytest.fixture
async def client(server: PlaneServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as opened:
        yield opened


@pytest.fixture
async def anonymous(server: PlaneServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.base_url) as opened:
        yield opened


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a case by its JSON, at most 60 characters of it, if it is a dict or a list."""
    return json.dumps(val, default=repr)[:60] if isinstance(val, (dict, list)) else None
