"""Reads that no screen wants any more are cancelled, on a stepped clock."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.live.scheduler import AT_ONCE, HANDED_ON, LINGERS, Subscription
from tests.unit.fakes import run_ready_tasks, wait_until
from tests.unit.stepped_scheduler import Probe, SteppedScheduler


async def _held_up(stepped: SteppedScheduler, *names: str, **more: Any) -> list[tuple[Probe, Subscription]]:
    """Start reads of new feeds that do not end; return each feed with its Want."""
    held = []
    for name in names:
        probe = stepped.feed(name, **more)
        probe.gate.clear()
        held.append((probe, stepped.scheduler.subscribe(probe.feed)))
    await run_ready_tasks()
    return held


@pytest.mark.parametrize("read_before", [True, False])
async def test_unwanted_read_is_cancelled_without_a_failure(
    stepped: SteppedScheduler, read_before: bool
) -> None:
    probe = stepped.feed()
    if read_before:
        stepped.scheduler.subscribe(probe.feed).drop()
        subscription = stepped.scheduler.subscribe(probe.feed)
        await wait_until(lambda: probe.feed.finished is not None)
        probe.gate.clear()
        subscription.refresh()
    else:
        probe.gate.clear()
        subscription = stepped.scheduler.subscribe(probe.feed)
    begun = 1 + read_before
    await wait_until(lambda: probe.reads == begun and probe.feed.running)
    as_of, fresh = probe.feed.freshness.as_of, probe.feed.freshness
    subscription.drop()
    await stepped.advance(LINGERS - 0.01)
    assert probe.feed.running
    await stepped.advance(0.02)
    assert not probe.feed.running
    assert (fresh.as_of, fresh.loading, fresh.error, fresh.failures, fresh.retry_at) == (
        as_of,
        False,
        None,
        0,
        None,
    )
    await stepped.advance(100)
    assert probe.reads == begun
    probe.gate.set()
    stepped.scheduler.subscribe(probe.feed)
    # The next want reads it at once, however far the next poll is.
    await wait_until(lambda: fresh.as_of == stepped.clock.monotonic())
    assert probe.reads == begun + 1


async def test_read_continues_if_wanted_again_soon(stepped: SteppedScheduler) -> None:
    ((probe, subscription),) = await _held_up(stepped, "f")
    subscription.drop()
    await stepped.advance(LINGERS / 2)
    stepped.scheduler.subscribe(probe.feed)
    await stepped.advance(LINGERS * 5)
    assert probe.feed.running and probe.reads == 1
    probe.gate.set()
    await wait_until(lambda: probe.feed.freshness.as_of is not None)


async def test_read_continues_while_one_want_is_left(stepped: SteppedScheduler) -> None:
    ((probe, subscription),) = await _held_up(stepped, "shared")
    other = stepped.scheduler.subscribe(probe.feed)
    subscription.drop()
    await stepped.advance(LINGERS * 5)
    assert probe.feed.running
    other.drop()
    await stepped.advance(LINGERS * 2)
    assert not probe.feed.running


async def test_waiting_feed_replaces_an_unwanted_read(stepped: SteppedScheduler) -> None:
    held = await _held_up(stepped, *(f"f{number}" for number in range(AT_ONCE)))
    ninth = stepped.feed("ninth")
    stepped.scheduler.subscribe(ninth.feed)
    await stepped.advance(HANDED_ON * 2)
    assert ninth.reads == 0
    (left, subscription), *wanted = held
    subscription.drop()
    await stepped.advance(HANDED_ON * 2)
    assert ninth.reads == 1 and not left.feed.running
    assert all(probe.feed.running and probe.reads == 1 for probe, _ in wanted)


async def test_read_wanted_by_next_screen_continues(
    stepped: SteppedScheduler,
) -> None:
    held = await _held_up(stepped, *(f"f{number}" for number in range(AT_ONCE)))
    stepped.scheduler.subscribe(stepped.feed("ninth").feed)
    probe, subscription = held[0]
    subscription.drop()
    await run_ready_tasks()
    stepped.scheduler.subscribe(probe.feed)
    await stepped.advance(HANDED_ON * 2)
    assert probe.feed.running and probe.reads == 1


async def test_hint_after_cancelled_read_causes_one_read(stepped: SteppedScheduler) -> None:
    ((probe, subscription),) = await _held_up(stepped, "f", tables=frozenset({"ai_calls"}))
    subscription.drop()
    await stepped.advance(LINGERS * 2)
    stepped.scheduler.hint(["ai_calls"])
    probe.gate.set()
    stepped.scheduler.subscribe(probe.feed)
    await stepped.advance(2)
    assert probe.reads == 2
