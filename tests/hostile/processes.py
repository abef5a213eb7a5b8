"""Commands and consoles as processes of their own, with their peak memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.api.support import COOKIE, TOKEN
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
# A process cannot be asked for its peak when it has ended, and what the kernel tells its parent begins with the
# parent's own size.
_COMMAND = """
import re, sys
from pathlib import Path
from mogplex_tui.cli import main
try:
    code = main()
finally:
    sys.stderr.write(Path("/proc/self/status").read_text())
sys.exit(code)
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


def run_command(base_url: str, *arguments: str, seconds: float = 120) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=environment(base_url),
        cwd=ROOT,
    )
    err, _, status = done.stderr.partition("Name:\t")
    return Ended(done.returncode, done.stdout, err, _peak(status))


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
