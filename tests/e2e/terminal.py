"""A program in a pseudo-terminal: its screen as text, and its keys."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import ptyprocess
import pyte

NAMED = {
    "enter": "\r",
    "esc": "\x1b",
    "ctrl+s": "\x13",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "tab": "\t",
}


class Terminal:
    """Run a command in a pseudo-terminal and emulate its screen."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int,
        rows: int,
        env: dict[str, str],
        cwd: Path,
        keep: int | None = None,
        term: str | None = "xterm-256color",
        on_output: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        """`raw` holds all output, or its last `keep` bytes.

        `on_output` is called with each piece of output.
        """
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lines: list[str] = []
        self._keep, self._on_output = keep, on_output
        self.raw = b""
        # These would override the size of the terminal, also after it has changed.
        environment = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}
        environment.pop("TERM", None)
        if term is not None:
            environment["TERM"] = term
        self._process = ptyprocess.PtyProcess.spawn(
            list(command), dimensions=(rows, columns), env=environment, cwd=str(cwd)
        )

    def _read(self, seconds: float) -> bool:
        """Read what arrives within some seconds; False if the program has ended."""
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
        if self._keep is not None and len(self.raw) > 2 * self._keep:
            self.raw = self.raw[-self._keep :]
        self._on_output(data)
        self._stream.feed(data)
        return True

    def pump(self, seconds: float) -> bool:
        """Read all output for some seconds; False if the program has ended."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self._read(left):
                return False
        return self._read(0)

    def read_some(self, seconds: float) -> bool:
        """Read one piece of output within some seconds; False if the program has ended."""
        return self._read(seconds)

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def alive(self) -> bool:
        return bool(self._process.isalive())

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self._screen.columns, self._screen.lines

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def hang_up(self) -> None:
        """Close the terminal's side, as a closed window or a lost connection does."""
        # Not os.close: the file object would later close its descriptor again, which another file may use by then.
        self._process.fileobj.close()

    @property
    def lines(self) -> list[str]:
        """The lines of the screen without trailing spaces."""
        screen = self._screen
        if len(self._lines) != screen.lines:
            self._lines = [""] * screen.lines
            screen.dirty.update(range(screen.lines))
        # Only what changed is read again: many waits look at the screen after each piece of output.
        for number in screen.dirty:
            if number < screen.lines:
                line = screen.buffer[number]
                self._lines[number] = "".join(line[x].data for x in range(screen.columns)).rstrip()
        screen.dirty.clear()
        return list(self._lines)

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
            self.send(NAMED.get(key, key).encode())

    def send(self, data: bytes) -> None:
        """Write bytes as a keyboard, a mouse or a paste does."""
        os.write(self._process.fd, data)

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
