"""The Runs screen: every run and call that the credential can see, newest first, live ones on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.widget import Widget

from mogplex_tui.live.rows import LIVE_STATES, RunRow
from mogplex_tui.live.scheduler import Want
from mogplex_tui.live.store import Change
from mogplex_tui.live.view import SortedView
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import RUNS, Context
from mogplex_tui.screens import messages
from mogplex_tui.screens.base import ConsoleScreen, bindings
from mogplex_tui.screens.sources import KindSource, columns_of
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.notice import Notice
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

if TYPE_CHECKING:
    from mogplex_tui.screens.filter_bar import FilterBar

EMPTY = "No runs yet. n starts one."
# Cells whose change is worth a flash.
FLASHED = ("state", "cost")


class RunsScreen(ConsoleScreen):
    """The list of runs."""

    SCOPE = "runs"
    TAB = "runs"
    BINDINGS = bindings("runs")
    AUTO_FOCUS: ClassVar[str | None] = "#table"

    def __init__(self) -> None:
        super().__init__()
        self._want: Want | None = None
        self._changed: set[str] = set()
        self._removed: set[str] = set()
        self._sort: str | None = None
        self._descending = True
        self._filter = ""
        self._seen: dict[str, RunRow] = {}
        self._live: set[str] = set()
        self._failures: dict[str, datetime] = {}

    def compose_body(self) -> Iterator[Widget]:
        """Yield the filter, the notice and the table."""
        self._rows = self.console.runs.set
        self._view: SortedView[RunRow] = SortedView(self._rows.rows, RUNS.default_sort)
        self._tally(self._rows.rows)
        self._source = KindSource(RUNS, self._rows.rows, self._view, self._cell_context())
        yield Notice(id="notice")
        table = LineTable(id="table")
        table.ascii_mode, table.reduced_motion = self.console.look.ascii, self.console.look.reduced_motion
        table.set_columns(columns_of(RUNS))
        table.set_source(self._source)
        yield table

    @property
    def table(self) -> LineTable:
        """The table of runs."""
        return self.query_one("#table", LineTable)

    def on_mount(self) -> None:
        """Want the list for as long as the screen exists."""
        self._want = self.session.scheduler.want(self.console.runs.feed)
        self.listen(self._rows.changes, self._on_change)
        self.listen(self.console.runs.feed.changed, self.changed_soon)
        self.on_tick()

    def on_unmount(self) -> None:
        """Let the list go."""
        if self._want is not None:
            self._want.drop()

    def _cell_context(self) -> Context:
        return Context(self.session.clock.now(), self.console.look.ascii)

    def row(self) -> RunRow | None:
        """Return the run under the cursor."""
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
        self._tally(changed | removed)
        self._source.context = self._cell_context()
        table = self.table
        table.refresh_rows(changed, reordered=moved)
        for key in table.visible_keys:
            if key in changed:
                self._flash(table, key)
        for key in changed:
            if key in self._rows.rows:
                self._seen[key] = self._rows.rows[key]
        self._say()
        if self.is_current:
            self.refresh_chrome()

    def _flash(self, table: LineTable, key: str) -> None:
        before, now = self._seen.get(key), self._rows.rows.get(key)
        if before is None or now is None:
            return
        different = [name for name in FLASHED if getattr(before, name) != getattr(now, name)]
        if different:
            table.flash(key, different)

    def on_tick(self) -> None:
        """Let ages and durations grow, and rows grow old."""
        self._source.context = self._cell_context()
        self._source.stale = messages.stale(self._rows.freshness, self.session.clock.monotonic())
        self.table.refresh_rows(self.table.visible_keys)
        self._say()

    def _say(self) -> None:
        notice = self._rows.notice or self.console.runs.session.history.trouble or ""
        self.query_one("#notice", Notice).show(notice)
        if self._filter and self._rows.rows:
            lines = [
                f"None of {words.plural(len(self._rows.rows), 'run')} matches {self._filter}",
                "esc clears it.",
            ]
        else:
            lines = messages.nothing(self.session, self._rows.freshness, noun="runs", empty=EMPTY)
        self.table.set_message(lines)

    def _tally(self, keys: Iterable[str]) -> None:
        """Keep count of the live and the failed by what changed, so that the size of the list costs nothing."""
        for key in keys:
            row = self._rows.rows.get(key)
            self._live.discard(key)
            self._failures.pop(key, None)
            if row is not None and row.state in LIVE_STATES:
                self._live.add(key)
            elif row is not None and row.state == "failed" and row.began is not None:
                self._failures[key] = row.began

    def _failed_today(self) -> int:
        midnight = self.session.clock.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        return sum(began >= midnight for began in self._failures.values())

    def title_segments(self) -> list[Segment]:
        """Return how many runs there are, how many live and failed, the filter, and how fresh it all is."""
        live, failed = len(self._live), self._failed_today()
        loaded = len(self._rows.rows)
        total = self._rows.total if self._rows.total is not None else loaded
        left = [
            Segment("Runs", Tone.STRONG, priority=0),
            Segment(f"{total:,}", Tone.PLAIN, priority=1),
            Segment(f"{live} live", Tone.LIVE if live else Tone.DIM, priority=2),
            Segment(f"{failed} failed today", Tone.ERROR if failed else Tone.DIM, priority=3),
        ]
        order = f"by {self._sort} {'↓' if self._descending else '↑'}" if self._sort else ""
        right = [
            Segment(
                messages.freshness_words(self.session, self._rows.freshness),
                Tone.WARN,
                priority=2,
                right=True,
            ),
            Segment(order, Tone.DIM, priority=5, right=True),
        ]
        if self._filter:
            shown = f"/ {self._filter}   {len(self._view):,} of {len(self._rows.rows):,}"
            right.append(Segment(shown, Tone.ACCENT, priority=1, right=True))
        elif total > len(self._rows.rows):
            right.append(Segment(f"{len(self._rows.rows):,} loaded", Tone.DIM, priority=4, right=True))
        return [segment for segment in (*left, *right) if segment.text]

    @on(LineTable.NearEnd)
    def _load_more(self) -> None:
        self.console.runs.load_more()

    # Actions ---------------------------------------------------------------------------------------------------

    @on(LineTable.RowSelected)
    def _opened(self) -> None:
        self.do_runs_open()

    def do_runs_open(self) -> None:
        """Open the run under the cursor."""
        row = self.row()
        if row is not None:
            self.console.open_run(row)

    def do_runs_cancel(self) -> None:
        """Ask, then cancel the run under the cursor."""
        self.console.confirm_cancel(self.row())

    async def do_list_filter(self) -> None:
        """Open the filter; it narrows the list while one types."""
        bar = await self._filter_bar()
        bar.open(self._filter)

    async def _filter_bar(self) -> FilterBar:
        """Return the filter's line; it is made after the first frame, which has no use for it."""
        if not self.query("#filter"):
            from mogplex_tui.screens.filter_bar import FilterBar

            await self.mount(FilterBar("repo:web !docs state:failed cost:>1", id="filter"), before="#notice")
        return cast("FilterBar", self.query_one("#filter"))

    async def prepare(self) -> None:
        """Make what the first frame did not need, so that the first `/` finds it ready."""
        await self._filter_bar()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Narrow the list to what is typed."""

        from mogplex_tui.operate.filters import compile_filter

        self._filter = event.text.strip()
        self._view.filter(compile_filter(self._filter, RUNS.search))
        self.table.refresh_rows(None, reordered=True)
        self.table.paint()
        self._say()
        self.refresh_chrome()

    def on_filter_bar_closed(self) -> None:
        """Give the keys back to the list."""
        self.table.focus()

    async def key_escape(self) -> None:
        """Clear the filter."""
        if self._filter:
            bar = await self._filter_bar()
            bar.clear()

    def do_list_sort(self) -> None:
        """Order by the next column that can be sorted; after the last one, newest first again."""
        names = [None, *(field.key for field in RUNS.fields if field.sort is not None)]
        self._sort = names[(names.index(self._sort) + 1) % len(names)]
        # Numbers and times are looked at from the large end, words from the start of the alphabet.
        self._descending = self._sort not in ("state", "repo", "who", "model", "branch")
        self._order()

    def do_list_reverse(self) -> None:
        """Turn the order round."""
        self._descending = not self._descending
        self._order()

    @on(LineTable.HeaderSelected)
    def _header_clicked(self, event: LineTable.HeaderSelected) -> None:
        if event.column == self._sort:
            self._descending = not self._descending
        elif any(field.key == event.column and field.sort for field in RUNS.fields):
            self._sort, self._descending = event.column, True
        self._order()

    def _order(self) -> None:
        sort = RUNS.default_sort if self._sort is None else RUNS.field(self._sort).sort
        self._view.resort(sort or RUNS.default_sort, descending=self._descending)
        self.table.set_sort(self._sort, self._descending)
        self.table.refresh_rows(None, reordered=True)
        # A key is answered in one repaint, not when the next burst is drawn.
        self.table.paint()
        self.refresh_chrome()

    def do_view_refresh(self) -> None:
        """Read the list again now."""
        if self._want is not None:
            self._want.refresh()
