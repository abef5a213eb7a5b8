"""The realtime connection: opening, closing and reconnecting (realtime.md §4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mogplex_tui.api import realtime_messages as api
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.errors import (
    Absent,
    BadRequest,
    BudgetBlocked,
    LoginRequired,
    MogplexError,
    NotSignedIn,
    RealtimeOff,
    SuspectedThrottle,
    Throttled,
    TimedOut,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.realtime_messages import Changed, Connected, Ping
from mogplex_tui.live.realtime import BRIEF, MISSED_BEFORE_RECONNECT, TABLES, RealtimeState, RealtimeWatch
from mogplex_tui.live.scheduler import Feed, Scheduler
from mogplex_tui.operate.kinds.registry import kinds
from tests.unit.fakes import FakeClock, run_ready_tasks, wait_until
from tests.unit.realtime_stream import FakeRealtimeStream


class WatchedStream:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.scheduler = Scheduler(self.clock, Budget(self.clock))
        self.stream = FakeRealtimeStream()
        # A jitter of minus one makes every pause zero.
        self.watch = RealtimeWatch(lambda: self.stream, self.scheduler, jitter=lambda: -1.0)  # type: ignore[arg-type, return-value]
        self.states: list[RealtimeState] = []
        self.watch.changed.subscribe(lambda: self.states.append(self.watch.state))
        self.reads = 0
        self.feed = Feed(
            "runs",
            self.fetch,
            Priority.TABLE,
            every=60,
            poll_without_realtime=5,
            tables=frozenset({"ai_calls"}),
        )

    async def fetch(self) -> bool:
        self.reads += 1
        return False

    async def start(self) -> None:
        self.scheduler.start()
        self.scheduler.subscribe(self.feed)
        await wait_until(lambda: self.reads == 1)
        await run_ready_tasks()
        self.watch.start()

    async def receive(self, frame: Any) -> None:
        await self.stream.queue.put(frame)
        await run_ready_tasks()


@pytest.fixture
async def watched() -> AsyncIterator[WatchedStream]:
    started = WatchedStream()
    await started.start()
    yield started
    await started.watch.stop()
    await started.scheduler.stop()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []

    def backoff(attempt: int, jitter: object = None) -> float:
        asked.append(attempt)
        return 0.0

    monkeypatch.setattr(api, "backoff", backoff)
    return asked


async def test_one_stream_is_opened_for_all_tables(watched: WatchedStream) -> None:
    assert watched.watch.state is RealtimeState.CONNECTING
    await watched.receive(Connected())
    assert (watched.watch.state, watched.watch.reason, watched.scheduler.realtime_open) == (
        RealtimeState.OPEN,
        None,
        True,
    )
    watched.watch.start()
    await run_ready_tasks()
    (tables,) = watched.stream.dials
    assert {"ai_calls", "ai_call_events", "job_runs", "sandboxes", "limit_events"} <= set(tables)
    assert watched.states == [RealtimeState.OPEN]


async def test_feeds_are_read_again_once_the_stream_is_open(watched: WatchedStream) -> None:
    await watched.receive(Connected())
    watched.clock.advance(1)
    watched.scheduler.recheck()
    await wait_until(lambda: watched.reads == 2)


async def test_change_frame_is_a_hint_and_ping_is_none(watched: WatchedStream) -> None:
    await watched.receive(Connected())
    watched.clock.advance(1)
    watched.scheduler.recheck()
    await wait_until(lambda: watched.reads == 2)
    for frame in (Ping(), Changed("sandboxes", "INSERT")):
        await watched.receive(frame)
        watched.clock.advance(1)
        watched.scheduler.recheck()
        await run_ready_tasks()
    assert watched.reads == 2
    await watched.receive(Changed("ai_calls", "UPDATE"))
    watched.clock.advance(1)
    watched.scheduler.recheck()
    await wait_until(lambda: watched.reads == 3)


@pytest.mark.parametrize("end", [None, Unreachable("cut"), TimedOut("silent")])
async def test_lost_stream_reconnects_and_all_feeds_are_read(watched: WatchedStream, end: Any) -> None:
    await watched.receive(Connected())
    watched.clock.advance(1)
    watched.scheduler.recheck()
    await wait_until(lambda: watched.reads == 2)
    await watched.receive(end)
    await wait_until(lambda: len(watched.stream.dials) == 2)
    assert watched.watch.state is RealtimeState.RECONNECTING
    assert watched.watch.reason
    assert not watched.scheduler.realtime_open
    await watched.receive(Connected())
    assert watched.watch.state is RealtimeState.OPEN
    # At once, without a hint or a poll.
    await wait_until(lambda: watched.reads == 3)


async def test_reconnect_backoff_grows_and_resets_when_connected(
    pauses: list[int], watched: WatchedStream
) -> None:
    watched.stream.refusals = [Unreachable("down") for _ in range(4)]
    await watched.receive(Unreachable("cut"))
    await wait_until(lambda: len(watched.stream.dials) == 6)
    assert pauses == [1, 2, 3, 4, 5]
    await watched.receive(Connected())
    await watched.receive(None)
    await wait_until(lambda: len(watched.stream.dials) == 7)
    assert pauses[-1] == 1


@pytest.mark.parametrize(
    "error",
    [
        RealtimeOff("none", status=204),
        BadRequest("Invalid table name: X", status=400),
        LoginRequired("sign in", status=307),
        NotSignedIn("Unauthorized", status=401),
    ],
)
async def test_final_response_stops_reconnecting(watched: WatchedStream, error: MogplexError) -> None:
    await watched.receive(error)
    await wait_until(lambda: watched.watch.state is RealtimeState.CLOSED)
    await run_ready_tasks(200)
    assert len(watched.stream.dials) == 1
    assert not watched.scheduler.realtime_open
    assert watched.watch.reason
    if not isinstance(error, RealtimeOff):
        assert error.message in watched.watch.reason


async def test_polling_is_faster_without_realtime(watched: WatchedStream) -> None:
    await watched.receive(Connected())
    watched.clock.advance(1)
    watched.scheduler.recheck()
    await wait_until(lambda: watched.reads == 2)
    await run_ready_tasks()
    watched.clock.advance(6)
    watched.scheduler.recheck()
    await run_ready_tasks()
    assert watched.reads == 2
    await watched.receive(LoginRequired("sign in", status=307))
    await wait_until(lambda: watched.reads == 3)


async def test_reconnect_can_be_requested_after_a_final_response(watched: WatchedStream) -> None:
    await watched.receive(LoginRequired("sign in", status=307))
    await wait_until(lambda: watched.watch.state is RealtimeState.CLOSED)
    watched.watch.reconnect()
    await wait_until(lambda: len(watched.stream.dials) == 2)
    await watched.receive(Connected())
    assert watched.watch.state is RealtimeState.OPEN


@pytest.mark.parametrize("error", [Unavailable("busy", status=503), ValueError("a bug of ours")])
async def test_temporary_error_reconnects(watched: WatchedStream, error: Exception) -> None:
    await watched.receive(error)
    await wait_until(lambda: len(watched.stream.dials) == 2)
    assert watched.watch.state is RealtimeState.RECONNECTING


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Throttled("slow down", status=429), RealtimeState.RECONNECTING),
        (SuspectedThrottle("maybe", status=401), RealtimeState.RECONNECTING),
        (BudgetBlocked(1050.0), RealtimeState.RECONNECTING),
        (Absent("no such route", status=404), RealtimeState.CLOSED),
    ],
)
async def test_limit_delays_the_next_connection(
    watched: WatchedStream, error: MogplexError, state: RealtimeState
) -> None:
    await watched.receive(error)
    await wait_until(lambda: watched.watch.state is state)
    await run_ready_tasks(200)
    assert len(watched.stream.dials) == 1
    watched.watch.reconnect()
    await wait_until(lambda: len(watched.stream.dials) == 2)


async def test_stream_that_misses_changes_is_reopened(watched: WatchedStream) -> None:
    await watched.receive(Connected())
    for _ in range(MISSED_BEFORE_RECONNECT - 1):
        watched.scheduler.missed()
    await watched.receive(Changed("sandboxes", "UPDATE"))
    for _ in range(MISSED_BEFORE_RECONNECT - 1):
        watched.scheduler.missed()
    await run_ready_tasks()
    assert len(watched.stream.dials) == 1  # the frame in between resets the count
    watched.scheduler.missed()
    await wait_until(lambda: len(watched.stream.dials) == 2)
    # Until it is open again feeds are polled.
    assert watched.watch.state is RealtimeState.RECONNECTING
    assert not watched.scheduler.realtime_open
    await wait_until(lambda: watched.stream.open == 1)


async def test_silent_stream_is_not_reopened_again_and_again(watched: WatchedStream) -> None:
    await watched.receive(Connected())
    for _ in range(MISSED_BEFORE_RECONNECT):
        watched.scheduler.missed()
    await wait_until(lambda: watched.stream.open == 1 and len(watched.stream.dials) == 2)
    await watched.receive(Connected())
    for _ in range(5 * MISSED_BEFORE_RECONNECT):
        watched.scheduler.missed()
    await run_ready_tasks()
    assert len(watched.stream.dials) == 2
    assert (watched.watch.state, watched.scheduler.realtime_open) == (RealtimeState.SILENT, False)
    # The first announced change ends that.
    await watched.receive(Changed("sandboxes", "UPDATE"))
    assert (watched.watch.state, watched.scheduler.realtime_open) == (RealtimeState.OPEN, True)


async def test_streams_cut_at_once_increase_the_backoff(pauses: list[int], watched: WatchedStream) -> None:
    for dials in range(2, 7):
        await watched.receive(Connected())
        await watched.receive(None)
        await wait_until(lambda: len(watched.stream.dials) == dials)
    assert pauses == [1, 2, 3, 4, 5]
    # A stream that lasted resets the backoff.
    await watched.receive(Connected())
    watched.clock.advance(BRIEF)
    await watched.receive(None)
    await wait_until(lambda: len(watched.stream.dials) == 7)
    assert pauses[-1] == 1


def test_stream_covers_every_table_of_a_kind() -> None:
    wanted = {table for kind in kinds().values() for source in kind.sources for table in source.tables}
    wanted |= {table for kind in kinds().values() if kind.logs for table in kind.logs.tables}
    assert wanted
    assert wanted <= set(TABLES)
    assert set(TABLES) <= {table.value for table in api.Table}


async def test_stop_closes_the_stream_in_every_state(watched: WatchedStream) -> None:
    await watched.receive(Connected())
    assert watched.stream.open == 1
    await watched.watch.stop()
    assert watched.stream.open == 0
    watched.watch.start()
    await wait_until(lambda: len(watched.stream.dials) == 2)
    await watched.receive(RealtimeOff("none", status=204))
    await watched.watch.stop()
    await watched.watch.stop()
    assert len(watched.stream.dials) == 2
