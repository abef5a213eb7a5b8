"""The base class of objects that notify subscribers of their changes."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger("mogplex.api")


class Observable:
    """An object that calls its subscribers, without arguments, after each change.

    An exception of a subscriber is only logged, so that it does not fail the request that caused
    the change.
    """

    def __init__(self) -> None:
        self._watchers: dict[object, Callable[[], object]] = {}

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback()` after each change from now on.

        Returns a function that ends the subscription.
        """
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
