"""Run the console and write the stacks of its tasks to a file on SIGUSR1.

Run as `python -m tests.hostile.console_main`; TASKS_FILE names the file.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path
from types import FrameType

from mogplex_tui.cli import main


def write_tasks(number: int, frame: FrameType | None) -> None:
    """Write the stack of every task that is not done."""
    tasks = [each for each in gc.get_objects() if isinstance(each, asyncio.Task) and not each.done()]
    with Path(os.environ["TASKS_FILE"]).open("w") as file:
        for task in tasks:
            print(task, file=file)
            task.print_stack(file=file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, write_tasks)
    raise SystemExit(main())
