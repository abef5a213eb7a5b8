"""Measure the memory and processor use of a command at rest for 20 seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .figures import say
from .process_usage import cpu_seconds, resident_mebibytes
from .terminal import Terminal

SETTLE, WATCHED = 5.0, 20.0


def run(command: Sequence[str], pattern: str) -> None:
    """Print the figures for a command whose first frame shows `pattern`."""
    say("rest: memory and processor of a program that nobody touches, 120x40")
    terminal = Terminal(command)
    try:
        terminal.until(pattern.encode())
        terminal.drain(SETTLE)
        before, start = cpu_seconds(terminal.pid), time.perf_counter()
        size, bursts = terminal.drain(WATCHED)
        took = time.perf_counter() - start
        share = (cpu_seconds(terminal.pid) - before) / took
        for name, mebibytes in resident_mebibytes(terminal.pid):
            say(f"    {name:16} {mebibytes:6.0f} MiB")
        say(
            f"    together {share:.1%} of one core, {bursts / took:.1f} repaints/s, {size / took / 1000:.1f} kB/s"
        )
        say(f"    the command was: {' '.join(command)}")
    finally:
        terminal.close()
