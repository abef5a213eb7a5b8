"""Keys that arrive in pieces, and rapid resizes, in a terminal on a busy plane."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
# The console once ended after these keys in a soak test; none of them leaves it.
KEYS = (b"\x1b[B", b"?", b"\x1b[A", b"\x1b[A", b"8", b"l")
SIZES = [(80 + number, 24 + number % 20) for number in range(60)]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    home = tmp_path_factory.mktemp("home")
    env = {
        **os.environ,
        "HOME": str(home),
        **{f"XDG_{name}_HOME": str(home) for name in ("CONFIG", "CACHE", "STATE", "DATA")},
    }
    # If exported, these would hide later sizes of the terminal.
    sizes = ("env", "COLUMNS=100", "LINES=30")
    command = [*sizes, sys.executable, "-m", "mogplex_tui", "demo", "--scenario", "storm"]
    given = Terminal(command, columns=100, rows=30, env=env, cwd=ROOT)
    given.wait_for(r"live[\s\S]*\? help", 60)
    yield given
    given.kill()


def _pieces(split: int | None) -> list[bytes]:
    if split is None:
        return [b"".join(KEYS)]
    return [piece for key in KEYS for piece in (key[:split], key[split:]) if piece]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("pause", [0.0, 0.02, 0.15])
@pytest.mark.parametrize("split", [None, 1, 2], ids=["all at once", "after esc", "before the last byte"])
def test_console_survives_keys_that_arrive_in_pieces(
    terminal: Terminal, split: int | None, pause: float
) -> None:
    for piece in _pieces(split):
        terminal.send(piece)
        # The parser treats a lone escape as a key after a tenth of a second.
        assert terminal.pump(pause), terminal.text
    # The palette opens after all earlier keys were handled, and those leave no dialog open.
    terminal.press("esc", "esc", "1", ":")
    terminal.wait_for("screen or command, for example jobs")
    terminal.press("esc")
    terminal.wait_gone("screen or command, for example jobs")
    assert "─ Keys" not in terminal.text


@pytest.mark.parametrize("place", ["1", "6"], ids=["runs", "observability"])
def test_screen_has_the_last_size_after_many_resizes(terminal: Terminal, place: str) -> None:
    terminal.press(place)
    for columns, rows in SIZES:
        terminal.resize(columns, rows)
        assert terminal.pump(0), terminal.text
    for columns, rows in ((80, 24), (120, 40)):
        terminal.resize(columns, rows)
        terminal.wait_for(r"\? help[^\n]*\Z", 30)
        # The line under the title fills the width.
        terminal.wait_for(rf"(?m)^─{{{columns}}}$", 30)
