"""The console of the demo in a terminal, from its start to its end."""

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


@pytest.fixture
def demo(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    columns, rows = request.param
    command = [sys.executable, "-m", "mogplex_tui", "demo", "--seed", "7"]
    running = Terminal(command, columns=columns, rows=rows, env=dict(os.environ), cwd=ROOT)
    yield running
    running.kill()


def _event_count(terminal: Terminal) -> int:
    return int(terminal.wait_for(r"([\d,]+) events?\b")[1].replace(",", ""))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("demo", "leave"),
    [((80, 24), "q"), ((120, 40), "ctrl+q in a dialog")],
    indirect=["demo"],
    ids=["80x24, q", "120x40, ctrl+q in a dialog"],
)
def test_follow_a_run_cancel_it_and_leave(demo: Terminal, leave: str) -> None:
    # Live runs are listed first and change by themselves.
    demo.wait_for(r"streaming")
    # A run that continues for a minute, so that a slow machine finds it live.
    demo.press("/")
    demo.wait_for(r"repo:web")
    demo.press(*"repo:web claude-code state:streaming", "enter")
    demo.wait_for(r"\b1 of \d")
    demo.press("enter")
    demo.wait_for(r"following")
    # New events appear.
    before = _event_count(demo)
    demo.wait_for(rf"(?!\b{before:,} events?)\b[\d,]+ events?\b", seconds=60)
    assert _event_count(demo) > before
    # The safe button has the focus, so that Enter alone cancels nothing.
    demo.press("x")
    demo.wait_for(r"Cancel this run\?")
    demo.press("enter")
    demo.wait_gone(r"Cancel this run\?")
    assert re.search(r"streaming|pending", demo.text)
    demo.press("x")
    demo.wait_for(r"Cancel this run\?")
    demo.press("right", "enter")
    demo.wait_for(r"[⊘] cancelled", seconds=20)
    # Back in the list it is cancelled too.
    demo.press("esc")
    demo.wait_for(r"STATE\s+ABOUT")
    demo.press("esc")
    demo.wait_for(r"[⊘] cancelled", seconds=20)
    # No shell started the demo, so that ctrl+z must not stop it.
    demo.press("\x1a")
    demo.wait_for(r"Cannot suspend: there is no shell")
    if leave == "q":
        demo.press("q")
    else:
        demo.press("?")
        demo.wait_for(r"Keys")
        demo.press("\x11")
    assert demo.wait_end() == 0
    # The terminal is restored: alternate screen off, cursor shown, mouse reporting off.
    left = demo.raw[-4000:]
    assert b"\x1b[?1049l" in left and b"\x1b[?25h" in left and b"\x1b[?1000l" in left
    # The first frame was complete: the table was drawn before the header was drawn again.
    header, table = (list(re.finditer(word, demo.raw)) for word in (rb"mogplex", rb"STATE"))
    assert header[0].start() < table[0].start() < header[1].start()


def test_ctrl_z_suspends_the_console_until_fg() -> None:
    job = f"set -m; {shlex.quote(sys.executable)} -m mogplex_tui; echo suspended; read -r; fg"
    env = {**os.environ, "MOGPLEX_BASE_URL": "http://127.0.0.1:9", "MOGPLEX_TOKEN": "mog_nobody"}
    terminal = Terminal(["bash", "-c", job], columns=80, rows=24, env=env, cwd=ROOT)
    try:
        terminal.wait_for(r"Runs")
        terminal.press("\x1a")
        terminal.wait_for(r"suspended")
        assert b"\x1b[?1049l" in terminal.raw[-4000:]
        terminal.press("enter")
        terminal.wait_for(r"\? help")
        terminal.press("q")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()
