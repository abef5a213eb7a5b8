"""Sources of a list fail, are retried and become stale separately."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Any

import pytest

from mogplex_tui.api.errors import (
    BudgetBlocked,
    InvalidResponse,
    LoginRequired,
    MogplexError,
    NotAllowed,
    ServiceFailed,
    Throttled,
    TimedOut,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.collection import Collection, Entry, RowPage, Source
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.session import Session
from mogplex_tui.live.usage_by_owner import DayActivity
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.messages import freshness_text, read_failures
from tests.unit.fakes import FakeClock, FakeSession, call, run_ready_tasks, wait_until
from tests.unit.stepped_scheduler import SteppedScheduler

BROKEN = ServiceFailed("The service failed on the calls: broken", status=500)


# One source


@pytest.mark.parametrize("error", [BROKEN, InvalidResponse("odd"), Unavailable("rests"), TimedOut("late")])
def test_source_records_errors_of_its_route(error: MogplexError) -> None:
    source, clock = SourceState(Subject("they")), FakeClock()
    with source.record_errors(clock):
        pass
    clock.advance(30)
    with source.record_errors(clock):
        raise error
    fresh = source.freshness
    assert (source.failing, fresh.failures, fresh.error, fresh.age(clock.monotonic())) == (
        True,
        1,
        error,
        30.0,
    )
    # A retry is due at once.
    assert fresh.retry_at == clock.monotonic()
    with source.record_errors(clock):
        pass
    assert (source.failing, fresh.error, fresh.age(clock.monotonic())) == (False, None, 0.0)


@pytest.mark.parametrize(
    "error",
    [Throttled("slow"), BudgetBlocked(9.0), Unreachable("down"), LoginRequired("no"), ValueError("ours")],
)
def test_general_errors_are_not_recorded_by_a_source(error: Exception) -> None:
    source = SourceState(Subject("they"))
    with pytest.raises(type(error)), source.record_errors(FakeClock()):
        raise error
    assert not source.failing


async def test_failing_route_costs_one_request_and_skips_no_record() -> None:
    source, asked, broken = SourceState(Subject("they")), list[str](), {"a"}

    async def read(name: str) -> bool:
        asked.append(name)
        if name in broken:
            raise BROKEN
        return True

    assert await source.read_each(FakeClock(), ["a", "b", "c"], read) is False
    assert (asked, source.left, source.failing) == (["a"], ["a", "b", "c"], True)
    asked.clear()
    assert await source.read_each(FakeClock(), ["a", "b", "c"], read) is True
    assert (asked, source.left, source.failing) == (["b", "c", "a"], ["a"], True)
    # Broken records are read in turn, and succeed once they are whole.
    broken.add("b")
    for _ in range(2):
        await source.read_each(FakeClock(), ["a", "b", "c"], read)
    asked.clear()
    broken.remove("b")
    await source.read_each(FakeClock(), ["a", "b", "c"], read)
    assert (asked, source.left) == (["c", "b", "a"], ["a"])
    broken.clear()
    await source.read_each(FakeClock(), ["a"], read)
    assert (source.left, source.failing) == ([], False)


def test_source_without_interval_is_not_stale_by_age() -> None:
    rarely = Freshness(as_of=0.0, every=inf)
    assert not rarely.stale(1e9)
    rarely.failures = 2
    assert rarely.stale(1e9)


# What is read when


async def test_failed_source_is_retried_by_itself(stepped: SteppedScheduler) -> None:
    source = SourceState(Subject("they"))
    probe = stepped.feed(poll_without_realtime=1000.0, tables=frozenset({"t"}), sources={"part": source})
    reads, fails = probe.feed.fetch, [BROKEN] * 4

    async def fetch() -> bool:
        with source.record_errors(stepped.clock):
            if fails:
                raise fails.pop()
        return await reads()

    probe.feed.fetch = fetch
    subscription = stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks()
    fresh = source.freshness
    assert (subscription.feed.freshness.failures, subscription.feed.freshness.retry_at, fresh.failures) == (
        0,
        None,
        1,
    )
    for reads_so_far in (2, 3):
        assert fresh.retry_at is not None
        await stepped.advance(fresh.retry_at - stepped.clock.monotonic() + 0.01)
        assert probe.reads == reads_so_far
    stepped.scheduler.hint(["t"])
    await stepped.advance(1)
    assert (probe.reads, fresh.failures) == (4, 4)
    subscription.refresh()
    assert fresh.retry_at == stepped.clock.monotonic()
    await run_ready_tasks()
    assert (probe.reads, fresh.failures, fresh.retry_at) == (5, 0, None)
    await stepped.advance(500)
    assert probe.reads == 5


async def test_failing_feed_is_not_retried_for_its_failed_source(
    stepped: SteppedScheduler,
) -> None:
    source = SourceState(Subject("they"))
    probe = stepped.feed(poll_without_realtime=1000.0, sources={"part": source}, idle=lambda: True)
    source.freshness.mark_failed(BROKEN)
    source.freshness.retry_at = stepped.clock.monotonic() - 1
    probe.fails = [NotAllowed("no")]
    stepped.scheduler.subscribe(probe.feed)
    await wait_until(lambda: probe.reads == 1)
    await run_ready_tasks(200)
    assert probe.reads == 1


@pytest.mark.parametrize("error", [InvalidResponse("no JSON"), NotAllowed("no", status=403)])
async def test_retry_time_follows_any_error(stepped: SteppedScheduler, error: MogplexError) -> None:
    probe = stepped.feed(poll_without_realtime=60.0)
    probe.fails = [error] * 6
    fresh = stepped.scheduler.subscribe(probe.feed).feed.freshness
    await wait_until(lambda: probe.reads == 1)
    for reads in range(1, 7):
        await run_ready_tasks()
        assert fresh.retry_at is not None
        wait = fresh.retry_at - stepped.clock.monotonic()
        # An invalid response is retried with backoff; a refused one waits for the usual poll.
        assert wait == pytest.approx(
            min(60.0, 8.0 * 2 ** max(0, reads - 3)) if reads and isinstance(error, InvalidResponse) else 60.0
        )
        await stepped.advance(wait + 0.01)
        assert probe.reads == reads + 1
    assert fresh.error is None


# Lists, and what they lend


async def test_direct_fetch_updates_freshness(session: FakeSession) -> None:
    async def read(*_: object) -> RowPage[Any]:
        return RowPage([Entry("a", {"state": "new"})])

    collection = Collection(
        session, "things", (Source(Family.OTHER, read, poll=90, poll_without_realtime=20),)
    )
    collection.set.freshness.mark_failed(BROKEN)
    await collection.fetch()
    fresh = collection.set.freshness
    assert (fresh.age(session.time.monotonic()), fresh.error) == (0.0, None)


async def test_fallback_source_drops_failures_of_the_first(session: FakeSession) -> None:
    async def wide(*_: object) -> RowPage[Any]:
        collection.set.sources.setdefault(
            "part", SourceState(Subject("a part", is_plural=False))
        ).freshness.mark_failed(BROKEN)
        if refused:
            session.access.learn(Family.FLOWS, refused[0])
            raise refused[0]
        return RowPage([Entry("a", {})])

    async def short(*_: object) -> RowPage[Any]:
        return RowPage([Entry("a", {})])

    refused: list[LoginRequired] = []
    collection = Collection(
        session,
        "things",
        (
            Source(Family.FLOWS, wide, poll=90, poll_without_realtime=20),
            Source(Family.V1, short, poll=90, poll_without_realtime=20),
        ),
    )
    await collection.fetch()
    assert set(collection.set.sources) == {"part"}
    refused.append(LoginRequired("no", status=307))
    await collection.fetch()
    assert collection.set.sources == {}


async def test_closed_list_was_never_read(session: FakeSession) -> None:
    async def read(*_: object) -> RowPage[Any]:
        raise AssertionError("asked though it is closed")

    session.access.learn(Family.FLOWS, LoginRequired("no", status=307))
    collection = Collection(
        session, "things", (Source(Family.FLOWS, read, poll=90, poll_without_realtime=20),)
    )
    with pytest.raises(NotAllowed):
        await collection.fetch()
    assert collection.set.freshness.as_of is None


async def test_day_figures_of_stale_runs_are_partial(
    session: FakeSession,
) -> None:
    session.fake.call_rows = [call(1, repo_id="r")]
    await session.listing.fetch()
    runs = session.listing.set
    runs.freshness.mark_read(session.time)
    session.time.wall = (call(1).started_at or session.time.wall) + timedelta(hours=1)

    def day_runs() -> dict[str, tuple[int | None, bool]]:
        day = DayActivity(session, lambda row: row.repo_id)
        return {key: (day.of(key).runs, day.of(key).is_partial) for key in "rs"}

    assert day_runs() == {"r": (1, False), "s": (0, False)}
    session.time.advance(300)
    assert day_runs() == {"r": (1, True), "s": (None, True)}


# What is said


def test_freshness_text_names_the_worst_source() -> None:
    session = FakeSession()
    now = session.time.monotonic()

    def words(fresh: Freshness, *parts: Freshness) -> str:
        return freshness_text(
            session,
            fresh,
            [SourceState(Subject("it", is_plural=False), freshness=part, keys=None) for part in parts],
        )

    new, old = Freshness(as_of=now), Freshness(as_of=now - 40)
    bad = Freshness(as_of=now - 70, failures=1, retry_at=now + 5, error=BROKEN)
    never = Freshness(failures=1, retry_at=now + 9, error=BROKEN)
    assert words(new) == words(new, new) == words(new, Freshness()) == ""
    assert words(new, old) == "updated 40s ago"
    assert words(new, Freshness(as_of=now - 900, every=inf)) == ""
    assert words(new, old, bad) == "partly stale 1m10s · retry in 5s"
    assert words(new, bad, never) == "partly not read · retry in 9s"
    assert words(bad, never) == "stale 1m10s · retry in 5s"
    assert words(new, Freshness(as_of=now - 9, blocked_until=now + 3)) == (
        "partly updated 9s ago · budget used up, next read in 3s"
    )
    assert words(Freshness(loading=True), bad) == "reading"


def test_related_source_is_only_the_part_that_is_joined() -> None:
    session = Session(None)
    asked = session.store.set("approvals")

    def is_related(source: SourceState) -> bool:
        return any(
            each.freshness is source.freshness for each in kind_rows.related_sources(kinds()["jobs"], session)
        )

    # The part is missing while it is closed or not read yet.
    asked.sources["control"] = other = SourceState(Subject("they"))
    assert not is_related(other)
    asked.sources["flows"] = flows = SourceState(Subject("they"))
    assert is_related(flows)
    assert not is_related(other)


def test_error_names_the_part_of_a_list() -> None:
    new, twice = Freshness(as_of=1.0), Freshness(as_of=1.0, failures=2, retry_at=9.0, error=BROKEN)
    never = Freshness(failures=1, retry_at=9.0, error=BROKEN)
    why = "The service failed on the calls: broken."
    expected = {
        SourceState(
            Subject("COST", is_plural=False), frozenset({"cost"}), twice
        ): f"{why} COST is shown as last read.",
        SourceState(
            Subject("COST", is_plural=False), frozenset({"cost"}), never
        ): f"{why} COST is not known.",
        SourceState(Subject("older"), freshness=twice, keys=["a"]): f"{why} Older are shown as last read.",
        SourceState(Subject("older"), freshness=twice): f"{why} Older are not shown.",
    }
    assert {source: read_failures(new, [source], now=2.0) for source in expected} == expected
    # No message while the first retry is pending, and one for the whole list is enough.
    assert (
        read_failures(
            new,
            [
                SourceState(
                    Subject("it", is_plural=False),
                    freshness=Freshness(as_of=1.0, failures=1, retry_at=2.0, error=BROKEN),
                )
            ],
            now=2.0,
        )
        == ""
    )
    assert read_failures(twice, list(expected), now=2.0).endswith("Showing the last data read; r retries.")
    many = [
        SourceState(Subject(f"{name}", is_plural=False), frozenset({"x"}), fresh)
        for name, fresh in zip("ABC", (twice, twice, never), strict=True)
    ]
    assert (
        read_failures(new, many, now=2.0)
        == f"3 reads fail. The first error: {why} A, B: shown as last read. C: not known."
    )
    # Of two sources of the same columns one is named.
    assert read_failures(new, [*expected][:2], now=2.0) == f"{why} COST is shown as last read."


def test_rate_limited_data_has_its_age_and_the_next_attempt() -> None:
    error = Throttled("Too many requests")
    error.of_requests = True
    limited = Freshness(as_of=1.0, failures=1, retry_at=9.0, error=error)
    assert read_failures(limited, now=6.0) == "Rate limited; showing data from 5s ago, retrying in 3s."
