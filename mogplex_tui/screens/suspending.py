"""Putting the console aside as a job of the shell, which `fg` there brings back."""

from __future__ import annotations

import os
import signal
from typing import Any

from textual.app import App


def suspend(app: App[Any]) -> None:
    """Stop until the shell goes on with this job; the embedded plane, which is of another session, does not stop."""
    can = app._driver is not None and app._driver.can_suspend
    # The first group of a session is of no shell that watches its jobs, so nobody could bring it back.
    if not can or os.getpgrp() == os.getsid(0):
        app.notify("No shell is here that could bring the console back.", markup=False)
        return
    try:
        with app.suspend():
            # All of the job, as a terminal would: what waits for the console, as make does, must stop with it.
            os.killpg(0, signal.SIGTSTP)
            if not os.isatty(0):
                raise EOFError
    except EOFError:
        # The terminal was closed meanwhile. Textual would wait for ever for it to be written to.
        app.exit(0)
