"""Fixtures: a plane in either profile, and commands with a token alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandRunner, SystemClock


@pytest.fixture(params=["documented", "hosted"])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def plane(profile: str) -> AsyncIterator[PlaneServer]:
    settings = Settings(speed=0, seeded=False, rate_limit=None, profile=profile, fault_route=True)
    async with PlaneServer(settings, clock=SystemClock()) as running:
        yield running


@pytest.fixture
def token_only(mogplex: CommandRunner, plane: PlaneServer) -> CommandRunner:
    """The commands with a token alone.

    The hosted edge closes most unversioned routes to it.
    """
    mogplex.use(plane.base_url, token=plane.token)
    return mogplex
