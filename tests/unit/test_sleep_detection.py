"""After the machine slept, feeds are read and the realtime stream is reopened."""

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
from mogplex_tui.api.realtime_messages import Connected
from mogplex_tui.live.realtime import RealtimeState
from mogplex_tui.live.sleep_detection import LOOK, SLEPT, SleepDetector
from tests.unit.fakes import COOKIE, FakeSession, run_ready_tasks, wait_until
from tests.unit.realtime_stream import FakeRealtimeStream


class ManualPause:
    """Pauses that a test ends, with any time passed on the clock."""

    def __init__(self, session: FakeSession) -> None:
        self._session = session
        self._over = asyncio.Event()
        self.count = 0

    async def __call__(self, seconds: float) -> None:
        self.count += 1
        await self._over.wait()
        self._over.clear()

    async def end_after(self, seconds: float) -> None:
        count = self.count
        self._session.time.advance(seconds)
        self._over.set()
        await wait_until(lambda: self.count > count)
        await run_ready_tasks()


class RunningSession:
    """A started session with a fake stream, and pauses that a test ends."""

    def __init__(self, directory: Path) -> None:
        self.session = FakeSession(directory, token=None, cookie=COOKIE)
        self.stream, self.account_reads = FakeRealtimeStream(), 0
        self.session.fake.realtime = self.stream  # type: ignore[attr-defined]
        self.session.fake.account = SimpleNamespace(user=self._user)  # type: ignore[attr-defined]
        self.pause = ManualPause(self.session)
        self.session.wake = SleepDetector(self.session.clock, self.pause)

    async def _user(self) -> None:
        self.account_reads += 1

    async def start(self) -> None:
        self.session.start()
        self.session.scheduler.subscribe(self.session.listing.feed)
        await wait_until(lambda: self.stream.open == 1 and self.pause.count == 1)
        # The first reads wait for the stream to answer.
        self.session.scheduler.release_first_reads()
        await wait_until(lambda: self.account_reads == 1)
        await run_ready_tasks()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningSession]:
    started = RunningSession(tmp_path)
    await started.start()
    yield started
    await started.session.stop()


async def test_sleep_reads_all_feeds_and_reopens_stream(running: RunningSession) -> None:
    session = running.session
    await running.stream.queue.put(Connected())
    await wait_until(lambda: session.realtime.state is RealtimeState.OPEN)
    await run_ready_tasks()
    session.fake.log.clear()
    # Less than the longest poll interval, so that its feed is read because of the sleep alone.
    await running.pause.end_after(300)
    await wait_until(lambda: len(running.stream.dials) == 2)
    await wait_until(lambda: "observability.calls" in session.fake.log)
    # Feeds without hints are read too.
    await wait_until(lambda: running.account_reads == 2)
    assert session.listing.set.freshness.age(session.clock.monotonic()) == 0


async def test_short_delay_is_no_sleep(running: RunningSession) -> None:
    for seconds in (LOOK, LOOK + SLEPT):
        await running.pause.end_after(seconds)
    assert (len(running.stream.dials), running.account_reads) == (1, 1)


async def test_closed_stream_stays_closed_after_a_sleep(running: RunningSession) -> None:
    await running.stream.queue.put(LoginRequired("sign in", status=307))
    await wait_until(lambda: running.session.realtime.state is RealtimeState.CLOSED)
    await run_ready_tasks()
    await running.pause.end_after(300)
    await wait_until(lambda: running.account_reads == 2)
    assert len(running.stream.dials) == 1


async def test_stopped_session_leaves_no_sleep_detector(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    started = RunningSession(tmp_path)
    await started.start()
    await started.session.stop()
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
