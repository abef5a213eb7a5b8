"""The search through older records reads each once, also while new ones arrive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import ServiceFailed
from mogplex_tui.live.older_search import OlderPage, OlderSearch
from tests.unit.fakes import FakeSession, wait_until

START = datetime(2026, 8, 5, 10, tzinfo=UTC)


class Service:
    """Records with a start time, listed newest first in pages of ten."""

    def __init__(self, begins: list[datetime]) -> None:
        self.begins = {f"r{number}": began for number, began in enumerate(begins)}
        self.asked: list[datetime | None] = []
        self.fails: list[Exception] = []

    async def read(self, _: Priority, until: datetime | None) -> OlderPage[datetime]:
        self.asked.append(until)
        if self.fails:
            raise self.fails.pop()
        found = sorted(
            ((key, at) for key, at in self.begins.items() if until is None or at <= until),
            key=lambda pair: pair[1],
            reverse=True,
        )
        rows = dict(found[:10])
        oldest = found[:10][-1][1] if found else None
        return OlderPage(rows, len(rows), oldest, len(found))


class FoundRows:
    """Collects the rows that a search finds."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, rows: Mapping[str, datetime]) -> None:
        self.keys += rows


async def run(search: OlderSearch[datetime]) -> None:
    for _ in range(100):
        if search.is_done:
            return
        await search.step(Priority.BACKGROUND)
    raise AssertionError("the search never ends")


def each_second(count: int) -> list[datetime]:
    return [START - timedelta(seconds=number) for number in range(count)]


async def test_search_passes_every_record_on_once() -> None:
    service, found_rows = Service(each_second(95)), FoundRows()
    search = OlderSearch("runs", service.read, found_rows)
    await run(search)
    assert sorted(found_rows.keys) == sorted(service.begins)
    assert (search.searched, search.total) == (95, 95)


async def test_new_records_do_not_shift_the_pages() -> None:
    service, found_rows = Service(each_second(30)), FoundRows()
    search = OlderSearch("runs", service.read, found_rows)
    await search.step(Priority.BACKGROUND)
    service.begins |= {f"new{number}": START + timedelta(seconds=number + 1) for number in range(25)}
    await run(search)
    assert sorted(found_rows.keys) == sorted(f"r{number}" for number in range(30))


async def test_search_continues_after_loaded_records() -> None:
    service, found_rows = Service(each_second(40)), FoundRows()
    loaded = frozenset(f"r{number}" for number in range(20))
    search = OlderSearch("runs", service.read, found_rows, start=START - timedelta(seconds=19), loaded=loaded)
    await search.step(Priority.BACKGROUND)
    assert (search.searched, search.total, search.is_done) == (29, 40, False)
    await run(search)
    assert len(found_rows.keys) == 20
    assert search.searched == 40


@pytest.mark.parametrize("same", [3, 10, 25], ids=["a few", "a page", "more than a page"])
async def test_records_of_one_instant_do_not_stop_the_search(same: int) -> None:
    begins = [*each_second(15), *[START - timedelta(seconds=20)] * same, START - timedelta(seconds=30)]
    service, found_rows = Service(begins), FoundRows()
    await run(OlderSearch("runs", service.read, found_rows))
    assert f"r{len(begins) - 1}" in found_rows.keys
    assert len(found_rows.keys) == len(set(found_rows.keys))


async def test_search_without_records_ends_at_once() -> None:
    service, found_rows = Service([]), FoundRows()
    search = OlderSearch("runs", service.read, found_rows)
    await run(search)
    assert (search.searched, search.total, found_rows.keys) == (0, 0, [])


async def test_search_continues_after_a_failure(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    service, found_rows = Service(each_second(35)), FoundRows()
    service.fails = [ServiceFailed("It failed.", status=500)]
    search = OlderSearch("runs", service.read, found_rows, metered=lambda: False)
    session.scheduler.start()
    subscription = session.scheduler.subscribe(search.feed)
    await wait_until(lambda: search.freshness.error is not None and not search.feed.running)
    for _ in range(20):
        if search.is_done:
            break
        session.time.seconds += 400
        session.scheduler.recheck()
        asked = len(service.asked)
        await wait_until(lambda: len(service.asked) > asked and not search.feed.running)
    subscription.drop()
    await session.scheduler.stop()
    assert search.searched == len(found_rows.keys) == 35
