"""The console sends few requests while the service is in trouble.

Each case runs the feeds of a console for some simulated minutes against a service in memory that counts
its requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.errors import Unavailable
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.run_row import from_call
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.approval_count import ApprovalCount
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from tests.api.support import RUN_ID, Seen, http
from tests.cli.support import CommandRunner
from tests.hostile.raw_http import answering
from tests.hostile.virtual_time import LoopClock, run_virtually
from tests.unit.fakes import COOKIE, TOKEN, call, run

pytestmark = pytest.mark.request_limit

MINUTES = 3 if os.environ.get("MOGPLEX_TEST_LONG") == "1" else 2
# Three, because the first read of the approvals comes later and asks routes whose refusal is not known yet.
A_SECOND, A_MINUTE = 3, 30
# A case that sends so many requests has failed and ends.
STORM = 2000
# Requests that may be on their way before the first failures are known: eight feeds are read together.
TOGETHER = 8

LISTS = ("jobs", "sandboxes", "failures")
LIVE_CALL = call(1, status="running")
EVERYTHING: dict[str, Any] = {
    "calls": [LIVE_CALL.model_dump(mode="json")],
    "total": 1,
    "summary": {},
    "user": {"id": "u1", "email": "ops@example.com"},
    **{name: [] for name in ("events", "jobs", "failures", "repos", "agents", "automations", "runs")},
}


def healthy(request: httpx.Request) -> httpx.Response:
    """Answer a read with an object that holds the keys of every list."""
    on_v1 = request.url.path.startswith("/api/v1/mogplex/")
    return httpx.Response(200, json={"ok": True, "data": EVERYTHING} if on_v1 else EVERYTHING)


def failing(
    status: int, retry_after: str | None = None, **body: Any
) -> Callable[[httpx.Request], httpx.Response]:
    """Return a handler that responds with this status and a time to wait.

    The time is in the Retry-After header or in the body.
    """
    headers = {} if retry_after is None else {"retry-after": retry_after}
    content = json.dumps({"error": "no", **body})

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers | {"content-type": "application/json"}, content=content)

    return answer


def redirected(request: httpx.Request) -> httpx.Response:
    return httpx.Response(307, headers={"location": "/login"})


def cut(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def nonsense(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"nonsense")


def empty(request: httpx.Request) -> httpx.Response:
    return httpx.Response(204)


def in_turn(*answers: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    turn = itertools.cycle(answers)
    return lambda request: next(turn)(request)


def silent() -> AsyncIterator[bytes]:
    return frames(b": connected\n\n", pause=1e9)


async def frames(
    *parts: bytes, pause: float = 0.0, again: bool = False, batch: int = 1
) -> AsyncIterator[bytes]:
    """Yield the parts of a stream; with `again` repeat the last one for ever."""
    for part in parts:
        yield part
        await asyncio.sleep(pause)
    while again:
        yield parts[-1] * batch
        await asyncio.sleep(pause)


HINT = b'data: {"table": "ai_call_events", "op": "INSERT"}\n\ndata: {"table": "ai_calls", "op": "UPDATE"}\n\n'


@dataclass
class Case:
    """Behaviour of a fake service: responses to reads, and the realtime stream."""

    answer: Callable[[httpx.Request], httpx.Response] = healthy
    stream: Callable[[], AsyncIterator[bytes]] | None = silent
    # Seconds before the service begins to fail.
    healthy_for: float = 0.0


class _Body(httpx.AsyncByteStream):
    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts


@dataclass
class CountingService(httpx.AsyncBaseTransport):
    """A service in memory that records the time of each request."""

    case: Case
    seen: list[tuple[float, str]] = field(default_factory=list)
    failed_at: list[float] = field(default_factory=list)
    begun: float = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        now = asyncio.get_running_loop().time()
        self.seen.append((now, request.url.path))
        await asyncio.sleep(0.005)
        well = now - self.begun < self.case.healthy_for
        if request.url.path == "/api/realtime/events":
            stream = silent if well else self.case.stream
            if stream is not None:
                return httpx.Response(
                    200, headers={"content-type": "text/event-stream"}, stream=_Body(stream())
                )
        try:
            response = healthy(request) if well else self.case.answer(request)
        except httpx.HTTPError:
            self.failed_at.append(now)
            raise
        if response.status_code != 200 or self.case.answer is nonsense:
            self.failed_at.append(now)
        # Responses of a transport must be unread streams; one made with content is read already.
        return httpx.Response(
            response.status_code, headers=response.headers, stream=_Body(frames(response.content))
        )


class MemorySession(Session):
    """A session whose client talks to a service in memory."""

    def __init__(self, service: CountingService, directory: Path, cookie: str | None) -> None:
        target = Target("test", "http://127.0.0.1:9", Secret(TOKEN), Secret(cookie) if cookie else None)
        super().__init__(target, directory=directory, clock=LoopClock())
        self._client = MogplexClient(
            target,
            clock=self.clock,
            budget=self.budget,
            access=self.access,
            limiter=self.limiter,
            http=service,
        )


async def _watch_everything(
    service: CountingService, directory: Path, cookie: str | None, seconds: float
) -> Runs:
    """Read for some seconds what a console reads: events, some lists and shared data."""
    session = MemorySession(service, directory, cookie)
    service.begun = session.clock.monotonic()
    runs = Runs(session)
    row = from_call(LIVE_CALL)
    runs.set.apply([(row.key, row)])
    session.start()
    ApprovalCount(session, new_collection(session, kinds()["approvals"])).start()
    lists = [new_collection(session, kinds()[name]).feed for name in LISTS]
    for feed in (runs.feed, RunEventsFeed(session, runs, row).feed, *lists):
        session.scheduler.subscribe(feed)
    while session.clock.monotonic() - service.begun < seconds and len(service.seen) < STORM:
        await asyncio.sleep(1)
    await session.stop()
    return runs


CASES = {
    "429 without a time": Case(failing(429)),
    "429 header 0": Case(failing(429, "0")),
    "429 header 0.001": Case(failing(429, "0.001")),
    "429 header negative": Case(failing(429, "-5")),
    "429 header nan": Case(failing(429, "nan")),
    "429 header date in the past": Case(failing(429, "Thu, 01 Jan 1970 00:00:00 GMT")),
    "429 body 0": Case(failing(429, retryAfterSeconds=0)),
    "429 body 0.001": Case(failing(429, retryAfterSeconds=0.001)),
    "429 body negative": Case(failing(429, retryAfterSeconds=-1)),
    "429 of the token's limit 0.001": Case(
        failing(429, "0.001", code="RATE_LIMITED", message="Rate limit exceeded")
    ),
    "401": Case(failing(401)),
    "401 retry 0": Case(failing(401, "0")),
    "403": Case(failing(403)),
    "404": Case(failing(404)),
    "500": Case(failing(500)),
    "503 header 0.001": Case(failing(503, "0.001")),
    "503 body 0.001": Case(failing(503, retryAfterSeconds=0.001)),
    "no connection": Case(cut, stream=None),
    "204": Case(empty, stream=None),
    "307": Case(redirected, stream=None),
    "no JSON": Case(nonsense),
    "every second one fails": Case(in_turn(healthy, failing(429, "0.001"))),
    "every second one fails after a start": Case(in_turn(healthy, failing(503, "0")), healthy_for=20),
    "every second one is refused": Case(in_turn(healthy, failing(401)), healthy_for=5),
    "every second one is redirected": Case(in_turn(healthy, redirected), healthy_for=5),
    "fails after a start": Case(failing(429, "0.001"), healthy_for=20),
    "refused after a start": Case(failing(401), healthy_for=20),
    "stream: hints while everything fails": Case(
        failing(503, "0"), stream=lambda: frames(b": connected\n\n", HINT, pause=0.1, again=True, batch=10)
    ),
    "stream: 429 retry 0.001": Case(failing(429, "0.001"), stream=None, healthy_for=0),
}


# Services that answer every read and send a hostile stream.
STREAMS = {
    "connected again and again": lambda: frames(b": connected\n\n", pause=0.01, again=True),
    "opens and closes at once": lambda: frames(b": connected\n\n"),
    "closes after 11 s": lambda: frames(b": connected\n\n", pause=11),
    "closes before it is open": lambda: frames(b""),
    "1,000 hints a second": lambda: frames(b": connected\n\n", HINT, pause=0.1, again=True, batch=50),
}
# Requests in a minute when the service has no realtime, so that every list is polled.
POLLING = 70


def most_within(times: list[float], seconds: float) -> int:
    """Return the largest number of requests in any interval of so many seconds."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.sampled(3)
