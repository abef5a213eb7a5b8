"""What is read when: wants, polls, failures and the budget, on a clock that moves only when told."""

from __future__ import annotations

from functools import partial

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    BudgetBlocked,
    LoginRequired,
    MogplexError,
    ServiceFailed,
    SuspectedThrottle,
    Throttled,
    Unreachable,
)
from mogplex_tui.live.scheduler import AT_ONCE
from tests.unit.fakes import turns, until
from tests.unit.scheduling import Probe, World


async def test_wanted_feed_is_read_at_once_then_polled(world: World) -> None:
    probe = world.feed()
    want = world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    fresh = want.feed.freshness
    assert (fresh.as_of, fresh.as_of_wall, fresh.loading, fresh.error) == (
        1000.0,
        world.clock.now(),
        False,
        None,
    )
    await world.after(9.9)
    assert probe.reads == 1
    await world.after(0.2)
    assert probe.reads == 2


async def test_polling_is_slow_while_realtime_is_open(world: World) -> None:
    heard = world.feed("heard", tables=frozenset({"ai_calls"}))
    deaf = world.feed("deaf")
    world.scheduler.realtime_open = True
    for probe in (heard, deaf):
        world.scheduler.want(probe.feed)
    await until(lambda: heard.reads == deaf.reads == 1)
    await world.after(11)
    # No hint can reach a feed that rests on no table.
    assert (heard.reads, deaf.reads) == (1, 2)
    await world.after(50)
    assert heard.reads == 2


async def test_wants_of_equal_feeds_share_one_read(world: World) -> None:
    first, second = world.feed("same"), world.feed("same", Priority.TAIL)
    one, two = world.scheduler.want(first.feed), world.scheduler.want(second.feed)
    assert one.feed is two.feed is first.feed
    assert one.feed.priority is Priority.TAIL
    await until(lambda: first.reads)
    await turns()
    assert (first.reads, second.reads) == (1, 0)
    one.drop()
    await world.after(11)
    assert first.reads == 2


async def test_feed_stops_when_its_last_want_is_dropped(world: World) -> None:
    probe = world.feed()
    one, two = world.scheduler.want(probe.feed), world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    one.drop()
    one.drop()  # a second drop of the same hold takes nobody else's away
    await world.after(11)
    assert probe.reads == 2
    two.drop()
    await world.after(100)
    assert probe.reads == 2


async def test_feeds_are_read_by_priority(world: World) -> None:
    await world.scheduler.stop()
    for name, priority in (("b", Priority.BACKGROUND), ("t", Priority.TABLE), ("e", Priority.TAIL)):
        world.scheduler.want(world.feed(name, priority).feed)
    world.scheduler.start()
    await until(lambda: len(world.log) == 3)
    assert world.log == ["e", "t", "b"]


async def test_at_most_eight_feeds_are_read_together(world: World) -> None:
    probes = [world.feed(f"f{number}") for number in range(AT_ONCE + 4)]
    for probe in probes:
        probe.gate.clear()
        world.scheduler.want(probe.feed)
    await turns()
    assert len(world.log) == AT_ONCE == 8
    urgent, ours = world.feed("urgent", Priority.TAIL), world.feed("a file of ours")
    ours.feed.local = True
    world.scheduler.want(urgent.feed)
    world.scheduler.want(ours.feed)
    await until(lambda: ours.reads == 1)
    assert world.log[AT_ONCE:] == ["a file of ours"]
    probes[0].gate.set()
    await until(lambda: len(world.log) == AT_ONCE + 2)
    assert world.log[-1] == "urgent"
    for probe in probes:
        probe.gate.set()
    await until(lambda: len(world.log) == AT_ONCE + 6)


async def test_feed_blocked_by_budget_waits_for_a_slot(world: World) -> None:
    probe = world.feed(blind=500.0)
    probe.fails = [BudgetBlocked(world.clock.monotonic() + 30)]
    want = world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    fresh = want.feed.freshness
    assert (fresh.blocked_until, fresh.error, fresh.failures) == (1030.0, None, 0)
    await world.after(29)
    want.refresh()  # asking does not make a slot
    await turns()
    assert probe.reads == 1
    await world.after(1.1)
    assert probe.reads == 2
    assert fresh.blocked_until is None
    await world.after(100)
    assert probe.reads == 2


