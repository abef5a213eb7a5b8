"""Switches the console to another context or team.

The console ends and another one starts in the same process, so that no row, connection, cache,
mark or screen of the old context remains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.app import App

from mogplex_tui.config.contexts import ContextError
from mogplex_tui.live.session import Session
from mogplex_tui.operate import formatting
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from mogplex_tui.config.contexts import UnstoredContext


class ConsoleStart(Protocol):
    """Everything that is needed to start a console in one context."""

    @property
    def context(self) -> str:
        """The name of the context."""


class ContextOpener(Protocol):
    """Finds the address and the credentials of contexts; its methods may block."""

    @property
    def unstored(self) -> UnstoredContext | None:
        """The context that the program was started with; None if it is a stored one."""

    def open(self, name: str) -> ConsoleStart:
        """Return everything that is needed to start a console in the named context.

        Raises ContextError if there is no such context, or no credential for it can be read.
        """

    def open_team(self, session: Session, team: str | None, name: str) -> ConsoleStart:
        """Return what is needed to start a console in the same context for another team.

        `session` is the session of the context. `team` is the id of the team, or None for the personal
        scope; `name` is its name. Raises ContextError if the context can no longer be opened.
        """


class ContextSwitch:
    """Ends the console and starts another one, for a different context or team.

    If the context cannot be opened, the user is notified and the console stays open.
    """

    def __init__(
        self,
        app: App[int],
        session: Session,
        tasks: TaskRunner,
        *,
        context: str,
        opener: ContextOpener | None,
        leave: Callable[[ConsoleStart], None],
    ) -> None:
        """Create the switch.

        `context` is the name of the current context. `leave` ends this console and then starts the
        console that it is given.
        """
        self._app, self._session, self._tasks, self._context = app, session, tasks, context
        self._opener, self._leave = opener, leave
        self._is_opening = False

    def switch(self, name: str) -> None:
        """Switch to the context called `name`."""
        if name == self._context:
            self._app.notify(f"{name} is the current context.", timeout=3, markup=False)
        elif self._opener is not None:
            self._open(name, partial(self._opener.open, name))

    def act_for(self, team: str | None, name: str) -> None:
        """Switch to another team of the current context.

        `team` is the id of the team, or None for the personal scope; `name` is its name.
        """
        if team == self._session.target.team:
            self._app.notify(f"{name} is the current team.", timeout=3, markup=False)
        elif self._opener is not None:
            self._open(name, partial(self._opener.open_team, self._session, team, name))

    def _open(self, name: str, find: Callable[[], ConsoleStart]) -> None:
        if not self._is_opening:
            self._is_opening = True
            self._tasks.run(self._switch(name, find))

    async def _switch(self, name: str, find: Callable[[], ConsoleStart]) -> None:
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread

        asked_on = self._app.screen
        try:
            # A keyring may ask a person to unlock it.
            start = await run_in_daemon_thread(find)
        except ContextError as error:
            sentence = f"{error} {self._context} stays open."
            self._app.notify(sentence, severity="warning", timeout=12, markup=False)
            return
        finally:
            self._is_opening = False
        if self._app.screen is asked_on:
            self._ask(start)
        else:
            sentence = f"{name} was not opened, because another screen was opened meanwhile."
            self._app.notify(sentence, timeout=12, markup=False)

    def _ask(self, start: ConsoleStart) -> None:
        """Switch to another console, after confirmation if changes are unfinished.

        Unfinished changes are changes that wait for a rate limit and changes without a result yet.
        """
        queue, sent = self._session.in_flight.queue, self._session.in_flight.sent
        if not queue and not sent:
            self._leave(start)
            return
        from mogplex_tui.screens.modals.confirm import ConfirmModal, Question

        lines = [change.title for change in queue]
        consequences = []
        if queue:
            consequences.append("Queued changes wait for the rate limit. They are given up, not sent.")
        if sent:
            changes = formatting.plural(sent, "change")
            consequences.append(f"The results of {changes} already sent will not be shown.")
        question = Question(
            f"Switch to {start.context} with unfinished changes?",
            lines,
            consequences,
            f"Stay in {self._context}",
            "Switch",
        )
        self._app.push_screen(ConfirmModal(question), lambda yes: self._leave(start) if yes else None)
