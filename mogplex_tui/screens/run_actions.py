"""Actions on runs: cancel runs, start a run, find a run by its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.action_registry import key_of
from mogplex_tui.screens.header_line import Look
from mogplex_tui.screens.navigation import Navigation
from mogplex_tui.screens.queued_changes import ChangeQueue
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from mogplex_tui.operate.run_actions import Draft, PrefilledDraft
    from mogplex_tui.screens.modals.new_run import DraftStore


class RunActions:
    """Asks for the input of actions on runs, carries them out and reports the result.

    The requests run as tasks of the app, so they continue when the user leaves the screen.
    """

    def __init__(
        self,
        app: App[int],
        session: Session,
        runs: Runs,
        look: Look,
        *,
        tasks: TaskRunner,
        navigation: Navigation,
        changes: ChangeQueue,
    ) -> None:
        self._app, self._session, self._runs, self._look = app, session, runs, look
        self._tasks, self._navigation, self._changes = tasks, navigation, changes
        # Keeps the form's draft; created when the form is first opened.
        self._drafts: DraftStore | None = None

    # Cancel ----------------------------------------------------------------------------------------------------

    def confirm_cancel(self, rows: Sequence[RunRow], confirmed: Callable[[], None] = lambda: None) -> None:
        """Ask for confirmation, then cancel runs.

        If an earlier cancel of one of these runs still waits for a rate limit, that cancel is withdrawn
        and nothing is asked. `confirmed` is called when the user confirms or a cancel is withdrawn.
        """
        from mogplex_tui.operate.kind_rows import unavailable_reason
        from mogplex_tui.operate.run_actions import CANCEL
        from mogplex_tui.screens.confirmations import cancel_many_question, cancel_question
        from mogplex_tui.screens.modals.confirm import ConfirmModal

        if self._changes.give_up("runs.cancel", (row.key for row in rows)):
            confirmed()
            return
        cancellable = [row for row in rows if unavailable_reason(CANCEL, row, self._session) is None]
        if not cancellable:
            return
        if len(rows) == 1:
            question = cancel_question(self._session, cancellable[0])
        else:
            excluded = len(rows) - len(cancellable)
            question = cancel_many_question(self._session, cancellable, excluded)
        dialog = ConfirmModal(question, self._look.protected_name)
        self._app.push_screen(dialog, partial(self._cancel_if_confirmed, cancellable, confirmed))

    def _cancel_if_confirmed(
        self, rows: Sequence[RunRow], confirmed: Callable[[], None], answer: bool | None
    ) -> None:
        if answer:
            confirmed()
            self._tasks.run(self._cancel([self._runs.set.rows.get(row.key, row) for row in rows]))

    async def _cancel(self, rows: Sequence[RunRow]) -> None:
        from mogplex_tui.operate.run_changes import cancel_all

        outcome = await cancel_all(self._session, self._runs, rows)
        self._app.notify(
            outcome.sentence,
            severity="information" if outcome.is_success else "warning",
            timeout=5 if outcome.is_success else 12,
            markup=False,
        )

    # Start -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the form that starts a run."""
        self._open_form("")

    def rerun(self, row: RunRow | None) -> None:
        """Open the form that starts a run, filled in with the values of another run."""
        from mogplex_tui.operate.run_actions import rerun_draft

        if row is not None:
            self._open_form("", rerun_draft(row, self._session.names.repos))

    def start_in(self, repo_id: str, repo: str) -> None:
        """Open the form that starts a run, with the given repository filled in."""
        from mogplex_tui.operate.run_actions import draft_in

        self._open_form("", draft_in(repo_id, repo))

    def _open_form(self, problem: str, prefilled: PrefilledDraft | None = None) -> None:
        """Open the form that starts a run, with the saved draft or a prefilled one.

        A prefilled draft is not saved. `problem` is why the previous attempt to start the run failed.
        """
        from mogplex_tui.screens.modals.new_run import DraftStore, NewRunModal

        drafts = self._drafts = self._drafts or DraftStore(self._session.directory, self._session.file_errors)
        if prefilled is not None:
            drafts = DraftStore(None)
            drafts.keep(prefilled.draft)
        self._app.push_screen(
            NewRunModal(drafts, self._session, problem, prefilled),
            partial(self._start_if_confirmed, drafts, prefilled),
        )

    def _start_if_confirmed(
        self, drafts: DraftStore, prefilled: PrefilledDraft | None, draft: Draft | None
    ) -> None:
        if draft is not None:
            self._tasks.run(self._start(drafts, prefilled, draft))

    async def _start(self, drafts: DraftStore, prefilled: PrefilledDraft | None, draft: Draft) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.operate.run_changes import start
        from mogplex_tui.operate.run_facts import name_of

        asked_on = self._app.screen
        try:
            row = await start(self._session, self._runs, draft, drafts.key)
        except MogplexError as error:
            # The form opens again with the draft and the reason; an unchanged draft keeps its idempotency key.
            problem = f"Not started. {error}"
            saved = f"{problem} The draft is saved: {key_of('runs.start')} on the Runs screen opens it."
            self._navigation.show_or_notify(
                asked_on,
                partial(self._open_form, problem, prefilled and prefilled._replace(draft=draft)),
                saved if prefilled is None else problem,
            )
            return
        drafts.done(draft)
        self._navigation.show_or_notify(
            asked_on, partial(self._navigation.open_run, row), f"{name_of(row)} has started."
        )

    # Find ------------------------------------------------------------------------------------------------------

    def open_by_id(self) -> None:
        """Ask for the id of a run and open that run."""
        from mogplex_tui.screens.modals.open_id import OpenIdModal

        no_token = self._session.attached and self._session.target.token is None
        self._app.push_screen(OpenIdModal(not no_token), self._find_if_given)

    def _find_if_given(self, run_id: str | None) -> None:
        if run_id:
            self._tasks.run(self._find(run_id))

    async def _find(self, run_id: str) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.live.run_lookup import find_run
        from mogplex_tui.operate.run_facts import name_of

        asked_on = self._app.screen
        try:
            row = await find_run(self._runs, run_id)
        except MogplexError as error:
            self._app.notify(str(error), severity="warning", timeout=12, markup=False)
            return
        warning = f"{name_of(row)} was not opened, because another screen was opened meanwhile."
        self._navigation.show_or_notify(asked_on, partial(self._navigation.open_run, row), warning)
