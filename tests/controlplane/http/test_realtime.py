"""The realtime stream: which changes it announces, to whom and when (realtime.md)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import Message

from mogplex_tui.controlplane.automation.jobs import job_writes
from mogplex_tui.controlplane.calls import admission_writes, call_writes
from mogplex_tui.controlplane.db.change_hub import MAX_BACKLOG, Frame, Hub
from mogplex_tui.controlplane.http import realtime_routes
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory

EVERYTHING = (
    "ai_calls,ai_call_events,sandboxes,job_runs,automation_dispatch_events,limit_events,agents,assignments,"
    "triggers,repos,github_installations,connections,repo_connection_overrides,external_agent_runs,"
    "flow_node_runs,flow_waits,review_findings,end_of_test"
)
CALL_UPDATE, EVENT_INSERT = ("ai_calls", "UPDATE"), ("ai_call_events", "INSERT")
JOB_UPDATE, LEDGER_INSERT = ("job_runs", "UPDATE"), ("automation_dispatch_events", "INSERT")


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, factory: RowFactory, tables: str = EVERYTHING, **headers: str
) -> AsyncIterator[RealtimeReader]:
    url = f"/api/realtime/events?tables={tables}"
    async with client.stream("GET", url, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache, no-transform"
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        yield stream


async def test_starting_and_cancelling_a_run(client: httpx.AsyncClient, factory: RowFactory) -> None:
    body = {"repoId": factory.repo(), "prompt": "Fix"}
    headers = {"Idempotency-Key": "k"}
    async with listening(client, factory) as stream:
        run = (await client.post(f"{V1}/runs", json=body, headers=headers)).json()["data"]
        assert await stream.frames() == [
            ("limit_events", "INSERT"),
            ("ai_calls", "INSERT"),
            ("ai_call_events", "INSERT"),
        ]
        # A replay and a bad field spend quota and nothing else.
        await client.post(f"{V1}/runs", json=body, headers=headers)
        assert await stream.frames() == [("limit_events", "INSERT")]
        await client.post(f"{V1}/runs", json={**body, "prompt": ""}, headers=headers)
        assert await stream.frames() == [("limit_events", "INSERT")]
        await client.post(run["cancelUrl"])
        assert await stream.frames() == [CALL_UPDATE, EVENT_INSERT, CALL_UPDATE, EVENT_INSERT]
        await client.post(run["cancelUrl"])
        assert await stream.frames() == []


async def test_a_call_begins_works_and_ends(client: httpx.AsyncClient, factory: RowFactory) -> None:
    async with listening(client, factory) as stream:
        call = factory.call()
        assert await stream.frames() == [("ai_calls", "INSERT")]
        factory.start_streaming(call)
        assert await stream.frames() == [CALL_UPDATE, EVENT_INSERT]
        factory.event(call)
        assert await stream.frames() == [EVENT_INSERT]
        with factory.plane.db.transaction() as tx:
            call_writes.finish_call(tx, call, "success", factory.clock.us, message="Harness run finished")
        assert await stream.frames() == [CALL_UPDATE, EVENT_INSERT]


async def test_a_job_is_queued_and_started(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow()
    async with listening(client, factory) as stream:
        job = factory.job(flow)
        assert await stream.frames() == [("job_runs", "INSERT"), LEDGER_INSERT]
        job_writes.start_in_steps(factory.plane.db, job, factory.clock.us, "webhook", "run_1")
        assert await stream.frames() == [JOB_UPDATE, JOB_UPDATE, JOB_UPDATE, LEDGER_INSERT]
        # A call of a job moves the job's cost.
        call = factory.call(job_run_id=job)
        assert await stream.frames() == [("ai_calls", "INSERT"), JOB_UPDATE]
        with factory.plane.db.transaction() as tx:
            call_writes.reconcile_cost(tx, call, 0.25)
        assert await stream.frames() == [CALL_UPDATE, JOB_UPDATE]
        factory.job(flow)
        assert await stream.frames() == [("job_runs", "INSERT"), LEDGER_INSERT]


async def test_two_changes_of_row_are_one_frame_after_commit(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    first, second = factory.call(), factory.call()
    async with listening(client, factory) as stream:
        with factory.plane.db.transaction() as tx:
            for call in (first, second, first):
                call_writes.merge_metadata(tx, call, {"n": 1})
            assert await stream.frames() == []
        assert await stream.frames() == [CALL_UPDATE, CALL_UPDATE]
        with pytest.raises(RuntimeError, match="broken"), factory.plane.db.transaction() as tx:
            call_writes.merge_metadata(tx, first, {"n": 2})
            raise RuntimeError("broken")
        assert await stream.frames() == []


async def test_realtime_sends_own_and_ownerless_rows(
    client: httpx.AsyncClient, server: PlaneServer, factory: RowFactory
) -> None:
    other = factory.profile("jonas")
    flow = factory.flow(user_id=other)
    async with (
        listening(client, factory) as mine,
        listening(client, factory, Authorization=f"Bearer {factory.token(other)}") as theirs,
        listening(client, factory, "job_runs,end_of_test", Cookie=server.session_cookie) as jobs_only,
    ):
        factory.call(user_id=other)
        factory.job(flow)
        assert await theirs.frames() == [("ai_calls", "INSERT"), ("job_runs", "INSERT"), LEDGER_INSERT]
        assert await mine.frames() == [("job_runs", "INSERT")]
        # The marks of the two reads before this one are passed on as well.
        assert (await jobs_only.frames())[0] == ("job_runs", "INSERT")


async def test_silence_is_filled_with_pings(
    client: httpx.AsyncClient, factory: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert realtime_routes.PING_SECONDS == 25
    monkeypatch.setattr(realtime_routes, "PING_SECONDS", 0.01)
    async with listening(client, factory) as stream:
        assert await stream.line() == ": ping"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "Missing tables parameter"),
        ("?tables=", "Missing tables parameter"),
        ("?tables=,,", "No valid tables specified"),
        ("?tables=ai_calls, sandboxes", "Invalid table name:  sandboxes"),
        ("?tables=Repos", "Invalid table name: Repos"),
        ("?tables=a1", "Invalid table name: a1"),
    ],
)
async def test_bad_tables(client: httpx.AsyncClient, query: str, text: str) -> None:
    answer = await client.get("/api/realtime/events" + query)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_unknown_tables_are_accepted(client: httpx.AsyncClient, factory: RowFactory) -> None:
    async with listening(client, factory, "no_such_table,end_of_test,,") as stream:
        factory.call()
        assert await stream.frames() == []


async def test_a_closed_stream_is_forgotten(client: httpx.AsyncClient, factory: RowFactory) -> None:
    hub = factory.plane.hub
    async with listening(client, factory):
        assert hub.listeners == 1
    with factory.plane.db.transaction() as tx:
        admission_writes.record_limit(
            tx, user_id=factory.user, route_key="chat", decision="allowed", at=factory.clock.us
        )
    async with listening(client, factory) as stream:
        assert await stream.frames() == []
        async with asyncio.timeout(30):
            while hub.listeners > 1:
                await asyncio.sleep(0)


async def test_unread_stream_is_closed() -> None:
    hub = Hub()
    subscription = hub.subscribe("u", ["ai_calls"])
    hub.publish(Frame("ai_calls", "UPDATE", "u", str(index)) for index in range(MAX_BACKLOG + 5))
    seen = 0
    while await subscription.next(1) is not None:
        seen += 1
    assert seen == MAX_BACKLOG
    # What is cut gets nothing more, however long its reader sleeps.
    hub.publish(Frame("ai_calls", "UPDATE", "u", str(index)) for index in range(100))
    assert subscription.waiting == 0


async def test_listener_gone_before_first_byte_is_removed() -> None:
    hub = Hub()

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        raise OSError

    stream = realtime_routes.ChangeStream(hub, hub.subscribe("u", ["ai_calls"]))
    with contextlib.suppress(Exception):
        await stream({"type": "http", "asgi": {"spec_version": "2.0"}}, gone, send)
    assert hub.listeners == 0
