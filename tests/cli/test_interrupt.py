"""A ctrl+c that comes in the moment before somebody begins to wait, when nothing of the waiting notices it by itself."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

# A signal to another thread interrupts no system call of this one, as one that comes just before the call does not.
# The thread gets the interpreter when the wait begins, and not before.
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
def test_a_ctrl_c_just_before_the_waiting_begins_ends_it(waiting: str) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", STAGE, waiting], stdin=theirs, capture_output=True, timeout=30, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.stdout, done.stderr) == (b"heard\n", b"")
