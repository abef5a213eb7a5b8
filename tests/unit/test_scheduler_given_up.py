"""What nobody looks at any more is not waited for, on a clock that moves only when told."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.live.scheduler import AT_ONCE, HANDED_ON, LINGERS, Want
from tests.unit.fakes import turns, until
from tests.unit.scheduling import Probe, World


async def _held_up(world: World, *names: str, **more: Any) -> list[tuple[Probe, Want]]:
    """Feeds whose reading has begun and does not end."""
    held = []
    for name in names:
        probe = world.feed(name, **more)
        probe.gate.clear()
        held.append((probe, world.scheduler.want(probe.feed)))
    await turns()
    return held


@pytest.mark.parametrize("read_before", [True, False])
async def test_unwanted_read_is_cancelled_without_a_failure(world: World, read_before: bool) -> None:
    probe = world.feed()
    if read_before:
        world.scheduler.want(probe.feed).drop()
        want = world.scheduler.want(probe.feed)
        await until(lambda: probe.feed.finished is not None)
        probe.gate.clear()
        want.refresh()
    else:
        probe.gate.clear()
        want = world.scheduler.want(probe.feed)
    begun = 1 + read_before
    await until(lambda: probe.reads == begun and probe.feed.running)
    as_of, fresh = probe.feed.freshness.as_of, probe.feed.freshness
    want.drop()
    await world.after(LINGERS - 0.01)
    assert probe.feed.running
    await world.after(0.02)
    assert not probe.feed.running
    assert (fresh.as_of, fresh.loading, fresh.error, fresh.failures, fresh.retry_at) == (
        as_of,
        False,
        None,
        0,
        None,
    )
    await world.after(100)
    assert probe.reads == begun
    probe.gate.set()
    world.scheduler.want(probe.feed)
    # Whoever comes next has it read, however long the next poll is off.
    await until(lambda: fresh.as_of == world.clock.monotonic())
    assert probe.reads == begun + 1


async def test_read_continues_if_wanted_again_soon(world: World) -> None:
    ((probe, want),) = await _held_up(world, "f")
    want.drop()
    await world.after(LINGERS / 2)
    world.scheduler.want(probe.feed)
    await world.after(LINGERS * 5)
    assert probe.feed.running and probe.reads == 1
    probe.gate.set()
    await until(lambda: probe.feed.freshness.as_of is not None)


async def test_read_continues_while_one_want_is_left(world: World) -> None:
    ((probe, want),) = await _held_up(world, "shared")
    other = world.scheduler.want(probe.feed)
    want.drop()
    await world.after(LINGERS * 5)
    assert probe.feed.running
    other.drop()
    await world.after(LINGERS * 2)
    assert not probe.feed.running


async def test_waiting_feed_replaces_an_unwanted_read(world: World) -> None:
    held = await _held_up(world, *(f"f{number}" for number in range(AT_ONCE)))
    ninth = world.feed("ninth")
    world.scheduler.want(ninth.feed)
    await world.after(HANDED_ON * 2)
    assert ninth.reads == 0
    (left, want), *wanted = held
    want.drop()
    await world.after(HANDED_ON * 2)
    assert ninth.reads == 1 and not left.feed.running
    assert all(probe.feed.running and probe.reads == 1 for probe, _ in wanted)


async def test_read_wanted_by_next_screen_continues(
    world: World,
) -> None:
    held = await _held_up(world, *(f"f{number}" for number in range(AT_ONCE)))
    world.scheduler.want(world.feed("ninth").feed)
    probe, want = held[0]
    want.drop()
    await turns()
    world.scheduler.want(probe.feed)
    await world.after(HANDED_ON * 2)
    assert probe.feed.running and probe.reads == 1


async def test_hint_after_cancelled_read_causes_one_read(world: World) -> None:
    ((probe, want),) = await _held_up(world, "f", tables=frozenset({"ai_calls"}))
    want.drop()
    await world.after(LINGERS * 2)
    world.scheduler.hint(["ai_calls"])
    probe.gate.set()
    world.scheduler.want(probe.feed)
    await world.after(2)
    assert probe.reads == 2
