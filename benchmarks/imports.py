"""Measure what importing the client costs, beside its two libraries alone."""

from __future__ import annotations

import subprocess
import sys
import time

from .figures import milliseconds, ratio, say

ROUNDS = 15
# The floor loads what the facade cannot do without; the last line adds the families of a first screen.
IMPORTS = {
    "nothing": "",
    "httpx+pydantic": "import httpx, pydantic; pydantic.BaseModel",
    "mogplex_tui.api": "import mogplex_tui.api",
    "the facade": "import mogplex_tui.api.client",
    "first screen": "from mogplex_tui.api.resources import account, observability, runs, sandboxes",
}


def _once(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def run() -> None:
    """Print the figures."""
    say("imports: start of an interpreter to its end, with one import in it")
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    # The first of each fills the caches of the file system. Turn by turn, so that all meet the same machine.
    for number in range(ROUNDS + 1):
        for name, code in IMPORTS.items():
            took = _once(code)
            if number:
                times[name].append(took)
    for name, taken in times.items():
        say(f"    {name:16} {milliseconds(taken)}")
    floor = times["httpx+pydantic"]
    for name in ("mogplex_tui.api", "the facade", "first screen"):
        say(f"    ratio to httpx+pydantic: {name:16} p50 {ratio(times[name], floor)}")
