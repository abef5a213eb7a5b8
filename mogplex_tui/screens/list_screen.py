"""What every list has: a table in a sorted view, the `/` filter, ordering, and what stands where rows would be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.widget import Widget

from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import Change, RowSet
from mogplex_tui.live.view import SortedView
from mogplex_tui.operate import words
from mogplex_tui.operate.actions import Action, shown_key
from mogplex_tui.operate.kinds import Context, Kind
from mogplex_tui.screens import messages
from mogplex_tui.screens.marks import MarkScreen
from mogplex_tui.screens.sources import KindSource, columns_of
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.notice import Notice
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

if TYPE_CHECKING:
    from mogplex_tui.screens.filter_bar import FilterBar


class ListScreen(MarkScreen):
    """A list of one kind. Subclasses name the kind and say which rows and which feed they show."""

    KIND: ClassVar[Kind]
    AUTO_FOCUS: ClassVar[str | None] = "#table"
    FILTER_EXAMPLE: ClassVar[str] = "word field:word !word"
    # Fields of a row whose change is worth a flash.
    FLASHED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, narrowed: str = "") -> None:
        """`narrowed` is the filter of the link that led here; what is typed narrows further."""
        super().__init__()
        self._narrowed, self._typed = narrowed, ""
        self._changed: set[str] = set()
        self._removed: set[str] = set()
        self._sort: str | None = None
        self._descending = self.KIND.descending
        self._filter = ""
        self._grows = False
        self._seen: dict[str, Any] = {}
        # The filter's line is made once, whoever asks for it while it is.
        self._making = asyncio.Lock()

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
        self._source = KindSource(self.KIND, self._rows.rows, self._view, self._cell_context())
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

    def _cell_context(self) -> Context:
        return Context(self.session.clock.now())

    def item(self) -> Any:
        """Return the row under the cursor, None without one."""
        key = self.table.cursor_key
        return None if key is None else self._rows.rows.get(key)

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
        self._source.context = self._cell_context()
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
        self._say()
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
        self._source.context = self._cell_context()
        self._source.stale = messages.stale(self._rows.freshness, self.session.clock.monotonic())
        # What grows with the time moves rows, also while nothing is heard of them.
        moved = self._grows and self._look()
        self.table.refresh_rows(self.table.visible_keys, reordered=moved)
        self._say()
        if moved:
            self.refresh_chrome()

    def notice(self) -> str:
        """Return what is said above the rows."""
        return self._rows.notice or ""

    def _say(self) -> None:
        self.query_one("#notice", Notice).show(self.notice())
        noun = self.KIND.noun
        if self._filter and self._rows.rows:
            lines = [
                f"None of {words.plural(len(self._rows.rows), noun)} matches {self._filter}",
                "esc clears it." if self._typed else "esc goes back.",
            ]
        elif (closed := self.closed()) is not None:
            lines = [closed]
        else:
            lines = messages.nothing(
                self.session, self._rows.freshness, noun=words.many(noun), empty=self.empty()
            )
        self.table.set_message(lines)

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
        order = f"by {self._sort} {'↓' if self._descending else '↑'}" if self._sort else ""
        right = [
            messages.freshness_segment(self.session, self._rows.freshness),
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
            return self.console.has_way_back
        return super().shows(action)

    @on(LineTable.RowHighlighted)
    def _moved(self) -> None:
        if self.whole:
            self.refresh_keys()

    # Actions ---------------------------------------------------------------------------------------------------

    async def do_list_filter(self) -> None:
        """Open the filter; it narrows the list while one types."""
        bar = await self._filter_bar()
        bar.open(self._typed, self.example())
        self.refresh_keys()

    def example(self) -> str:
        """Return what could be typed to find the row under the cursor, or what can be typed at all."""
        row = self.item()
        term = None if row is None else self.KIND.example(row, self.session.clock.now())
        return self.FILTER_EXAMPLE if term is None else f"a word, or {term} !other"

    async def _filter_bar(self) -> FilterBar:
        """Return the filter's line; it is made after the first frame, which has no use for it."""
        async with self._making:
            if not self.query("#filter"):
                from mogplex_tui.screens.filter_bar import FilterBar

                await self.mount(FilterBar(self.FILTER_EXAMPLE, id="filter"), before="#notice")
        return cast("FilterBar", self.query_one("#filter"))

    async def prepare(self) -> None:
        """Make what the first frame did not need, so that the first `/` finds it ready."""
        if self.whole:
            # A key pressed at once may have led to a screen that is not laid out yet; its first `/` makes it then.
            await self._filter_bar()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Narrow the list to what is typed."""
        self.narrow(event.text)

    def narrow(self, text: str) -> None:
        """Show only what matches a filter, beside that of the link that led here; an empty one adds nothing.

        The cursor stays on its row, or goes to the first one where that is not shown any more.
        """
        was_on = self.table.cursor_key
        self._typed = text.strip()
        self._filter = f"{self._narrowed} {self._typed}".strip()
        self._look()
        self.table.refresh_rows(None, reordered=True)
        if was_on is not None and self._view.index_of(was_on) is None:
            self.table.action_first()
        self.table.paint()
        self._say()
        self.refresh_chrome()

    def _look(self) -> bool:
        """Order and filter all rows by what holds at this instant; return whether any place moved."""
        from mogplex_tui.operate.filters import compile_filter, grows

        kind, now = self.KIND, self.session.clock.now()
        ordered = self._sort is not None and kind.field(self._sort).sort_at is not None
        self._grows = ordered or grows(self._filter, kind.spans)
        return self._view.look(
            kind.order_at(self._sort, now),
            compile_filter(self._filter, kind.fields_at(now), kind.spans) if self._filter else None,
            descending=self._descending,
        )

    def on_filter_bar_closed(self) -> None:
        """Give the keys back to the list."""
        self.table.focus()
        self.refresh_keys()

    async def clear_filter(self) -> None:
        """Take away what was typed."""
        if self._typed:
            bar = await self._filter_bar()
            bar.clear()

    async def do_go_back(self) -> None:
        """Take away what was typed, or else every mark; without either, go back to where one was before."""
        if self._typed:
            await self.clear_filter()
        elif self._marked:
            self.unmark()
        else:
            self.console.back(self)

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys of the list, or those of the filter while one types."""
        if self.query("#filter.-open"):
            enter = shown_key("enter", ascii_only=self.console.look.ascii)
            return [(enter, "keep"), ("esc", "clear")]
        items = super().key_items()
        word = "clear filter" if self._typed else "unmark all" if self._marked else None
        if word is None:
            return items
        # What esc takes away first; the commands and the help stay last.
        rest = [item for item in items if item[0] != "esc"]
        return [*rest[:-2], ("esc", word), *rest[-2:]]

    def do_list_sort(self) -> None:
        """Order by the next column on screen that can be sorted; after the last one, as at first again."""
        names = [None, *(name for name in self.table.shown_columns() if self.KIND.field(name).sortable)]
        self._sort = names[(names.index(self._sort) + 1) % len(names)] if self._sort in names else None
        self._descending = self._from_the_end(self._sort)
        self._order()

    def _from_the_end(self, name: str | None) -> bool:
        """Numbers and times are looked at from the large end, words from the start of the alphabet."""
        return self.KIND.descending if name is None else self.KIND.field(name).align == "right"

    def do_list_reverse(self) -> None:
        """Turn the order round."""
        self._descending = not self._descending
        self._order()

    @on(LineTable.HeaderSelected)
    def _header_clicked(self, event: LineTable.HeaderSelected) -> None:
        if event.column == self._sort:
            self._descending = not self._descending
        elif any(field.key == event.column and field.sortable for field in self.KIND.fields):
            self._sort, self._descending = event.column, self._from_the_end(event.column)
        self._order()

    def _order(self) -> None:
        self._look()
        self.table.set_sort(self._sort, self._descending)
        self.table.refresh_rows(None, reordered=True)
        # A key is answered in one repaint, not when the next burst is drawn.
        self.table.paint()
        self.refresh_chrome()
