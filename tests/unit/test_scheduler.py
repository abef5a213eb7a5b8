"""The scheduler: wants, polls, failures and the budget, on a stepped clock."""

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
from tests.unit.fakes import run_ready_tasks, wait_until
from tests.unit.stepped_scheduler import Probe, SteppedScheduler


async def test_wanted_feed_is_read_at_once_then_polled(stepped: SteppedScheduler) -> None:
    probe = stepped.feed()
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    fresh = subscription.feed.freshness
    assert (fresh.as_of, fresh.as_of_wall, fresh.loading, fresh.error) == (
        1000.0,
        stepped.clock.now(),
        False,
        None,
    )
    await stepped.advance(9.9)
    assert probe.reads == 1
    await stepped.advance(0.2)
    assert probe.reads == 2


async def test_polling_is_slow_while_realtime_is_open(stepped: SteppedScheduler) -> None:
    heard = stepped.feed("heard", tables=frozenset({"ai_calls"}))
    deaf = stepped.feed("deaf")
    stepped.scheduler.realtime_open = True
    for probe in (heard, deaf):
        stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: heard.reads == deaf.reads == 1)
    await stepped.advance(11)
    # A feed without tables gets no hints.
    assert (heard.reads, deaf.reads) == (1, 2)
    await stepped.advance(50)
    assert heard.reads == 2


async def test_wants_of_equal_feeds_share_one_read(stepped: SteppedScheduler) -> None:
    first, second = stepped.feed("same"), stepped.feed("same", Priority.TAIL)
    one, two = stepped.scheduler.subscribe(first.feed), stepped.scheduler.subscribe(second.feed)
    assert one.feed is two.feed is first.feed
    assert one.feed.priority is Priority.TAIL
    await wait_until(lambda: first.reads)
    await run_ready_tasks()
    assert (first.reads, second.reads) == (1, 0)
    one.drop()
    await stepped.advance(11)
    assert first.reads == 2


async def test_feed_stops_when_its_last_want_is_dropped(stepped: SteppedScheduler) -> None:
    probe = stepped.feed()
    one, two = stepped.scheduler.subscribe(probe.feed), stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    one.drop()
    one.drop()  # a second drop of the same subscription has no effect
    await stepped.advance(11)
    assert probe.reads == 2
    two.drop()
    await stepped.advance(100)
    assert probe.reads == 2


async def test_feeds_are_read_by_priority(stepped: SteppedScheduler) -> None:
    await stepped.scheduler.stop()
    for name, priority in (("b", Priority.BACKGROUND), ("t", Priority.TABLE), ("e", Priority.TAIL)):
        stepped.scheduler.subscribe(stepped.feed(name, priority).feed)
    stepped.scheduler.start()
    await wait_until(lambda: len(stepped.log) == 3)
    assert stepped.log == ["e", "t", "b"]


async def test_at_most_eight_feeds_are_read_together(stepped: SteppedScheduler) -> None:
    probes = [stepped.feed(f"f{number}") for number in range(AT_ONCE + 4)]
    for probe in probes:
        probe.gate.clear()
        stepped.scheduler.subscribe(probe.feed)
    await run_ready_tasks()
    assert len(stepped.log) == AT_ONCE == 8
    urgent, ours = stepped.feed("urgent", Priority.TAIL), stepped.feed("a file of ours")
    ours.feed.local = True
    stepped.scheduler.subscribe(urgent.feed)
    stepped.scheduler.subscribe(ours.feed)
    await wait_until(lambda: ours.reads == 1)
    assert stepped.log[AT_ONCE:] == ["a file of ours"]
    probes[0].gate.set()
    await wait_until(lambda: len(stepped.log) == AT_ONCE + 2)
    assert stepped.log[-1] == "urgent"
    for probe in probes:
        probe.gate.set()
    await wait_until(lambda: len(stepped.log) == AT_ONCE + 6)


