"""Searches the older records of a list for a filter or a sort order.

The list itself has only the newest records. It cannot answer the filter `cost:>5`, or show the
most expensive records first.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from mogplex_tui.live.collection import AnyCollection
from mogplex_tui.live.older_search import OlderPage, OlderSearch
from mogplex_tui.operate.model import AnyEntry, AnyOlder, SortKey
from mogplex_tui.operate.older_query import window_of

if TYPE_CHECKING:
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)

# The most found rows that are kept: the first ones in the sort order, else the newest.
MAX_FOUND = 5_000
# A record may be written shortly before or after the record that caused it.
SPAN_MARGIN = timedelta(minutes=1)


class Loaded(NamedTuple):
    """The newest records of a list: all records since the start of the oldest one."""

    keys: frozenset[str]
    oldest: datetime | None


class RowHolder(Protocol[Row]):
    """A list to which a search adds the rows that it finds."""

    def loaded(self) -> Loaded:
        """Return the records that the list itself has read, without those of searches."""

    def prepare(self, entries: Sequence[AnyEntry]) -> Sequence[tuple[str, Row]]:
        """Convert records to rows of the list, each with its key."""

    def keep_found(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Add rows that a search found; later reads of the list do not remove them."""

    def drop_found(self, keys: Iterable[str]) -> None:
        """Remove rows that a search added, except those that the list returns too."""


class SearchQuery(NamedTuple, Generic[Row]):
    """A query for rows that match a filter, or for the first rows in a sort order.

    `text` is the filter and `matches` its compiled form, None for an empty filter. If `order` is
    None, the newest rows come first. If `span` is given, only the records that began in this time
    range are searched; an end of None means now.
    """

    text: str = ""
    matches: Callable[[Row], bool] | None = None
    order: Callable[[Row], tuple[SortKey, ...]] | None = None
    is_descending: bool = True
    span: tuple[datetime, datetime | None] | None = None


class ListSearch(Generic[Row_co]):
    """One search through the older records of a list.

    Found rows are added to the list; `close` removes them.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        older: AnyOlder,
        rows: RowHolder[Row_co],
        query: SearchQuery[Row_co],
        *,
        metered: Callable[[], bool] = lambda: True,
    ) -> None:
        self._older, self._rows, self._question = older, rows, query
        self._session = session
        window = window_of(query.text, older, session)
        loaded, start, is_narrowed = rows.loaded(), None, bool(window.filters)
        if query.span is not None:
            since, until = query.span
            is_narrowed |= until is not None
            window = window._replace(since=max(since - SPAN_MARGIN, window.since or since - SPAN_MARGIN))
            start = None if until is None else until + SPAN_MARGIN
        self._window = window
        self._found_rows: dict[str, Row_co] = {}
        self._is_full = False
        self._search: OlderSearch[AnyEntry] = OlderSearch(
            name,
            self._read,
            self._take,
            # With filters of the service, the search starts at the newest record and counts from there.
            start=start if is_narrowed else loaded.oldest,
            loaded=frozenset() if is_narrowed else loaded.keys,
            metered=metered,
        )

    @property
    def feed(self) -> Feed:
        """The scheduler feed that reads further pages while it has a subscription."""
        return self._search.feed

    @property
    def is_done(self) -> bool:
        """Whether the search has ended: all records were searched, or enough were found."""
        return self._search.is_done or self._is_full

    @property
    def is_complete(self) -> bool:
        """Whether every record was searched."""
        return self._search.is_done and not self._is_full

    @property
    def whole_since(self) -> datetime | None:
        """The time from which every record was searched; None if it is not known."""
        return self._window.since if self.is_complete else self._search.until

    @property
    def found_count(self) -> int:
        """The number of rows that the search has added to the list."""
        return len(self._found_rows)

    def progress(self) -> str:
        """Return how many records were searched, such as `200 of 1,000 searched`."""
        searched, total = self._search.searched, self._search.total
        if self._is_full:
            return f"newest {searched:,} searched: {MAX_FOUND:,} found"
        if total is None or self._search.is_done:
            return f"{searched:,} searched"
        return f"{searched:,} of {total:,} searched"

    async def step(self, priority: Priority) -> None:
        """Search one more page. Raises MogplexError."""
        if not self.is_done:
            await self._search.step(priority)

    def close(self) -> None:
        """Remove the found rows from the list."""
        self._rows.drop_found(self._found_rows)
        self._found_rows = {}

    async def _read(self, priority: Priority, until: datetime | None) -> OlderPage[AnyEntry]:
        if self._is_full:
            return OlderPage({}, 0, None, 0)
        window = self._window._replace(until=until)
        page = await self._older.read(self._session.client.at(priority), window)
        rows = {entry.key: entry for entry in page.entries}
        times = [
            time
            for entry in page.entries
            if entry.row is not None and (time := self._older.began(entry.row)) is not None
        ]
        total = len(page.entries) if page.total is None else page.total
        return OlderPage(rows, len(page.entries), min(times, default=None), total)

    def _take(self, entries: Mapping[str, AnyEntry]) -> None:
        matches = self._question.matches
        rows = self._rows.prepare(list(entries.values()))
        matching = {key: row for key, row in rows if matches is None or matches(row)}
        self._found_rows |= matching
        removed = self._beyond_the_first()
        self._rows.keep_found((key, row) for key, row in matching.items() if key not in removed)
        self._rows.drop_found(removed)

    def _beyond_the_first(self) -> frozenset[str]:
        """Drop the found rows that exceed MAX_FOUND, and return their keys.

        The rows that come first in the order of the query are kept.
        """
        if len(self._found_rows) <= MAX_FOUND:
            return frozenset()
        order = self._question.order
        if order is None:
            # Pages come newest first, so all further rows would be older than the kept ones.
            self._is_full = True
            kept_keys = list(self._found_rows)[:MAX_FOUND]
        else:
            choose = heapq.nlargest if self._question.is_descending else heapq.nsmallest
            kept_keys = choose(
                MAX_FOUND, self._found_rows, key=lambda key: (order(self._found_rows[key]), key)
            )
        removed = self._found_rows.keys() - set(kept_keys)
        self._found_rows = {key: self._found_rows[key] for key in kept_keys}
        return frozenset(removed)


class RunRows:
    """The list of runs, to which a search can add rows."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def loaded(self) -> Loaded:
        """Return the newest calls, down to the first gap in the calls that were read."""
        return Loaded(*self._runs.calls.loaded())

    def prepare(self, entries: Sequence[AnyEntry]) -> Sequence[tuple[str, RunRow]]:
        """Convert calls to rows, with the names of their repositories and agents."""
        return [(entry.key, self._runs.enrich(entry.row)) for entry in entries if entry.row is not None]

    def keep_found(self, rows: Iterable[tuple[str, RunRow]]) -> None:
        """Add calls that a search found to the list."""
        self._runs.calls.keep_found(rows)

    def drop_found(self, keys: Iterable[str]) -> None:
        """Remove calls from the list that a search added."""
        self._runs.calls.drop_found(keys)


