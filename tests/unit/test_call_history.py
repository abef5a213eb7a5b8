"""The history of calls on disk: its sums, its file, and its covered periods."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.config.state_file import FileErrorReporter
from mogplex_tui.live import call_sums, call_tables
from mogplex_tui.live.call_history import FILE_NAME, CallHistory
from mogplex_tui.live.call_spans import EPOCH, CoveredSpan, Gap, gaps, merged
from mogplex_tui.live.call_sums import CallReader, CallSum, CostDimension, Interval, Selection
from mogplex_tui.live.call_tables import SCHEMA, CallTables
from mogplex_tui.live.run_row import Cost, RunRow, RunSource

NOW = datetime(2026, 8, 5, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = Interval(EPOCH, NOW + HOUR)


def call(key: str, ago: timedelta = HOUR, cost: str | None = "1", **fields: object) -> RunRow:
    source = Cost.UNKNOWN if cost is None else Cost.KNOWN
    row = RunRow(
        key, RunSource.CALL, "success", started_at=NOW - ago, model="acme/nova", user_id="ada",
        cost=None if cost is None else Decimal(cost), cost_source=source,
    )  # fmt: skip
    return row._replace(**fields)  # type: ignore[arg-type]


def database(rows: list[RunRow]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    CallTables(connection).put(rows, "ada")
    return connection


def test_sums_count_unpriced_calls_and_keep_estimates() -> None:
    connection = database([
        call("1", cost="0.10000001", tokens=1000, input_tokens=100, cached_tokens=300),
        call("2", cost="0.2", cost_source=Cost.ESTIMATED, state="failed", repo_id="r1", repo="acme/web"),
        call("3", cost=None, model=None, harness="codex", pull_request="https://x.dev/acme/web/pull/7"),
        call("4", cost="5", pull_number=7, repo="acme/web", pull_request="https://x.dev/acme/web/pull/7"),
        call("5", ago=timedelta(0), cost="9"),
    ])  # fmt: skip
    total = call_sums.total(connection, Interval(NOW - 2 * HOUR, NOW))
    assert total == CallSum(4, 3, 1, 0, 1, 1, 530_000_001, 1000, 400, 300, 1)
    assert total.cost == Decimal("5.30000001") and isinstance(total.cost, Estimate)
    assert total.cached_share == 0.75
    assert total.cost_per_opened == total.cost
    assert total.cost_per_success == Decimal("5.30000001") / 3
    pair = (CostDimension.MODEL, CostDimension.PULL_REQUEST)
    groups = {group.keys: group.sum for group in CallReader(connection, ALL).groups(pair)}
    assert groups["harness:codex", "acme/web#7"].cost is None
    assert groups["acme/nova", "acme/web#7"].cost == 5
    assert groups["acme/nova", None].calls == 3
    assert call_sums.names(connection) == {"r1": "acme/web"}


def _added(sums: Iterable[CallSum]) -> CallSum:
    whole = CallSum()
    for each in sums:
        whole = whole.plus(each)
    return whole


ROWS = st.lists(
    st.builds(
        lambda key, hours, cost, model, repo, state: call(
            key, HOUR * hours, None if cost is None else str(Decimal(cost) / 10**8),
            model=model, repo=repo, state=state, tokens=cost,
        ),
        st.text("abc", min_size=1, max_size=3),
        st.integers(0, 50),
        st.none() | st.integers(0, 10**12),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["x/y", None]),
        st.sampled_from(["success", "failed", "cancelled", "streaming"]),
    ),
    unique_by=lambda row: row.key,
)  # fmt: skip


@given(ROWS, st.sampled_from(list(CostDimension)), st.sampled_from(list(CostDimension)))
def test_sums_of_groups_and_of_intervals_equal_the_total(
    rows: list[RunRow], first: CostDimension, second: CostDimension
) -> None:
    connection, span = database(rows), Interval(NOW - 40 * HOUR, NOW)
    chosen = [row for row in rows if row.began is not None and span.since <= row.began < span.until]
    total = call_sums.total(connection, span)
    assert total.units == sum(int(row.cost * 10**8) for row in chosen if row.cost is not None)
    assert total.unpriced == sum(row.cost is None for row in chosen)
    parts = [group.sum for group in CallReader(connection, span).groups(list({first, second}))]
    assert _added(parts) == total._replace(opened=0)
    keys: frozenset[str | None] = frozenset({"acme/nova", "a", None})
    points = CallReader(connection, span).points(HOUR, CostDimension.MODEL, [keys])
    assert _added(point.sum for point in points)[:1] == total[:1]
    assert sum(point.sum.units for point in points) == total.units
    only = CallReader(connection, span, Selection(CostDimension.MODEL, keys)).groups([first])
    shown = [row for row in chosen if row.model in keys]
    assert _added(group.sum for group in only).calls == len(shown)
    assert sum(point.sum.calls for point in points if point.place == 0) == len(shown)
    models = CallReader(connection, span).groups([CostDimension.MODEL])
    assert {group.keys[0]: group.sum.calls for group in models} == Counter(row.model for row in chosen)


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12)).map(
        lambda pair: CoveredSpan(NOW + HOUR * pair[0], NOW + HOUR * sum(pair), NOW + HOUR * sum(pair))
    )
)


@given(SPANS)
def test_merged_spans_and_their_gaps_divide_the_time(spans: list[CoveredSpan]) -> None:
    union = merged(spans)
    assert all(a.newest < b.oldest for a, b in pairwise(union))
    holes = gaps(union, NOW)
    assert holes == sorted(holes, reverse=True)
    for hours in range(60):
        at = NOW + HOUR * hours + HOUR / 2
        covered = any(span.oldest <= at <= span.newest for span in spans)
        assert covered == any(span.oldest <= at <= span.newest for span in union)
        in_gap = any(gap.oldest < at < gap.newest for gap in holes)
        assert in_gap == (bool(union) and not covered and at < union[-1].newest)


async def test_history_keeps_newest_state_of_a_call_and_cost_before_cancel(tmp_path: Path) -> None:
    history = CallHistory(tmp_path)
    history.put([call("1", state="streaming", cost="0.4"), call("2", state="streaming", cost=None)])
    history.put([call("1", state="cancelled", cost=None), call("2", cost="3", model="sk-secretsecret1")])
    history.put([call("2", state="streaming", cost=None)])
    outcomes = await history.query(lambda db: CallReader(db, ALL).groups([CostDimension.OUTCOME]))
    assert {group.keys[0]: group.sum.cost for group in outcomes} == {
        "cancelled": Decimal("0.4"),
        "success": Decimal(3),
    }
    await history.close()
    file = tmp_path / FILE_NAME
    assert file.stat().st_mode & 0o077 == 0
    assert b"secretsecret" not in file.read_bytes()
    again = CallHistory(tmp_path)
    assert (await again.query(lambda db: call_sums.total(db, ALL))).units == 340_000_000
    again.put([call("9", user_id="eve")], "eve")
    assert (await again.query(lambda db: call_sums.total(db, ALL))).calls == 1
    await again.close()


async def test_unfinished_part_of_a_period_is_read_again_next_time(tmp_path: Path) -> None:
    history = CallHistory(tmp_path)
    history.put([call("1", state="streaming", ago=8 * HOUR)])
    history.cover(CoveredSpan(NOW - 9 * HOUR, NOW, NOW))
    history.cover(CoveredSpan(NOW - 30 * HOUR, NOW - 20 * HOUR, NOW))
    assert gaps(await history.spans(), EPOCH)[0] == Gap(NOW - 20 * HOUR, NOW - 9 * HOUR)
    await history.close()
    history = CallHistory(tmp_path)
    kept = await history.spans()
    assert [span.newest for span in kept] == [NOW - 20 * HOUR, NOW - 8 * HOUR - timedelta(microseconds=1)]
    await history.close()


async def test_damaged_file_is_rename_damaged_and_reported(tmp_path: Path) -> None:
    said: list[str] = []
    errors = FileErrorReporter()
    errors.subscribe(said.append)
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 100)
    history = CallHistory(tmp_path, errors)
    history.put([call("1")])
    assert (await history.query(lambda db: call_sums.total(db, ALL))).calls == 1
    assert "is damaged. It was renamed to calls.sqlite3.damaged" in said[0]
    await history.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    newer = CallHistory(tmp_path, errors)
    assert (await newer.query(lambda db: call_sums.total(db, ALL))).calls == 0
    assert "was written by a newer version" in said[-1]
    await newer.close()


def _killed_writer(script: str, directory: Path) -> int:
    """Run a writer, kill it, and return the number of batches that it had stored."""
    with subprocess.Popen([sys.executable, "-c", script, str(directory)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        stored = [int(writer.stdout.readline()) for _ in range(5)][-1]
        os.kill(writer.pid, signal.SIGKILL)
    return stored


async def test_tables_of_an_older_version_are_made_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("CREATE TABLE calls (id TEXT, cents INTEGER)")
        connection.execute("PRAGMA user_version = 1")
    history = CallHistory(tmp_path)
    history.put([call("1")])
    assert (await history.query(lambda db: call_sums.total(db, ALL))).calls == 1
    await history.close()


async def test_history_survives_a_kill_in_the_middle_of_writes(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from tests.unit.test_call_history import call\n"
        "from mogplex_tui.live.call_history import CallHistory\n"
        "async def main():\n"
        "    history, number = CallHistory(pathlib.Path(sys.argv[1])), 0\n"
        "    while True:\n"
        "        history.put([call(f'{number}-{each}') for each in range(100)])\n"
        "        await history.spans()\n"
        "        number += 1\n"
        "        print(number, flush=True)\n"
        "asyncio.run(main())\n"
    )
    stored = await asyncio.to_thread(_killed_writer, script, tmp_path)
    history = CallHistory(tmp_path)
    calls = (await history.query(lambda db: call_sums.total(db, ALL))).calls
    assert calls >= stored * 100 and calls % 100 == 0
    await history.close()


def test_oldest_calls_are_removed_and_no_longer_covered() -> None:
    connection = database([])
    tables = CallTables(connection)
    tables.cover(CoveredSpan(EPOCH, NOW, NOW))
    number = call_tables.MAX_CALLS + 1
    connection.executemany(
        "INSERT INTO calls (id, started, status, cost_source) VALUES (?, ?, 'success', 'unknown')",
        ((str(each), each) for each in range(number)),
    )
    tables.put([call("new")], None)
    (count, oldest) = connection.execute("SELECT count(*), min(started) FROM calls").fetchone()
    assert count < call_tables.MAX_CALLS
    assert call_tables.to_ticks(tables.spans()[0].oldest) == oldest
