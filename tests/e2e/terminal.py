"""A real pseudo-terminal with a program in it: its screen as text, its keys, and what it leaves behind."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import ptyprocess
import pyte

NAMED = {
    "enter": "\r",
    "esc": "\x1b",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "tab": "\t",
}


class Terminal:
    """Runs a command in a pseudo-terminal of a given size and reads its screen with a terminal emulator."""

    def __init__(
        self, command: Sequence[str], *, columns: int, rows: int, env: dict[str, str], cwd: Path
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        environment = {**env, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)}
        self._process = ptyprocess.PtyProcess.spawn(
            list(command), dimensions=(rows, columns), env=environment, cwd=str(cwd)
        )

    def _read(self, seconds: float) -> bool:
        """Take in what comes within some seconds; False when the program has ended."""
        ready, _, _ = select.select([self._process.fd], [], [], max(0.0, seconds))
        if not ready:
            return True
        try:
            data = os.read(self._process.fd, 65536)
        except OSError:
            return False
        if not data:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, seconds: float = 30.0) -> re.Match[str]:
        """Read until the screen matches; fail with the screen when it does not in time."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.text)
            if match is not None:
                return match
            if time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} on the screen:\n{self.text}")
            if not self._read(deadline - time.monotonic()) and not re.search(pattern, self.text):
                raise AssertionError(f"the program ended without {pattern!r} on the screen:\n{self.text}")

    def wait_gone(self, pattern: str, seconds: float = 30.0) -> None:
        """Read until the screen does not match any more."""
        deadline = time.monotonic() + seconds
        while re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern!r} stays on the screen:\n{self.text}"
            assert self._read(deadline - time.monotonic()), f"the program ended:\n{self.text}"

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self._process.fd, NAMED.get(key, key).encode())

    def wait_end(self, seconds: float = 15.0) -> int | None:
        """Read until the program ends; return its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(0.1):
            if not self._process.isalive():
                break
            assert time.monotonic() < deadline, f"the program does not end:\n{self.text}"
        self._process.wait()
        code: int | None = self._process.exitstatus
        return code

    def kill(self) -> None:
        if self._process.isalive():
            self._process.kill(signal.SIGKILL)
        self._process.close(force=True)
