"""Actions on the records of a kind: asked for, confirmed, carried out and reported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.collection import Item
from mogplex_tui.live.session import Session
from mogplex_tui.screens.chrome import Look
from mogplex_tui.screens.dialog_queue import DialogQueue
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from mogplex_tui.operate.kinds.base import Context, Kind
    from mogplex_tui.operate.kinds.verb import Verb
    from mogplex_tui.operate.model import Values


class RecordActions:
    """Asks for what an action of a kind needs, carries the action out and shows its result.

    The requests run as tasks of the app, so they survive the screen on which they were asked for.
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
        copy: Callable[[str, str], None],
    ) -> None:
        """`copy` puts a text on the clipboard and says what was copied."""
        self._app, self._session, self._look = app, session, look
        self._collections, self._tasks, self._dialogs, self._copy = collections, tasks, dialogs, copy

    def ask(
        self, kind: Kind, verb: Verb, items: list[Item], started: Callable[[], None] = lambda: None
    ) -> None:
        """Ask for an action's values or for a confirmation, then carry it out; `started` is called once it runs."""
        from mogplex_tui.screens.questions import verb_screen

        able = self._able(kind, verb, items)
        if not able:
            return
        dialog = verb_screen(self._session, kind, verb, able, self._context(), self._look.protected_name)

        def run(answer: str | Values) -> None:
            started()
            self._tasks.run(self._carry_out(kind, verb, able, answer))

        if dialog is None:
            run("")
        else:
            self._app.push_screen(dialog, partial(self._answered, kind, verb, able, run))

    def _able(self, kind: Kind, verb: Verb, items: list[Item]) -> list[Item]:
        """Return the records that the action applies to, or none after a notification that says why."""
        if verb.new is not None:
            closed = self._collections.of(kind).closed(kind.needs)
            if closed is not None:
                self._app.notify(closed, severity="warning", markup=False)
            return [Item("", None)] if closed is None else []
        able = [item for item in items if verb.why_not(item) is None and item.record is not None]
        if not able:
            reason = next((verb.why_not(item) for item in items if item.record is not None), None)
            sentence = reason or (
                f"This {kind.noun} could not be read, so nothing can be done to it."
                if items
                else f"There is no {kind.noun} under the cursor that this could be done to."
            )
            self._app.notify(sentence, severity="warning", markup=False)
        return able

    def _context(self) -> Context:
        from mogplex_tui.operate.kinds.base import Context

        return Context(self._session.clock.now())

    def _answered(
        self,
        kind: Kind,
        verb: Verb,
        items: list[Item],
        run: Callable[[str | Values], None],
        answer: bool | str | Values | None,
    ) -> None:
        if answer is None or answer is False:
            return
        text: str | Values = "" if isinstance(answer, bool) else answer
        if isinstance(text, str) and verb.parameters:
            from mogplex_tui.operate.model import Values

            text = Values({each.name: text for each in verb.parameters if not each.only_in_command})
        if not isinstance(answer, bool) and verb.means and self._look.protected_name:
            from mogplex_tui.operate.executor import named
            from mogplex_tui.screens.modals.confirm import ConfirmModal
            from mogplex_tui.screens.questions import verb_question

            about = items if verb.new is None else [named(verb, text)]
            question = verb_question(kind, verb, about, self._context())
            dialog = ConfirmModal(question, self._look.protected_name)
            self._app.push_screen(dialog, lambda confirmed: run(text) if confirmed else None)
            return
        run(text)

    async def _carry_out(self, kind: Kind, verb: Verb, items: list[Item], text: str | Values) -> None:
        from mogplex_tui.operate.executor import carry_out_all

        outcome = await carry_out_all(self._session, self._collections.of(kind), kind, verb, items, text)
        self._app.notify(
            outcome.sentence,
            severity="information" if outcome.good else "warning",
            timeout=5 if outcome.good else 12,
            markup=False,
        )
        if outcome.secret is not None:
            from mogplex_tui.screens.modals.reveal import RevealModal

            # The service sends the secret only once, so it is shown on whatever screen is open by now.
            self._dialogs.show(RevealModal(f"The secret of the new {kind.noun}", outcome.secret, self._copy))
