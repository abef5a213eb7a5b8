"""Filters and sort orders that reach beyond the rows a list has loaded."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.models.calls import Call
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.operate import older_records
from mogplex_tui.operate.older_records import ListSearch, RunRows, SearchQuery
from mogplex_tui.operate.older_runs import OLDER_RUNS
from tests.unit.fakes import START, FakeSession, call

COUNT = 730


def calls() -> list[Call]:
    """Return calls that began a second apart, with unordered costs."""
    return [
        call(
            -number,
            status="failed" if number % 90 == 7 else "success",
            cost_usd=(number * 37 % 1000) / 100,
        )
        for number in range(COUNT)
    ]


class RunListSearch:
    """A console's list of runs with its newest page loaded, and searches over it."""

    def __init__(self, path: Path) -> None:
        self.session = FakeSession(path)
        self.session.fake.call_rows = self.calls = calls()
        self.runs = Runs(self.session)

    def search(self, question: SearchQuery[RunRow]) -> ListSearch[RunRow]:
        return ListSearch(self.session, "runs", OLDER_RUNS, RunRows(self.runs), question)

    def rows(self) -> list[RunRow]:
        return list(self.runs.set.rows.values())


@pytest.fixture
async def run_list(tmp_path: Path) -> RunListSearch:
    made = RunListSearch(tmp_path)
    await made.runs.fetch()
    assert len(made.rows()) == 100
    return made


async def run(search: ListSearch[RunRow]) -> None:
    for _ in range(50):
        if search.is_done:
            return
        await search.step(Priority.BACKGROUND)
    raise AssertionError("the search never ends")


def cost(row: RunRow) -> float:
    return -1.0 if row.cost is None else float(row.cost)


async def test_order_by_cost_is_right_over_all_calls(
    run_list: RunListSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older_records, "MAX_FOUND", 50)
    search = run_list.search(SearchQuery(order=lambda row: ((0, cost(row)),)))
    await run(search)
    dearest = sorted((float(each.cost_usd or 0) for each in run_list.calls), reverse=True)[:50]
    assert sorted(map(cost, run_list.rows()), reverse=True)[:50] == dearest
    # The newest page and the first rows of the sort order.
    assert len(run_list.rows()) <= 150
    assert search.progress() == f"{COUNT} searched"


async def test_filter_that_the_service_applies_costs_one_request(run_list: RunListSearch) -> None:
    run_list.session.fake.asked.clear()
    search = run_list.search(SearchQuery("state:failed", lambda row: row.state == "failed"))
    await run(search)
    assert [asked["status"] for _, _, asked in run_list.session.fake.asked] == ["failed"]
    assert sum(row.state == "failed" for row in run_list.rows()) == 9


async def test_age_filter_reads_no_older_calls(run_list: RunListSearch) -> None:
    run_list.session.fake.asked.clear()
    search = run_list.search(SearchQuery("age:<5m", lambda row: True))
    await run(search)
    assert len(run_list.session.fake.asked) == 3
    assert min(row.started_at for row in run_list.rows() if row.started_at) == START - timedelta(minutes=5)


async def test_local_filter_reports_how_much_was_searched(run_list: RunListSearch) -> None:
    search = run_list.search(SearchQuery("cost:>9.9", lambda row: cost(row) > 9.9))
    await search.step(Priority.BACKGROUND)
    assert search.progress() == f"199 of {COUNT} searched"
    await run(search)
    assert sum(cost(row) > 9.9 for row in run_list.rows()) == sum(
        float(each.cost_usd or 0) > 9.9 for each in run_list.calls
    )


async def test_found_rows_stay_until_the_search_is_closed(run_list: RunListSearch) -> None:
    search = run_list.search(SearchQuery("state:failed", lambda row: row.state == "failed"))
    await run(search)
    await run_list.runs.fetch()
    assert sum(row.state == "failed" for row in run_list.rows()) == 9
    assert run_list.runs.may_load_more
    search.close()
    assert len(run_list.rows()) == 100


async def test_many_matches_end_the_search(run_list: RunListSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_records, "MAX_FOUND", 150)
    search = run_list.search(SearchQuery("a", lambda row: True))
    await run(search)
    assert search.found_count == 150
    assert search.progress() == "newest 298 searched: 150 found"
