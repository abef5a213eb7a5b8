"""All events of a call in one answer, however many (observability.md §4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.db.database import Database
from mogplex_tui.controlplane.observability import call_routes, event_json
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory

SLICE = 10


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_json, "SLICE", SLICE)


def _events(factory: RowFactory, call: str, count: int) -> list[str]:
    """Insert this many events, three at each instant."""
    with factory.plane.db.transaction() as tx:
        return [
            call_writes.append_event(
                tx, call_id=call, type="log", message=f"{n}", at=factory.clock.us + n // 3
            )
            for n in range(count)
        ]


@pytest.mark.parametrize("count", [0, 1, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE, 7 * SLICE + 3])
async def test_every_event_is_there_once_and_in_order(
    client: httpx.AsyncClient, factory: RowFactory, count: int
) -> None:
    call = factory.call()
    ids = _events(factory, call, count)
    _events(factory, factory.call(), 3)
    answer = await client.get(f"/api/observability/call-events?ai_call_id={call}")
    assert answer.headers["content-type"] == "application/json"
    assert [event["id"] for event in answer.json()["events"]] == ids


async def test_a_cancel_is_answered_while_a_long_answer_is_made(
    server: PlaneServer, client: httpx.AsyncClient, factory: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, other = factory.call(), factory.call()
    _events(factory, call, 300 * SLICE)
    order: list[str] = []
    begun = asyncio.Event()

    def seen(db: Database, call_id: str) -> Iterator[str]:
        for piece in event_json.events_body(db, call_id):
            order.append("piece")
            begun.set()
            yield piece

    monkeypatch.setattr(call_routes, "events_body", seen)
    server.plane.callbacks.on_cancel.append(order.append)
    # A connection of its own, which is open already.
    assert (await client.get("/api/auth/user")).status_code == 200
    async with httpx.AsyncClient(base_url=server.base_url, headers=client.headers) as reader:
        reading = asyncio.create_task(reader.get(f"/api/observability/call-events?ai_call_id={call}"))
        await begun.wait()
        assert (await client.post(f"/api/observability/calls/{other}/cancel")).status_code == 200
        assert len((await reading).json()["events"]) == 300 * SLICE
    assert order.index(other) < len(order) - 1, "the cancel came after the last piece"
