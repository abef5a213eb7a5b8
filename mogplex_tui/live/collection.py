"""The rows of one kind, kept fresh through the best road that is open to the credential (design decisions 1 and 11)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mogplex_tui.api.access import Family
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotAllowed
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.sources import CLOSED
from mogplex_tui.live.store import Change, RowSet

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

# For so many seconds a record that was read by itself stays in a list that gives only the newest: whoever looks at it
# reads it again sooner.
BESIDE = 120.0


@dataclass(frozen=True, slots=True)
class Item:
    """One record as the console holds it: what was parsed (None: it did not parse, `why` says why) and its raw JSON.

    `doing` is the word of a change of ours that is under way.
    """

    key: str
    record: Any
    raw: Any = None
    why: str | None = None
    doing: str | None = None

    def __eq__(self, other: object) -> bool:
        # The raw JSON says no more than the record, and comparing it costs more.
        if not isinstance(other, Item):
            return NotImplemented
        mine, its = (
            (self.key, self.record, self.why, self.doing),
            (other.key, other.record, other.why, other.doing),
        )
        return mine == its

    def __hash__(self) -> int:
        return hash(self.key)


class Listing(NamedTuple):
    """One reading of a list: its items, how many there are on the service when it says so, and what to say above it."""

    items: Sequence[Item]
    total: int | None = None
    notice: str = ""


Read = Callable[["ClientView", "Session"], Awaitable[Listing]]
Lend = Callable[["Session"], Callable[[Mapping[str, Any]], Mapping[str, Any]]]
"""What the lists of other kinds say of a record, made once for all records of a list."""
Ends = Callable[[Item], float]
"""Until when something can be done about an item, in seconds since 1970; infinite for what never runs out."""


class Road(NamedTuple):
    """One way to the rows: the family that must be open, the reading, the realtime tables, and what it hides.

    `every` and `blind` are the seconds between polls beside realtime and without it. `notice` is said above the rows.
    `without` are the columns that no row says anything in, and the kinds whose lists add nothing to its rows. `in_part`
    says that its tables announce some changes and not all: others are made by no announced table, or by the time alone.
    """

    family: Family
    read: Read
    tables: frozenset[str] = frozenset()
    every: float = 90.0
    blind: float = 20.0
    notice: str = ""
    without: frozenset[str] = frozenset()
    in_part: bool = False

    def hiding(self, notice: str, columns: str = "") -> Road:
        """The road with the sentence above its rows that says what it hides, and the columns that nothing is left of."""
        return self._replace(notice=notice, without=frozenset(columns.split()))

    def partly(self) -> Road:
        """The road whose tables do not announce every change (realtime.md §3.1)."""
        return self._replace(in_part=True)


def items_of(rows: Any, key: Callable[[Any], str]) -> list[Item]:
    """Return the items of parsed rows, those that did not parse at the end, marked."""
    raws = getattr(rows, "raws", ())
    items = [
        Item(key(row), row, raws[place] if place < len(raws) else None) for place, row in enumerate(rows)
    ]
    taken = {item.key for item in items}
    for place, bad in enumerate(getattr(rows, "bad", ())):
        named = bad.raw.get("id") if isinstance(bad.raw, dict) else None
        # What cannot be read may be named wrongly as well: it must not stand in the place of another row.
        called = str(named) if named and str(named) not in taken else f"unreadable {place}"
        taken.add(called)
        items.append(Item(called, None, bad.raw, bad.why))
    return items


def _apart(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, of which two that could not be read may come from two lists under one name: each keeps its place."""
    taken: set[str] = set()
    for item in items:
        name = item.key
        while item.record is None and item.key in taken:
            item = replace(item, key=f"{name} {len(taken)}")
        taken.add(item.key)
        yield item


