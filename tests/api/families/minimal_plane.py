"""A plane that has only an account, with a row factory and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import http, serving
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class MinimalPlane:
    """A plane with its clock, a row factory and a client that has both credentials."""

    server: PlaneServer
    clock: ManualClock
    world: RowFactory
    client: MogplexClient

    def as_other(self) -> MogplexClient:
        """Return a client of another account; the caller closes it."""
        token = self.world.token(self.world.profile("mallory"))
        return MogplexClient(Target("other", self.server.base_url, Secret(token)))

    def in_team(self, team: str) -> MogplexClient:
        """Return a client of the same account with an active team; the caller closes it."""
        target = Target("team", self.server.base_url, Secret(self.server.token), team=team)
        return MogplexClient(target)


@asynccontextmanager
async def run_minimal_plane(**settings: Any) -> AsyncIterator[MinimalPlane]:
    """Run a plane that has only an account, with a client of that account."""
    clock = ManualClock()
    async with PlaneServer(
        Settings(speed=0, seeded=False, rate_limit=None, **settings), clock=clock
    ) as server:
        target = Target("minimal", server.base_url, Secret(server.token), Secret(server.session_cookie))
        async with MogplexClient(target) as client:
            yield MinimalPlane(server, clock, RowFactory(server.plane, clock), client)


def running_sandbox(minimal_plane: MinimalPlane, **columns: Any) -> str:
    """Insert a running sandbox of a new repository and return its id."""
    return minimal_plane.world.sandbox(minimal_plane.world.repo("acme/small"), **columns)


async def read_events(stream: Any) -> list[Any]:
    """Read a stream to its end."""
    async with stream:
        return [event async for event in stream]


Call = Callable[[MogplexClient], Awaitable[Any]]


async def assert_not_sent(call: Call, says: str = "") -> None:
    """Assert that the client refuses a call itself and sends nothing."""
    async with serving(http(200, {})) as service, service.client() as client:
        with pytest.raises(InvalidInput, match=says or None):
            await call(client)
        assert service.seen == []
        assert client.budget.used() == 0
