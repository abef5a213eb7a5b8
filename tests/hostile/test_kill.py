"""After SIGKILL of the console its ledger has every change."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.hostile.ledger_audit import Before, audit
from tests.hostile.plane import Plane
from tests.hostile.program_environment import PROGRAM, ROOT, credentials, private_environment

ROUNDS = 100 if os.environ.get("MOGPLEX_TEST_LONG") == "1" else 1


@pytest.fixture
def plane(tmp_path: Path, seeded_database: Path) -> Plane:
    options = ["--rate-limit", "off", "--speed", "20", "--fault-route"]
    database = Path(shutil.copy(seeded_database, tmp_path / "plane.db"))
    return Plane(database, options, private_environment(tmp_path / "plane-home"))


def _check(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_killed_console_has_every_change_in_its_ledger(plane: Plane, tmp_path: Path) -> None:
    rng = random.Random(6)
    home = tmp_path / "home"
    # The last option counts; this test needs no busy plane.
    plane.options += ["--speed", "1"]
    plane.start()
    env = private_environment(home) | credentials(plane.about, plane.url)
    before = Before(plane.database)
    try:
        for number in range(ROUNDS):
            terminal = Terminal(PROGRAM, columns=100, rows=30, env=env, cwd=ROOT)
            try:
                terminal.wait_for(r"acme/")
                terminal.press(":", "api-keys", "enter")
                terminal.wait_for(r"API keys +\d")
                terminal.press("n")
                terminal.wait_for("╭─")
                terminal.press(f"killed {number}", "ctrl+s")
                terminal.pump(rng.uniform(0.0, 1.0))
                os.kill(terminal.pid, signal.SIGKILL)
            finally:
                terminal.kill()
            for path in home.rglob("*.json"):
                json.loads(path.read_text())
            _check(plane.database)
        found = audit(before, plane.database, home.rglob("ledger.jsonl"), None)
        assert found.violations == []
        assert found.entries > 0
    finally:
        plane.kill()
