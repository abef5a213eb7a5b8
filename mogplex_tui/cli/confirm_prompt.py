"""Asks for confirmation on the terminal before changes that cannot be undone.

Without a terminal, these changes need the option `--yes`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import CommandError, state_name
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.interrupt import wait_for_line

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession


def require_prompt(verb: str) -> None:
    """Raise CommandError if stdin is not a terminal, so that nobody can answer."""
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, f"No terminal for the confirmation. Use --yes to {verb} without it.")


def is_confirmed(command: CommandSession, question: str) -> bool:
    """Ask a question on the terminal and return whether the answer is yes.

    In a protected context the user must answer with the name of the context, so that `y` is not
    typed out of habit.
    """
    question = command.output.safe_text(question)
    if command.settings.protected.value:
        name = state_name(command.settings)
        return _read_answer(f"{question} {name} is protected: type its name to confirm:").strip() == name
    return _read_answer(f"{question} [y/N]").strip().lower() in ("y", "yes")


def _read_answer(question: str) -> str:
    """Print a question and read one line; ctrl+c raises KeyboardInterrupt at once.

    The event loop's own handler for SIGINT would only set a flag while `readline` waits.
    """
    is_main_thread = threading.current_thread() is threading.main_thread()
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler) if is_main_thread else None
    try:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Ctrl+c was pressed before the question; the event loop would notice it only after the answer.
            raise KeyboardInterrupt
        sys.stderr.write(f"{question} ")
        sys.stderr.flush()
        if is_main_thread:
            wait_for_line(sys.stdin)
        return sys.stdin.readline()
    finally:
        if is_main_thread:
            signal.signal(signal.SIGINT, previous_handler)
