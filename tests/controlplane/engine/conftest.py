from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.engine.support import Desk
from tests.controlplane.support import ManualClock


@pytest.fixture
async def desk(server: PlaneServer, client: httpx.AsyncClient, clock: ManualClock) -> AsyncIterator[Desk]:
    yield Desk(server, client, clock)