async def test_feed_blocked_by_budget_waits_for_a_slot(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(poll_without_realtime=500.0)
    probe.fails = [BudgetBlocked(stepped.clock.monotonic() + 30)]
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    fresh = subscription.feed.freshness
    assert (fresh.blocked_until, fresh.error, fresh.failures) == (1030.0, None, 0)
    await stepped.advance(29)
    subscription.refresh()  # a refresh does not free a slot
    await run_ready_tasks()
    assert probe.reads == 1
    await stepped.advance(1.1)
    assert probe.reads == 2
    assert fresh.blocked_until is None
    await stepped.advance(100)
    assert probe.reads == 2


async def test_failing_feed_is_retried_with_backoff(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(poll_without_realtime=1000.0)
    probe.fails = [Unreachable("down") for _ in range(6)]
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    waits = []
    for reads in range(1, 7):
        await run_ready_tasks()
        fresh = subscription.feed.freshness
        assert (fresh.failures, str(fresh.error)) == (reads, str(Unreachable("down")))
        assert fresh.retry_at is not None
        waits.append(fresh.retry_at - stepped.clock.monotonic())
        await stepped.advance(waits[-1] + 0.01)
        assert probe.reads == reads + 1
    assert waits[0] == pytest.approx(1.0)
    assert waits[3:] == pytest.approx([10.0, 15.0, 20.0])
    assert (fresh.failures, fresh.error, fresh.retry_at) == (0, None, None)
    assert fresh.as_of is not None


async def test_retry_backoff_ends_at_the_poll_interval(
    stepped: SteppedScheduler,
) -> None:
    probe = stepped.feed(every=60.0, tables=frozenset({"ai_calls"}))
    stepped.scheduler.realtime_open = True
    probe.fails = [ServiceFailed("broken", status=500) for _ in range(7)]
    fresh = stepped.scheduler.subscribe(probe.feed).feed.freshness
    await wait_until(lambda: probe.reads == 1)
    waits = []
    for reads in range(1, 8):
        await run_ready_tasks()
        # The time of the next retry is known.
        assert (fresh.failures, fresh.retry_at is not None) == (reads, True)
        waits.append((fresh.retry_at or 0.0) - stepped.clock.monotonic())
        await stepped.advance(waits[-1] + 0.01)
        assert probe.reads == reads + 1
    assert waits[2:] == pytest.approx([8.0, 16.0, 32.0, 60.0, 60.0])
    assert (fresh.failures, fresh.error, fresh.retry_at) == (0, None, None)


@pytest.mark.parametrize("broken", ["idle", "metered"])
async def test_feed_with_failing_callback_stops_no_other(stepped: SteppedScheduler, broken: str) -> None:
    def fails() -> bool:
        raise KeyError("gone")

    wrong, right = Probe(stepped, "wrong", Priority.TABLE, **{broken: fails}), stepped.feed("right")
    for probe in (wrong, right):
        stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: wrong.reads == right.reads == 1)
    await run_ready_tasks()
    await stepped.advance(10.1)
    assert right.reads == 2
    assert isinstance(wrong.feed.freshness.error, KeyError)
    await stepped.advance(15.1)
    assert (wrong.reads, right.reads) == (2, 3)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled("slow down", status=429, retry_after=12), 12),
        (Throttled("slow down", status=429), 60),
        (SuspectedThrottle("maybe", status=401), 60),
    ],
)
async def test_rate_limit_is_waited_for_each_time(
    stepped: SteppedScheduler, error: MogplexError, seconds: float
) -> None:
    probe = stepped.feed(poll_without_realtime=1.0)
    probe.fails = [error] * 5
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    for reads in range(1, 5):
        await stepped.advance(seconds - 0.5)
        assert probe.reads == reads
        await stepped.advance(0.6)
        assert probe.reads == reads + 1


@pytest.mark.parametrize(
    "error", [LoginRequired("no", status=307), ServiceFailed("broken", status=500), ValueError("ours")]
)
async def test_feed_recovers_from_any_error(stepped: SteppedScheduler, error: Exception) -> None:
    probe = stepped.feed()
    probe.fails = [error] * 4
    subscription = stepped.scheduler.subscribe(probe.feed)
    for _ in range(80):
        await stepped.advance(1)
    assert probe.reads >= 5
    assert subscription.feed.freshness.error is None


async def test_refresh_reads_now_even_between_retries(stepped: SteppedScheduler) -> None:
    probe = stepped.feed()
    probe.fails = [Unreachable("down") for _ in range(5)]
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    for _ in range(5):
        subscription.refresh()
        await run_ready_tasks()
    assert probe.reads == 6
    subscription.refresh()
    await run_ready_tasks()
    assert probe.reads == 7


async def test_slow_feed_is_read_less_often(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"t"}), poll_without_realtime=1.0, gap=0.1)
    probe.takes = 2.0
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.feed.finished is not None)
    stepped.scheduler.hint(["t"])
    await stepped.advance(7.9)
    assert probe.reads == 1
    await stepped.advance(0.2)
    assert probe.reads == 2
    await stepped.advance(15.9)
    assert probe.reads == 2
    await stepped.advance(0.2)
    assert probe.reads == 3


async def test_feed_notifies_at_start_and_end_of_a_read(stepped: SteppedScheduler) -> None:
    probe = stepped.feed()
    seen: list[bool] = []
    probe.feed.changed.subscribe(lambda: seen.append(probe.feed.freshness.loading))
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: len(seen) == 2)
    assert seen == [True, False]


async def test_stop_cancels_reads_and_start_resumes(stepped: SteppedScheduler) -> None:
    probe = stepped.feed()
    probe.gate.clear()
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await stepped.scheduler.stop()
    assert not probe.feed.freshness.loading
    assert probe.feed.freshness.error is None
    probe.gate.set()
    stepped.scheduler.start()
    stepped.scheduler.start()
    await wait_until(lambda: probe.reads == 2)


