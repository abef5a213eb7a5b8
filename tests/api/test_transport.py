"""The transport against a real loopback service that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api import http_clients
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.connection_state import ConnectionState
from mogplex_tui.api.models.runs import RunStart
from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.support import (
    CALL_ID,
    COOKIE,
    RUN_ID,
    TOKEN,
    FakeClock,
    Seen,
    http,
    ok,
    refused,
    serving,
    until,
)

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"
RUN = {"runId": RUN_ID, "status": "streaming"}
LIMIT = refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60")
UNAUTHORIZED = http(401, {"error": "Unauthorized"})
NO_CALLS = http(200, {"calls": [], "total": 0, "page": 1, "limit": 100})


@pytest.mark.parametrize(
    ("answer", "kind", "used"),
    [
        (refused(401, "UNAUTHORIZED", "Unauthorized"), e.NotSignedIn, 0),
        (refused(403, "FORBIDDEN", "Missing required scope: read."), e.NotAllowed, 1),
        (refused(404, "NOT_FOUND", "Run not found"), e.NotFound, 1),
        (http(404, b"<html>no</html>", "text/html"), e.Absent, 0),
        (http(405, b"", ""), e.Absent, 0),
        (refused(409, "CONFLICT", "Run is no longer active"), e.Conflict, 1),
        (LIMIT, e.Throttled, 0),
        (http(429, b"slow down", "text/plain"), e.Throttled, 0),
        (
            refused(429, "RATE_LIMITED", "Daily external Mogplex run quota exceeded", Retry_After="9"),
            e.Throttled,
            1,
        ),
        (http(500, b"", ""), e.ServiceFailed, 1),
        (refused(503, "SERVICE_UNAVAILABLE", "x", Retry_After="60"), e.Unavailable, 1),
        (http(307, b"/login", "", Location="/login?next=%2Fapi"), e.LoginRequired, 0),
        (http(307, b"", "", Location="https://elsewhere.example/login"), e.LoginRequired, 0),
        (http(308, b"", "", Location="https://elsewhere.example/api"), e.Redirected, 0),
        (http(200, b"<html>Sign in</html>", "text/html; charset=utf-8"), e.LoginRequired, 1),
        (http(200, b'{"ok":true,"data":{"run":', "application/json"), e.InvalidResponse, 1),
        (http(200, b"OK", "text/plain"), e.InvalidResponse, 1),
        (http(200, b"", ""), e.InvalidResponse, 1),
        (ok({"run": {"runId": 5}}), e.InvalidResponse, 1),
        (ok({"run": None}), e.InvalidResponse, 1),
        (ok([]), e.InvalidResponse, 1),
        (http(200, b"\x00", "application/json", Content_Encoding="gzip"), e.InvalidResponse, 1),
        (b"HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n{", e.Unreachable, 1),
        (b"nonsense\r\n\r\n", e.Unreachable, 1),
        (b"", e.Unreachable, 1),
    ],
)
async def test_bad_response_is_typed_error_and_settles_budget(
    answer: bytes, kind: type[e.MogplexError], used: int
) -> None:
    async def once(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with serving(once) as service, service.client() as client:
        with pytest.raises(kind) as caught:
            await client.runs.get(RUN_ID)
        assert type(caught.value) is kind
        assert client.budget.used() == used
        assert len(service.seen) == 1
        assert TOKEN not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
        assert "8f3a2b1c" in f"{caught.value} {caught.value.resource}"
        assert caught.value.request_id


async def test_unknown_fields_and_words_are_no_trouble() -> None:
    run = {**RUN, "status": "dreaming", "brandNew": {"x": 1}, "branch": {"base": None}, "createdAt": None}
    async with serving(ok({"run": run, "more": 1})) as service, service.client() as client:
        found = await client.runs.get(RUN_ID)
    assert (found.run_id, found.status, found.branch.base) == (RUN_ID, "dreaming", "")


async def test_refused_connection_is_unreachable_and_not_counted() -> None:
    async with serving(b"") as service:
        client = service.client()
    async with client:
        with pytest.raises(e.Unreachable, match="No connection to 127"):
            await client.runs.get(RUN_ID)
        assert client.budget.used() == 0
        assert client.connection.state is ConnectionState.OFFLINE


@pytest.mark.parametrize("dripping", [False, True])
async def test_a_slow_answer_ends_in_time(monkeypatch: pytest.MonkeyPatch, dripping: bool) -> None:
    monkeypatch.setattr(http_clients, "_TIMEOUT", httpx.Timeout(5, read=30 if dripping else 0.05))
    monkeypatch.setattr(http_clients, "RESPONSE_TIMEOUT", 0.1 if dripping else 30)

    async def slow(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 5000\r\n\r\n")
        while dripping and not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.01)
        await asyncio.Event().wait()

    async with serving(slow) as service, service.client() as client:
        with pytest.raises(e.TimedOut, match="in time"):
            await client.runs.get(RUN_ID)
        assert client.budget.used() == 1


async def test_log_line_has_request_fields_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hostile = refused(500, "INTERNAL_ERROR", f"failed for {TOKEN} and s3ss10nvalue0123456789")
    async with serving(hostile) as service, service.client(cookie=COOKIE) as client:
        for call in (client.runs.get(RUN_ID), client.observability.stats(), client.runs.cancel(RUN_ID)):
            with pytest.raises(e.ServiceFailed) as caught:
                await call
            assert TOKEN not in str(caught.value) and "s3ss10n" not in str(caught.value)
        shown = f"{client.target!r} {[client.access.reach(each) for each in Family]!r}"
    ours = [record.getMessage() for record in caplog.records if record.name == "mogplex.http"]
    assert len(ours) == 3
    assert ours[0].startswith(f"GET /api/v1/mogplex/runs/{RUN_ID} 500 ")
    assert ours[0].split()[-1] == service.seen[0].headers["x-request-id"]
    assert len({line.split()[-1] for line in ours}) == 3
    assert TOKEN not in caplog.text + shown and "s3ss10n" not in caplog.text + shown


async def test_eight_requests_in_flight_and_action_passes() -> None:
    let_go = asyncio.Event()

    async def hold(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        if seen.method == "GET":
            await let_go.wait()
        return ok({"run": RUN, "status": "cancelled"})

    async with serving(hold) as service, service.client() as client:
        reads = [asyncio.create_task(client.runs.get(RUN_ID)) for _ in range(20)]
        await until(lambda: service.now_open == 8)
        cancelled = await asyncio.wait_for(client.runs.cancel(RUN_ID), 30)
        assert cancelled.status == "cancelled"
        assert service.now_open == 8
        let_go.set()
        await asyncio.gather(*reads)
        assert service.most_open == 9
        assert len(service.seen) == 21


async def test_cancel_is_sent_with_exhausted_budget() -> None:
    clock = FakeClock()
    budget = Budget(clock, limit=6, reserve=1)
    async with serving(ok({"run": RUN, "status": "cancelled"})) as service:  # noqa: SIM117
        async with service.client(clock=clock, budget=budget) as client:
            tail = client.at(Priority.TAIL)
            for _ in range(5):
                await tail.runs.get(RUN_ID)
            for _ in range(3):
                with pytest.raises(e.BudgetBlocked, match="60 s") as caught:
                    await tail.runs.get(RUN_ID)
                assert caught.value.until == clock.seconds + 60
            assert len(service.seen) == 5
            for _ in range(4):
                assert (await client.at(Priority.BACKGROUND).runs.cancel(RUN_ID)).status == "cancelled"
            assert len(service.seen) == 9
            assert budget.used() == 9


async def test_cancel_during_a_request_still_counts_it() -> None:
    async def never(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    clock = FakeClock()
    async with serving(never) as service, service.client(clock=clock) as client:
        read = asyncio.create_task(client.runs.get(RUN_ID))
        await until(lambda: len(service.seen) == 1)
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        assert client.budget.used() == 1
        clock.advance(60)
        assert client.budget.used() == 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancel_before_sending_is_not_counted(streamed: bool) -> None:
    async def never(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def events(client: MogplexClient) -> None:
        async for _ in client.observability.call_events(CALL_ID):
            pass

    async with serving(never) as service, service.client() as client:
        reads = [asyncio.create_task(client.runs.get(RUN_ID)) for _ in range(8)]
        await until(lambda: len(service.seen) == 8)
        waiting = asyncio.create_task(events(client) if streamed else client.runs.get(RUN_ID))
        await until(lambda: client.budget.used() == 9)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert client.budget.used() == 8
        for read in reads[:4]:
            read.cancel()
        reads += [asyncio.create_task(client.runs.get(RUN_ID)) for _ in range(4)]
        await until(lambda: len(service.seen) == 12)
        # What had left is counted, whether anybody hears of it or not.
        assert client.budget.used() == 12
        for read in reads:
            read.cancel()
        await asyncio.wait(reads)


async def test_429_blocks_reads_for_retry_after_seconds() -> None:
    clock = FakeClock()
    async with serving(LIMIT) as service, service.client(clock=clock) as client:
        with pytest.raises(e.Throttled) as caught:
            await client.runs.get(RUN_ID)
        assert caught.value.of_requests and caught.value.retry_after == 60
        with pytest.raises(e.BudgetBlocked):
            await client.at(Priority.TAIL).runs.get(RUN_ID)
        assert len(service.seen) == 1
        assert client.budget.used() == 0


async def test_429_with_date_blocks_reads_until_date() -> None:
    until = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry_After": "Wed, 21 Oct 2026 07:28:40 GMT"}
    limit = refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", **until)
    clock = FakeClock()
    async with serving(limit) as service, service.client(clock=clock) as client:
        with pytest.raises(e.Throttled) as caught:
            await client.runs.get(RUN_ID)
        assert caught.value.retry_after == 40
        with pytest.raises(e.BudgetBlocked) as blocked:
            await client.at(Priority.TAIL).runs.get(RUN_ID)
        assert blocked.value.retry_after == 40
        assert len(service.seen) == 1


async def test_start_quota_does_not_block_other_requests() -> None:
    quota = refused(429, "RATE_LIMITED", "External Mogplex run rate limit exceeded", Retry_After="30")

    async def some(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return quota if seen.method == "POST" else ok({"run": RUN})

    async with serving(some) as service, service.client() as client:
        with pytest.raises(e.Throttled) as caught:
            await client.runs.start(RunStart(repo_id=REPO, prompt="x"), "key-1")
        assert not caught.value.of_requests and caught.value.retry_after == 30
        assert (await client.runs.get(RUN_ID)).run_id == RUN_ID


async def test_connection_state_follows_responses() -> None:
    answers: list[bytes | None] = []

    async def next_one(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        return answers.pop(0)

    good, broken, cut = ok({"run": RUN}), http(502, b"", ""), None
    states: list[ConnectionState] = []
    async with serving(next_one) as service, service.client() as client:
        client.connection.subscribe(lambda: states.append(client.connection.state))
        plan: list[tuple[bytes | None, ConnectionState]] = [
            (good, ConnectionState.NOMINAL),
            (cut, ConnectionState.DEGRADED),
            (good, ConnectionState.NOMINAL),
            (broken, ConnectionState.NOMINAL),
            (broken, ConnectionState.NOMINAL),
            (broken, ConnectionState.DEGRADED),
            (refused(404, "NOT_FOUND", "x"), ConnectionState.NOMINAL),
            (cut, ConnectionState.DEGRADED),
            (cut, ConnectionState.DEGRADED),
            (cut, ConnectionState.OFFLINE),
            (good, ConnectionState.NOMINAL),
        ]
        for answer, state in plan:
            answers.append(answer)
            with contextlib.suppress(e.MogplexError):
                await client.runs.get(RUN_ID)
            assert client.connection.state is state
        assert client.connection.failures == 0 and client.connection.last_success is not None
        assert states[0] is ConnectionState.NOMINAL and states[-1] is ConnectionState.NOMINAL
        assert ConnectionState.OFFLINE in states


async def test_request_headers_match_contract() -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return NO_CALLS if seen.method == "GET" else ok({**RUN, "replayed": True})

    async with serving(answer) as service, service.client() as client:
        moment = datetime(2026, 8, 5, 12, 0, tzinfo=UTC)
        await client.observability.calls(q="a+b &c", since=moment, live_only=True, status=None)
        assert service.seen[0].query == (
            "page=1&limit=100&from=2026-08-05T12%3A00%3A00.000000Z&q=a%2Bb+%26c&live_only=true"
        )
        started = await client.runs.start(RunStart(repo_id=REPO, prompt="Füg es an ☃"), " key-1 ")
        assert started.replayed and started.run_id == RUN_ID
        sent = service.seen[1]
        assert (sent.method, sent.path) == ("POST", "/api/v1/mogplex/runs")
        assert sent.headers["idempotency-key"] == "key-1"
        assert sent.headers["content-type"] == "application/json"
        assert json.loads(sent.body)["prompt"] == "Füg es an ☃"


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.runs.get("junk"),
        lambda c: c.runs.cancel("../../x"),
        lambda c: c.sandboxes.logs("pending"),
        lambda c: c.observability.cancel_call("x"),
        lambda c: c.observability.calls(repo_id="acme/api"),
        lambda c: c.settings.update(),
        lambda c: c.models.set_enabled(" ", True),
        lambda c: c.runs.start(RunStart(repo_id=REPO, prompt="x"), ""),
    ],
)
async def test_invalid_input_is_not_sent(call: Any) -> None:
    async with serving(ok({})) as service, service.client() as client:
        with pytest.raises(e.InvalidInput):
            await call(client)
        assert service.seen == [] and client.budget.used() == 0


async def test_loopback_ignores_proxy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with serving(ok({"run": RUN})) as service, service.client() as client:
        assert (await client.runs.get(RUN_ID)).run_id == RUN_ID


async def test_unusable_proxy_setting_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy.example:1")
    async with MogplexClient(Target("t", "https://service.example", Secret(TOKEN))) as client:
        with pytest.raises(e.Unreachable, match="HTTPS_PROXY") as caught:
            await client.runs.get(RUN_ID)
        assert "settings of this shell" in str(caught.value)
        assert client.budget.used() == 0


async def test_unknown_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno -2] Name or service not known", request=request)

    target = Target("t", "https://service.example", Secret(TOKEN))
    async with MogplexClient(target, http=httpx.MockTransport(unknown)) as client:
        with pytest.raises(e.Unreachable, match=r"No connection to service\.example: .*not known"):
            await client.runs.get(RUN_ID)


async def test_certificate_mismatch_is_reported() -> None:
    def untrusted(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate", request=request)

    target = Target("t", "https://service.example", Secret(TOKEN))
    async with MogplexClient(target, http=httpx.MockTransport(untrusted)) as client:
        with pytest.raises(e.Unreachable, match="SSL_CERT_FILE"):
            await client.runs.get(RUN_ID)


async def test_oversized_body_is_refused() -> None:
    async with serving(http(200, b" " * 5000)) as service:
        target = Target("test", service.base_url, Secret(TOKEN), max_answer=1000)
        async with MogplexClient(target) as client:
            with pytest.raises(e.AnswerTooLarge, match="larger than"):
                await client.observability.stats()


async def test_closed_client_reopens_on_use() -> None:
    async with serving(ok({"run": RUN})) as service:
        client = service.client()
        await client.runs.get(RUN_ID)
        await client.aclose()
        await client.runs.get(RUN_ID)
        await client.aclose()
        assert len(service.seen) == 2


async def test_connection_tries_next_host_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(ok({"run": RUN})) as service:
        port = int(service.base_url.rpartition(":")[2])
        stream = socket.SOCK_STREAM
        # Nothing listens at the first one.
        found = [
            (socket.AF_INET, stream, 6, "", ("127.0.0.9", port)),
            (socket.AF_INET, stream, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        service.base_url = f"http://localhost:{port}"
        async with service.client() as client:
            assert (await client.runs.get(RUN_ID)).run_id == RUN_ID
