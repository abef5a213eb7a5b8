"""What screens ask the app for: open a run, cancel one, start one, find one; each outlives the screen it was asked on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen

from mogplex_tui.live.rows import RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.actions import key_of
from mogplex_tui.screens.chrome import Look
from mogplex_tui.screens.keys import KeysInTurn
from mogplex_tui.widgets.text import visible_lines

log = logging.getLogger("mogplex.app")


class ConsoleTasks(KeysInTurn):
    """The part of the app that screens know: the context at work, and the jobs they hand over."""

    look: Look
    session: Session
    runs: Runs

    def __init__(self) -> None:
        super().__init__()
        self._keeper: Any = None
        self._jobs: set[asyncio.Task[Any]] = set()
        # Dialogs that have to be seen, for when the one in front is answered.
        self._in_turn: list[ModalScreen[Any]] = []

    def on_mount(self) -> None:
        """Hear when a dialog has been answered. Textual calls this beside a subclass's own `on_mount`."""
        self.screen_change_signal.subscribe(self, lambda _: self._next_in_turn())

    def show_late(self, asked_on: Screen[Any], show: Callable[[], None], said: str) -> None:
        """Show what took its time where it was asked for; who has gone on is told of it in words instead."""
        if self.screen is asked_on:
            show()
        else:
            self.notify(said, timeout=12, markup=False)

    def show_in_turn(self, dialog: ModalScreen[Any]) -> None:
        """Show a dialog that must not be missed: now, or as soon as the one in front has been answered."""
        self._in_turn.append(dialog)
        self._next_in_turn()

    def _next_in_turn(self) -> None:
        if self._in_turn and not isinstance(self.screen, ModalScreen):
            self.push_screen(self._in_turn.pop(0))

    def run_job(self, job: Coroutine[Any, Any, Any]) -> None:
        """Run something that outlives the screen it was asked on; the app ends it when it ends itself."""
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._job_done)

    def _job_done(self, task: asyncio.Task[Any]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a job failed", exc_info=task.exception())
            if self.is_running:
                said = (
                    "That broke off by a fault of the console; the log has the details. "
                    f"{key_of('view.refresh')} shows what was done."
                )
                self.notify(said, severity="error", timeout=12, markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something in a toast; what the service sent cannot steer the terminal from there."""
        super().notify(
            visible_lines(message),
            title=visible_lines(title),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def copy_to_clipboard(self, text: str) -> None:
        """Put a text on the terminal's clipboard; half a character, which no terminal can be told, becomes a `?`."""
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    def open_run(self, row: RunRow) -> None:
        """Show one run and remember it."""
        from mogplex_tui.screens.run import RunScreen

        if row.run_id is not None:
            from mogplex_tui.live.history import Remembered

            self.session.history.remember(Remembered(row.run_id, row.call_id, row.repo, row.prompt))
        self.push_screen(RunScreen(row))

    @property
    def protected_name(self) -> str:
        """The context's name where it has to be typed before anything dangerous, else nothing."""
        return self.look.context if self.look.protected else ""

    def confirm_cancel(self, rows: Sequence[RunRow], went: Callable[[], None] = lambda: None) -> None:
        """Ask once before runs are stopped; the harmless answer has the focus. `went` is called on a yes."""
        from mogplex_tui.operate.operations import why_not_cancel
        from mogplex_tui.screens.modals.confirm import ConfirmModal
        from mogplex_tui.screens.questions import cancel_many_question, cancel_question

        able = [row for row in rows if why_not_cancel(self.session, row) is None]
        if not able:
            return
        if len(rows) == 1:
            question = cancel_question(self.session, able[0])
        else:
            over = len(rows) - len(able)
            question = cancel_many_question(self.session, able, over)
        self.push_screen(ConfirmModal(question, self.protected_name), partial(self._cancel_if, able, went))

    def _cancel_if(self, rows: Sequence[RunRow], went: Callable[[], None], sure: bool | None) -> None:
        if sure:
            went()
            self.run_job(self._cancel([self.runs.set.rows.get(row.key, row) for row in rows]))

    async def _cancel(self, rows: Sequence[RunRow]) -> None:
        from mogplex_tui.operate.operations import cancel_all

        outcome = await cancel_all(self.session, self.runs, rows)
        self.notify(
            outcome.sentence,
            severity="information" if outcome.good else "warning",
            timeout=5 if outcome.good else 12,
            markup=False,
        )

    def do_runs_new(self) -> None:
        """Open the form that starts a run."""
        self._open_form("")

    def _open_form(self, trouble: str) -> None:
        from mogplex_tui.screens.modals.new_run import DraftKeeper, NewRunModal

        if self._keeper is None:
            self._keeper = DraftKeeper(self.session.directory, self.session.file_troubles)
        self.push_screen(NewRunModal(self._keeper, self.session.names, trouble), self._start_if)

    def _start_if(self, draft: Any) -> None:
        if draft is not None:
            self.run_job(self._start(draft))

    async def _start(self, draft: Any) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.operate.operations import name_of, start

        asked_on = self.screen
        try:
            row = await start(self.session, self.runs, draft, self._keeper.key)
        except MogplexError as error:
            # What was typed is in the form again, with the reason; the same content keeps its key.
            said = f"Not started. {error}"
            self.show_late(
                asked_on,
                partial(self._open_form, said),
                f"{said} What was typed is kept: {key_of('runs.new')} opens the form among the runs.",
            )
            return
        self._keeper.done(draft)
        self.show_late(asked_on, partial(self.open_run, row), f"{name_of(row)} has started.")

    def do_runs_open_id(self) -> None:
        """Ask for a run's id and open it."""
        from mogplex_tui.screens.modals.open_id import OpenIdModal

        no_token = self.session.attached and self.session.target.token is None
        self.push_screen(OpenIdModal(not no_token), self._open_id_if)

    def _open_id_if(self, run_id: str | None) -> None:
        if run_id:
            self.run_job(self._open_id(run_id))

    async def _open_id(self, run_id: str) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.operate.operations import find_run, name_of

        asked_on = self.screen
        try:
            row = await find_run(self.session, self.runs, run_id)
        except MogplexError as error:
            self.notify(str(error), severity="warning", timeout=12, markup=False)
            return
        said = f"{name_of(row)} has been found and not opened: you have gone on meanwhile."
        self.show_late(asked_on, partial(self.open_run, row), said)
