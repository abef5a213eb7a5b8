"""Commands and consoles as processes of their own, with their peak memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.api.support import COOKIE, TOKEN
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
# Runs commands one after the other. Writing 5 to clear_refs resets the peak to the memory in use.
_COMMANDS = """
import contextlib, io, json, sys
from pathlib import Path
from mogplex_tui.cli import main
for arguments in json.loads(sys.argv.pop()):
    Path("/proc/self/clear_refs").write_text("5")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.argv[1:] = arguments
        code = main()
    status = Path("/proc/self/status").read_text()
    print(json.dumps([code, out.getvalue(), err.getvalue(), status]))
"""


@dataclass(frozen=True)
class Ended:
    """A command that has ended; `peak` is its largest resident memory in MB."""

    code: int
    out: str
    err: str
    peak: int


def environment(base_url: str) -> dict[str, str]:
    """Return the test's environment with a service and two credentials for it."""
    return {
        **os.environ,
        "MOGPLEX_BASE_URL": base_url,
        "MOGPLEX_TOKEN": TOKEN,
        "MOGPLEX_SESSION_COOKIE": COOKIE,
    }


def run_commands(base_url: str, commands: Sequence[Sequence[str]], seconds: float = 120) -> list[Ended]:
    """Run commands in one process of their own, one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", _COMMANDS, json.dumps(commands)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=environment(base_url),
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    ended = map(json.loads, done.stdout.splitlines())
    return [Ended(code, out, err, _peak(status)) for code, out, err, status in ended]


def start_console(base_url: str) -> Terminal:
    """Start the console in a pseudo-terminal of 100 columns and 30 rows."""
    command = [sys.executable, "-m", "mogplex_tui"]
    return Terminal(command, columns=100, rows=30, env=environment(base_url), cwd=ROOT)


def peak_of(pid: int) -> int:
    """Return the largest resident memory that a running process has had, in MB."""
    return _peak(Path(f"/proc/{pid}/status").read_text())


def _peak(status: str) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) // 1024
