"""Questions on the terminal before something is done that cannot be undone; without a terminal only --yes goes on."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import Stop, state_name
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.interrupt import wait_for_line

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import Setting


def must_be_able_to_ask(verb: str) -> None:
    """Refuse where nobody could answer. Raises Stop."""
    if not sys.stdin.isatty():
        raise Stop(Exit.USAGE, f"There is no terminal to ask on: give --yes to {verb} without a question.")


def agreed(setting: Setting, question: str) -> bool:
    """Ask and return whether the answer is yes; a protected context wants its name, not a key pressed by habit."""
    question = setting.output.shown(question)
    if setting.settings.protected.value:
        name = state_name(setting.settings)
        return _answer(f"{question} {name} is protected: type its name to go on:").strip() == name
    return _answer(f"{question} [y/N]").strip().lower() in ("y", "yes")


def _answer(question: str) -> str:
    """Ask and read one line. Ctrl+c must end the waiting at once, which the event loop's own handler would not do."""
    in_front = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.default_int_handler) if in_front else None
    try:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # It came just before, and would only be noticed after the answer.
            raise KeyboardInterrupt
        sys.stderr.write(f"{question} ")
        sys.stderr.flush()
        if in_front:
            wait_for_line(sys.stdin)
        return sys.stdin.readline()
    finally:
        if in_front:
            signal.signal(signal.SIGINT, before)
