"""A plane with the makers of this family, and somebody else who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.projects.support import Projects
from tests.controlplane.support import World


@pytest.fixture
def projects(world: World) -> Projects:
    return Projects(world)


@pytest.fixture
async def stranger(server: PlaneServer, projects: Projects, world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with projects.client(server.base_url, world.profile("stranger")) as opened:
        yield opened
