"""Run commands as processes."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

COMMAND = [sys.executable, "-m", "mogplex_tui"]


async def start_command(*argv: str, stdin: int = asyncio.subprocess.DEVNULL) -> Process:
    return await asyncio.create_subprocess_exec(*COMMAND, *argv, stdin=stdin, stdout=PIPE, stderr=PIPE)
