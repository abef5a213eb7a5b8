"""An internal error ends the console with one sentence and a traceback in the log."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mogplex_tui.config.paths import log_file
from tests.api.support import TOKEN
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
CRASHES = """
import sys
from mogplex_tui.cli import main
from mogplex_tui.screens.list_screen import ListScreen
def fail(self): raise OverflowError("int too large for PlantedCookieValue")
ListScreen.{0} = fail
sys.exit(main())
"""


@pytest.mark.parametrize("method", ["on_mount", "action_act"], ids=["at the start", "on a key"])
def test_internal_error_ends_console_with_a_sentence(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setenv("MOGPLEX_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("MOGPLEX_TOKEN", TOKEN)
    monkeypatch.setenv("MOGPLEX_SESSION_COOKIE", "better-auth.session_token=PlantedCookieValue")
    code = CRASHES.format(method).replace("(self)", "(self, *_)")
    terminal = Terminal([sys.executable, "-c", code], columns=100, rows=30, env=dict(os.environ), cwd=ROOT)
    try:
        if method == "action_act":
            terminal.wait_for("Runs")
            terminal.press("?")
        assert terminal.wait_end() == 1
        shown = " ".join(terminal.text.split())
        assert "Internal error of mogplex-tui (OverflowError: int too large for ••••)." in shown
        assert "Traceback" not in shown
        assert b"PlantedCookieValue" not in terminal.raw
    finally:
        terminal.kill()
    logged = log_file().read_text()
    assert "Traceback (most recent call last)" in logged
    assert "PlantedCookieValue" not in logged
