from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.engine.engine_driver import EngineDriver
from tests.controlplane.manual_clock import ManualClock


@pytest.fixture
async def engine(
    server: PlaneServer, client: httpx.AsyncClient, clock: ManualClock
) -> AsyncIterator[EngineDriver]:
    yield EngineDriver(server, client, clock)
