"""Start the `control-plane` command as a process and read its first line."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (
    "import argparse, sys; from mogplex_tui.cli import control_plane as c; p = argparse.ArgumentParser();"
    "c.add_arguments(p); sys.exit(c.run(p.parse_args()))"
)
DEADLINE = 60.0


def start_plane_process(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def read_first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], DEADLINE)
    assert readable, "nothing was said in time"
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said
