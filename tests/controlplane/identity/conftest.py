"""A plane of one file of tests, and people who may talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.identity.support import People
from tests.controlplane.support import World


@pytest.fixture
async def people(server: PlaneServer, world: World) -> AsyncIterator[People]:
    async with People(server, world) as found:
        yield found