async def test_failing_feed_is_retried_with_backoff(world: World) -> None:
    probe = world.feed(blind=1000.0)
    probe.fails = [Unreachable("down") for _ in range(6)]
    want = world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    waits = []
    for reads in range(1, 7):
        await turns()
        fresh = want.feed.freshness
        assert (fresh.failures, str(fresh.error)) == (reads, str(Unreachable("down")))
        assert fresh.retry_at is not None
        waits.append(fresh.retry_at - world.clock.monotonic())
        await world.after(waits[-1] + 0.01)
        assert probe.reads == reads + 1
    assert waits[0] == pytest.approx(1.0)
    assert waits[3:] == pytest.approx([10.0, 15.0, 20.0])
    assert (fresh.failures, fresh.error, fresh.retry_at) == (0, None, None)
    assert fresh.as_of is not None


async def test_retry_backoff_ends_at_the_poll_interval(
    world: World,
) -> None:
    probe = world.feed(every=60.0, tables=frozenset({"ai_calls"}))
    world.scheduler.realtime_open = True
    probe.fails = [ServiceFailed("broken", status=500) for _ in range(7)]
    fresh = world.scheduler.want(probe.feed).feed.freshness
    await until(lambda: probe.reads == 1)
    waits = []
    for reads in range(1, 8):
        await turns()
        # Whoever looks is told when the next try is.
        assert (fresh.failures, fresh.retry_at is not None) == (reads, True)
        waits.append((fresh.retry_at or 0.0) - world.clock.monotonic())
        await world.after(waits[-1] + 0.01)
        assert probe.reads == reads + 1
    assert waits[2:] == pytest.approx([8.0, 16.0, 32.0, 60.0, 60.0])
    assert (fresh.failures, fresh.error, fresh.retry_at) == (0, None, None)


@pytest.mark.parametrize("broken", ["idle", "metered"])
async def test_feed_with_failing_callback_stops_no_other(world: World, broken: str) -> None:
    def fails() -> bool:
        raise KeyError("gone")

    wrong, right = Probe(world, "wrong", Priority.TABLE, **{broken: fails}), world.feed("right")
    for probe in (wrong, right):
        world.scheduler.want(probe.feed)
    await until(lambda: wrong.reads == right.reads == 1)
    await turns()
    await world.after(10.1)
    assert right.reads == 2
    assert isinstance(wrong.feed.freshness.error, KeyError)
    await world.after(15.1)
    assert (wrong.reads, right.reads) == (2, 3)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled("slow down", status=429, retry_after=12), 12),
        (Throttled("slow down", status=429), 60),
        (SuspectedThrottle("maybe", status=401), 60),
    ],
)
async def test_rate_limit_is_waited_for_each_time(world: World, error: MogplexError, seconds: float) -> None:
    probe = world.feed(blind=1.0)
    probe.fails = [error] * 5
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    for reads in range(1, 5):
        await world.after(seconds - 0.5)
        assert probe.reads == reads
        await world.after(0.6)
        assert probe.reads == reads + 1


@pytest.mark.parametrize(
    "error", [LoginRequired("no", status=307), ServiceFailed("broken", status=500), ValueError("ours")]
)
async def test_feed_recovers_from_any_error(world: World, error: Exception) -> None:
    probe = world.feed()
    probe.fails = [error] * 4
    want = world.scheduler.want(probe.feed)
    for _ in range(80):
        await world.after(1)
    assert probe.reads >= 5
    assert want.feed.freshness.error is None


async def test_refresh_reads_now_even_between_retries(world: World) -> None:
    probe = world.feed()
    probe.fails = [Unreachable("down") for _ in range(5)]
    want = world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    for _ in range(5):
        want.refresh()
        await turns()
    assert probe.reads == 6
    want.refresh()
    await turns()
    assert probe.reads == 7


