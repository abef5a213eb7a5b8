"""The console still responds after bytes that no keyboard sends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
# id: what the terminal sends
BYTES: dict[str, bytes] = {
    "byte that starts no character": b"\x9b31m",
    "latin-1 letters": "déjà vu".encode("latin-1"),
    "alt as the eighth bit": bytes(byte | 0x80 for byte in b"abc"),
    "character cut in half": "é".encode()[:1],
    "continuation bytes alone": b"\x80\xbf\x80",
    "overlong slash": b"\xc0\xaf",
    "surrogate half": b"\xed\xa0\x80",
    "byte order mark": b"\xff\xfe",
    "NUL and DEL": b"\x00\x7f",
    "every byte with the eighth bit": bytes(range(128, 256)),
    "paste of binary data": b"\x1b[200~\xff\x00\x9b\x1b[31m\xc3\x1b[201~",
    "end of a paste that never began": b"\x1b[201~",
    "mouse far outside": b"\x1b[<0;99999;99999M\x1b[<0;99999;99999m",
    "mouse at zero": b"\x1b[<0;0;0M\x1b[<0;0;0m",
    "mouse with negative cells": b"\x1b[<0;-5;-5M",
    "old mouse report": b"\x1b[M !!",
    "cursor report": b"\x1b[999;999R",
    "unknown sequence": b"\x1b[1;2;3;4;5;6;7x",
    "keys of the kitty protocol": b"\x1b[57441;5u\x1b[97;5u",
    "key release of the kitty protocol": b"\x1b[97;1:3u",
    "key code beyond Unicode": b"\x1b[99999999999u",
    "reply to a device query": b"\x1b[?62;c\x1bP>|xterm(380)\x1b\\",
    "focus lost and gained": b"\x1b[O\x1b[I",
    "sequence that never ends": b"\x1b[" + b"1;" * 200,
}


class Consoles:
    """Gives out one console for many cases, and a new one after a case that ended it."""

    def __init__(self, home: Path) -> None:
        self._env = {
            **os.environ,
            "HOME": str(home),
            **{f"XDG_{name}_HOME": str(home) for name in ("CONFIG", "CACHE", "STATE", "DATA")},
            "MOGPLEX_BASE_URL": "http://127.0.0.1:9",
            "MOGPLEX_TOKEN": "mog_none",
        }
        self._running: Terminal | None = None

    def get(self) -> Terminal:
        if self._running is None or not self._running.alive:
            command = [sys.executable, "-m", "mogplex_tui"]
            self._running = Terminal(command, columns=80, rows=24, env=self._env, cwd=ROOT)
            self._running.wait_for(r"\? help")
        return self._running

    def end(self) -> None:
        if self._running is not None:
            self._running.kill()


@pytest.fixture(scope="module")
def consoles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consoles]:
    given = Consoles(tmp_path_factory.mktemp("home"))
    yield given
    given.end()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("sent", BYTES.values(), ids=BYTES)
def test_console_responds_after_invalid_input_bytes(consoles: Consoles, sent: bytes) -> None:
    terminal = consoles.get()
    terminal.send(sent)
    _must_answer(consoles, terminal)


# id: (keys that open something, what it shows, what is sent at once)
TWICE: dict[str, tuple[str, str, bytes]] = {
    "two clicks beside the palette": (
        ":",
        "screen or command, for example jobs",
        b"\x1b[<0;40;23M\x1b[<0;40;23m" * 2,
    ),
    "two escapes in the palette": (":", "screen or command, for example jobs", b"\x1b\x1b"),
    "three returns in the palette": (":models", "models :model", b"\r\r\r"),
    "two clicks on a button": ("O", "Open", b"\x1b[<0;57;14M\x1b[<0;57;14m" * 2),
    "escape and return in a form": ("n", "New run", b"\x1b\r\x1b\r"),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("case", TWICE)
def test_console_responds_after_doubled_input(consoles: Consoles, case: str) -> None:
    keys, shown, sent = TWICE[case]
    terminal = consoles.get()
    terminal.press("1")
    terminal.wait_for(r"(?m)^ Runs\b")
    terminal.press(*keys)
    terminal.wait_for(shown)
    terminal.send(sent)
    _must_answer(consoles, terminal)


def _must_answer(consoles: Consoles, terminal: Terminal) -> None:
    """Fail unless the console opens and closes its help."""
    try:
        for _ in range(8):
            # Close what the bytes opened; the parser treats a lone escape as a key after a tenth of a second.
            terminal.press("esc")
            terminal.pump(0.15)
            terminal.press("?")
            with contextlib.suppress(AssertionError):
                terminal.wait_for(r"─ Keys", 3)
                break
        terminal.wait_for(r"─ Keys", 1)
        terminal.press("esc")
        terminal.wait_gone(r"─ Keys", 10)
    except AssertionError:
        consoles.end()
        raise
