"""Databases of scenarios: reproducible, resumed and cached; invalid scenarios."""

from __future__ import annotations

import importlib
import json
import os
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from mogplex_tui.cli.parser import run
from mogplex_tui.controlplane.core.plane import Plane, Settings
from mogplex_tui.controlplane.database_setup import prepare
from mogplex_tui.controlplane.scenarios.load import find, names
from mogplex_tui.controlplane.simulator import Simulator
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.scenarios.scenario_plane import open_scenario_plane
from tests.controlplane.simulated_plane import SEEDED_AT, history_rows, invariant_violations

APPROVALS = (
    "SELECT id, tool_name, tool_call_id, tool_input, summary, status FROM control_approvals ORDER BY id"
)
PENDING = "SELECT COUNT(*) FROM control_approvals WHERE status = 'pending'"


def _plane(folder: Path, name: str, scenario: str | None, **more: Any) -> Plane:
    return prepare(Settings(scenario=scenario, **more), folder / name, ManualClock(SEEDED_AT))


Rows = dict[str, list[tuple[Any, ...]]]


class ScenarioRun(NamedTuple):
    """A scenario's rows at its start and 150 seconds later, and its startup CPU time."""

    first_rows: Rows
    rows: Rows
    start_seconds: float


def _all_rows(plane: Plane) -> Rows:
    return history_rows(plane.db) | {"approvals": [tuple(row) for row in plane.db.all(APPROVALS)]}


def _run_scenario(scenario: str) -> ScenarioRun:
    """Run a small plane of a scenario for 150 seconds; its rows break no rule then."""
    clock = ManualClock(SEEDED_AT)
    with TemporaryDirectory() as folder:
        # CPU time, so that a busy machine does not count.
        began = time.process_time()
        plane = prepare(Settings(scenario=scenario, scale="small"), Path(folder) / "plane.db", clock)
        start_seconds = time.process_time() - began
        first_rows = _all_rows(plane)
        simulator = Simulator(plane)
        simulator.begin(arrivals=plane.settings.seeded)
        for _ in range(150):
            clock.us += 1_000_000
            simulator.step_until(clock.us)
        assert invariant_violations(plane.db, clock.us) == []
        assert plane.db.all("PRAGMA foreign_key_check") == []
        rows = _all_rows(plane)
        plane.db.close()
    return ScenarioRun(first_rows, rows, start_seconds)


# The first run of each scenario, for all tests of this module.
_first_run = cache(_run_scenario)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", names())
def test_same_seed_gives_the_same_rows_and_a_quick_start(name: str) -> None:
    first, second = _first_run(name), _run_scenario(name)
    assert first.first_rows == second.first_rows
    assert first.rows == second.rows
    assert bool(first.rows["ai_calls"]) == (name != "empty")
    assert min(first.start_seconds, second.start_seconds) < 1.0


def test_scenarios_differ_only_in_what_they_name() -> None:
    rows = {name: _first_run(name).first_rows for name in names()}
    # A small account of 100,000 calls is an ordinary one.
    assert rows["huge"] == rows["calm"]
    different = [rows[name] for name in names() if name != "huge"]
    assert all(one != other for index, one in enumerate(different) for other in different[index + 1 :])
    # A new scenario does not shift what it says nothing about.
    assert set(rows["calm"]["ai_calls"]) < set(rows["outage"]["ai_calls"])
    assert set(rows["calm"]["approvals"]) < set(rows["backlog"]["approvals"])


def test_huge_is_large_unless_a_scale_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = importlib.import_module("mogplex_tui.controlplane.seed.build")
    monkeypatch.setattr(build, "SIZES", {"small": 40, "medium": 60, "large": 60})
    monkeypatch.setattr(build, "LARGE_CALLS", 3_000)
    monkeypatch.setattr("mogplex_tui.controlplane.seed.older_history.LONG_EVENTS", 300)
    count = "SELECT COUNT(*) FROM ai_calls WHERE user_id = ?"
    for scale, expected in ((None, "large"), ("small", "small")):
        plane = _plane(tmp_path, f"{scale}.db", "huge", scale=scale)
        assert plane.settings.scale == expected
        assert (plane.db.value(count, (plane.user_id,)) >= 3_000) == (scale is None)
        plane.db.close()