@pytest.mark.parametrize("until_free", [-5.0, 0.0, 0.001, float("nan")])
async def test_blocked_read_waits_at_least_a_second(stepped: SteppedScheduler, until_free: float) -> None:
    probe = stepped.feed()
    probe.fails = [BudgetBlocked(stepped.clock.monotonic() + until_free, "no slot") for _ in range(50)]
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks(200)
    assert probe.reads == 1
    await stepped.advance(1.01)
    assert probe.reads == 2


@pytest.mark.parametrize("named", [0.0, 0.001, -3.0, float("nan"), 1e12])
async def test_retry_after_is_bounded(stepped: SteppedScheduler, named: float) -> None:
    probe = stepped.feed()
    probe.fails = [Throttled("slow down", status=429, retry_after=named)]
    fresh = stepped.scheduler.subscribe(probe.feed).feed.freshness
    await wait_until(lambda: fresh.failures == 1)
    assert fresh.retry_at is not None
    assert 1.0 <= fresh.retry_at - stepped.clock.monotonic() <= 300.0


async def test_retry_wait_has_bounded_jitter(stepped: SteppedScheduler) -> None:
    waits = []
    for share, named in ((0.0, 100.0), (1.0, 100.0), (1.0, 300.0)):
        stepped.scheduler.jitter = partial(float, share)
        probe = stepped.feed(f"{share} {named}")
        probe.fails = [Throttled("slow down", status=429, retry_after=named)]
        fresh = stepped.scheduler.subscribe(probe.feed).feed.freshness
        await wait_until(lambda: fresh.failures == 1)
        waits.append((fresh.retry_at or 0.0) - stepped.clock.monotonic())
    assert waits == pytest.approx([100.0, 120.0, 300.0])


@pytest.mark.parametrize(("metered", "most"), [(True, 20), (False, 60)], ids=["token", "cookie"])
async def test_a_watched_run_sends_few_requests_a_minute(
    stepped: SteppedScheduler, metered: bool, most: int
) -> None:
    # As in the console: a tail, the list of runs, and two reads for the header.
    shapes = [("tail", Priority.TAIL, 0.25, 3.0, 1), ("runs", Priority.TABLE, 1.0, 6.0, 2)]
    shapes += [("costs", Priority.BACKGROUND, 3.0, 30.0, 1), ("approvals", Priority.BACKGROUND, 1.0, 60.0, 2)]
    probes = []
    for name, priority, gap, interval, requests in shapes:
        probe = stepped.feed(name, priority, gap=gap, poll_without_realtime=interval, tables=frozenset({"t"}))
        probe.feed.metered = lambda: metered
        probe.requests = requests
        probes.append(probe)
        stepped.scheduler.subscribe(probe.feed)
    stepped.scheduler.realtime_open = True
    counts = []
    for _ in range(3):
        before = sum(probe.reads * probe.requests for probe in probes)
        for _ in range(120):
            stepped.scheduler.hint(["t"])
            await stepped.advance(0.5)
        counts.append(sum(probe.reads * probe.requests for probe in probes) - before)
    assert max(counts[1:]) <= most
    # The tail gets most of them, and the table is read all the same.
    assert probes[0].reads > probes[1].reads > 3


async def test_change_after_a_quiet_time_is_read_at_once(stepped: SteppedScheduler) -> None:
    probe = stepped.feed(tables=frozenset({"t"}))
    stepped.scheduler.realtime_open = True
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await stepped.advance(70)
    assert probe.reads == 2
    await stepped.advance(13)
    stepped.scheduler.hint(["t"])
    await stepped.advance(0.2)
    assert probe.reads == 3


async def test_reads_slow_down_as_others_use_the_budget(stepped: SteppedScheduler) -> None:
    probe, free = (
        stepped.feed("metered", poll_without_realtime=3.0),
        stepped.feed("free", poll_without_realtime=3.0, metered=lambda: False),
    )
    for each in (probe, free):
        stepped.scheduler.subscribe(each.feed)
    await wait_until(lambda: probe.reads == free.reads == 1)
    await run_ready_tasks()
    stepped.use_budget(45)
    # 12 s of pace and 6 s more for the crowd.
    await stepped.advance(17.0)
    assert (probe.reads, free.reads) == (1, 2)
    await stepped.advance(2.0)
    assert probe.reads == 2
    # A 429 that the own count does not explain doubles the pace.
    stepped.budget.hold_back(1)
    await stepped.advance(28.0)
    assert probe.reads == 2
    await stepped.advance(4.0)
    assert probe.reads == 3


async def test_first_read_can_let_other_feeds_go_first(stepped: SteppedScheduler) -> None:
    metered = stepped.feed("metered", metered_delay=12.0)
    free = stepped.feed("free", metered_delay=12.0, metered=lambda: False)
    for probe in (metered, free):
        stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: free.reads == 1)
    await stepped.advance(11.9)
    assert metered.reads == 0
    await stepped.advance(0.2)
    assert metered.reads == 1
