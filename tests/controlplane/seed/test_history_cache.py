"""The cache of seeded histories: copies are shifted to now, invalid ones replaced."""

from __future__ import annotations

import importlib
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane import seed
from mogplex_tui.controlplane.core.plane import Plane, Settings
from mogplex_tui.controlplane.database_setup import prepare
from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, iso_app
from mogplex_tui.controlplane.history_cache import store
from mogplex_tui.controlplane.identity.initial_account import credentials
from mogplex_tui.controlplane.observability.stats import stats
from mogplex_tui.controlplane.seed import older_history
from mogplex_tui.controlplane.simulator import Simulator
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.simulated_plane import SEEDED_AT, daily_totals, history_rows, invariant_violations

LATER = 5 * HOUR_US + 13 * MINUTE_US + 7_123
COPY = "substr(id, 1, 6) = '000000'"


class Starts:
    """Starts planes on new files and counts how often a history was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = 0
        self.notices: list[str] = []
        self._planes: list[Plane] = []

    def __call__(
        self, scale: str = "large", seed: int = 7, now: int = SEEDED_AT, path: Path | None = None
    ) -> Plane:
        path = path or self.folder / f"plane{len(self._planes)}.db"
        settings = Settings(seed=seed, scale=scale)
        plane = prepare(settings, path, ManualClock(now), self.notices.append)
        self._planes.append(plane)
        return plane

    def close(self) -> None:
        for plane in self._planes:
            plane.db.close()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts planes with few rows at every scale."""
    build = importlib.import_module("mogplex_tui.controlplane.seed.build")
    monkeypatch.setattr(build, "SIZES", {"small": 40, "medium": 60, "large": 60})
    monkeypatch.setattr(build, "LARGE_CALLS", 400)
    monkeypatch.setattr(older_history, "LONG_EVENTS", 500)
    starts = Starts(tmp_path)
    real = seed.build

    def counted(plane: Plane) -> None:
        starts.written += 1
        real(plane)

    monkeypatch.setattr(seed, "build", counted)
    yield starts
    starts.close()


@pytest.fixture
def cache() -> Path:
    return Path(os.environ["XDG_CACHE_HOME"]) / "mogplex-tui" / "planes"


