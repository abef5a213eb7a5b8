"""Successful answers of sandbox routes against the schemas of the real service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.sandboxes.states import STATUSES
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import BOX, end_sandboxes, read_sandboxes
from tests.contract.schemas import shapes_of
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


@asynccontextmanager
async def plane(seeded: bool) -> AsyncIterator[tuple[Checker, RowFactory]]:
    """A plane with a client that checks its answers."""
    clock = ManualClock()
    settings = Settings(speed=0, seeded=seeded, rate_limit=None)
    async with PlaneServer(settings, clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            yield Checker(client), RowFactory(server.plane, clock)


async def test_responses_match_contract_schemas() -> None:
    async with plane(seeded=False) as (check, factory):
        repo = factory.repo()
        for state in STATUSES:
            name = "pending" if state == "creating" else f"vm-{state}"
            factory.sandbox(repo, status=state, working_branch=state, sandbox_id=name)
        kept = factory.sandbox(repo, working_branch="kept", provider_view="silent", snapshot_id="snap_1")
        await check("GET_api.sandbox.-_200", "GET", f"{BOX}/{kept}")
        await check("GET_api.sandbox.-.health_200", "GET", f"{BOX}/{kept}/health")
        await end_sandboxes(check, [*await read_sandboxes(check), kept])
        assert check.met == shapes_of("sandboxes")


async def test_seeded_account_matches_contract_schemas() -> None:
    async with plane(seeded=True) as (check, _):
        await end_sandboxes(check, await read_sandboxes(check))
        assert check.met == shapes_of("sandboxes")
