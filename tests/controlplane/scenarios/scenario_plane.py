"""A control plane that runs a scenario over HTTP; the test advances its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import iso_app
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.controlplane.simulator import Simulator
from tests.controlplane.manual_clock import ManualClock


class ScenarioPlane:
    """A running plane, a client with its session and token, and its simulated time."""

    def __init__(self, server: PlaneServer, client: httpx.AsyncClient, clock: ManualClock) -> None:
        self.server, self.client, self.clock = server, client, clock
        self.started_us = clock.us
        self._simulator = Simulator(server.plane, speed=1.0)
        self._simulator.begin(arrivals=server.plane.settings.seeded)

    def go(self, seconds: int) -> None:
        """Advance the simulated time second by second."""
        for _ in range(seconds):
            self.clock.advance(1)
            self._simulator.step_until(self.clock.us)

    async def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of an answer, which must be a 200."""
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        return answer.json()

    async def calls(self, **params: Any) -> int:
        """Count the calls since the start that match the filters."""
        found = await self.get(
            "/api/observability/calls", **{"from": iso_app(self.started_us), "limit": 1}, **params
        )
        return int(found["total"])

    async def figures(self) -> dict[str, Any]:
        """Return the summary of the statistics since the start."""
        found = await self.get(
            "/api/observability/stats", **{"from": iso_app(self.started_us), "to": iso_app(self.clock.us)}
        )
        return dict(found["summary"])


@asynccontextmanager
async def open_scenario_plane(scenario: str | None, **settings: Any) -> AsyncIterator[ScenarioPlane]:
    """Start a small plane of a scenario without a request limit."""
    clock = ManualClock()
    chosen = Settings(scenario=scenario, speed=0, rate_limit=None, scale="small")._replace(**settings)
    async with PlaneServer(chosen, clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}", "Cookie": server.session_cookie}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            yield ScenarioPlane(server, client, clock)
