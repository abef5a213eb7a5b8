"""Reads after realtime hints, and changes that no hint announced."""

from __future__ import annotations

from typing import Any

from mogplex_tui.api.errors import (
    LoginRequired,
    Unreachable,
)
from mogplex_tui.live.scheduler import DEBOUNCE
from tests.unit.fakes import run_ready_tasks, wait_until
from tests.unit.stepped_scheduler import Probe, SteppedScheduler


async def test_burst_of_hints_causes_one_read(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"ai_calls", "job_runs"}))
    other = stepped.feed("other", tables=frozenset({"sandboxes"}))
    for each in (probe, other):
        stepped.scheduler.subscribe(each.feed)
    await wait_until(lambda: probe.reads == other.reads == 1)
    await stepped.advance(5)
    for _ in range(20):
        stepped.scheduler.hint(["ai_calls"])
        stepped.scheduler.hint(["job_runs", "unheard_of"])
    await run_ready_tasks()
    assert probe.reads == 1
    await stepped.advance(DEBOUNCE + 0.01)
    assert (probe.reads, other.reads) == (2, 1)
    await stepped.advance(1)
    assert probe.reads == 2


async def test_hints_respect_the_gap_between_reads(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"ai_calls"}), gap=2.0)
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    for _ in range(40):
        stepped.scheduler.hint(["ai_calls"])
        await stepped.advance(0.2)
    # Eight seconds of hints, at most one read in two seconds.
    assert 4 <= probe.reads <= 5


async def test_hint_during_a_read_causes_one_more(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"ai_calls"}))
    probe.gate.clear()
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    stepped.scheduler.hint(["ai_calls"])
    await stepped.advance(0.2)
    assert probe.reads == 1  # one request at a time per feed
    probe.gate.set()
    await run_ready_tasks()
    await stepped.advance(1)
    assert probe.reads == 2


async def test_hint_for_unwanted_feed_is_read_when_wanted(stepped: SteppedScheduler) -> None:
    stepped.scheduler.realtime_open = True
    probe = stepped.feed(tables=frozenset({"ai_calls"}))
    stepped.scheduler.subscribe(probe.feed).drop()
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    subscription.drop()
    await stepped.advance(1)
    stepped.scheduler.subscribe(probe.feed).drop()
    await stepped.advance(1)
    assert probe.reads == 1  # there was no hint
    stepped.scheduler.hint(["ai_calls"])
    await stepped.advance(1)
    stepped.scheduler.subscribe(probe.feed)
    await run_ready_tasks()
    assert probe.reads == 2


async def test_reconnect_counts_as_hint_for_unwanted_feed(stepped: SteppedScheduler) -> None:
    stepped.scheduler.realtime_open = True
    probe = stepped.feed(tables=frozenset({"ai_calls"}))
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    subscription.drop()
    await stepped.advance(1)
    stepped.scheduler.refresh_all()
    await stepped.advance(1)
    stepped.scheduler.subscribe(probe.feed)
    await run_ready_tasks()
    assert probe.reads == 2


async def test_reconnect_reads_hinted_and_failed_feeds(stepped: SteppedScheduler) -> None:
    heard = stepped.feed("heard", tables=frozenset({"ai_calls"}))
    failed, names = stepped.feed("failed"), stepped.feed("names", poll_without_realtime=900.0)
    failed.fails = [LoginRequired("no", status=307)]
    for probe in (heard, failed, names):
        stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: len(stepped.log) == 3)
    await run_ready_tasks()
    stepped.scheduler.refresh_all()
    await run_ready_tasks()
    assert (heard.reads, failed.reads, names.reads) == (2, 2, 1)


async def test_idle_feed_is_not_polled_but_follows_hints(stepped: SteppedScheduler) -> None:
    over = False
    probe = stepped.feed(tables=frozenset({"t"}), idle=lambda: over)
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    over = True
    await stepped.advance(1000)
    assert probe.reads == 1
    stepped.scheduler.hint(["t"])
    await stepped.advance(1)
    assert probe.reads == 2
    # Most hints are about other rows, so that an idle feed follows only some.
    for _ in range(59):
        stepped.scheduler.hint(["t"])
        await stepped.advance(1)
    assert probe.reads == 2
    await stepped.advance(1)
    assert probe.reads == 3


async def missed_after(stepped: SteppedScheduler, probe: Probe, **state: Any) -> int:
    missed = []
    stepped.scheduler.missed.subscribe(lambda: missed.append(1))
    stepped.scheduler.realtime_open = True
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    probe.differs = True
    if state.get("hint"):
        stepped.scheduler.hint(["t"])
    probe.fails = state.get("fails", [])
    for _ in range(2):
        await stepped.advance(61)
    assert probe.reads > 1
    return len(missed)


async def test_change_found_by_poll_alone_is_missed(stepped: SteppedScheduler) -> None:
    assert await missed_after(stepped, stepped.feed(tables=frozenset({"t"}))) == 2


async def test_feed_without_tables_misses_no_change(stepped: SteppedScheduler) -> None:
    assert await missed_after(stepped, stepped.feed()) == 0


async def test_feed_with_partial_hints_misses_no_change(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"t"}), announced=False)
    assert await missed_after(stepped, probe) == 0


async def test_hinted_change_is_not_missed(stepped: SteppedScheduler) -> None:
    assert await missed_after(stepped, stepped.feed(tables=frozenset({"t"}), every=100.0), hint=True) == 0


async def test_change_during_an_outage_is_not_missed(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"t"}), every=110.0)
    assert await missed_after(stepped, probe, fails=[Unreachable("down")]) == 0


async def test_change_with_hint_during_the_read_is_not_missed(stepped: SteppedScheduler) -> None:
    missed: list[int] = []
    stepped.scheduler.missed.subscribe(lambda: missed.append(1))
    stepped.scheduler.realtime_open = True
    probe = stepped.feed(tables=frozenset({"t"}))
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    probe.gate.clear()
    probe.differs = True
    await stepped.advance(61)
    stepped.scheduler.hint(["t"])
    probe.gate.set()
    await run_ready_tasks()
    assert probe.reads == 2
    assert missed == []
