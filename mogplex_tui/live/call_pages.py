"""Read the list of AI calls page by page, without gaps between the pages.

Each read fetches the newest calls and all live calls; older pages are fetched as far as the
user has scrolled (observability.md §2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.budget import Priority
from mogplex_tui.live import run_row as make
from mogplex_tui.live.call_spans import EPOCH
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.run_row import LIVE_STATES, RunRow
from mogplex_tui.live.store import RowChanges

if TYPE_CHECKING:
    from mogplex_tui.api.models.calls import CallPage
    from mogplex_tui.live.read_order import ReadOrder
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet

PAGE = 100
# Pages to read to reach the calls that were known before an absence; beyond them the list starts anew.
CATCH_UP = 3
# Calls that may arrive while the console is open before the oldest are dropped; scrolling reads them again.
MAX_CALLS = 5000
# Seconds between two reads of the live calls beyond the newest page, if they cost requests of a token and no such call
# is known.
LIVE_EVERY = 60.0
FORGOTTEN = "The service no longer knows this run."


class Span(NamedTuple):
    """A period without gaps: all calls that started between the two times are loaded."""

    newest: datetime
    oldest: datetime


class CallPages:
    """Reads AI calls into a row set, and tracks the period that is fully loaded.

    `enrich` adds names and local state to a row, `request_read` schedules another read, and
    `read_order` discards responses that arrive late.
    """

    def __init__(
        self,
        session: Session,
        rows: RowSet[RunRow],
        enrich: Callable[[RunRow], RunRow],
        request_read: Callable[[], None],
        read_order: ReadOrder,
    ) -> None:
        self._session, self._set, self._enrich, self._request_read = session, rows, enrich, request_read
        self._read_order = read_order
        # Sources beside the newest calls. Ended calls hardly change, so their age alone does not make them stale.
        self._live = SourceState(Subject(f"live runs beyond the newest {PAGE}"))
        self._older = SourceState(Subject("older runs"), freshness=Freshness(every=inf))
        self._gone = SourceState(Subject("runs that ended lately"), freshness=Freshness(every=inf))
        self.sources = {"live": self._live, "older": self._older, "gone": self._gone}
        self.pages = 1
        # The older page that was requested and not read yet, and the page that is due to be read again.
        self._more: int | None = None
        self._next_page_to_refresh = 2
        # The last page read by `read_further`, if it had only calls that were loaded already.
        self._known_page = 0
        self._live_read_at: float | None = None
        self._span: Span | None = None
        # Keys of rows that a search among older calls has found: they do not count as read without a gap.
        self._found_keys: set[str] = set()

    @property
    def may_load_more(self) -> bool:
        """Whether the service has older calls that are not loaded yet."""
        return (self._set.total or 0) > len(self._set.rows) - len(self._found_keys)

    def load_more(self) -> None:
        """Request one more page of older calls, unless a requested page is pending."""
        # Before the first answer it is unknown whether there are more calls than the cached pages of the last session.
        pictured = self._set.total is None and self._loaded_count() >= PAGE
        if (self.may_load_more or pictured) and self._more is None:
            # New calls have shifted the page numbers, so count pages by the loaded calls.
            self._more = self._loaded_count() // PAGE + 1
            self._request_read()

    async def read(self) -> bool:
        """Read the newest calls, the other live calls, and one older page.

        Calls that have ended since the last read are read again. Returns whether any row changed.
        Raises MogplexError if the newest calls cannot be read; failures of the other reads are recorded
        in the freshness of their source.
        """
        client = self._session.client.at(Priority.TABLE).observability
        read_number = self._read_order.start_read()
        first = await client.calls(page=1, limit=PAGE)
        self._set.total = first.total
        if not self.may_load_more:
            self._more = None
        known = self._span or self._cached_span()
        differed, newest = self._take(first, read_number)
        differed |= await self._join(first, known, read_number)
        differed |= await self._read_live(first)
        with self._older.record_errors(self._session.clock):
            if self._more is not None or self.pages > 1:
                differed |= await self._read_older_page()
        self._drop_oldest()
        self._update_whole_since()
        self._record_outdated_rows(newest)
        return differed

    async def read_further(self, priority: Priority) -> bool:
        """Read the page after the loaded calls; return whether any row changed.

        Unlike the pages to which the user has scrolled, it is not read again later. Raises MogplexError.
        """
        # Behind a page that had only loaded calls, for example because new calls have shifted the pages.
        number = max(self._loaded_count() // PAGE, self._known_page) + 1
        differed, starts, brought = await self._read_page(number, priority)
        self._known_page = number if starts and not brought else 0
        self._update_whole_since()
        return differed

    def _update_whole_since(self) -> None:
        whole_since = self._whole_since()
        if whole_since != self._set.whole_since:
            # Figures over a day depend on the covered span, even where no row changed.
            self._set.whole_since = whole_since
            self._set.changes(RowChanges())

    async def _read_live(self, first: CallPage) -> bool:
        """Read the live calls that are not on the newest page, and re-read ended calls.

        A call has ended if its row was live and the live calls no longer include it. Returns whether
        any row changed.
        """
        live, differed = {call.id for call in first.calls if call.status in LIVE_STATES}, False
        with self._live.record_errors(self._session.clock):
            if first.total > len(first.calls) and self._should_read_live(first):
                self._live_read_at = self._session.clock.monotonic()
                client = self._session.client.at(Priority.TABLE).observability
                read_number = self._read_order.start_read()
                running = await client.calls(page=1, limit=PAGE, surface="live")
                differed |= self._take(running, read_number)[0]
                live |= {call.id for call in running.calls}
        if not self._live.failing:
            gone = {key: row for key, row in self._live_calls() if key not in live and row.started_at}

            async def reread(key: str) -> bool:
                return await self.read_one(gone[key], Priority.TABLE)

            differed |= await self._gone.read_each(self._session.clock, gone, reread)
        return differed

    def _should_read_live(self, first: CallPage) -> bool:
        """Return whether to read the live calls that are not on the newest page.

        Requests that count against a token's budget are sent only every LIVE_EVERY seconds, or if a
        known live call is missing from the newest page.
        """
        newest = {call.id for call in first.calls}
        at = self._live_read_at
        return (
            at is None
            or not self._session.metered_off_v1()
            or self._session.clock.monotonic() - at >= LIVE_EVERY
            or any(key not in newest for key, _ in self._live_calls())
        )

    def _live_calls(self) -> Iterator[tuple[str, RunRow]]:
        rows = self._set.rows.items()
        return ((key, row) for key, row in rows if row.live and row.source is make.RunSource.CALL)

    def _record_outdated_rows(self, newest: set[str]) -> None:
        """Record in each failing source which of its rows are outdated.

        `newest` are the keys of the calls that were just read.
        """
        self._gone.keys = frozenset(self._gone.left)
        self._live.keys = self._older.keys = frozenset()
        if self._live.failing:
            self._live.keys = frozenset(key for key, _ in self._live_calls() if key not in newest)
        if self._older.failing:
            self._older.keys = frozenset(row.key for row in self._ended_calls() if row.key not in newest)

    def _whole_since(self) -> datetime | None:
        if self._span is None or self._loaded_count() >= (self._set.total or 0):
            return datetime.min.replace(tzinfo=UTC)
        return self._span.oldest

    async def _join(self, first: CallPage, known: Span | None, read_number: int) -> bool:
        """Read pages until they reach the calls that are already loaded (`known`).

        If the gap is too large, for instance after a long absence, the older rows are dropped; they are
        read again when the user scrolls to them. `first` is the newest page, which was read already.
        `read_number` is the number of the read. Returns whether any row changed.
        """
        client, differed, number = self._session.client.at(Priority.TABLE).observability, False, 1
        read = _starts(first)
        while known is not None and read and min(read) > known.newest:
            if number > CATCH_UP or number * PAGE >= first.total:
                break
            number += 1
            page = await client.calls(page=number, limit=PAGE)
            differed |= self._take(page, read_number)[0]
            read += _starts(page)
        if not read:
            return differed
        newest, oldest = max(read), min(read)
        if known is None:
            self._span = Span(newest, oldest)
        elif oldest <= known.newest:
            self._span = Span(max(newest, known.newest), min(oldest, known.oldest))
        else:
            self._span = Span(newest, oldest)
            self._set.drop([row.key for row in self._ended_calls() if (row.began or newest) < oldest])
        return differed

    def _cached_span(self) -> Span | None:
        """Return the period that the rows cached by the last session cover, or None."""
        starts = [row.began for row in self._ended_calls() if row.began is not None]
        return Span(max(starts), min(starts)) if starts else None

    def _ended_calls(self) -> list[RunRow]:
        return [row for row in self._set.rows.values() if row.source is make.RunSource.CALL and not row.live]

    def _loaded_count(self) -> int:
        """Return the number of calls in the period without gaps.

        Unreadable calls are counted too.
        """
        oldest = self._span.oldest if self._span is not None else None
        return sum(
            row.source is make.RunSource.CALL and (row.began is None or oldest is None or row.began >= oldest)
            for row in self._set.rows.values()
        )

    async def _read_older_page(self) -> bool:
        """Read the older page that the user requested, or refresh a loaded one.

        Without a requested page, the loaded older pages are refreshed in turn, one with each read.
        Returns whether any row changed.
        """
        page_number = self._more or self._next_page_to_refresh
        self.pages = max(self.pages, page_number)
        differed, starts, brought = await self._read_page(page_number, Priority.TABLE)
        if page_number == self._more:
            self._more = None
            if starts and not brought and self.may_load_more:
                # Every call of the page was known: request the next page, because the table reports its end only once.
                self._more = page_number + 1
                self._request_read()
        self._next_page_to_refresh = page_number + 1 if page_number < self.pages else 2
        return differed

    async def _read_page(self, number: int, priority: Priority) -> tuple[bool, list[datetime], bool]:
        """Read one older page, and extend the period without gaps by it.

        Returns whether any row changed, the starts of the page's calls, and whether a call is new.
        """
        held, read_number = self._loaded_count(), self._read_order.start_read()
        page = await self._session.client.at(priority).observability.calls(page=number, limit=PAGE)
        brought = any(call.id not in self._set.rows for call in page.calls)
        differed, _ = self._take(page, read_number)
        starts = _starts(page)
        if self._span is not None and starts and (number - 1) * PAGE <= held:
            self._span = Span(self._span.newest, min(self._span.oldest, *starts))
        return differed, starts, brought

    def _drop_oldest(self) -> None:
        """Drop the oldest ended calls if too many are loaded, to limit memory."""
        most = self.pages * PAGE + MAX_CALLS
        if self._span is None or len(self._set.rows) - len(self._found_keys) <= most:
            return
        never = self._span.oldest
        ended = [row for row in self._ended_calls() if row.key not in self._found_keys]
        newest_first = sorted(ended, key=lambda row: row.began or never, reverse=True)
        kept_rows, gone = newest_first[: most - MAX_CALLS // 2], newest_first[most - MAX_CALLS // 2 :]
        self._span = Span(self._span.newest, min(row.began for row in kept_rows if row.began is not None))
        self._set.drop(row.key for row in gone)

    def loaded(self) -> tuple[frozenset[str], datetime | None]:
        """Return the keys of the calls in the period without gaps, and its start.

        Calls without a start time are included. Before the first read there are no keys and the start
        is None.
        """
        if self._span is None:
            return frozenset(), None
        oldest = self._span.oldest
        rows = self._set.rows.values()
        calls = (row for row in rows if row.source is make.RunSource.CALL)
        return frozenset(row.key for row in calls if row.began is None or row.began >= oldest), oldest

    def loaded_span(self) -> tuple[datetime, datetime] | None:
        """Return the start times of the oldest and newest call of the period without gaps.

        The oldest is the beginning of 1970 if all calls are loaded. Returns None before the first read.
        """
        if self._span is None:
            return (EPOCH, EPOCH) if self._set.total == 0 else None
        is_whole = self._set.total is not None and self._loaded_count() >= self._set.total
        return EPOCH if is_whole else self._span.oldest, self._span.newest

    def keep_found(self, rows: Iterable[tuple[str, RunRow]]) -> None:
        """Add calls that a search found, even if they are older than the loaded period."""
        pairs = dict(rows)
        self._found_keys |= pairs.keys() - self._set.rows.keys()
        self._set.apply(pairs.items())

    def drop_found(self, keys: Iterable[str]) -> None:
        """Drop calls that a search found, except those that the list itself has loaded."""
        gone = self._found_keys & set(keys)
        self._found_keys -= gone
        loaded, _ = self.loaded()
        self._set.drop(gone - loaded)

    async def read_one(self, row: RunRow, priority: Priority) -> bool:
        """Read one call again; return whether any row changed.

        The list is requested for the start time of the call, because no route returns a single call
        (observability.md §2).
        """
        at, read_number = row.started_at, self._read_order.start_read()
        page = await self._session.client.at(priority).observability.calls(since=at, until=at, limit=PAGE)
        if priority is Priority.ACTION:
            self._read_order.record_reread(row.key, read_number)
        differed, read_keys = self._take(page, read_number)
        if row.key not in read_keys and not self._read_order.is_outdated(row.key, read_number):
            gone = self._set.rows.get(row.key, row)._replace(state="unknown", error=FORGOTTEN)
            differed |= bool(self._set.apply([(row.key, gone)]).changed)
        return differed

    def _take(self, page: CallPage, read_number: int) -> tuple[bool, set[str]]:
        """Store the calls of a page; return whether any row changed, and the calls' keys.

        `read_number` is the number that `ReadOrder.start_read` returned for this read.
        """
        pairs = [(call.id, self._enrich(make.from_call(call))) for call in page.calls]
        pairs += make.unreadable_rows(page.calls.bad, f"page-{page.page}")
        return bool(self._set.apply(self._read_order.without_outdated(pairs, read_number)).changed), {
            key for key, _ in pairs
        }


def _starts(page: CallPage) -> list[datetime]:
    return [call.started_at for call in page.calls if call.started_at is not None]
