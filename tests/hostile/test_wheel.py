"""The wheel, installed in a clean environment.

It needs a package index, so it runs in the long form alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.hostile.program_environment import ROOT, private_environment

pytestmark = pytest.mark.skipif(
    os.environ.get("MOGPLEX_TEST_LONG") != "1", reason="MOGPLEX_TEST_LONG=1 runs it"
)


def _pip(*arguments: str, python: str = sys.executable) -> None:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, timeout=600)


def test_wheel_works_in_a_clean_environment(tmp_path: Path) -> None:
    _pip("wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("*.whl")
    tracked = subprocess.run(
        ["git", "ls-files", "mogplex_tui"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(tracked.stdout.split()) <= set(zipfile.ZipFile(wheel).namelist())
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=120)
    python = str(tmp_path / "venv" / "bin" / "python")
    _pip("install", "-c", str(ROOT / "constraints.txt"), str(wheel), python=python)
    env = private_environment(tmp_path / "home")
    del env["PYTHONPATH"]
    program = str(tmp_path / "venv" / "bin" / "mogplex-tui")
    version = subprocess.run([program, "--version"], env=env, cwd=tmp_path, capture_output=True, timeout=60)
    assert version.stdout.startswith(b"mogplex-tui ")
    terminal = Terminal(
        [program, "demo", "--scenario", "incident"], columns=100, rows=30, env=env, cwd=tmp_path
    )
    try:
        terminal.wait_for(r"acme/", 60)
        for key, shown in (("6", "Observability"), ("2", "PROJECT"), ("?", "Keys")):
            terminal.press(key)
            terminal.wait_for(shown)
        terminal.press("\x11")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()
