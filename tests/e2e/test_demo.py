from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    columns, rows = request.param
    command = [sys.executable, "-m", "mogplex_tui", "demo", "--seed", "7"]
    running = Terminal(command, columns=columns, rows=rows, env=dict(os.environ), cwd=ROOT)
    yield running
    running.kill()


def _events(terminal: Terminal) -> int:
    return int(terminal.wait_for(r"([\d,]+) events?\b")[1].replace(",", ""))


def test_follow_a_run_cancel_it_and_leave(terminal: Terminal) -> None:
    # Runs move by themselves, the live ones on top.
    terminal.wait_for(r"streaming")
    # One that goes on for a minute, so that the machine's pace does not decide the story.
    terminal.press("/")
    terminal.wait_for(r"repo:web")
    terminal.press(*"repo:web claude-code state:streaming", "enter")
    terminal.wait_for(r"\b1 of \d")
    terminal.press("enter")
    terminal.wait_for(r"following")
    # New events appear while one looks.
    before = _events(terminal)
    terminal.wait_for(rf"(?!\b{before:,} events?)\b[\d,]+ events?\b", seconds=60)
    assert _events(terminal) > before
    # The dialog has the harmless button in focus, so Enter alone stops nothing.
    terminal.press("x")
    terminal.wait_for(r"Cancel this run\?")
    terminal.press("enter")
    terminal.wait_gone(r"Cancel this run\?")
    assert re.search(r"streaming|pending", terminal.text)
    terminal.press("x")
    terminal.wait_for(r"Cancel this run\?")
    terminal.press("right", "enter")
    terminal.wait_for(r"[⊘] cancelled", seconds=20)
    # Back in the list it is cancelled too.
    terminal.press("esc")
    terminal.wait_for(r"STATE\s+REPO")
    terminal.press("esc")
    terminal.wait_for(r"[⊘] cancelled", seconds=20)
    terminal.press("q")
    assert terminal.wait_end() == 0
    # The terminal is as it was: the alternate screen is left, the cursor is shown, the mouse is free.
    left = terminal.raw[-4000:]
    assert b"\x1b[?1049l" in left and b"\x1b[?25h" in left and b"\x1b[?1000l" in left
    # The first frame came whole: the table stood below the header before that was drawn a second time.
    header, table = (list(re.finditer(word, terminal.raw)) for word in (rb"mogplex", rb"STATE"))
    assert header[0].start() < table[0].start() < header[1].start()


def test_ctrl_q_leaves_from_a_dialog_and_no_plane_stays_behind(terminal: Terminal) -> None:
    terminal.wait_for(r"streaming")
    # There is no shell above it, so it must not stop for good.
    terminal.press("\x1a")
    terminal.wait_for(r"No shell is here")
    terminal.press("?")
    terminal.wait_for(r"Keys")
    terminal.press("\x11")
    assert terminal.wait_end() == 0
    assert b"\x1b[?1049l" in terminal.raw[-4000:]


def test_ctrl_z_gives_the_terminal_back_to_the_shell_and_fg_the_console_to_the_terminal() -> None:
    job = f"set -m; {shlex.quote(sys.executable)} -m mogplex_tui; echo put aside; read -r; fg"
    env = {**os.environ, "MOGPLEX_BASE_URL": "http://127.0.0.1:9", "MOGPLEX_TOKEN": "mog_nobody"}
    terminal = Terminal(["bash", "-c", job], columns=80, rows=24, env=env, cwd=ROOT)
    try:
        terminal.wait_for(r"Runs")
        terminal.press("\x1a")
        terminal.wait_for(r"put aside")
        assert b"\x1b[?1049l" in terminal.raw[-4000:]
        terminal.press("enter")
        terminal.wait_for(r"\? help")
        terminal.press("q")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()