def test_database_keeps_its_scenario_when_reopened(tmp_path: Path) -> None:
    first = _plane(tmp_path, "plane.db", "backlog")
    waiting = first.db.value(PENDING)
    first.db.close()
    for asked in (None, "backlog", "calm"):
        notices: list[str] = []
        again = prepare(
            Settings(scenario=asked), tmp_path / "plane.db", ManualClock(SEEDED_AT), notices.append
        )
        assert again.scenario == find("backlog")
        assert again.db.value(PENDING) == waiting > 20
        assert notices == (["plane.db goes on with its own scenario, backlog"] if asked == "calm" else [])
        again.db.close()


def test_database_keeps_a_scenario_whose_file_is_gone(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"title": "few questions", "name": "mine", "past": {"questions": 7}}))
    first = _plane(tmp_path, "plane.db", str(own))
    assert first.db.value(PENDING) == 10
    first.db.close()
    own.unlink()
    again = _plane(tmp_path, "plane.db", None)
    assert (again.scenario.name, again.scenario.past.questions) == ("mine", 7)
    again.db.close()


def test_empty_account_stays_empty_when_reopened(tmp_path: Path) -> None:
    for _ in range(2):
        plane = _plane(tmp_path, "plane.db", "empty")
        assert not plane.settings.seeded
        assert plane.db.value("SELECT COUNT(*) FROM repos") == 0
        plane.db.close()


def test_database_without_a_scenario_is_calm(tmp_path: Path) -> None:
    first = _plane(tmp_path, "plane.db", None)
    first.db.all("DELETE FROM plane_meta WHERE key = 'scenario'")
    first.db.close()
    again = _plane(tmp_path, "plane.db", "storm")
    assert again.scenario.name == "calm"
    again.db.close()


async def test_next_process_continues_a_loop(tmp_path: Path) -> None:
    title = "SELECT MAX(CAST(substr(t, instr(t, '(round ') + 7) AS INTEGER)) FROM"
    title += " (SELECT json_extract(metadata, '$.pr_title') AS t FROM job_runs) WHERE t LIKE 'Apply what%'"
    clock = ManualClock(SEEDED_AT)
    reached = [6]
    for _ in range(2):
        plane = prepare(Settings(scenario="incident"), tmp_path / "plane.db", clock)
        simulator = Simulator(plane)
        simulator.begin()
        for _ in range(150):
            clock.us += 1_000_000
            simulator.step_until(clock.us)
        reached.append(plane.db.value(title))
        plane.db.close()
    assert reached[0] < reached[1] < reached[2]


def test_each_scenario_has_its_own_cached_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = importlib.import_module("mogplex_tui.controlplane.seed.build")
    monkeypatch.setitem(build.SIZES, "medium", 60)
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "mogplex-tui" / "planes"
    waiting = []
    for number, name in enumerate((None, "backlog", "calm", "backlog")):
        plane = _plane(tmp_path, f"{number}.db", name, scale="medium")
        waiting.append(plane.db.value(PENDING))
        assert plane.scenario.name == (name or "calm")
        plane.db.close()
        assert len(list(cache.iterdir())) == min(number + 1, 2)
    assert waiting == [3, 27, 3, 27]


@pytest.mark.parametrize("command", ["control-plane", "demo"])
@pytest.mark.parametrize("own", [True, False], ids=["file", "unknown name"])
def test_command_exits_with_2_for_an_invalid_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, own: bool
) -> None:
    file = tmp_path / "own.json"
    file.write_text('{"title": "a", "now": {"boot_failures": 3}}')
    with pytest.raises(SystemExit) as ended:
        run([command, "--scenario", str(file) if own else "calmer"])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    said = f"{file}: now.boot_failures must be a number from 0 to 1, not 3"
    assert (said if own else "'calmer' is neither a file nor one of calm, backlog") in err
    assert (out, "Traceback" in err) == ("", False)


@pytest.mark.parametrize("command", ["control-plane", "demo"])
def test_help_lists_every_scenario(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run([command, "--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    for name in names():
        assert f"{name} {find(name).title}" in told


async def test_faults_of_settings_join_those_of_the_scenario() -> None:
    async with open_scenario_plane("storm", faults=("GET /api/repos 503",)) as plane:
        assert (await plane.client.get("/api/repos")).status_code == 503
        plane.go(20)
        statuses = {(await plane.client.get("/api/v1/mogplex/repos")).status_code for _ in range(20)}
        assert statuses == {200, 429}
