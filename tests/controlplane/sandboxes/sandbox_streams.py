"""Read the event streams of sandbox routes, and create rows for their tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

BOX = "/api/sandbox"


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of a stream that has ended.

    Every event must be a data line of its own.
    """
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    blocks = [block for block in answer.text.split("\n\n") if block]
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block[len("data: ") :]) for block in blocks]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    """Return the event types in order, with consecutive repeats merged."""
    names = [event["type"] for event in found]
    return [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]


async def next_event(lines: AsyncIterator[str]) -> dict[str, Any]:
    """Return the next event of an open stream."""
    async for line in lines:
        if line:
            found: dict[str, Any] = json.loads(line[len("data: ") :])
            return found
    raise AssertionError("the stream ended")


async def idle(server: PlaneServer) -> None:
    """Wait until no background work of the plane is left."""
    async with asyncio.timeout(30):
        while server.plane.sandbox_tasks.task_count:
            await asyncio.sleep(0.005)


def status(answer: httpx.Response) -> str:
    """Return the lifecycle status in an answer with one record."""
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["sandbox"]["runtime_summary"]["status"]
    return found


@asynccontextmanager
async def running(speed: float) -> AsyncIterator[tuple[PlaneServer, RowFactory, httpx.AsyncClient]]:
    """Run a plane at a simulation speed; yield it, a row factory and a client."""
    clock = ManualClock()
    async with PlaneServer(Settings(speed=speed, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            yield server, RowFactory(server.plane, clock), client


def team(factory: RowFactory, role: str) -> str:
    """Insert a team in which the account has this role; returns its id."""
    owner = factory.user if role == "owner" else factory.profile(f"lead-{role}")
    with factory.plane.db.transaction() as tx:
        team_id = tx.new_id()
        tx.insert(
            "teams",
            id=team_id,
            name=f"Team {role}",
            slug=f"team-{role}",
            owner_user_id=owner,
            created_at=factory.clock.us,
            updated_at=factory.clock.us,
        )
        if owner != factory.user:
            tx.insert(
                "team_members",
                id=tx.new_id(),
                team_id=team_id,
                user_id=factory.user,
                role=role,
                joined_at=factory.clock.us,
            )
    return team_id


def tick(factory: RowFactory, record_id: str, **columns: Any) -> None:
    """Set columns of a record directly, as a provider or an older server would."""
    with factory.plane.db.transaction() as tx:
        tx.update("sandboxes", record_id, **columns)