async def test_hinted_reads_slow_down_as_budget_is_used(world: World) -> None:
    metered = world.feed("metered", tables=frozenset({"t"}), gap=1.0)
    free = world.feed("free", tables=frozenset({"t"}), gap=1.0, metered=lambda: False)
    for probe in (metered, free):
        world.scheduler.want(probe.feed)
    await until(lambda: len(world.log) == 2)
    await turns()
    world.spend(8)
    world.scheduler.hint(["t"])
    await world.after(1.01)
    assert (metered.reads, free.reads) == (2, 2)
    world.spend(25)  # 45 of 60
    world.scheduler.hint(["t"])
    await world.after(1.01)
    assert (metered.reads, free.reads) == (2, 3)
    await world.after(6.0)
    assert metered.reads == 3


async def test_slow_feed_is_read_less_often(world: World) -> None:
    probe = world.feed(tables=frozenset({"t"}), blind=1.0, gap=0.1)
    probe.takes = 2.0
    world.scheduler.want(probe.feed)
    await until(lambda: probe.feed.finished is not None)
    world.scheduler.hint(["t"])
    await world.after(7.9)
    assert probe.reads == 1
    await world.after(0.2)
    assert probe.reads == 2
    await world.after(15.9)
    assert probe.reads == 2
    await world.after(0.2)
    assert probe.reads == 3


async def test_feed_notifies_at_start_and_end_of_a_read(world: World) -> None:
    probe = world.feed()
    seen: list[bool] = []
    probe.feed.changed.subscribe(lambda: seen.append(probe.feed.freshness.loading))
    world.scheduler.want(probe.feed)
    await until(lambda: len(seen) == 2)
    assert seen == [True, False]


async def test_stop_cancels_reads_and_start_resumes(world: World) -> None:
    probe = world.feed()
    probe.gate.clear()
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await world.scheduler.stop()
    assert not probe.feed.freshness.loading
    assert probe.feed.freshness.error is None
    probe.gate.set()
    world.scheduler.start()
    world.scheduler.start()
    await until(lambda: probe.reads == 2)


async def test_polls_slow_down_as_budget_is_used(world: World) -> None:
    probe = world.feed(blind=3.0)
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns()
    world.spend(40)
    await world.after(3.1)
    assert probe.reads == 1
    await world.after(9.0)
    assert probe.reads == 2


@pytest.mark.parametrize("until_free", [-5.0, 0.0, 0.001, float("nan")])
async def test_blocked_read_waits_at_least_a_second(world: World, until_free: float) -> None:
    probe = world.feed()
    probe.fails = [BudgetBlocked(world.clock.monotonic() + until_free, "no slot") for _ in range(50)]
    world.scheduler.want(probe.feed)
    await until(lambda: probe.reads == 1)
    await turns(200)
    assert probe.reads == 1
    await world.after(1.01)
    assert probe.reads == 2


@pytest.mark.parametrize("named", [0.0, 0.001, -3.0, float("nan"), 1e12])
async def test_retry_after_is_bounded(world: World, named: float) -> None:
    probe = world.feed()
    probe.fails = [Throttled("slow down", status=429, retry_after=named)]
    fresh = world.scheduler.want(probe.feed).feed.freshness
    await until(lambda: fresh.failures == 1)
    assert fresh.retry_at is not None
    assert 1.0 <= fresh.retry_at - world.clock.monotonic() <= 300.0


async def test_retry_wait_has_bounded_jitter(world: World) -> None:
    waits = []
    for share, named in ((0.0, 100.0), (1.0, 100.0), (1.0, 300.0)):
        world.scheduler.jitter = partial(float, share)
        probe = world.feed(f"{share} {named}")
        probe.fails = [Throttled("slow down", status=429, retry_after=named)]
        fresh = world.scheduler.want(probe.feed).feed.freshness
        await until(lambda: fresh.failures == 1)
        waits.append((fresh.retry_at or 0.0) - world.clock.monotonic())
    assert waits == pytest.approx([100.0, 120.0, 300.0])
