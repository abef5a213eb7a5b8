"""The rows of each kind of record and their feeds, created on first use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.live.collection import AnyCollection
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.model import AnyEntry

if TYPE_CHECKING:
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.operate.approval_count import ApprovalCount
    from mogplex_tui.operate.kind_rows import ListedRow
    from mogplex_tui.operate.model import AnyKind


class KindCollections:
    """Holds one collection of rows for each kind of record; all screens share them."""

    def __init__(self, session: Session, runs: Runs) -> None:
        self._session, self._runs = session, runs
        self._by_kind: dict[str, AnyCollection] = {}
        self._approvals: ApprovalCount | None = None

    def of(self, kind: AnyKind) -> AnyCollection:
        """Return the collection that holds a kind's rows, creating it on first use."""
        if kind.name not in self._by_kind:
            from mogplex_tui.operate.kind_rows import new_collection

            self._by_kind[kind.name] = new_collection(self._session, kind)
        return self._by_kind[kind.name]

    def feeds_of(self, kind: AnyKind) -> Sequence[Feed]:
        """Return the feed of a kind's list and the feeds of the lists that it joins."""
        from mogplex_tui.operate.kinds.registry import kinds

        related = () if kind.join is None else kind.join.related
        joined = (self._runs.feed if name == "runs" else self.of(kinds()[name]).feed for name in related)
        return (self.of(kind).feed, *joined)

    async def find(self, kind: AnyKind, key: str, *, is_fresh: bool = False) -> AnyEntry | None:
        """Return a record by its key, or None if the service does not have it.

        If the record is not loaded yet, its list is read first; if `is_fresh` is True, a stale list is
        read as well. If the list does not contain the record, the single record is read. Raises a
        MogplexError if a read fails.
        """
        from mogplex_tui.api.budget import Priority
        from mogplex_tui.api.errors import NotFound
        from mogplex_tui.live.collection import Entry
        from mogplex_tui.operate.kind_rows import read_single

        collection = self.of(kind)
        rows = collection.set
        is_stale = is_fresh and rows.freshness.stale(self._session.clock.monotonic())
        try:
            if is_stale or key not in rows.rows:
                await collection.fetch()
            is_missing = key not in collection.set.rows and collection.source is not None
            if is_missing and kind.single is not None:
                # The list may hold only the newest records.
                client = self._session.client.at(Priority.TABLE)
                collection.put(await read_single(kind.single, client, Entry(key, None)))
        except NotFound:
            pass
        return collection.set.rows.get(key)

    async def reread(self, kind: AnyKind, key: str) -> AnyEntry | None:
        """Read one record from the service and return it, or None if there is none.

        Raises a MogplexError.
        """
        from mogplex_tui.api.budget import Priority
        from mogplex_tui.live.collection import Entry
        from mogplex_tui.operate.kind_rows import read_single

        collection = self.of(kind)
        if kind.single is not None:
            entry = collection.set.rows.get(key) or Entry(key, None)
            collection.put(await read_single(kind.single, self._session.client.at(Priority.ACTION), entry))
        return collection.set.rows.get(key)

    def of_name(self, name: str) -> AnyCollection:
        """Return the collection that holds the rows of the kind called `name`."""
        from mogplex_tui.operate.kinds.registry import kinds

        return self.of(kinds()[name])

    def feed_of_name(self, name: str) -> Feed:
        """Return the feed that reads the list called `name`."""
        return self._runs.feed if name == "runs" else self.of_name(name).feed

    def rows_of_name(self, name: str) -> tuple[AnyKind, Iterable[ListedRow[object]]]:
        """Return the kind called `name` and its loaded rows."""
        from mogplex_tui.operate.kinds.registry import kinds, load_kind

        if name == "runs":
            return load_kind(name), self._runs.set.rows.values()
        return kinds()[name], self.of(kinds()[name]).set.rows.values()

    def watch_approvals(self) -> None:
        """Start counting the pending approvals."""
        from mogplex_tui.operate.approval_count import ApprovalCount

        self._approvals = ApprovalCount(self._session, self.of_name("approvals"))
        self._approvals.start()

    @property
    def pending_approvals(self) -> int:
        """Return the number of pending approvals, or 0 while the number is not known."""
        return 0 if self._approvals is None else self._approvals.count

    def waiting_approvals(self) -> tuple[int, list[datetime | None]]:
        """Return the number of pending approvals, and when the loaded ones were created."""
        if not (count := self.pending_approvals):
            return 0, []
        from mogplex_tui.operate.kinds.registry import kinds

        kind = kinds()["approvals"]
        rows = (entry.row for entry in self.of(kind).set.rows.values())
        return count, [kind.created_at(row) for row in rows if kind.created_at and row is not None]
