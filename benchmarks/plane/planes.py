"""Planes and floors as processes that print one JSON line when they are ready."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Started(NamedTuple):
    """A process that answers: its id, what it said and how many seconds that took."""

    pid: int
    said: dict[str, Any]
    took: float


@contextmanager
def process(*argv: str) -> Iterator[Started]:
    """Run `python -m ARGV` until the end of the block."""
    start = time.perf_counter()
    running = subprocess.Popen([sys.executable, "-m", *argv], stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        yield Started(running.pid, json.loads(running.stdout.readline()), time.perf_counter() - start)
    finally:
        running.terminate()
        running.wait()


def plane(*options: str) -> Any:
    """A plane that stands still and refuses nobody."""
    return process("mogplex_tui", "control-plane", "--speed", "0", "--rate-limit", "off", *options)
