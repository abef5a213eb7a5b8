"""Pages of the list of calls leave no gap, and the list has a maximum length."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mogplex_tui.live import call_pages
from mogplex_tui.live import run_row as make
from mogplex_tui.live.call_pages import CATCH_UP, PAGE
from tests.unit.fakes import FakeSession, call, run_ready_tasks, wait_until


def states(session: FakeSession) -> dict[str, str]:
    return {key: row.state for key, row in session.listing.set.rows.items()}


async def test_older_pages_are_loaded_and_refreshed_in_turn(session: FakeSession) -> None:
    listing = session.listing
    session.fake.call_rows = [call(n) for n in range(PAGE * 2 + 30)]
    assert not listing.may_load_more
    await listing.fetch()
    assert (len(listing.set.rows), listing.may_load_more) == (PAGE, True)
    listing.load_more()
    assert listing.feed.asked
    await listing.fetch()
    assert len(listing.set.rows) == PAGE * 2
    listing.load_more()
    await listing.fetch()
    assert len(listing.set.rows) == PAGE * 2 + 30
    assert not listing.may_load_more
    listing.load_more()
    assert listing.calls.pages == 3
    session.fake.call_rows = [call(n, status="failed") for n in range(PAGE * 2 + 30)]
    for _ in range(2):
        await listing.fetch()
    assert set(states(session).values()) == {"failed"}


async def test_older_runs_are_read_page_by_page_from_spare_budget(
    session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, older, used = session.listing, session.listing.older, 0
    session.fake.call_rows = [call(n) for n in range(PAGE * 4)]
    await listing.fetch()
    assert not older.is_reading
    older.want(datetime(2000, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(session, "metered_off_v1", lambda: True)
    monkeypatch.setattr(session.budget, "used", lambda: used)
    oldest = listing.set.whole_since
    session.fake.log.clear()
    await older.feed.fetch()
    assert session.fake.log == ["observability.calls"]
    assert len(listing.set.rows) == PAGE * 2
    assert oldest is not None and listing.set.whole_since is not None and listing.set.whole_since < oldest
    used = session.budget.limit // 2
    await older.feed.fetch()
    assert (len(listing.set.rows), older.is_reading) == (PAGE * 2, True)
    # With a browser session the pages cost no budget.
    monkeypatch.setattr(session, "metered_off_v1", lambda: False)
    await older.feed.fetch()
    assert (len(listing.set.rows), older.is_reading) == (PAGE * 4, False)


async def test_page_requested_before_first_read_comes_with_it(session: FakeSession) -> None:
    listing = session.listing
    session.fake.call_rows = [call(n) for n in range(PAGE * 3)]
    pictured = [make.from_call(each) for each in session.fake.call_rows[-PAGE - 20 :]]
    listing.set.apply([(row.key, row) for row in pictured])
    listing.load_more()
    await listing.fetch()
    assert len(listing.set.rows) == PAGE * 2


async def test_page_requested_during_a_read_is_loaded_once(session: FakeSession) -> None:
    listing = session.listing
    session.fake.call_rows = [call(n) for n in range(PAGE * 4)]
    session.scheduler.start()
    session.scheduler.subscribe(listing.feed)
    await wait_until(lambda: len(listing.set.rows) == PAGE)
    await run_ready_tasks()
    session.scheduler.refresh(listing.feed)
    await wait_until(lambda: listing.feed.running)
    for _ in range(5):
        listing.load_more()  # the table reports its end at each key
    await wait_until(lambda: len(listing.set.rows) == PAGE * 2)
    await run_ready_tasks()
    assert listing.calls.pages == 2
    await session.scheduler.stop()


def numbers(session: FakeSession) -> set[int]:
    """Return the numbers of the listed calls."""
    return {int(key.rpartition("-")[2]) for key in session.listing.set.rows}


async def test_calls_made_since_the_last_read_leave_no_gap(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(50)]
    await session.listing.fetch()
    session.fake.call_rows = [call(n) for n in range(50 + 2 * PAGE + 10)]
    session.fake.log.clear()
    await session.listing.fetch()
    assert numbers(session) == set(range(50 + 2 * PAGE + 10))
    # Two pages more than usual, then as usual.
    assert session.fake.log == ["observability.calls"] * 4
    session.fake.log.clear()
    await session.listing.fetch()
    assert session.fake.log == ["observability.calls"]


async def test_list_starts_over_after_a_long_pause(
    session: FakeSession,
) -> None:
    session.fake.call_rows = [call(n) for n in range(50)]
    session.fake.call_rows[7] = call(7, status="streaming")
    await session.listing.fetch()
    most = 50 + 10 * PAGE
    session.fake.call_rows += [call(n) for n in range(50, most)]
    await session.listing.fetch()
    # Live rows stay.
    assert numbers(session) == {7, *range(most - (1 + CATCH_UP) * PAGE, most)}
    assert session.listing.set.total == most
    while session.listing.may_load_more:
        before = len(session.listing.set.rows)
        session.listing.load_more()
        await session.listing.fetch()
        assert len(session.listing.set.rows) > before
    assert numbers(session) == set(range(most))


async def test_startup_cache_leaves_no_gap(session: FakeSession) -> None:
    pictured = [make.from_call(call(n)) for n in range(300)]
    session.listing.set.apply([(row.key, row) for row in pictured])
    session.fake.call_rows = [call(n) for n in range(300 + 2 * PAGE)]
    await session.listing.fetch()
    assert numbers(session) == set(range(300 + 2 * PAGE))


async def test_next_page_follows_after_many_new_calls(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(3 * PAGE)]
    for count in (3 * PAGE, 3 * PAGE + 90, 4 * PAGE + 80, 5 * PAGE + 70):
        session.fake.call_rows = [call(n) for n in range(count)]
        session.fake.call_rows[-5] = call(count - 5, status="pending")
        await session.listing.fetch()
    assert len(session.listing.set.rows) == 3 * PAGE + 70
    session.listing.load_more()
    session.fake.asked.clear()
    await session.listing.fetch()
    assert len(session.listing.set.rows) == 4 * PAGE
    assert [kwargs["page"] for _, _, kwargs in session.fake.asked] == [1, 4]


async def test_next_page_is_loaded_after_a_known_one(session: FakeSession) -> None:
    """The table asks for more only once for each row count."""
    session.fake.call_rows = [call(n) for n in range(4 * PAGE)]
    await session.listing.fetch()
    # The list holds less than a page, so that it continues with the first.
    session.listing.set.drop([call(4 * PAGE - 1).id, call(4 * PAGE - 2).id])
    session.scheduler.start()
    session.scheduler.subscribe(session.listing.feed)
    session.listing.load_more()
    await wait_until(lambda: len(session.listing.set.rows) == 2 * PAGE)
    await session.scheduler.stop()


async def test_long_list_drops_its_oldest_rows(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_pages, "MAX_CALLS", 4 * PAGE)
    count = 0
    session.fake.call_rows = [call(0, status="streaming")]
    for _ in range(12):
        session.fake.call_rows += [call(n) for n in range(count + 1, count + 91)]
        count += 90
        await session.listing.fetch()
        assert len(session.listing.set.rows) <= 5 * PAGE + 1
    shown = numbers(session)
    assert 0 in shown
    newest = shown - {0}
    assert newest == set(range(min(newest), count + 1))
    session.listing.load_more()
    await session.listing.fetch()
    assert min(numbers(session) - {0}) < min(newest)
