"""Background tasks that outlive the screen that started them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from textual.app import App

from mogplex_tui.operate.action_registry import key_of

log = logging.getLogger("mogplex.app")


class TaskRunner:
    """Runs coroutines as background tasks of the app, and reports those that fail."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[object]] = set()

    def run(self, coroutine: Coroutine[object, object, object]) -> None:
        """Start a coroutine as a task; the task is cancelled when the app ends."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def cancel_all(self) -> None:
        """Cancel every task that is still running."""
        for task in list(self._tasks):
            task.cancel()

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        log.error("a job failed", exc_info=task.exception())
        if self._app.is_running:
            sentence = (
                "Internal console error; details are in the log. "
                f"{key_of('view.refresh')} shows what was done."
            )
            self._app.notify(sentence, severity="error", timeout=12, markup=False)
