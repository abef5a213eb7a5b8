"""What is read when something was announced, and what no announcement said."""

from __future__ import annotations

from typing import Any

from mogplex_tui.api.errors import (
    LoginRequired,
    Unreachable,
)
from mogplex_tui.live.scheduler import DEBOUNCE
from tests.unit.fakes import turns, until
from tests.unit.scheduling import Probe, World


async def test_burst_of_hints_causes_one_read(world: World) -> None:
    probe = world.feed(tables=frozenset({"ai_calls", "job_runs"}))
    other = world.feed("other", tables=frozenset({"sandboxes"}))
    for each in (probe, other):
        world.scheduler.want(each.feed)
    await until(lambda: probe.reads == other.reads == 1)
    await world.after(5)
    for _ in range(20):
        world.scheduler.hint(["ai_calls"])
        world.scheduler.hint(["job_runs", "unheard_of"])
    await turns()
    assert probe.reads == 1
    await world.after(DEBOUNCE + 0.01)
    assert (probe.reads, other.reads) == (2, 1)
    await world.after(1)
    assert probe.reads == 2


async def test_hints_respect_the_gap_between_reads(world: World) -> None:
    probe = world.feed(tables=frozenset({"ai_calls"}), gap=2.0)
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    for _ in range(40):
        world.scheduler.hint(["ai_calls"])
        await world.after(0.2)
    # Eight seconds of hints, one read in two.
    assert 4 <= probe.reads <= 5


async def test_hint_during_a_read_causes_one_more(world: World) -> None:
    probe = world.feed(tables=frozenset({"ai_calls"}))
    probe.gate.clear()
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    world.scheduler.hint(["ai_calls"])
    await world.after(0.2)
    assert probe.reads == 1  # one request at a time a feed
    probe.gate.set()
    await turns()
    await world.after(1)
    assert probe.reads == 2


async def test_hint_for_unwanted_feed_is_read_when_wanted(world: World) -> None:
    world.scheduler.realtime_open = True
    probe = world.feed(tables=frozenset({"ai_calls"}))
    world.scheduler.want(probe.feed).drop()
    want = world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    want.drop()
    await world.after(1)
    world.scheduler.want(probe.feed).drop()
    await world.after(1)
    assert probe.reads == 1  # nothing was announced
    world.scheduler.hint(["ai_calls"])
    await world.after(1)
    world.scheduler.want(probe.feed)
    await turns()
    assert probe.reads == 2


async def test_reconnect_counts_as_hint_for_unwanted_feed(world: World) -> None:
    world.scheduler.realtime_open = True
    probe = world.feed(tables=frozenset({"ai_calls"}))
    want = world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    want.drop()
    await world.after(1)
    world.scheduler.refresh_all()
    await world.after(1)
    world.scheduler.want(probe.feed)
    await turns()
    assert probe.reads == 2


async def test_reconnect_reads_hinted_and_failed_feeds(world: World) -> None:
    heard = world.feed("heard", tables=frozenset({"ai_calls"}))
    failed, names = world.feed("failed"), world.feed("names", blind=900.0)
    failed.fails = [LoginRequired("no", status=307)]
    for probe in (heard, failed, names):
        world.scheduler.want(probe.feed)
    await until(lambda: len(world.log) == 3)
    await turns()
    world.scheduler.refresh_all()
    await turns()
    assert (heard.reads, failed.reads, names.reads) == (2, 2, 1)


async def test_idle_feed_is_not_polled_but_follows_hints(world: World) -> None:
    over = False
    probe = world.feed(tables=frozenset({"t"}), idle=lambda: over)
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    over = True
    await world.after(1000)
    assert probe.reads == 1
    world.scheduler.hint(["t"])
    await world.after(1)
    assert probe.reads == 2
    # The whole account's work hints at it; most of it is about others.
    for _ in range(59):
        world.scheduler.hint(["t"])
        await world.after(1)
    assert probe.reads == 2
    await world.after(1)
    assert probe.reads == 3


async def missed_after(world: World, probe: Probe, **state: Any) -> int:
    told = []
    world.scheduler.missed.subscribe(lambda: told.append(1))
    world.scheduler.realtime_open = True
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    probe.differs = True
    if state.get("hint"):
        world.scheduler.hint(["t"])
    probe.fails = state.get("fails", [])
    for _ in range(2):
        await world.after(61)
    assert probe.reads > 1
    return len(told)


async def test_change_found_by_poll_alone_is_missed(world: World) -> None:
    assert await missed_after(world, world.feed(tables=frozenset({"t"}))) == 2


async def test_feed_without_tables_misses_no_change(world: World) -> None:
    assert await missed_after(world, world.feed()) == 0


async def test_feed_with_partial_hints_misses_no_change(world: World) -> None:
    probe = world.feed(tables=frozenset({"t"}), announced=False)
    assert await missed_after(world, probe) == 0


async def test_hinted_change_is_not_missed(world: World) -> None:
    assert await missed_after(world, world.feed(tables=frozenset({"t"}), every=100.0), hint=True) == 0


async def test_change_during_an_outage_is_not_missed(world: World) -> None:
    probe = world.feed(tables=frozenset({"t"}), every=110.0)
    assert await missed_after(world, probe, fails=[Unreachable("down")]) == 0


async def test_change_with_hint_during_the_read_is_not_missed(world: World) -> None:
    told: list[int] = []
    world.scheduler.missed.subscribe(lambda: told.append(1))
    world.scheduler.realtime_open = True
    probe = world.feed(tables=frozenset({"t"}))
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    probe.gate.clear()
    probe.differs = True
    await world.after(61)
    world.scheduler.hint(["t"])
    probe.gate.set()
    await turns()
    assert probe.reads == 2
    assert told == []


async def test_hints_without_changes_are_delayed(world: World) -> None:
    probe = world.feed(tables=frozenset({"t"}), gap=0.5, patience=2.0, metered=lambda: False)
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    world.scheduler.hint(["t"])
    await world.after(0.6)
    assert probe.reads == 1  # The first read found nothing new either: 1.0 s.
    await world.after(0.5)
    assert probe.reads == 2
    probe.differs = True
    world.scheduler.hint(["t"])
    await world.after(1.9)
    assert probe.reads == 2  # 2.0 s, the most that it is kept waiting.
    await world.after(0.2)
    assert probe.reads == 3
    world.scheduler.hint(["t"])
    await world.after(0.55)
    assert probe.reads == 4
