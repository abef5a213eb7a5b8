"""Run a program in a pseudo-terminal and measure when its output arrives."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Sequence

from ptyprocess import PtyProcess

ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78cM])")
QUIET = 0.003
"""Seconds without a byte that end a repaint; a repaint is written in one go, and the next is 16 ms away."""


LEAVES = 3.0
"""Seconds in which a program leaves by itself."""


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, argv: Sequence[str], *, columns: int = 120, lines: int = 40) -> None:
        # An installed program has its bytecode; one that may not write it would compile itself at every start.
        hidden = ("NO_COLOR", "TEXTUAL", "PYTHONDONTWRITEBYTECODE")
        env = {key: value for key, value in os.environ.items() if key not in hidden}
        env.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(columns), LINES=str(lines))
        self.started = time.perf_counter()
        self._process = PtyProcess.spawn(list(argv), dimensions=(lines, columns), env=env)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(self._process.pid)

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self._process.fd, keys)

    def _read(self, timeout: float) -> bytes:
        ready, _, _ = select.select([self._process.fd], [], [], max(0.0, timeout))
        if not ready:
            return b""
        try:
            return os.read(self._process.fd, 65536)
        except OSError:
            return b""

    def until(self, pattern: bytes, timeout: float = 20.0) -> tuple[float, int]:
        """Wait for a repaint that shows `pattern`.

        Returns when its last byte came, and how many bytes came in all.
        """
        deadline = time.perf_counter() + timeout
        seen, size, last, found = b"", 0, 0.0, False
        needle = re.compile(pattern)
        while True:
            piece = self._read(QUIET if found else deadline - time.perf_counter())
            if piece:
                last = time.perf_counter()
                size += len(piece)
                if not found:
                    seen += piece
                    found = needle.search(ESCAPES.sub(b"", seen)) is not None
            elif found:
                return last, size
            elif time.perf_counter() > deadline or not self._process.isalive():
                shown = ESCAPES.sub(b"", seen).decode(errors="replace")
                raise TimeoutError(f"{pattern!r} was not shown; the last that came: {shown[-2000:]}")

    def drain(self, seconds: float) -> tuple[int, int]:
        """Read for a while: how many bytes came, in how many bursts."""
        deadline = time.perf_counter() + seconds
        size = bursts = 0
        last = 0.0
        while (left := deadline - time.perf_counter()) > 0:
            piece = self._read(left)
            if piece:
                now = time.perf_counter()
                bursts += now - last > QUIET
                last = now
                size += len(piece)
        return size, bursts

    def pause(self) -> None:
        """Stop the program for now, so that it does not disturb another's measurement."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let the program go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the program as a closed window does, or by force if it stays."""
        if self._process.isalive():
            os.kill(self.pid, signal.SIGHUP)
            self.resume()
        deadline = time.perf_counter() + LEAVES
        while self._process.isalive() and time.perf_counter() < deadline:
            self._read(0.02)
        self._process.terminate(force=True)
        self._process.close(force=True)
