"""The rows of one kind of record, read from the best route available.

The best route is the first one that the credentials open.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotAllowed
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import RowChanges, RowSet

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.reasons import Closed, Notice, PartialList
    from mogplex_tui.live.session import Session

Row = TypeVar("Row")

# Seconds for which a separately read record stays in a list that has only the newest records. A screen that shows it
# reads it again sooner.
KEPT_SECONDS = 120.0


# No slots: `Entry[Row](...)` sets an attribute on the instance, which fails for frozen classes with slots.
@dataclass(frozen=True, eq=False)
class Entry(Generic[Row]):
    """One record of a list: its key, its row, and the JSON it was parsed from.

    If the record could not be parsed, the row is None and `unreadable_reason` says why.
    `in_progress` is a word for an unfinished change of the record, such as "deleting".
    """

    key: str
    row: Row | None
    raw: object = None
    unreadable_reason: str | None = None
    in_progress: str | None = None

    def __eq__(self, other: object) -> bool:
        # The row is parsed from the JSON, and comparing the JSON is expensive.
        if not isinstance(other, Entry):
            return NotImplemented
        return (self.key, self.row, self.unreadable_reason, self.in_progress) == (
            other.key,
            other.row,
            other.unreadable_reason,
            other.in_progress,
        )

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class RowPage(Generic[Row]):
    """One page of a list.

    `total` is the number of rows on the service, None if the service does not return it. `notices`
    are shown above the list; if empty, the notice of the source is shown.
    """

    entries: Sequence[Entry[Row]]
    total: int | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Source(Generic[Row]):
    """A route from which the rows of a kind can be read.

    A kind uses the first of its sources that the credentials open. `poll` and
    `poll_without_realtime` are the seconds between reads; `tables` are the realtime tables that
    announce changes. `notice` tells the user what this source cannot show. `hides` contains the
    columns that the source leaves empty, and the related kinds whose lists therefore need not be
    read. `tables_are_complete` is False if the tables do not announce every change
    (realtime.md §3.1).
    """

    family: Family
    read: Callable[[ClientView, Session], Awaitable[RowPage[Row]]]
    poll: float
    poll_without_realtime: float
    tables: frozenset[str] = frozenset()
    notice: PartialList | None = None
    hides: frozenset[str] = frozenset()
    tables_are_complete: bool = True


def _joined(page: RowPage[Row], more: RowPage[Row]) -> RowPage[Row]:
    """Return a page with the entries of another page added, without duplicates."""
    known = {entry.key for entry in page.entries}
    return replace(page, entries=[*page.entries, *(each for each in more.entries if each.key not in known)])


def _with_own_keys(entries: Iterable[Entry[Row]]) -> Iterator[Entry[Row]]:
    """Yield entries with unique keys; an unreadable entry with a used key is renamed."""
    used_keys: set[str] = set()
    for entry in entries:
        key = entry.key
        while entry.row is None and entry.key in used_keys:
            entry = replace(entry, key=f"{key} {len(used_keys)}")
        used_keys.add(entry.key)
        yield entry


class Collection(Generic[Row]):
    """The rows of one kind, and the feed that keeps them up to date.

    `join` returns a function that fills fields of a row from the lists of the `related` kinds. The
    fields are filled again when one of these lists changes, and every second if `depends_on_time`
    is true. `merge` combines a row of the list with the row of the same record that was read
    individually and has more details. `open_until` is as in `Kind`. `read_hidden` reads the records
    that the list leaves out; their rows are included while `shows_hidden` is True.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        sources: Sequence[Source[Row]],
        *,
        related: Iterable[str] = (),
        join: Callable[[Session], Callable[[Row], Row]] | None = None,
        merge: Callable[[Row, Row], Row] | None = None,
        depends_on_time: bool = False,
        open_until: Callable[[Row], datetime | None] | None = None,
        read_hidden: Callable[[ClientView], Awaitable[RowPage[Row]]] | None = None,
    ) -> None:
        self.session, self.name, self.sources = session, name, tuple(sources)
        self._join, self._merge, self._depends_on_time = join, merge, depends_on_time
        self._joins_are_old = False
        self._related = [] if join is None else [session.store.set(other) for other in related]
        # Which related lists were stale when the rows were last filled.
        self._were_stale: list[bool] = []
        for rows in self._related:
            rows.changes.subscribe(self._related_changed)
        if join is not None:
            session.names.changed.subscribe(self._fill)
        self._read_hidden, self.shows_hidden = read_hidden, False
        # The source of the last read.
        self._last_source: Source[Row] | None = None
        # Columns and kinds that the last source hides.
        self.hides: frozenset[str] = frozenset()
        self.set: RowSet[Entry[Row]] = session.store.set(name)
        self._open_until = open_until
        self._ends, self._ends_are_old = list[float](), True
        if open_until is not None:
            self.set.changes.subscribe(self._count_again)
        # Numbers of the last read that started and of the last one that was applied.
        self._begun = self._last_taken = 0
        # Records that were read by themselves, with the time: the next list must not remove what they say in addition.
        self._single: dict[str, Entry[Row]] = {}
        self._read_at: dict[str, float] = {}
        # Keys of the last list, and of rows that a search among older records found.
        self._listed: frozenset[str] = frozenset()
        self._found_keys: set[str] = set()
        self.feed = Feed(
            f"kind:{name}",
            self.fetch,
            Priority.TABLE,
            every=min(source.poll for source in self.sources),
            poll_without_realtime=min(source.poll_without_realtime for source in self.sources),
            gap=1.0,
            tables=frozenset().union(*(source.tables for source in self.sources)),
            announced=all(source.tables_are_complete for source in self.sources),
            metered=self._metered,
            local=all(source.family is Family.OTHER for source in self.sources),
            idle=lambda: self.source is None,
            freshness=self.set.freshness,
            sources=self.set.sources,
        )

    @property
    def source(self) -> Source[Row] | None:
        """The first source that is not known to be closed; None if all are closed."""
        return next((source for source in self.sources if self.session.may_request(source.family)), None)

    def _metered(self) -> bool:
        source = self.source
        return source is None or source.family is Family.V1 or self.session.metered_off_v1()

    def closed(self) -> Closed | None:
        """Return why no source can be read, or None if one can."""
        refusal = self.session.refusal
        if refusal is not None and self.sources[0].family is not Family.OTHER:
            # Some routes answer without credentials too, with an empty list that says nothing about the account.
            return refusal
        return self.session.closed([source.family for source in self.sources])

    # Open records ----------------------------------------------------------------------------------------------

    def _count_again(self, _: RowChanges) -> None:
        self._ends_are_old = True

    @property
    def open_count(self) -> int | None:
        """The number of records that have not ended and have no unfinished change.

        Ended records stay in the list and are not counted. None for kinds whose records do not end.
        """
        open_until = self._open_until
        if open_until is None:
            return None
        if self._ends_are_old:
            rows = (entry.row for entry in self.set.rows.values() if entry.in_progress is None)
            ends = (open_until(row) for row in rows if row is not None)
            self._ends = sorted(inf if end is None else end.timestamp() for end in ends)
            self._ends_are_old = False
        now = self.session.clock.now().timestamp()
        return len(self._ends) - bisect_right(self._ends, now)

    # Reading ---------------------------------------------------------------------------------------------------

    async def fetch(self, priority: Priority = Priority.TABLE) -> bool:
        """Read the list from the first open source; return whether any row changed.

        Raises MogplexError.
        """
        refused: MogplexError | None = None
        self._begun += 1
        number = self._begun
        for source in self.sources:
            if not self.session.may_request(source.family):
                continue
            if source is not self._last_source:
                # Errors of another source say nothing about this one.
                self._last_source = source
                self.set.sources.clear()
            try:
                client = self.session.client.at(priority)
                page = await source.read(client, self.session)
                if self.shows_hidden and self._read_hidden is not None:
                    page = _joined(page, await self._read_hidden(client))
            except CLOSED as error:
                refused = error
                continue
            if number < self._last_taken:
                # A later read was applied already, perhaps after a change.
                return False
            self._last_taken = number
            self.set.notices = page.notices or self._notices_of(source)
            self.hides = source.hides
            self.set.freshness.mark_read(self.session.clock)
            return self._take(page)
        # Keep the rows of earlier reads; without any, report the failure.
        raise refused or NotAllowed(self.session.access.reach(self.sources[0].family).reason)

    def _notices_of(self, source: Source[Row]) -> tuple[Notice, ...]:
        if source.notice is None:
            return ()
        return (source.notice._replace(cause=self.session.missing_session(self.sources[0].family)),)

    def _take(self, page: RowPage[Row]) -> bool:
        pairs = dict(self.prepare(_with_own_keys(page.entries)))
        self.set.total = page.total
        self._listed = frozenset(pairs)
        if page.total is not None and page.total > len(pairs):
            # The source lists the newest records only. Drop the older ones, whose end would not be noticed.
            since = self.session.scheduler.now() - KEPT_SECONDS
            in_flight = self.session.in_flight.keys(self.name)
            new = (key for key, at in self._read_at.items() if at > since)
            kept_keys = {*in_flight, *self._found_keys, *new}
            pairs = {key: entry for key, entry in self.set.rows.items() if key in kept_keys} | pairs
        change = self.set.apply(pairs.items(), complete=True)
        for gone in self._single.keys() - pairs.keys():
            del self._single[gone], self._read_at[gone]
        return bool(change.changed or change.removed)

    def put(self, entry: Entry[Row]) -> None:
        """Store a record that was read individually.

        Its row may have more fields than the row in the list.
        """
        if entry.row is not None:
            self._single[entry.key] = entry
            self._read_at[entry.key] = self.session.scheduler.now()
        self.set.apply(self.prepare((entry,)))

    # What a row shows beyond its reading -----------------------------------------------------------------------

    def prepare(self, entries: Iterable[Entry[Row]]) -> list[tuple[str, Entry[Row]]]:
        """Return entries by key, completed for display.

        The fields from related lists are filled, and the words for unfinished changes are added.
        """
        fill = None if self._join is None else self._join(self.session)
        return [(entry.key, self._completed(entry, fill)) for entry in entries]

    def _completed(self, entry: Entry[Row], fill: Callable[[Row], Row] | None) -> Entry[Row]:
        in_progress = self.session.in_flight.word(self.name, entry.key)
        row, raw, single = entry.row, entry.raw, self._single.get(entry.key)
        if row is not None and single is not None and single.row is not None and self._merge is not None:
            row = self._merge(row, single.row)
            # Keep the more detailed JSON while the list has nothing newer.
            raw = single.raw if row == single.row else raw
        if row is not None and fill is not None:
            row = fill(row)
        if (
            row is entry.row
            and raw is entry.raw
            and (in_progress is None or in_progress == entry.in_progress)
        ):
            return entry
        return replace(entry, row=row, raw=raw, in_progress=in_progress or entry.in_progress)

    def _fill(self) -> None:
        self.set.apply(self.prepare(self.set.rows.values()))

    def _related_changed(self, _: RowChanges) -> None:
        self._joins_are_old = True

    def update_joins(self) -> None:
        """Fill the fields from related lists again if one of these lists has changed.

        They are also filled again if a related list has become stale, and at every call if
        `depends_on_time` is true.
        """
        now = self.session.scheduler.now()
        stale = [rows.freshness.stale(now) for rows in self._related]
        if self._joins_are_old or self._depends_on_time or stale != self._were_stale:
            self._joins_are_old, self._were_stale = False, stale
            self._fill()

    # Changes under way -----------------------------------------------------------------------------------------

    def begin(self, key: str, word: str, *, is_queued: bool = False) -> None:
        """Register a change of a record, and show `word` in its row.

        `is_queued` is True if the change waits to be sent.
        """
        self.session.in_flight.begin(self.name, key, word, is_queued=is_queued)
        self._show_progress(key)

    def end(self, key: str) -> None:
        """Remove the change of a record, and its word from the record's row."""
        self.session.in_flight.end(self.name, key)
        self._show_progress(key)

    def _show_progress(self, key: str) -> None:
        entry = self.set.rows.get(key)
        if entry is not None:
            word = self.session.in_flight.word(self.name, key)
            self.set.apply([(key, replace(entry, in_progress=word))])

    # Found by a search -----------------------------------------------------------------------------------------

    def listed(self) -> frozenset[str]:
        """Return the keys of the records that the last read of the list returned."""
        return self._listed

    def keep_found(self, rows: Iterable[tuple[str, Entry[Row]]]) -> None:
        """Add records that a search found and that the list does not contain."""
        pairs = dict(rows)
        self._found_keys |= pairs.keys() - self._listed
        self.set.apply(pairs.items())

    def drop_found(self, keys: Iterable[str]) -> None:
        """Drop search results by key, except records that the list itself returned."""
        gone = self._found_keys & set(keys)
        self._found_keys -= gone
        self.set.drop(gone - self._listed)


AnyCollection = Collection[Any]
"""A collection whose row type is not known, like `operate.model.AnyKind`."""
