"""Measure the time from the start of a plane to its first line of output."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from ..figures import say
from ..process_usage import cpu_seconds
from .planes import plane, process

ROUNDS = 5
TARGETS = {"small": 1.0, "large": 3.0}


def _copied(source: Path) -> float:
    """Return the seconds that it takes to copy the file in chunks of 256 KiB."""
    with tempfile.NamedTemporaryFile() as target, source.open("rb") as given:
        start = time.perf_counter()
        while part := given.read(1 << 18):
            target.write(part)
        return time.perf_counter() - start


def run() -> None:
    """Print the figures."""
    say(f"plane_start: the command until it says that it answers, {ROUNDS} times each in turn")
    took: dict[str, list[float]] = {"bare server": [], "small": [], "large": [], "copy": []}
    spent: dict[str, list[float]] = {"bare server": [], "small": [], "large": []}
    # The first of each fills the caches: of the file system, and of histories that are written once.
    for number in range(ROUNDS + 1):
        for name in spent:
            floor = name == "bare server"
            with process("benchmarks.plane.floor") if floor else plane("--scale", name) as started:
                found = {name: started.took}
                used = cpu_seconds(started.pid)
                if name == "large":
                    found["copy"] = _copied(Path(started.said["db"]))
            if number:
                spent[name].append(used)
                for what, seconds in found.items():
                    took[what].append(seconds)
    bare, copy = (statistics.median(took[name]) for name in ("bare server", "copy"))
    say(f"    bare server  {bare:5.2f} s   copy of the large file {copy:5.2f} s")
    for name, most in TARGETS.items():
        ours, floor_s = statistics.median(took[name]), bare + (copy if name == "large" else 0.0)
        say(
            f"    {name:12} {ours:5.2f} s ({min(took[name]):.2f} to {max(took[name]):.2f}),"
            f" {statistics.median(spent[name]):.2f} s of processor   x {ours / floor_s:.2f} of the floor"
            f"   (less than {most:.0f} s)"
        )
