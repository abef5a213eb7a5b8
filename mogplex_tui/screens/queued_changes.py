"""Notifies the user of changes delayed by a rate limit, and withdraws them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.session import Session
from mogplex_tui.operate import action_registry

if TYPE_CHECKING:
    from mogplex_tui.live.changes_in_flight import QueuedChange

GIVE_UP = "changes.give-up"
BACK = "go.back"


class ChangeQueue:
    """Notifies the user of changes that a rate limit delays, and can withdraw them."""

    def __init__(self, app: App[int], session: Session) -> None:
        self._app, self._session = app, session
        session.in_flight.while_queued = self._announced

    @asynccontextmanager
    async def _announced(self, change: QueuedChange) -> AsyncGenerator[None]:
        from mogplex_tui.operate.messages import queued_change

        queue = self._session.in_flight.queue
        # For several marked rows one notification is enough: rows and header show the others.
        if not any(each.action == change.action for each in queue if each is not change):
            sentence = queued_change(change, self._session.clock.now())
            self._app.notify(
                f"{sentence} {_how_to_give_up(change)}", severity="warning", timeout=12, markup=False
            )
        yield

    def give_up(self, action: str, records: Iterable[str]) -> bool:
        """Withdraw the changes that an action made to some records and that still wait.

        `action` is the id of the action and `records` the keys of the records. Returns whether at least
        one change was withdrawn.
        """
        changes = [self._session.in_flight.find_queued(action, record) for record in records]
        for change in changes:
            if change is not None:
                change.given_up.set()
        return any(change is not None for change in changes)

    @property
    def newest(self) -> QueuedChange | None:
        """The change that waits and was refused last, or None."""
        queue = reversed(self._session.in_flight.queue)
        return next((each for each in queue if not each.given_up.is_set()), None)

    def give_up_newest(self) -> bool:
        """Withdraw the waiting change that was refused last; return whether there was one."""
        change = self.newest
        if change is not None:
            change.given_up.set()
        return change is not None

    def give_up_all(self) -> None:
        """Withdraw every waiting change."""
        if not self._session.in_flight.queue:
            self._app.notify("No queued changes.", markup=False)
        for change in self._session.in_flight.queue:
            change.given_up.set()


def is_on_row(change: QueuedChange) -> bool:
    """Return whether a waiting change is shown in the row of the record it changes.

    If so, the key of the action that made the change also withdraws it. The creation of a record is
    not shown in a row, because the record has no row yet.
    """
    from mogplex_tui.operate.model import Creation

    action = action_registry.BY_ID.get(change.action)
    return bool(change.record) and action is not None and not isinstance(action.record_action, Creation)


def _how_to_give_up(change: QueuedChange) -> str:
    """Return a sentence that names the keys with which to withdraw a waiting change."""
    key = action_registry.key_of(change.action) if is_on_row(change) else ""
    other = f"{key} on its row" if key else action_registry.key_of(GIVE_UP)
    return f"{action_registry.key_of(BACK)} or {other} gives it up."
