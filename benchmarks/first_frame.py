"""Measure the time from the start of a program to its first frame."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .figures import milliseconds, ratio, say
from .terminal import Terminal

ROUNDS = 15


def _once(argv: Sequence[str], pattern: bytes) -> float:
    terminal = Terminal(argv)
    try:
        end, _ = terminal.until(pattern)
        return end - terminal.started
    finally:
        terminal.close()


def run(command: Sequence[str], pattern: str) -> None:
    """Print the figures for a command whose first frame shows `pattern`."""
    bare = [sys.executable, "-m", "benchmarks.apps", "bare"]
    say("first_frame: start of the program to the first frame, 120x40")
    times: dict[str, list[float]] = {"bare": [], "peer": []}
    # The first of each fills the caches of the file system.
    for number in range(ROUNDS + 1):
        for name, argv, needle in (("bare", bare, b"ready"), ("peer", command, pattern.encode())):
            took = _once(argv, needle)
            if number:
                times[name].append(took)
    for name in times:
        say(f"    {name:12} {milliseconds(times[name])}")
    say(f"    ratio        p50 {ratio(times['peer'], times['bare'])}   (at most 1.6, the goal is 1.25)")
    say(f"    the peer was: {' '.join(command)}")