def only_file(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


@pytest.mark.parametrize("scale", ["medium", "large"])
def test_second_start_loads_same_history_from_cache(start: Starts, cache: Path, scale: str) -> None:
    first = start(scale)
    second = start(scale)
    assert start.written == 1
    assert len(start.notices) == 1 and scale in start.notices[0]
    assert history_rows(first.db) == history_rows(second.db)
    assert daily_totals(first.db) == daily_totals(second.db) == daily_totals(second.db, kept=False)
    # What is drawn from now on is the same, too; only the credentials are each file's own.
    assert first.ids.uuid() == second.ids.uuid()
    assert credentials(first).token != credentials(second).token
    assert second.db.value("SELECT COUNT(*) FROM user_api_keys WHERE name LIKE 'Console%'") == 2
    file = only_file(cache)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(second.db.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_a_small_story_is_not_kept(start: Starts, cache: Path) -> None:
    start("small")
    start("small")
    assert start.written == 2
    assert start.notices == []
    assert not cache.exists()


def test_each_seed_and_scale_has_own_history(start: Starts, cache: Path) -> None:
    plane = start("medium")
    for scale, seed_of in (("large", 7), ("medium", 8)):
        assert history_rows(start(scale, seed_of).db) != history_rows(plane.db)
    assert start.written == 3
    assert len(list(cache.iterdir())) == 3
    start("medium", 8)
    assert start.written == 3


@pytest.mark.parametrize("scale", ["medium", "large"])
def test_cached_history_is_shifted_to_now(start: Starts, scale: str) -> None:
    first, later = start(scale), start(scale, now=SEEDED_AT + LATER)
    assert start.written == 1
    by = LATER // 1000 * 1000
    own = f"SELECT id, started_at, completed_at FROM ai_calls WHERE NOT {COPY} ORDER BY id"
    moved = [(row[0], row[1] - by, row[2] and row[2] - by) for row in later.db.all(own)]
    assert moved == [tuple(row) for row in first.db.all(own)]
    for table, column in (
        ("ai_call_events", "created_at"),
        ("external_agent_runs", "updated_at"),
        ("job_runs", "created_at"),
        ("flow_waits", "expires_at"),
        ("sandboxes", "last_active_at"),
        ("automation_dispatch_events", "created_at"),
        ("limit_events", "created_at"),
    ):
        newest = f"SELECT MAX({column}) FROM {table}"
        assert later.db.value(newest) - first.db.value(newest) == by, table
    assert invariant_violations(later.db, SEEDED_AT + LATER) == []
    assert later.db.all("PRAGMA foreign_key_check") == []
    assert later.db.value("PRAGMA integrity_check") == "ok"
    assert daily_totals(later.db) == daily_totals(later.db, kept=False)


def test_old_copies_are_kept_and_long_run_is_recent(start: Starts) -> None:
    first, later = start(), start(now=SEEDED_AT + LATER)
    copies = f"SELECT id, started_at, completed_at FROM ai_calls WHERE {COPY} ORDER BY id"
    stayed = [tuple(row) for row in later.db.all(copies)]
    assert stayed == [tuple(row) for row in first.db.all(copies)]
    assert len(stayed) > 300
    longest = later.db.one("SELECT ai_call_id, COUNT(*) AS n FROM ai_call_events GROUP BY 1 ORDER BY n DESC")
    assert longest is not None and longest["n"] >= 499
    newest = later.db.value(
        "SELECT MAX(created_at) FROM ai_call_events WHERE ai_call_id = ?", (longest["ai_call_id"],)
    )
    assert 0 <= SEEDED_AT + LATER - newest < 30 * SECOND_US
    # Somebody takes it up where it is.
    simulator = Simulator(later)
    simulator.begin(arrivals=False)
    simulator.step_until(SEEDED_AT + LATER + 60 * SECOND_US)
    count = "SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?"
    assert later.db.value(count, (longest["ai_call_id"],)) > longest["n"]


def test_shifted_history_totals_equal_its_calls(start: Starts) -> None:
    start()
    later = start(now=SEEDED_AT + LATER)
    now = SEEDED_AT + LATER
    for since in (None, now - HOUR_US, now - DAY_US, now - 30 * DAY_US):
        said = stats(later, later.user_id, since, None)["summary"]
        row = later.db.only(
            "SELECT COUNT(*), SUM(cost_usd), SUM(status = 'success') FROM ai_calls WHERE user_id = ? AND started_at >= ?",
            (later.user_id, since or 0),
        )
        assert said["total_calls"] == row[0]
        assert said["total_cost"] == pytest.approx(row[1] or 0, abs=0.0051)
    today = now // DAY_US * DAY_US
    assert said["calls_today"] == later.db.value(
        "SELECT COUNT(*) FROM ai_calls WHERE user_id = ? AND started_at >= ?", (later.user_id, today)
    )


def test_instants_in_ledger_metadata_are_shifted(start: Starts, monkeypatch: pytest.MonkeyPatch) -> None:
    build = importlib.import_module("mogplex_tui.controlplane.seed.build")
    monkeypatch.setitem(build.SIZES, "medium", 250)
    start("medium")
    later = start("medium", now=SEEDED_AT + LATER)
    rows = later.db.all(
        "SELECT metadata, created_at FROM automation_dispatch_events WHERE outcome = 'cancelled'"
    )
    assert rows
    for row in rows:
        assert json.loads(row["metadata"])["cancelled_at"] == iso_app(row["created_at"])


@pytest.mark.parametrize("now", [SEEDED_AT + DAY_US + SECOND_US, SEEDED_AT - HOUR_US])
def test_a_story_of_another_day_is_written_anew(start: Starts, cache: Path, now: int) -> None:
    start()
    plane = start(now=now)
    assert start.written == 2
    assert invariant_violations(plane.db, now) == []
    only_file(cache)
    start(now=now)
    assert start.written == 2


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _flip_date(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-17] ^= 1
    file.write_bytes(data)


def _foreign(file: Path) -> None:
    """Write a complete cache file that holds no database."""
    letter = file.with_name("letter")
    letter.write_text("Dear plane, " * 1000)
    store(Settings(scale="large"), letter, SEEDED_AT)
    letter.unlink()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "damage",
    [
        _flip,
        _flip_date,
        _foreign,
        lambda file: os.truncate(file, file.stat().st_size - 5_000),
        lambda file: os.truncate(file, 3),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_text("not a history " * 100),
    ],
    ids=["bit", "date", "foreign", "cut", "stump", "empty", "text"],
)
def test_a_damaged_file_is_replaced_silently(
    start: Starts, cache: Path, damage: Callable[[Path], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    damage(only_file(cache))
    plane = start()
    assert start.written == 2
    assert invariant_violations(plane.db, SEEDED_AT) == []
    start()
    assert start.written == 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("spoil", ["file in its place", "not ours to write", "directory in its place"])
def test_unusable_cache_directory_disables_cache(start: Starts, cache: Path, spoil: str) -> None:
    if spoil == "directory in its place":
        start()
        file = only_file(cache)
        file.unlink()
        (file / "full").mkdir(parents=True)
        start.written = 0
    elif spoil == "file in its place":
        cache.parent.parent.mkdir(parents=True)
        cache.parent.write_text("in the way")
    else:
        cache.parent.mkdir(parents=True)
        cache.symlink_to("/proc/nowhere")
    for _ in range(2):
        assert invariant_violations(start().db, SEEDED_AT) == []
    assert start.written == 2
    assert list(start.folder.glob("**/*.part")) == []


def test_two_starts_at_once_do_not_meet(start: Starts, cache: Path) -> None:
    rows: list[Any] = []
    gate = threading.Barrier(2)

    def begin(number: int) -> None:
        gate.wait()
        plane = prepare(Settings(scale="large"), start.folder / f"both{number}.db", ManualClock(SEEDED_AT))
        rows.append(history_rows(plane.db))
        plane.db.close()

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    only_file(cache)
    written = start.written
    assert rows[0] == rows[1] == history_rows(start().db)
    assert start.written == written


def test_plane_database_is_independent_of_cache(start: Starts, cache: Path) -> None:
    path = start.folder / "mine.db"
    first = start(path=path)
    before = only_file(cache).read_bytes()
    first.db.all("DELETE FROM ai_calls WHERE rowid % 2")
    left = first.db.value("SELECT COUNT(*) FROM ai_calls")
    first.db.close()
    assert only_file(cache).read_bytes() == before
    # A file that is there already is resumed as it is.
    again = start(path=path, now=SEEDED_AT + LATER)
    assert again.db.value("SELECT COUNT(*) FROM ai_calls") == left
    assert start.written == 1
    assert start().db.value("SELECT COUNT(*) FROM ai_calls") > left


def test_unusable_cache_files_are_removed(start: Starts, cache: Path) -> None:
    cache.mkdir(parents=True)
    stale = [cache / "large-7-0123456789abcdef.history", cache / "tmpabc.part"]
    for file in stale:
        file.write_bytes(b"old")
        os.utime(file, (1, 1))
    busy, foreign = cache / "tmpdef.part", cache / "notes.txt"
    busy.write_bytes(b"being written by another start")
    foreign.write_text("not ours")
    for number in range(5):
        start("medium", number)
    left = {path.name for path in cache.iterdir()}
    assert not left & {file.name for file in stale}
    assert {busy.name, foreign.name} < left
    assert sorted(name[:9] for name in left if name.endswith(".history")) == [
        "medium-2-",
        "medium-3-",
        "medium-4-",
    ]


def test_interrupted_start_leaves_no_files(
    start: Starts, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    before = only_file(cache).read_bytes()

    def broken(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mogplex_tui.controlplane.db.time_shift.shift_times", broken)
    path = start.folder / "broken.db"
    with pytest.raises(KeyboardInterrupt):
        start(path=path)
    assert list(start.folder.glob("broken.db*")) == []
    assert only_file(cache).read_bytes() == before
