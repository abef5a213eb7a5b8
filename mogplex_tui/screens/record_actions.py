"""Carries out actions on records: shows the dialog, sends the requests, reports."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.session import Session
from mogplex_tui.operate import messages
from mogplex_tui.operate.model import AnyEntry
from mogplex_tui.screens.dialog_queue import DialogQueue
from mogplex_tui.screens.header_line import Look
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.screens.queued_changes import ChangeQueue
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from mogplex_tui.operate.model import AnyAction, AnyKind, RenderTime, Values
    from mogplex_tui.operate.run_actions import JobAction


class RecordActions:
    """Asks for an action's parameters or for confirmation, and carries the action out.

    The requests run as tasks of the app, so they continue when the user leaves the screen.
    """

    def __init__(
        self,
        app: App[int],
        session: Session,
        look: Look,
        *,
        collections: KindCollections,
        tasks: TaskRunner,
        dialogs: DialogQueue,
        changes: ChangeQueue,
        copy: Callable[[str, str], None],
    ) -> None:
        """Store the services to use; `copy` copies a text and notifies the user."""
        self._app, self._session, self._look = app, session, look
        self._collections, self._tasks, self._dialogs, self._copy = collections, tasks, dialogs, copy
        self._changes = changes

    def ask(
        self,
        kind: AnyKind,
        action: AnyAction,
        entries: list[AnyEntry],
        started: Callable[[], None] = lambda: None,
        finished: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask for an action's parameters or for confirmation, then carry the action out.

        If a change that the same action made to one of these records is still waiting for a rate limit,
        the waiting change is withdrawn and no new one is made. `started` is called when the action
        begins or a waiting change is withdrawn, `finished` after the record was read back.
        """
        from mogplex_tui.operate.executor import NO_VALUES
        from mogplex_tui.operate.model import Creation
        from mogplex_tui.screens.confirmations import action_dialog

        is_creation = isinstance(action, Creation)
        if not is_creation and self._changes.give_up(f"{kind.name}.{action.id}", (e.key for e in entries)):
            started()
            return
        applicable = self._applicable(kind, action, entries)
        if applicable is None:
            return
        protected = self._look.protected_name
        dialog = action_dialog(self._session, kind, action, applicable, self._moment(), protected)

        def run(values: Values) -> None:
            started()
            self._tasks.run(self._carry_out(kind, action, applicable, values, finished))

        if dialog is None:
            run(NO_VALUES)
        else:
            self._app.push_screen(dialog, partial(self._answered, kind, action, applicable, run))

    def ask_on_job(self, action: JobAction, job_id: str, finished: Callable[[], None]) -> None:
        """Read a job, then ask for confirmation of an action on it as in the list of jobs.

        The job is read first because a run does not tell whether its job can be repaired or requeued. If
        the same action on the job still waits for a rate limit, it is withdrawn and nothing is asked.
        """
        from mogplex_tui.operate.kinds import jobs

        if not self._changes.give_up(f"{jobs.KIND.name}.{action.load().id}", [job_id]):
            self._tasks.run(self._read_job_and_ask(jobs.KIND, action.load(), job_id, finished))

    async def _read_job_and_ask(
        self, kind: AnyKind, action: AnyAction, job_id: str, finished: Callable[[], None]
    ) -> None:
        from mogplex_tui.api.errors import MogplexError

        asked_on = self._app.screen
        try:
            entry = await self._collections.reread(kind, job_id)
        except MogplexError as error:
            self._app.notify(str(error), severity="warning", timeout=12, markup=False)
            return
        if self._app.screen is asked_on:
            self.ask(kind, action, [] if entry is None else [entry], finished=finished)
        else:
            sentence = f"The {action.label} was not asked about, because another screen was opened meanwhile."
            self._app.notify(sentence, severity="warning", markup=False)

    def _applicable(self, kind: AnyKind, action: AnyAction, entries: list[AnyEntry]) -> list[AnyEntry] | None:
        """Return the records to which the action can be applied.

        If there are none, notify the user of the reason and return None. For an action that creates a
        record, return an empty list.
        """
        from mogplex_tui.operate.kind_rows import unavailable_reason
        from mogplex_tui.operate.model import Creation

        if isinstance(action, Creation):
            closed = messages.closed_lines(self._collections.of(kind).closed(), kind.needs)
            if closed:
                self._app.notify(" ".join(closed), severity="warning", markup=False)
            return None if closed else []
        rows = [entry for entry in entries if entry.row is not None]
        reasons = [unavailable_reason(action, entry, self._session) for entry in rows]
        applicable = [entry for entry, reason in zip(rows, reasons, strict=True) if reason is None]
        if applicable:
            return applicable
        if rows:
            sentence = reasons[0] or ""
        elif entries:
            sentence = messages.not_changeable(kind.noun)
        else:
            sentence = f"There is no {kind.noun} under the cursor."
        self._app.notify(sentence, severity="warning", markup=False)
        return None

    def _moment(self) -> RenderTime:
        from mogplex_tui.operate.model import RenderTime

        return RenderTime(self._session.clock.now())

    def _answered(
        self,
        kind: AnyKind,
        action: AnyAction,
        entries: list[AnyEntry],
        run: Callable[[Values], None],
        answer: bool | str | Values | None,
    ) -> None:
        from mogplex_tui.operate.executor import NO_VALUES, new_entry
        from mogplex_tui.operate.model import Creation, Values
        from mogplex_tui.screens.confirmations import action_question, asked_parameters
        from mogplex_tui.screens.modals.confirm import ConfirmModal

        if answer is None or answer is False:
            return
        if answer is True:
            run(NO_VALUES)
            return
        values = (
            answer
            if isinstance(answer, Values)
            else Values({each.name: answer for each in asked_parameters(action)})
        )
        if action.confirmation is None or not self._look.protected_name:
            run(values)
            return
        confirmed_entries = [new_entry(action, values)] if isinstance(action, Creation) else entries
        question = action_question(kind, action, confirmed_entries, self._moment())
        dialog = ConfirmModal(question, self._look.protected_name)
        self._app.push_screen(dialog, lambda confirmed: run(values) if confirmed else None)

    async def _carry_out(
        self,
        kind: AnyKind,
        action: AnyAction,
        entries: list[AnyEntry],
        values: Values,
        finished: Callable[[], None],
    ) -> None:
        from mogplex_tui.operate.executor import run_bulk_action

        collection = self._collections.of(kind)
        outcome = await run_bulk_action(self._session, collection, kind, action, entries, values)
        finished()
        self._app.notify(
            outcome.sentence,
            severity="information" if outcome.is_success else "warning",
            timeout=5 if outcome.is_success else 12,
            markup=False,
        )
        if outcome.secret is not None:
            from mogplex_tui.screens.modals.secret import RevealModal

            # The service returns the secret only once, so it is shown over whatever screen is open by now.
            self._dialogs.show(RevealModal(f"Secret of the new {kind.noun}", outcome.secret, self._copy))
