"""A machine that slept: it is noticed, and what was on screen before is read and heard anew."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mogplex_tui.api.clock import SystemClock
from mogplex_tui.api.errors import LoginRequired
from mogplex_tui.api.realtime import Connected
from mogplex_tui.live.realtime import RealtimeState
from mogplex_tui.live.sleep_detection import LOOK, SLEPT, SleepDetector
from tests.unit.fakes import COOKIE, FakeSession, turns, until
from tests.unit.realtime_stream import FakeRealtimeStream


class Nap:
    """Pauses that end when a test says so, after as much time as it says."""

    def __init__(self, session: FakeSession) -> None:
        self._session = session
        self._over = asyncio.Event()
        self.asked = 0

    async def __call__(self, seconds: float) -> None:
        self.asked += 1
        await self._over.wait()
        self._over.clear()

    async def takes(self, seconds: float) -> None:
        asked = self.asked
        self._session.time.advance(seconds)
        self._over.set()
        await until(lambda: self.asked > asked)
        await turns()


class World:
    def __init__(self, directory: Path) -> None:
        self.session = FakeSession(directory, token=None, cookie=COOKIE)
        self.line, self.users = FakeRealtimeStream(), 0
        self.session.fake.realtime = self.line  # type: ignore[attr-defined]
        self.session.fake.account = SimpleNamespace(user=self._user)  # type: ignore[attr-defined]
        self.nap = Nap(self.session)
        self.session.wake = SleepDetector(self.session.clock, self.nap)

    async def _user(self) -> None:
        self.users += 1

    async def begin(self) -> None:
        self.session.start()
        self.session.scheduler.want(self.session.listing.feed)
        await until(lambda: self.line.open == 1 and self.users == 1 and self.nap.asked == 1)
        await turns()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.begin()
    yield made
    await made.session.stop()


async def test_sleep_reads_all_feeds_and_reopens_stream(world: World) -> None:
    session = world.session
    await world.line.queue.put(Connected())
    await until(lambda: session.realtime.hearing is RealtimeState.OPEN)
    await turns()
    session.fake.log.clear()
    # Less than the interval of what is polled most slowly: that is read because of the sleep alone.
    await world.nap.takes(300)
    await until(lambda: len(world.line.dials) == 2)
    await until(lambda: "observability.calls" in session.fake.log)
    # What no hint announces is read as well.
    await until(lambda: world.users == 2)
    assert session.listing.set.freshness.age(session.clock.monotonic()) == 0


async def test_short_delay_is_no_sleep(world: World) -> None:
    for seconds in (LOOK, LOOK + SLEPT):
        await world.nap.takes(seconds)
    assert (len(world.line.dials), world.users) == (1, 1)


async def test_closed_stream_stays_closed_after_a_sleep(world: World) -> None:
    await world.line.queue.put(LoginRequired("sign in", status=307))
    await until(lambda: world.session.realtime.hearing is RealtimeState.CLOSED)
    await turns()
    await world.nap.takes(300)
    await until(lambda: world.users == 2)
    assert len(world.line.dials) == 1


async def test_stopped_session_leaves_no_sleep_detector(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    made = World(tmp_path)
    await made.begin()
    await made.session.stop()
    assert asyncio.all_tasks() == before


@pytest.mark.skipif(
    sys.platform != "linux", reason="the clock that counts a sleep has another name elsewhere"
)
def test_console_clock_includes_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", lambda which: 7.0 if which == time.CLOCK_BOOTTIME else 3.0)
    assert SystemClock().monotonic() == 7.0

    def refused(which: int) -> float:
        raise OSError("no such clock")

    monkeypatch.setattr(time, "clock_gettime", refused)
    earlier = time.monotonic()
    assert earlier <= SystemClock().monotonic() <= time.monotonic()
