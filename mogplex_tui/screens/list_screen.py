"""What every list has: a table in a sorted view, kept up to date, a title, and what stands where rows would be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.widget import Widget

from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import Change, RowSet
from mogplex_tui.live.view import SortedView
from mogplex_tui.operate import words
from mogplex_tui.operate.actions import Action, key_of, shown_key
from mogplex_tui.operate.kinds import Context
from mogplex_tui.screens import ages, messages
from mogplex_tui.screens.narrowing import NarrowScreen
from mogplex_tui.screens.sources import KindSource, columns_of
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.notice import Notice
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.live.sources import Source
    from mogplex_tui.operate.kinds.base import Seen


class ListScreen(NarrowScreen):
    """A list of one kind. Subclasses name the kind and say which rows and which feed they show."""

    AUTO_FOCUS: ClassVar[str | None] = "#table"
    # Fields of a row whose change is worth a flash.
    FLASHED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, narrowed: str = "") -> None:
        """`narrowed` is the filter of the link that led here."""
        super().__init__(narrowed)
        self._changed: set[str] = set()
        self._removed: set[str] = set()
        self._seen: dict[str, Any] = {}

    def rows_of(self) -> RowSet[Any]:
        """Return the rows that are listed; for subclasses."""
        raise NotImplementedError

    def feed_of(self) -> Feed:
        """Return the feed that keeps them fresh; for subclasses."""
        raise NotImplementedError

    def empty(self) -> str:
        """Return what an empty list means and what to do next; for subclasses."""
        raise NotImplementedError

    def closed(self) -> str | None:
        """Return why this credential can see nothing here, None when it can; for subclasses."""
        return None

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice and the table."""
        self._rows = self.rows_of()
        self._view: SortedView[Any] = SortedView(
            self._rows.rows, self.KIND.default_sort, descending=self.KIND.descending
        )
        self._source = KindSource(self.KIND, self._rows.rows, self._view, self.session.clock.now())
        self._source.marked = self._marked
        yield Notice(id="notice")
        table = LineTable(id="table")
        table.reduced_motion = self.console.look.reduced_motion
        table.set_columns(columns_of(self.KIND))
        table.set_source(self._source)
        yield table

    def on_mount(self) -> None:
        """Hear of the list for as long as the screen exists."""
        if self._narrowed:
            self.narrow("")
        self.listen(self._rows.changes, self._on_change)
        self.listen(self.feed_of().changed, self.changed_soon)
        self.on_tick()

    def feeds(self) -> Sequence[Feed]:
        """Return the list's feed."""
        return (self.feed_of(),)

    def seen(self) -> datetime:
        """Return up to when the rows are known: now, or when they were last read where that is long ago or fails."""
        return ages.seen(self.session, self._rows.freshness)

    def seen_of(self) -> Seen:
        """Return up to when each row is known; one that a source tells which fails is known up to its last reading."""
        seen, old = self.seen(), self._source.contexts
        return lambda row: old[row.key].seen if row.key in old else seen

    def sources(self) -> Sequence[Source]:
        """Return what else the rows are told by: routes that fail and grow old without the rest; for subclasses."""
        return tuple(self._rows.sources.values())

    def _grow_old(self) -> None:
        """Let the source of the cells know what is old, as a whole and in part."""
        source, clock, told = self._source, self.session.clock, self.sources()
        now, at = clock.now(), clock.monotonic()
        source.context = Context(now, self.seen())
        source.stale = self._rows.freshness.stale(at)
        old = [each for each in told if each.freshness.stale(at)]
        source.old_rows = frozenset[str]().union(*(each.keys or () for each in old))
        source.leave_behind(frozenset[str]().union(*(each.columns for each in old)))
        source.contexts = {
            key: Context(now, ages.seen(self.session, each.freshness))
            for each in told
            if each.failing
            for key in each.keys or ()
        }

    # What changes ----------------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        self._changed |= change.changed
        self._removed = (self._removed | change.removed) - change.changed
        self.changed_soon()

    def flush(self) -> None:
        """Bring order and cells up to date with what has changed since the last flush."""
        changed, removed = self._changed, self._removed
        self._changed, self._removed = set(), set()
        moved = self._view.apply(changed, removed)
        self.drop_marks(changed | removed)
        self.tally(changed | removed)
        self._grow_old()
        table = self.table
        table.refresh_rows(changed, reordered=moved)
        for key in table.visible_keys:
            if key in changed:
                self._flash(table, key)
        for key in changed:
            if key in self._rows.rows:
                self._seen[key] = self._rows.rows[key]
        for key in removed:
            self._seen.pop(key, None)
        self.say()
        if self.is_current:
            self.refresh_chrome()

    def tally(self, keys: Iterable[str]) -> None:
        """Keep count of what the title tells, by what has changed; for subclasses."""

    def _flash(self, table: LineTable, key: str) -> None:
        before, now = self._seen.get(key), self._rows.rows.get(key)
        if before is None or now is None:
            return
        different = [name for name in self.FLASHED if getattr(before, name) != getattr(now, name)]
        if different:
            table.flash(key, different)

    def on_tick(self) -> None:
        """Let ages and durations grow, and rows grow old."""
        self._grow_old()
        # What grows with the time moves rows, also while nothing is heard of them.
        moved = self._grows and self._look()
        self.table.refresh_rows(self.table.visible_keys, reordered=moved)
        self.say()
        if moved:
            self.refresh_chrome()

    def trouble(self) -> str:
        """Return why the rows that are shown, or a part of them, are not read again, nothing while they are."""
        return ages.failing(self._rows.freshness, self.sources())

    def notice(self) -> str:
        """Return what is said above the rows."""
        return self._rows.notice or ""

    def say(self) -> None:
        """Say what cannot be seen, and where no row is shown why, and what to do."""
        trouble = self.trouble() if self._rows.rows else ""
        self.query_one("#notice", Notice).show(trouble or self.notice())
        noun = self.KIND.noun
        if self._filter and self._rows.rows:
            lines = [
                f"None of {words.plural(len(self._rows.rows), noun)} matches {self._filter}",
                *self.beyond(),
                f"{key_of('go.back')} {'clears it' if self._typed else 'goes back'}.",
            ]
        elif (closed := self.closed()) is not None:
            lines = messages.parted(closed)
        else:
            lines = messages.nothing(
                self.session, self._rows.freshness, noun=words.many(noun), empty=self.empty()
            )
        self.table.set_message(lines)

    def beyond(self) -> list[str]:
        """Return what is said of rows that the service has and that were not looked through; for subclasses."""
        return []

    def counts(self) -> list[Segment]:
        """Return what the title tells beside the number of rows; for subclasses."""
        return []

    def how_many(self, total: int) -> str:
        """Return how many rows there are, of `total`; for subclasses."""
        return f"{total:,}"

    def title_segments(self) -> list[Segment]:
        """Return how many rows there are, what is remarkable, the filter, and how fresh it all is."""
        loaded = len(self._rows.rows)
        total = self._rows.total if self._rows.total is not None else loaded
        crumbs = self.crumbs()
        # Of what was never read, or cannot be, nobody knows how much there is.
        known = loaded > 0 or (self._rows.freshness.as_of is not None and self.closed() is None)
        left = [
            *crumbs,
            Segment(self.KIND.title, Tone.STRONG, priority=0, close=bool(crumbs)),
            Segment(self.how_many(total) if known else "", Tone.PLAIN, priority=1),
            *self.mark_segments(),
            *(self.counts() if known else ()),
        ]
        # Called as the column is.
        column = (self.KIND.field(self._sort).title or self._sort).lower() if self._sort else ""
        order = f"by {column} {'↓' if self._descending else '↑'}" if column else ""
        right = [
            ages.freshness_segment(self.session, self._rows.freshness, self.sources()),
            Segment(order, Tone.DIM, priority=5, right=True),
        ]
        if self._filter:
            shown = f"/ {self._filter}   {len(self._view):,} of {loaded:,}"
            right.append(Segment(shown, Tone.ACCENT, priority=1, right=True))
        elif total > loaded:
            right.append(Segment(f"{loaded:,} loaded", Tone.DIM, priority=4, right=True))
        return [segment for segment in (*left, *right) if segment.text]

    def here(self) -> str:
        """Return the kind's title."""
        return self.KIND.title

    def shows(self, action: Action) -> bool:
        """Tell of what is done to rows only where there are some."""
        if action.id in ("list.filter", "list.sort"):
            return bool(self._rows.rows)
        if action.id.endswith((".open", ".mark", ".copy")) and self.item() is None:
            return False
        if action.id == "go.back" and not (self._typed or self._marked):
            return self.console.navigation.can_go_back
        return super().shows(action)

    @on(LineTable.RowHighlighted)
    def _moved(self) -> None:
        if self.whole:
            self.refresh_keys()

    # Actions ---------------------------------------------------------------------------------------------------

    async def do_go_back(self) -> None:
        """Take away what was typed, or else every mark; without either, go back to where one was before."""
        if self._typed:
            await self.clear_filter()
        elif self._marked:
            self.unmark()
        else:
            self.console.navigation.back(self)

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys of the list, or those of the filter while one types."""
        if self.query("#filter.-open"):
            enter = shown_key("enter", ascii_only=self.console.look.ascii)
            return [(enter, "keep"), (shown_key("escape"), "clear")]
        items = super().key_items()
        word = "clear filter" if self._typed else "unmark all" if self._marked else None
        if word is None:
            return items
        # What the way back takes away first; the commands and the help stay last.
        back = key_of("go.back")
        rest = [item for item in items if item[0] != back]
        return [*rest[:-2], (back, word), *rest[-2:]]