class Collection:
    """The rows of one kind and the feed that keeps them fresh.

    `lend` says what the rows of the kinds `beside` tell of a record; `relend` puts it into every record anew once one
    of those lists has changed, and each time where a record `ages`: what is lent then depends on the time of day.
    `join` does the same for typed rows: it returns the function that fills the fields of a row which other lists know.
    `merge` returns a row of the list with what the same record, read by itself, says beyond it.
    `ends` says until when a record is open, where records run out.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        roads: Sequence[Road],
        *,
        beside: Sequence[str] = (),
        lend: Lend | None = None,
        join: Callable[[Session], Callable[[Any], Any]] | None = None,
        merge: Callable[[Any, Any], Any] | None = None,
        ages: bool = False,
        ends: Ends | None = None,
    ) -> None:
        self.session, self.name, self.roads = session, name, tuple(roads)
        self._lend, self._lent_is_old, self._ages = lend, False, ages
        self._join, self._merge = join, merge
        lends = lend is not None or join is not None
        self._lenders = [session.store.set(other) for other in beside] if lends else []
        # Which of them were old when they lent last.
        self._were_old: list[bool] = []
        for lender in self._lenders:
            lender.changes.subscribe(self._hear)
        session.names.changed.subscribe(self._fill_in_names)
        # The road that was read last, and the columns that it says nothing in.
        self._by: Road | None = None
        self.without: frozenset[str] = frozenset()
        self.set: RowSet[Item] = session.store.set(name)
        self._ends, self._ends_in_order = ends, list[float]()
        self._ends_are_old = True
        if ends is not None:
            self.set.changes.subscribe(self._count_anew)
        # The number of the last reading that was begun, and of the last of those that were taken in.
        self._asked = self._told = 0
        # What a record that was read by itself says beyond its row in the list: the next list does not take it away.
        self._more: dict[str, Item] = {}
        self._read_at: dict[str, float] = {}
        # The keys of the last list, and of rows that a search among older records has found.
        self._given: frozenset[str] = frozenset()
        self._found: set[str] = set()
        self.feed = Feed(
            f"kind:{name}",
            self.fetch,
            Priority.TABLE,
            every=min(road.every for road in self.roads),
            blind=min(road.blind for road in self.roads),
            gap=1.0,
            patience=4.0,
            tables=frozenset().union(*(road.tables for road in self.roads)),
            announced=not any(road.in_part for road in self.roads),
            metered=self._metered,
            local=all(road.family is Family.OTHER for road in self.roads),
            idle=lambda: self.road is None,
            freshness=self.set.freshness,
            sources=self.set.sources,
        )

    @property
    def road(self) -> Road | None:
        """The first road that is open or not known to be closed, None when all are closed."""
        return next((road for road in self.roads if self.session.open(road.family)), None)

    def _count_anew(self, _: Change) -> None:
        self._ends_are_old = True

    @property
    def open(self) -> int | None:
        """How many records are open: not over, and nothing of ours under way; None for a kind whose records never end.

        What has ended stays in the list. To ask again costs nothing while the list stays as it is.
        """
        if self._ends is None:
            return None
        if self._ends_are_old:
            rows = self.set.rows.values()
            self._ends_in_order = sorted(
                self._ends(item) for item in rows if item.record is not None and item.doing is None
            )
            self._ends_are_old = False
        now = self.session.clock.now().timestamp()
        return len(self._ends_in_order) - bisect_right(self._ends_in_order, now)

    def _metered(self) -> bool:
        road = self.road
        return road is None or road.family is Family.V1 or self.session.metered_off_v1()

    def closed(self, needs: str) -> str | None:
        """Return why nothing can be seen, with what it would need; None when something can.

        `needs` is the kind's own sentence for a service that wants a browser session.
        """
        refusal = self.session.refusal
        if refusal is not None and self.roads[0].family is not Family.OTHER:
            # Some routes answer nobody as well, with an empty list that says nothing of the account.
            return refusal
        return self.session.closed([road.family for road in self.roads], needs)

    async def fetch(self, priority: Priority = Priority.TABLE) -> bool:
        """Read the list once by the best open road; return whether anything differed. Raises the error tree.

        Whoever asks, the rows are known as of then.
        """
        refused: MogplexError | None = None
        self._asked += 1
        mine = self._asked
        for road in self.roads:
            if not self.session.open(road.family):
                continue
            if road is not self._by:
                # What another road failed on says nothing of this one.
                self._by = road
                self.set.sources.clear()
            try:
                listing = await road.read(self.session.client.at(priority), self.session)
            except CLOSED as error:
                refused = error
                continue
            if mine < self._told:
                # One that was asked later has been answered already, after a change of ours perhaps.
                return False
            self._told = mine
            hidden = self.session.lacking(self.roads[0].family, road.notice) if road.notice else None
            self.set.notice = listing.notice or hidden
            self.without = road.without
            self.set.freshness.taken(self.session.clock)
            return self._take_in(listing)
        # What was read before stays, and grows old; where nothing was, nothing was read now.
        raise refused or NotAllowed(self.session.access.reach(self.roads[0].family).reason)

    def _take_in(self, listing: Listing) -> bool:
        pairs = dict(self._lent(_apart(listing.items)))
        self.set.total = listing.total
        self._given = frozenset(pairs)
        if listing.total is not None and listing.total > len(pairs):
            # Only the newest were given. What they pushed out goes, for nobody would read any more how it ends.
            since = self.session.scheduler.now() - BESIDE
            in_flight = self.session.in_flight.keys(self.name)
            new = (key for key, at in self._read_at.items() if at > since)
            beside = {*in_flight, *self._found, *new}
            pairs = {key: row for key, row in self.set.rows.items() if key in beside} | pairs
        change = self.set.apply(pairs.items(), complete=True)
        for gone in self._more.keys() - pairs.keys():
            del self._more[gone], self._read_at[gone]
        return bool(change.changed or change.removed)

    def _dressed(self, item: Item) -> Item:
        doing, more = self.session.in_flight.word(self.name, item.key), self._more.get(item.key)
        if more is not None and self._merge is not None and item.record is not None:
            merged = self._merge(item.record, more.record)
            # The longer JSON is shown for as long as the list says nothing that is newer.
            item = replace(item, record=merged, raw=more.raw if merged == more.record else item.raw)
        elif more is not None and isinstance(item.record, Mapping):
            # The longer JSON is shown for as long as the row says nothing that is newer.
            same = all(more.record.get(name) == value for name, value in item.record.items())
            item = replace(item, record={**more.record, **item.record}, raw=more.raw if same else item.raw)
        return item if doing is None else replace(item, doing=doing)

    def _fill_in_names(self) -> None:
        """Name the repositories and agents of rows that were read before the names were."""
        if self._join is not None:
            self.set.apply(self._lent(self.set.rows.values()))
            return
        named = []
        for key, item in self.set.rows.items():
            if isinstance(item.record, Mapping):
                record = self.session.names.fill_in(item.record)
                if record is not item.record:
                    named.append((key, replace(item, record=record)))
        self.set.apply(named)

    def _hear(self, _: Change) -> None:
        self._lent_is_old = True

    def _lent(self, items: Iterable[Item]) -> list[tuple[str, Item]]:
        pairs = [(item.key, self._dressed(item)) for item in items]
        if self._join is not None:
            fill = self._join(self.session)
            return [
                (key, item if item.record is None else replace(item, record=fill(item.record)))
                for key, item in pairs
            ]
        if self._lend is None:
            return pairs
        lent = self._lend(self.session)
        return [
            (key, replace(item, record={**item.record, **lent(item.record)}))
            if isinstance(item.record, Mapping)
            else (key, item)
            for key, item in pairs
        ]

    def relend(self) -> None:
        """Put into every record what the lists of other kinds say now, if they say anything new or have grown old."""
        now = self.session.scheduler.now()
        old = [lender.freshness.stale(now) for lender in self._lenders]
        if self._lent_is_old or self._ages or old != self._were_old:
            self._lent_is_old, self._were_old = False, old
            self.set.apply(self._lent(self.set.rows.values()))

    def begin(self, key: str, doing: str) -> None:
        """Show a change of ours on a row at once."""
        self.session.in_flight.begin(self.name, key, doing)
        self._redress((key,))

    def done(self, key: str) -> None:
        """The change is over: what a reading says is shown again."""
        self.session.in_flight.end(self.name, key)
        self._redress((key,))

    def _redress(self, keys: Iterable[str]) -> None:
        pairs = []
        for key in keys:
            item = self.set.rows.get(key)
            if item is not None:
                pairs.append((key, replace(item, doing=self.session.in_flight.word(self.name, key))))
        self.set.apply(pairs)

    def put(self, item: Item) -> None:
        """Take in one record that was read by itself; what it says beyond its row in the list is kept beside it."""
        if isinstance(item.record, Mapping):
            known = self.set.rows.get(item.key)
            before = known.record if known is not None and isinstance(known.record, Mapping) else {}
            item = replace(item, record={**before, **item.record})
        if item.record is not None:
            self._more[item.key] = item
            self._read_at[item.key] = self.session.scheduler.now()
        self.set.apply(self._lent((item,)))

    def given(self) -> frozenset[str]:
        """Return the keys of the last list."""
        return self._given

    def prepare(self, items: Iterable[Item]) -> list[tuple[str, Item]]:
        """Return records as the list shows them, with what other lists say of them."""
        return self._lent(items)

    def hold(self, rows: Iterable[tuple[str, Item]]) -> None:
        """Keep records that a search has found, though the list does not give them."""
        pairs = dict(rows)
        self._found |= pairs.keys() - self._given
        self.set.apply(pairs.items())

    def let_go(self, keys: Iterable[str]) -> None:
        """Drop records that a search has found, except those that the list gives."""
        gone = self._found & set(keys)
        self._found -= gone
        self.set.drop(gone - self._given)