class CollectionRows:
    """The list of a kind other than runs, to which a search can add rows."""

    def __init__(self, collection: AnyCollection, older: AnyOlder) -> None:
        self._collection, self._older = collection, older

    def loaded(self) -> Loaded:
        """Return the records of the list's last read."""
        rows, listed = self._collection.set.rows, self._collection.listed()
        listed_rows = (rows[key].row for key in listed if key in rows)
        times = [time for row in listed_rows if row is not None and (time := self._older.began(row))]
        return Loaded(listed, min(times, default=None))

    def prepare(self, entries: Sequence[AnyEntry]) -> Sequence[tuple[str, AnyEntry]]:
        """Convert records to rows, with fields filled from related lists."""
        return self._collection.prepare(entries)

    def keep_found(self, rows: Iterable[tuple[str, AnyEntry]]) -> None:
        """Add records that a search found to the list."""
        self._collection.keep_found(rows)

    def drop_found(self, keys: Iterable[str]) -> None:
        """Remove records from the list that a search added."""
        self._collection.drop_found(keys)


class OlderRecords(Generic[Row]):
    """Access to the older records of a list that returns only its newest ones."""

    def __init__(
        self,
        session: Session,
        name: str,
        older: AnyOlder,
        row_set: RowSet[Row],
        rows: RowHolder[Row],
        metered: Callable[[], bool],
    ) -> None:
        self._session, self._name, self._held, self._rows = session, name, row_set, rows
        self.older, self._metered = older, metered

    @property
    def is_complete(self) -> bool:
        """Whether the list has loaded every record; true if the total is unknown."""
        return self._held.total is None or self._held.total <= len(self._rows.loaded().keys)

    @property
    def loaded_since(self) -> datetime | None:
        """The time of the oldest record of the list, without those found by a search."""
        return self._rows.loaded().oldest

    def search(self, query: SearchQuery[Row]) -> ListSearch[Row]:
        """Return a new search for `query`; call its `step` to read records."""
        return ListSearch(self._session, self._name, self.older, self._rows, query, metered=self._metered)
