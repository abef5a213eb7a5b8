"""Search records that a list has not loaded, by the list's filter and sort order."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import MogplexError, with_full_stop
from mogplex_tui.operate.action_registry import key_of
from mogplex_tui.screens.list_model import AnyRow

if TYPE_CHECKING:
    from textual.timer import Timer

    from mogplex_tui.live.scheduler import Scheduler, Subscription
    from mogplex_tui.operate.older_records import ListSearch, OlderRecords, SearchQuery

# Seconds without typing after which the search for a filter begins.
TYPING_PAUSE = 0.4


class BackgroundSearch:
    """The background search of one list screen.

    A new query starts a new search; the search is paused while the screen is covered.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        records: Callable[[], OlderRecords[AnyRow] | None],
        set_timer: Callable[[float, Callable[[], None]], Timer],
        changed: Callable[[], None],
    ) -> None:
        """Create an idle search.

        `records` is called when a search is first asked for, `changed` when the progress has changed.
        """
        self._scheduler, self._find_records = scheduler, records
        self._set_timer, self._changed = set_timer, changed
        self._query: SearchQuery[AnyRow] | None = None
        self._timer: Timer | None = None
        self._search: ListSearch[AnyRow] | None = None
        self._subscription: Subscription | None = None
        self._is_paused = False

    @cached_property
    def records(self) -> OlderRecords[AnyRow] | None:
        """Return the records that are not loaded, None if the list is always complete."""
        return self._find_records()

    def ask(self, query: SearchQuery[AnyRow] | None) -> None:
        """Search for another query after a short pause; None ends the search."""
        self.close()
        self._query = query
        if query is not None and self.records is not None:
            self._timer = self._set_timer(TYPING_PAUSE, self.begin)

    def begin(self) -> None:
        """Begin the search for the query, unless the list holds every record."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._query is None or self.records is None or self._search is not None:
            return
        if not self.records.is_whole:
            self._search = self.records.search(self._query)
            self._search.feed.changed.subscribe(self._changed)
            self.resume()

    def list_was_read(self) -> None:
        """Begin a search that waited to learn whether the list is incomplete."""
        if self._timer is None:
            self.begin()

    def pause(self) -> None:
        """Stop reading while the screen is covered."""
        self._is_paused = True
        self._drop()

    def resume(self) -> None:
        """Continue reading after `pause`."""
        self._is_paused = False
        if self._search is not None and self._subscription is None and not self._search.is_done:
            self._subscription = self._scheduler.subscribe(self._search.feed)

    def close(self) -> None:
        """End the search and remove its results from the list."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._drop()
        if self._search is not None:
            self._search.close()
            self._search = None

    def _drop(self) -> None:
        if self._subscription is not None:
            self._subscription.drop()
            self._subscription = None

    @property
    def is_searching(self) -> bool:
        """Whether older records are still being read."""
        return self._search is not None and not self._search.is_done

    def progress(self) -> str:
        """Return how many records were searched, for the title line.

        Empty without a search.
        """
        search = self._search
        if search is None:
            return ""
        if search.is_done:
            self._drop()
        ellipsis = " …" if self.is_searching and search.feed.freshness.error is None else ""
        return f"{search.progress()}{ellipsis}"

    @property
    def is_whole(self) -> bool:
        """Whether the list has loaded every record."""
        return self.records is None or self.records.is_whole

    def sentences(self, nouns: str) -> list[str]:
        """Return the sentences shown in place of rows while the search has no matches.

        `nouns` is what the records are called.
        """
        search = self._search
        if search is None:
            return [] if self.is_whole else [f"Searching older {nouns} next …"]
        error = search.feed.freshness.error
        if error is not None:
            reason = error.message if isinstance(error, MogplexError) else str(error)
            retry = f"{key_of('view.refresh')} retries."
            return [f"Cannot search older {nouns}: {with_full_stop(reason)} {retry}"]
        progress = search.progress()
        if search.is_done:
            return [f"No matches in older {nouns} either: {progress}."]
        return [f"Searching older {nouns} … {progress}."]
