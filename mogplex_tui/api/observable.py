"""The base class of objects that notify subscribers when they change."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger("mogplex.api")


class Observable:
    """Base class of objects that call subscribers, without arguments, on a change.

    If a subscriber raises an exception, the exception is only logged, so that the request that
    caused the change does not fail.
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
