"""A ctrl+c just before a blocking wait starts interrupts the wait.

Without the wake-up socket nothing would notice it until the wait ends by itself.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

# A signal delivered to another thread does not interrupt this thread's system call, like one that comes just before the
# call. The thread gets the interpreter only when the wait starts.
STAGE = """
import asyncio, io, signal, sys, threading
from mogplex_tui.cli import confirm_prompt, interrupt

sys.setswitchinterval(60)
waits = threading.Event()

def press():
    waits.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Thread(target=press, daemon=True).start()

async def follow():
    waits.set()
    await asyncio.Event().wait()

class Screen(io.StringIO):
    def flush(self):
        waits.set()

async def ask():
    sys.stderr = Screen()
    confirm_prompt._read_answer("Really?")

try:
    interrupt.run(globals()[sys.argv[1]]())
except KeyboardInterrupt:
    print("heard")
"""


@pytest.mark.parametrize("waiting", ["follow", "ask"])
def test_ctrl_c_just_before_a_wait_interrupts_it(waiting: str) -> None:
    terminal, child_terminal = pty.openpty()
    try:
        result = subprocess.run(
            [sys.executable, "-c", STAGE, waiting],
            stdin=child_terminal,
            capture_output=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(child_terminal)
    assert (result.stdout, result.stderr) == (b"heard\n", b"")
