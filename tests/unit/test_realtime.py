"""One live connection: what opens it, what ends it, and when it is dialled again (realtime.md §4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mogplex_tui.api import realtime as api
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
from mogplex_tui.api.realtime import Changed, Connected, Ping
from mogplex_tui.live.realtime import BRIEF, MISSED_BEFORE_RECONNECT, TABLES, RealtimeState, RealtimeWatch
from mogplex_tui.live.scheduler import Feed, Scheduler
from mogplex_tui.operate.kinds.registry import kinds
from tests.unit.fakes import FakeClock, turns, until
from tests.unit.realtime_stream import FakeRealtimeStream


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.scheduler = Scheduler(self.clock, Budget(self.clock))
        self.line = FakeRealtimeStream()
        # A jitter of minus one makes every pause zero.
        self.watch = RealtimeWatch(lambda: self.line, self.scheduler, jitter=lambda: -1.0)  # type: ignore[arg-type, return-value]
        self.said: list[RealtimeState] = []
        self.watch.changed.subscribe(lambda: self.said.append(self.watch.hearing))
        self.reads = 0
        self.feed = Feed(
            "runs", self.fetch, Priority.TABLE, every=60, blind=5, tables=frozenset({"ai_calls"})
        )

    async def fetch(self) -> bool:
        self.reads += 1
        return False

    async def begin(self) -> None:
        self.scheduler.start()
        self.scheduler.want(self.feed)
        await until(lambda: self.reads == 1)
        await turns()
        self.watch.start()

    async def heard(self, frame: Any) -> None:
        await self.line.queue.put(frame)
        await turns()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.begin()
    yield made
    await made.watch.stop()
    await made.scheduler.stop()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []

    def backoff(attempt: int, jitter: object = None) -> float:
        asked.append(attempt)
        return 0.0

    monkeypatch.setattr(api, "backoff", backoff)
    return asked


async def test_one_stream_is_opened_for_all_tables(rig: Rig) -> None:
    assert rig.watch.hearing is RealtimeState.CONNECTING
    await rig.heard(Connected())
    assert (rig.watch.hearing, rig.watch.reason, rig.scheduler.realtime_open) == (
        RealtimeState.OPEN,
        None,
        True,
    )
    rig.watch.start()
    await turns()
    (tables,) = rig.line.dials
    assert {"ai_calls", "ai_call_events", "job_runs", "sandboxes", "limit_events"} <= set(tables)
    assert rig.said == [RealtimeState.OPEN]


async def test_feeds_are_read_again_once_the_stream_is_open(rig: Rig) -> None:
    await rig.heard(Connected())
    rig.clock.advance(1)
    rig.scheduler.poke()
    await until(lambda: rig.reads == 2)


async def test_change_frame_is_a_hint_and_ping_is_none(rig: Rig) -> None:
    await rig.heard(Connected())
    rig.clock.advance(1)
    rig.scheduler.poke()
    await until(lambda: rig.reads == 2)
    for frame in (Ping(), Changed("sandboxes", "INSERT")):
        await rig.heard(frame)
        rig.clock.advance(1)
        rig.scheduler.poke()
        await turns()
    assert rig.reads == 2
    await rig.heard(Changed("ai_calls", "UPDATE"))
    rig.clock.advance(1)
    rig.scheduler.poke()
    await until(lambda: rig.reads == 3)


@pytest.mark.parametrize("end", [None, Unreachable("cut"), TimedOut("silent")])
async def test_lost_stream_reconnects_and_all_feeds_are_read(rig: Rig, end: Any) -> None:
    await rig.heard(Connected())
    rig.clock.advance(1)
    rig.scheduler.poke()
    await until(lambda: rig.reads == 2)
    await rig.heard(end)
    await until(lambda: len(rig.line.dials) == 2)
    assert rig.watch.hearing is RealtimeState.RECONNECTING
    assert rig.watch.reason
    assert not rig.scheduler.realtime_open
    await rig.heard(Connected())
    assert rig.watch.hearing is RealtimeState.OPEN
    # At once, without a hint and without a poll.
    await until(lambda: rig.reads == 3)


async def test_reconnect_backoff_grows_and_resets_when_connected(pauses: list[int], rig: Rig) -> None:
    rig.line.refusals = [Unreachable("down") for _ in range(4)]
    await rig.heard(Unreachable("cut"))
    await until(lambda: len(rig.line.dials) == 6)
    assert pauses == [1, 2, 3, 4, 5]
    await rig.heard(Connected())
    await rig.heard(None)
    await until(lambda: len(rig.line.dials) == 7)
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
async def test_final_response_stops_reconnecting(rig: Rig, error: MogplexError) -> None:
    await rig.heard(error)
    await until(lambda: rig.watch.hearing is RealtimeState.CLOSED)
    await turns(200)
    assert len(rig.line.dials) == 1
    assert not rig.scheduler.realtime_open
    assert rig.watch.reason
    if not isinstance(error, RealtimeOff):
        assert error.message in rig.watch.reason


async def test_polling_is_faster_without_realtime(rig: Rig) -> None:
    await rig.heard(Connected())
    rig.clock.advance(1)
    rig.scheduler.poke()
    await until(lambda: rig.reads == 2)
    await turns()
    rig.clock.advance(6)
    rig.scheduler.poke()
    await turns()
    assert rig.reads == 2
    await rig.heard(LoginRequired("sign in", status=307))
    await until(lambda: rig.reads == 3)


async def test_reconnect_can_be_requested_after_a_final_response(rig: Rig) -> None:
    await rig.heard(LoginRequired("sign in", status=307))
    await until(lambda: rig.watch.hearing is RealtimeState.CLOSED)
    rig.watch.reconnect()
    await until(lambda: len(rig.line.dials) == 2)
    await rig.heard(Connected())
    assert rig.watch.hearing is RealtimeState.OPEN


@pytest.mark.parametrize("error", [Unavailable("busy", status=503), ValueError("a bug of ours")])
async def test_temporary_error_reconnects(rig: Rig, error: Exception) -> None:
    await rig.heard(error)
    await until(lambda: len(rig.line.dials) == 2)
    assert rig.watch.hearing is RealtimeState.RECONNECTING


@pytest.mark.parametrize(
    ("error", "hearing"),
    [
        (Throttled("slow down", status=429), RealtimeState.RECONNECTING),
        (SuspectedThrottle("maybe", status=401), RealtimeState.RECONNECTING),
        (BudgetBlocked(1050.0), RealtimeState.RECONNECTING),
        (Absent("no such route", status=404), RealtimeState.CLOSED),
    ],
)
async def test_limit_delays_the_next_connection(
    rig: Rig, error: MogplexError, hearing: RealtimeState
) -> None:
    await rig.heard(error)
    await until(lambda: rig.watch.hearing is hearing)
    await turns(200)
    assert len(rig.line.dials) == 1
    rig.watch.reconnect()
    await until(lambda: len(rig.line.dials) == 2)


async def test_stream_that_misses_changes_is_reopened(rig: Rig) -> None:
    await rig.heard(Connected())
    for _ in range(MISSED_BEFORE_RECONNECT - 1):
        rig.scheduler.missed()
    await rig.heard(Changed("sandboxes", "UPDATE"))
    for _ in range(MISSED_BEFORE_RECONNECT - 1):
        rig.scheduler.missed()
    await turns()
    assert len(rig.line.dials) == 1  # what was heard in between starts the count anew
    rig.scheduler.missed()
    await until(lambda: len(rig.line.dials) == 2)
    # Until it is up again nobody relies on it.
    assert rig.watch.hearing is RealtimeState.RECONNECTING
    assert not rig.scheduler.realtime_open
    await until(lambda: rig.line.open == 1)


async def test_silent_stream_is_not_reopened_again_and_again(rig: Rig) -> None:
    await rig.heard(Connected())
    for _ in range(MISSED_BEFORE_RECONNECT):
        rig.scheduler.missed()
    await until(lambda: rig.line.open == 1 and len(rig.line.dials) == 2)
    await rig.heard(Connected())
    for _ in range(5 * MISSED_BEFORE_RECONNECT):
        rig.scheduler.missed()
    await turns()
    assert len(rig.line.dials) == 2
    assert (rig.watch.hearing, rig.scheduler.realtime_open) == (RealtimeState.SILENT, False)
    # As soon as it announces something it is relied on again.
    await rig.heard(Changed("sandboxes", "UPDATE"))
    assert (rig.watch.hearing, rig.scheduler.realtime_open) == (RealtimeState.OPEN, True)


async def test_streams_cut_at_once_increase_the_backoff(pauses: list[int], rig: Rig) -> None:
    for dials in range(2, 7):
        await rig.heard(Connected())
        await rig.heard(None)
        await until(lambda: len(rig.line.dials) == dials)
    assert pauses == [1, 2, 3, 4, 5]
    # One that lasted begins a new chain.
    await rig.heard(Connected())
    rig.clock.advance(BRIEF)
    await rig.heard(None)
    await until(lambda: len(rig.line.dials) == 7)
    assert pauses[-1] == 1


def test_stream_covers_every_table_of_a_kind() -> None:
    wanted = {table for kind in kinds().values() for source in kind.sources for table in source.tables}
    wanted |= {table for kind in kinds().values() if kind.logs for table in kind.logs.tables}
    assert wanted
    assert wanted <= set(TABLES)
    assert set(TABLES) <= {table.value for table in api.Table}


async def test_stop_closes_the_stream_in_every_state(rig: Rig) -> None:
    await rig.heard(Connected())
    assert rig.line.open == 1
    await rig.watch.stop()
    assert rig.line.open == 0
    rig.watch.start()
    await until(lambda: len(rig.line.dials) == 2)
    await rig.heard(RealtimeOff("none", status=204))
    await rig.watch.stop()
    await rig.watch.stop()
    assert len(rig.line.dials) == 2
