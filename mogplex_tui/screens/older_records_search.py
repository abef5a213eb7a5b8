"""The search among records that match a list's filter but are not loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
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
    """Searches the older records of one list screen in the background.

    A new query starts a new search. The search is paused while the screen is covered.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        records: Callable[[], OlderRecords[AnyRow] | None],
        set_timer: Callable[[float, Callable[[], None]], Timer],
        changed: Callable[[], None],
    ) -> None:
        """Create an idle search.

        `records` returns the records to search; it is called once, on first use. `changed` is called
        whenever the progress has changed.
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
        """Return the records that can be searched, or None if the list is always complete."""
        return self._find_records()

    def ask(self, query: SearchQuery[AnyRow] | None) -> None:
        """End the current search and, after a short pause, begin one for a new query.

        If `query` is None, no new search begins.
        """
        self.close()
        self._query = query
        if query is not None and self.records is not None:
            self._timer = self._set_timer(TYPING_PAUSE, self.begin)

    def begin(self) -> None:
        """Begin the search for the current query, unless all records are already loaded."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._query is None or self.records is None or self._search is not None:
            return
        if not self.records.is_complete:
            self._search = self.records.search(self._query)
            self._search.feed.changed.subscribe(self._changed)
            self.resume()

    def list_was_read(self) -> None:
        """Begin the search if the list, which was read now, does not have all records."""
        if self._timer is None:
            self.begin()

    def pause(self) -> None:
        """Stop reading older records until `resume` is called."""
        self._is_paused = True
        self._drop()

    def resume(self) -> None:
        """Continue to read older records after `pause`."""
        self._is_paused = False
        if self._search is not None and self._subscription is None and not self._search.is_done:
            self._subscription = self._scheduler.subscribe(self._search.feed)

    def close(self) -> None:
        """End the search and remove the records that it found from the list."""
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
        """Return a text for the title line with the number of records searched.

        The text is empty if there is no search.
        """
        search = self._search
        if search is None:
            return ""
        if search.is_done:
            self._drop()
        ellipsis = " …" if self.is_searching and search.feed.freshness.error is None else ""
        return f"{search.progress()}{ellipsis}"

    @property
    def is_complete(self) -> bool:
        """Whether every record is loaded, so that no search is needed."""
        return self.records is None or self.records.is_complete

    @property
    def whole_since(self) -> datetime | None:
        """Return the time since which all records are loaded, or None if it is not known."""
        if self.is_complete:
            return datetime.min.replace(tzinfo=UTC)
        if self._search is not None and (since := self._search.whole_since) is not None:
            return since
        return None if self.records is None else self.records.loaded_since

    def sentences(self, nouns: str) -> list[str]:
        """Return the sentences to show in an empty list: the state of the search.

        `nouns` is the plural noun for the records, such as "calls".
        """
        search = self._search
        if search is None:
            return [] if self.is_complete else [f"Searching older {nouns} next …"]
        error = search.feed.freshness.error
        if error is not None:
            reason = error.message if isinstance(error, MogplexError) else str(error)
            retry = f"{key_of('view.refresh')} retries."
            return [f"Cannot search older {nouns}: {with_full_stop(reason)} {retry}"]
        progress = search.progress()
        if search.is_done:
            return [f"No matches in older {nouns} either: {progress}."]
        return [f"Searching older {nouns} … {progress}."]
