"""The two streamed responses over HTTP: call events and realtime messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api import http_clients, realtime_messages
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.realtime_messages import Changed, Connected, Ping
from mogplex_tui.api.route_access import Family, Reach
from tests.api.support import CALL_ID, RUN_ID, FakeClock, Seen, http, ok, put_forward, serving, until

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(number: int, size: int = 60) -> dict[str, Any]:
    return {
        "id": f"{number:08d}-0000-4000-8000-000000000000",
        "ai_call_id": CALL_ID,
        "event_type": "log",
        "tool_name": None,
        "message": f"step {number} " + "x" * size,
        "payload": {"stage": "install", "logs": "y" * size},
        "created_at": "2026-08-05T10:00:09.123456+00:00",
    }


async def batches(client: MogplexClient) -> AsyncIterator[list[Event]]:
    async with aclosing(client.observability.call_events(CALL_ID)) as source:
        async for batch in source:
            yield batch


async def test_20000_events_do_not_block_the_event_loop() -> None:
    count = 20_000
    body = json.dumps({"events": [event(n) for n in range(count)]}).encode()
    async with serving(http(200, body)) as service, service.client() as client:
        turns = 0

        async def other_work() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(other_work())
        sizes: list[int] = []
        ids: set[str] = set()
        last = ""
        turns_between: list[int] = []
        async for batch in batches(client):
            before = turns
            sizes.append(len(batch))
            assert batch[0].id > last
            last = batch[-1].id
            ids.update(item.id for item in batch)
            await asyncio.sleep(0)
            turns_between.append(turns - before)
        other.cancel()
    assert len(ids) == sum(sizes) == count
    assert max(sizes) <= 500
    assert min(turns_between) >= 1
    assert len(service.seen) == 1 and service.seen[0].query == f"ai_call_id={CALL_ID}"


async def test_first_events_arrive_before_response_ends() -> None:
    let_go = asyncio.Event()

    async def halting(seen: Seen, writer: asyncio.StreamWriter) -> None:
        whole = json.dumps({"events": [event(n) for n in range(200)]}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(whole)
        )
        writer.write(whole[: len(whole) // 2])
        await let_go.wait()
        writer.write(whole[len(whole) // 2 :])
        await writer.drain()

    async with serving(halting) as service, service.client() as client:
        seen = 0
        async for batch in batches(client):
            assert seen or not let_go.is_set()
            seen += len(batch)
            if seen > 50:
                let_go.set()
        assert seen == 200


async def test_unparsable_row_is_marked_in_batch() -> None:
    body = {"events": [event(1), {"id": 5}, event(2)]}
    async with serving(http(200, body)) as service, service.client() as client:
        found = [batch async for batch in batches(client)]
    assert [len(batch) for batch in found] == [2]
    assert [bad.raw for bad in found[0].bad] == [{"id": 5}]  # type: ignore[attr-defined]


async def test_no_events_are_no_batches() -> None:
    async with serving(http(200, {"events": []})) as service, service.client() as client:
        assert [batch async for batch in batches(client)] == []


@pytest.mark.parametrize(("clean", "kind"), [(True, e.InvalidResponse), (False, e.Unreachable)])
async def test_truncated_response_yields_rows_then_error(clean: bool, kind: type[e.MogplexError]) -> None:
    whole = json.dumps({"events": [event(n) for n in range(1000)]}).encode()
    half = whole[: len(whole) // 2]

    async def cut(seen: Seen, writer: asyncio.StreamWriter) -> None:
        length = len(half) if clean else len(whole)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length
        )
        writer.write(half)
        await writer.drain()

    async with serving(cut) as service, service.client() as client:
        seen = 0
        with pytest.raises(kind):
            async for batch in batches(client):
                seen += len(batch)
        assert 400 < seen < 600
        assert client.budget.used() == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(404, {"error": "Call not found"}), e.NotFound),
        (http(400, {"error": "Missing ai_call_id"}), e.BadRequest),
        (http(500, b"", ""), e.ServiceFailed),
        (http(307, b"", "", Location="/login?next=x"), e.LoginRequired),
        (http(200, b"<html>", "text/html"), e.LoginRequired),
        (http(200, []), e.InvalidResponse),
        (http(200, {"events": None}), e.InvalidResponse),
        (http(200, b""), e.InvalidResponse),
    ],
)
async def test_a_refused_stream_is_a_typed_error(answer: bytes, kind: type[e.MogplexError]) -> None:
    async with serving(answer) as service, service.client() as client:
        with pytest.raises(kind, match=CALL_ID[:8]):
            async for _ in batches(client):
                pass


async def test_abandoned_stream_frees_connection_and_slot() -> None:
    body = json.dumps({"events": [event(n) for n in range(5000)]}).encode()
    async with serving(http(200, body)) as service, service.client() as client:
        for _ in range(http_clients.MAX_IN_FLIGHT * 3):
            async with asyncio.timeout(30):
                async with aclosing(client.at(Priority.ACTION).observability.call_events(CALL_ID)) as source:
                    async for _batch in source:
                        break
        assert len(service.seen) == http_clients.MAX_IN_FLIGHT * 3


# Realtime


async def listen(client: MogplexClient, *tables: str) -> list[Any]:
    heard: list[Any] = []
    async for message in client.realtime.stream(tables or ("ai_calls",)):
        heard.append(message)
    return heard


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
async def test_hints_are_parsed_across_chunk_boundaries(newline: bytes) -> None:
    stream = (
        b': connected\n\ndata: {"table":"ai_calls","op":"UPDATE"}\n\ndata: {"ta'
        b'ble":"job_runs","op":"INSERT","id":"x"}\n\n: ping\n\ndata: nonsense\n\nevent: x\ndata: {"op":1}\n\n'
    ).replace(b"\n", newline)

    async def dribble(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE)
        for start in range(0, len(stream), 7):
            writer.write(chunk(stream[start : start + 7]))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with serving(dribble) as service, service.client() as client:
        heard = await listen(client, "job_runs", "ai_calls", "ai_calls")
        assert heard == [Connected(), Changed("ai_calls", "UPDATE"), Changed("job_runs", "INSERT"), Ping()]
        assert service.seen[0].query == "tables=ai_calls%2Cjob_runs"
        assert service.seen[0].headers["accept"] == "text/event-stream"
        assert client.budget.used() == 1
        assert client.access.reach(Family.REALTIME).reach is Reach.OPEN


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (SSE + b"0\r\n\r\n", e.Unreachable),
        (SSE + chunk(b'data: {"table":"ai_calls","op":"UPDATE"}\n\n') + b"0\r\n\r\n", e.Unreachable),
        (SSE + chunk(b": connected\n\n"), e.Unreachable),
        (b"HTTP/1.1 204 No Content\r\n\r\n", e.RealtimeOff),
        (http(400, {"error": "Invalid table name: X"}), e.BadRequest),
        (http(307, b"", "", Location="/login?next=x"), e.LoginRequired),
        (http(404, b"<html>", "text/html"), e.Absent),
        (http(200, {"ok": True}), e.InvalidResponse),
        (http(503, b"", ""), e.Unavailable),
    ],
)
async def test_a_failed_connection_is_a_typed_error(answer: bytes, kind: type[e.MogplexError]) -> None:
    async def once(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with serving(once) as service, service.client() as client:
        with pytest.raises(kind) as caught:
            await listen(client)
        assert type(caught.value) is kind


async def test_access_map_records_missing_realtime() -> None:
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as service, service.client() as client:
        with pytest.raises(e.RealtimeOff):
            await listen(client)
        assert client.access.reach(Family.REALTIME).reach is Reach.ABSENT


async def test_silence_is_a_dropped_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE + chunk(b": connected\n\n"))
        await asyncio.Event().wait()

    async with serving(silent) as service, service.client() as client:
        heard: list[Any] = []

        async def hold() -> None:
            async for message in client.realtime.stream(["ai_calls"]):
                heard.append(message)

        holding = asyncio.create_task(hold())
        await until(lambda: bool(heard))
        put_forward(monkeypatch, realtime_messages.SILENCE_TIMEOUT)
        with pytest.raises(e.TimedOut):
            await asyncio.wait_for(holding, 30)
        assert heard == [Connected()]


def test_realtime_silence_timeout_is_at_least_one_minute() -> None:
    assert http_clients._STREAM_TIMEOUT.read == 60


async def test_open_stream_uses_one_budget_slot_and_no_request_slot() -> None:
    async def both(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        if "realtime" not in seen.path:
            return ok({"run": {"runId": RUN_ID, "status": "pending"}})
        writer.write(SSE + chunk(b": connected\n\n"))
        await asyncio.Event().wait()
        return None

    clock = FakeClock()
    async with serving(both) as service, service.client(clock=clock) as client:
        connected: list[Any] = []

        async def hold() -> None:
            async for message in client.realtime.stream(["ai_calls"]):
                connected.append(message)

        held = [asyncio.create_task(hold()) for _ in range(http_clients.MAX_IN_FLIGHT)]
        await until(lambda: len(connected) == http_clients.MAX_IN_FLIGHT)
        async with asyncio.timeout(30):
            assert (await client.runs.get(RUN_ID)).run_id == RUN_ID
        assert client.budget.used() == http_clients.MAX_IN_FLIGHT + 1
        clock.advance(60)
        assert client.budget.used() == 0
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


async def test_a_blocked_budget_opens_no_connection() -> None:
    budget = Budget(FakeClock(), limit=5, reserve=2)
    for _ in range(4):
        budget.acquire(Priority.ACTION)
    async with serving(http(200, b"")) as service, service.client(budget=budget) as client:
        with pytest.raises(e.BudgetBlocked):
            await listen(client)
        with pytest.raises(e.InvalidInput):
            await listen(client, "not a table")
        assert service.seen == []


async def test_slow_stream_refusal_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_clients, "RESPONSE_TIMEOUT", 0.1)

    async def drip(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 X\r\nContent-Length: 5000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.01)

    async with serving(drip) as service, service.client() as client:
        async with asyncio.timeout(30):
            with pytest.raises(e.TimedOut, match="in time"):
                async for _ in client.observability.call_events(CALL_ID):
                    raise AssertionError("no message was received")
