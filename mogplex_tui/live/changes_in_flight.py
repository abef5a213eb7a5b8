"""The changes that a session has sent or queued and that have not ended yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

# Seconds that a change waits at least for an urgent one.
_SHORTEST_WAIT = 1.0


@dataclass(eq=False)
class QueuedChange:
    """A change that a rate limit refused and that is sent again after `seconds_left`.

    `action` is the name of the change in the ledger, and `record` the key of the record to change.
    `label` is a short name (`delete`), `title` a name for sentences (`delete of sandbox web`). An
    urgent change, such as a cancel, is sent before the other queued ones.
    """

    action: str
    record: str
    label: str
    title: str
    seconds_left: float = 0.0
    is_urgent: bool = False
    given_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def word(self) -> str:
        """The text shown in the record's row: `delete in 12 s`."""
        return f"{self.label} in {ceil(self.seconds_left)} s"

    @property
    def short_word(self) -> str:
        """The text for a narrow state column: `cancel 12s`."""
        return f"{self.label} {ceil(self.seconds_left)}s"


class _Shown(NamedTuple):
    word: str
    is_queued: bool


class InFlight:
    """The unfinished changes of one session, by kind and key of the changed record.

    Changes that a rate limit refused are queued until they are sent again.
    """

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, _Shown]] = {}
        self._queue: list[QueuedChange] = []
        self.while_queued: Callable[[QueuedChange], AbstractAsyncContextManager[None]] = lambda _: (
            nullcontext()
        )
        """Entered for as long as a change waits; the console and the command say so in it."""

    def begin(self, kind: str, key: str, word: str, *, is_queued: bool = False) -> None:
        """Register a change of a record; its row shows `word`, such as `cancelling`.

        `is_queued` is True if the change waits to be sent.
        """
        self._shown.setdefault(kind, {})[key] = _Shown(word, is_queued)

    def end(self, kind: str, key: str) -> None:
        """Remove the change of a record; do nothing if it has none."""
        self._shown.get(kind, {}).pop(key, None)

    def word(self, kind: str, key: str) -> str | None:
        """Return the word for a record's unfinished change, or None if it has none."""
        shown = self._shown.get(kind, {}).get(key)
        return None if shown is None else shown.word

    def is_sent(self, kind: str, key: str) -> bool:
        """Return whether a record has an unfinished change that is not queued."""
        shown = self._shown.get(kind, {}).get(key)
        return shown is not None and not shown.is_queued

    @property
    def sent(self) -> int:
        """The number of records with a change that was sent and has not ended."""
        return sum(not shown.is_queued for by_key in self._shown.values() for shown in by_key.values())

    def queued_word(self, kind: str, key: str) -> str | None:
        """Return the word for a record's queued change, or None if it has none."""
        shown = self._shown.get(kind, {}).get(key)
        return shown.word if shown is not None and shown.is_queued else None

    def keys(self, kind: str) -> frozenset[str]:
        """Return the keys of the records of a kind that have an unfinished change."""
        return frozenset(self._shown.get(kind, ()))

    # Changes queued by a rate limit ------------------------------------------------------------------------------

    def add_queued(self, change: QueuedChange) -> None:
        """Add a queued change."""
        self._queue.append(change)

    def yield_to_urgent(self, change: QueuedChange) -> bool:
        """Let an urgent change that waits longer be sent in place of `change`.

        The two changes swap the times at which they are sent. Returns whether there is such a change.
        """
        waiting = (each for each in self._queue if each.is_urgent and not each.given_up.is_set())
        urgent = None if change.is_urgent else next(waiting, None)
        if urgent is None:
            return False
        change.seconds_left, urgent.seconds_left = max(urgent.seconds_left, _SHORTEST_WAIT), 0.0
        return True

    def remove_queued(self, change: QueuedChange) -> None:
        """Remove a change from the queue."""
        self._queue.remove(change)

    @property
    def queue(self) -> tuple[QueuedChange, ...]:
        """The queued changes, oldest first."""
        return tuple(self._queue)

    def find_queued(self, action: str, record: str) -> QueuedChange | None:
        """Return the queued change with this action and record, or None."""
        return next((each for each in self._queue if (each.action, each.record) == (action, record)), None)
