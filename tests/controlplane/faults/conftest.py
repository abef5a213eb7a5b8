"""A plane whose faults are controlled over HTTP, and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults.control_route import PATH
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock

Switch = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[PlaneServer]:
    async with PlaneServer(Settings(speed=0, seeded=False, fault_route=True), clock=clock) as running:
        yield running


@pytest.fixture
def fault(anonymous: httpx.AsyncClient) -> Switch:
    """Activate fault rules; returns them as the plane lists them."""

    async def switch(*rules: str) -> list[dict[str, Any]]:
        answer = await anonymous.post(PATH, json={"rules": list(rules)})
        assert answer.status_code == 201, answer.text
        added: list[dict[str, Any]] = answer.json()["faults"]
        return added

    return switch
