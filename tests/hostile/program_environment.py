"""Environments for the console, commands and planes that run as processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "mogplex_tui")


def private_environment(home: Path) -> dict[str, str]:
    """Create a home and return an environment that uses it, without credentials."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MOGPLEX_", "XDG_"))},
        "HOME": str(home),
        **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "CACHE", "STATE", "DATA")},
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PYTHONPATH": str(ROOT),
        "BROWSER": "true",
        "COLORTERM": "truecolor",
    }


def credentials(about: Mapping[str, Any], url: str) -> dict[str, str]:
    """Return the environment variables for a plane, from the JSON line of its start."""
    return {
        "MOGPLEX_BASE_URL": url,
        "MOGPLEX_TOKEN": about["token"],
        "MOGPLEX_SESSION_COOKIE": about["session_cookie"],
    }


def processes_with(text: str) -> list[int]:
    """Return the ids of the processes whose command line contains a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in command:
                found.append(int(entry.name))
    return found
