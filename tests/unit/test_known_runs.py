"""Known runs survive restarts, and a damaged file does not stop the console."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mogplex_tui.config.state_file import FileErrorReporter
from mogplex_tui.live import known_runs as module
from mogplex_tui.live.known_runs import KnownRun, KnownRuns


def test_known_runs_survive_a_restart_newest_first(tmp_path: Path) -> None:
    history = KnownRuns(tmp_path)
    history.remember(KnownRun("r1", "c1", "acme/web", "Fix it"))
    history.remember(KnownRun("r2"))
    reopened = KnownRuns(tmp_path)
    assert reopened.all() == [KnownRun("r2"), KnownRun("r1", "c1", "acme/web", "Fix it")]
    assert len(reopened) == 2
    assert stat.S_IMODE((tmp_path / "runs.json").stat().st_mode) == 0o600


def test_missing_fields_keep_their_known_values(tmp_path: Path) -> None:
    history = KnownRuns(tmp_path)
    history.remember(KnownRun("r1", None, "acme/web", "Fix it"))
    history.remember(KnownRun("r2"))
    history.remember(KnownRun("r1", "c1"))
    assert history.get("r1") == KnownRun("r1", "c1", "acme/web", "Fix it")
    assert [run.run_id for run in history.all()] == ["r1", "r2"]


@pytest.mark.parametrize("restart", [False, True])
def test_known_run_is_found_by_its_call(tmp_path: Path, restart: bool) -> None:
    history = KnownRuns(tmp_path)
    history.remember(KnownRun("r1", "c1"))
    history.remember(KnownRun("r2"))
    history = KnownRuns(tmp_path) if restart else history
    assert history.by_call("c1") == KnownRun("r1", "c1")
    assert history.by_call("c2") is None
    assert history.by_call(None) is None
    assert history.get(None) is None


def test_only_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RUNS", 3)
    history = KnownRuns(tmp_path)
    for number in range(5):
        history.remember(KnownRun(f"r{number}", f"c{number}"))
    assert [run.run_id for run in history.all()] == ["r4", "r3", "r2"]
    assert history.by_call("c0") is None
    assert [run.run_id for run in KnownRuns(tmp_path).all()] == ["r4", "r3", "r2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "5",
        "null",
        '"x"',
        '{"run_id":"r1"}',
        '[null, 5, {}, {"run_id": 7}]',
        "[" * 100_000,
        "\x00\x01",
    ],
)
def test_damaged_file_is_an_empty_history(tmp_path: Path, text: str) -> None:
    (tmp_path / "runs.json").write_text(text)
    history = KnownRuns(tmp_path)
    assert history.all() == []
    history.remember(KnownRun("r1"))
    assert KnownRuns(tmp_path).get("r1") == KnownRun("r1")


def test_fields_of_wrong_type_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text('[{"run_id":"r1","call_id":7,"repo":["x"],"prompt":"p","more":1}]')
    assert KnownRuns(tmp_path).all() == [KnownRun("r1", None, None, "p")]


def test_known_runs_without_directory_are_not_written(tmp_path: Path) -> None:
    history = KnownRuns(None)
    history.remember(KnownRun("r1"))
    assert history.get("r1")
    assert list(tmp_path.glob("**/*.json")) == []


def test_unwritable_directory_is_reported(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    errors, reports = FileErrorReporter(), list[str]()
    errors.subscribe(reports.append)
    history = KnownRuns(blocked, errors)
    history.remember(KnownRun("r1"))
    assert history.get("r1")
    (sentence,) = reports
    assert str(blocked) in sentence
