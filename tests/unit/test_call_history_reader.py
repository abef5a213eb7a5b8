"""The call history is filled from the list of runs, and with older pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.live import call_sums
from mogplex_tui.live.call_history_reader import CallHistoryReader
from mogplex_tui.live.call_pages import PAGE
from mogplex_tui.live.call_spans import EPOCH
from mogplex_tui.live.call_sums import Interval
from tests.unit.fakes import START, FakeSession, call, stamp

DAY = timedelta(days=1)
ALL = Interval(EPOCH, START + 365 * DAY)


async def stored(session: FakeSession) -> int:
    return (await session.call_history.query(lambda db: call_sums.total(db, ALL))).calls


@pytest.fixture
def reader(session: FakeSession) -> CallHistoryReader:
    session.time.advance(DAY.total_seconds())
    reader = CallHistoryReader(session.call_history, session.listing)
    reader.start()
    return reader


async def test_older_pages_are_stored_from_spare_budget(
    session: FakeSession, reader: CallHistoryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = session.budget.limit // 2
    monkeypatch.setattr(session.budget, "used", lambda: used)
    session.fake.call_rows = [call(n) for n in range(PAGE * 3 + 50)]
    await session.listing.fetch()
    assert await stored(session) == PAGE
    await reader.feed.fetch()
    assert await stored(session) == PAGE
    used = 0
    for _ in range(6):
        await reader.feed.fetch()
    assert await stored(session) == PAGE * 3 + 50
    assert [span.has_first_call for span in await session.call_history.spans()] == [True]
    # The pages overlap by one call, and nothing is read once all is known.
    assert session.fake.log.count("observability.calls") <= 7
    assert reader.feed.idle()
    assert len(session.listing.set.rows) == PAGE
    await session.stop()


async def test_gap_of_an_absence_is_read_and_the_rest_is_not(
    session: FakeSession, reader: CallHistoryReader
) -> None:
    session.fake.call_rows = [call(n) for n in range(PAGE * 2)]
    await session.listing.fetch()
    await reader.read_back(EPOCH, 9, Priority.TABLE)
    await session.stop()
    again = FakeSession(session.directory)
    again.time.advance(10 * DAY.total_seconds())
    later = [call(1000 + n, started_at=stamp(8 * DAY.total_seconds() + n)) for n in range(PAGE * 2)]
    again.fake.call_rows = [*session.fake.call_rows, *later]
    reader = CallHistoryReader(again.call_history, again.listing)
    reader.start()
    await again.listing.fetch()
    assert len(await again.call_history.spans()) == 2
    # The pages between the two periods, and none of the period before.
    assert await reader.read_back(EPOCH, 9, Priority.TABLE) == 2
    assert (await stored(again), len(await again.call_history.spans())) == (PAGE * 4, 1)
    await again.stop()


async def test_calls_that_start_at_the_same_time_do_not_stop_the_reading(
    session: FakeSession, reader: CallHistoryReader
) -> None:
    session.fake.call_rows = [call(n, started_at=stamp(1)) for n in range(PAGE * 3)]
    await session.listing.fetch()
    await reader.read_back(EPOCH, 9, Priority.TABLE)
    assert await stored(session) == PAGE * 3
    assert await reader.next_gap(EPOCH) is None
    await session.stop()


async def test_account_without_calls_is_complete(session: FakeSession, reader: CallHistoryReader) -> None:
    await session.listing.fetch()
    reader.record_loaded()
    assert [span.has_first_call for span in await session.call_history.spans()] == [True]
    await session.stop()
