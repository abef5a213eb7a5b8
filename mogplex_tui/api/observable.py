"""Call callbacks when an object changes."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger("mogplex.api")


class Observable:
    """Calls its subscribers without arguments after each change.

    An exception of a subscriber is logged, so that it does not fail a request.
    """

    def __init__(self) -> None:
        self._watchers: dict[object, Callable[[], object]] = {}

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback()` after each change, until the returned function is called."""
        key = object()
        self._watchers[key] = callback

        def unsubscribe() -> None:
            self._watchers.pop(key, None)

        return unsubscribe

    def _changed(self) -> None:
        for callback in list(self._watchers.values()):
            try:
                callback()
            except Exception:
                _log.exception("an observer of %s failed", type(self).__name__)
