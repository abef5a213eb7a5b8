from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.machine_credentials import SETTINGS
from tests.controlplane.manual_clock import ManualClock


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[PlaneServer]:
    async with PlaneServer(SETTINGS, clock=clock) as running:
        yield running