@pytest.mark.parametrize("cookie", [COOKIE, None], ids=["cookie", "token"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_few_requests_are_sent_to_a_failing_service(case: Case, cookie: str | None, tmp_path: Path) -> None:
    service = CountingService(case)
    run_virtually(_watch_everything(service, tmp_path, cookie, 60.0 * MINUTES + case.healthy_for))
    # Eight requests may be on their way before it is known that they all fail.
    trouble = service.failed_at[TOGETHER]
    times = [at for at, _ in service.seen if at >= trouble + 0.1]
    assert most_within(times, 1) <= A_SECOND
    assert most_within(times, 60) <= A_MINUTE
    first_minute = sum(service.failed_at[0] <= at < service.failed_at[0] + 60 for at, _ in service.seen)
    assert first_minute <= A_MINUTE + TOGETHER


@pytest.mark.sampled(3)
@pytest.mark.parametrize("cookie", [COOKIE, None], ids=["cookie", "token"])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_malformed_stream_causes_no_more_requests_than_polling(
    stream: Callable[[], AsyncIterator[bytes]], cookie: str | None, tmp_path: Path
) -> None:
    service = CountingService(Case(stream=stream))
    runs = run_virtually(_watch_everything(service, tmp_path, cookie, 125.0))
    assert runs.set.freshness.failures == 0
    assert runs.set.freshness.as_of is not None
    settled = [at for at, _ in service.seen if at >= service.begun + 60]
    assert most_within(settled, 60) <= POLLING


def test_actions_and_refreshes_are_not_delayed_in_trouble(tmp_path: Path) -> None:
    service = CountingService(Case(failing(503)))

    async def main() -> tuple[int, int, int]:
        session = MemorySession(service, tmp_path, COOKIE)
        session.start()
        subscriptions = [
            session.scheduler.subscribe(new_collection(session, kinds()[name]).feed) for name in LISTS
        ]
        # Use up the whole allowance, so that any other request has to wait.
        for _ in range(20):
            with contextlib.suppress(Unavailable):
                await session.client.at(Priority.ACTION).runs.get(RUN_ID)
        assert session.limiter.in_trouble
        before = len(service.seen)
        with contextlib.suppress(Unavailable):
            await session.client.at(Priority.ACTION).runs.get(RUN_ID)
        actions = len(service.seen) - before
        for subscription in subscriptions:
            subscription.refresh()
        await asyncio.sleep(0.05)
        forced = len(service.seen) - before - actions
        for _ in range(100):
            subscriptions[0].refresh()
            await asyncio.sleep(0.02)
        more = len(service.seen) - before - actions - forced
        await session.stop()
        return actions, forced, more

    actions, forced, more = run_virtually(main())
    assert (actions, forced) == (1, len(LISTS))
    assert more <= A_SECOND * 2


@pytest.mark.parametrize("argv", [("watch",), ("runs", "events", "--follow")], ids=" ".join)
async def test_waiting_command_pauses_between_refused_reads(
    mogplex: CommandRunner, argv: tuple[str, ...]
) -> None:
    asked_at: list[float] = []
    refusals = [
        http(429, {"error": "slow down"}, Retry_After="0.001"),
        http(429, {"error": "slow down", "retryAfterSeconds": 0.001}),
    ]

    def answer(seen: Seen) -> bytes:
        if not seen.path.startswith("/api/v1/mogplex/runs/"):
            return http(307, Location="/login")
        asked_at.append(time.monotonic())
        status = "streaming" if refusals else "success"
        if len(asked_at) > 2 and refusals:
            return refusals.pop()
        detail = run(1, status=status, runId=RUN_ID, aiCallId=None).model_dump(mode="json", by_alias=True)
        return http(200, {"ok": True, "data": {"run": detail, "events": []}})

    async with answering(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex(*argv, RUN_ID)
    assert done.code == 0, done.err
    first_refused, second_refused, answered = asked_at[2:5]
    assert min(second_refused - first_refused, answered - second_refused) >= 0.9
