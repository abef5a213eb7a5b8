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


class RecordActions:
    """Asks for an action's parameters or for confirmation, and carries the action out.

    The requests run as tasks of the app, so they continue when the screen is left.
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
    ) -> None:
        """Ask for an action's parameters or for confirmation, then carry the action out.

        If a change that the same action made to one of these records is still waiting for a rate limit,
        the waiting change is withdrawn and no new one is made. `started` is called when the action
        begins or a waiting change is withdrawn.
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
            self._tasks.run(self._carry_out(kind, action, applicable, values))

        if dialog is None:
            run(NO_VALUES)
        else:
            self._app.push_screen(dialog, partial(self._answered, kind, action, applicable, run))

    def _applicable(self, kind: AnyKind, action: AnyAction, entries: list[AnyEntry]) -> list[AnyEntry] | None:
        """Return those of the records that the action can be carried out on.

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
        self, kind: AnyKind, action: AnyAction, entries: list[AnyEntry], values: Values
    ) -> None:
        from mogplex_tui.operate.executor import run_bulk_action

        collection = self._collections.of(kind)
        outcome = await run_bulk_action(self._session, collection, kind, action, entries, values)
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
