"""The screen of a list: a table of rows that can be filtered, sorted and marked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.widget import Widget

from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.sorted_view import SortedView
from mogplex_tui.live.store import RowChanges
from mogplex_tui.operate import formatting, kind_rows, messages
from mogplex_tui.operate.action_registry import KeyAction, key_of, shown_key
from mogplex_tui.operate.model import RenderTime
from mogplex_tui.screens import freshness_text, list_title
from mogplex_tui.screens.column_fitting import ColumnFitting
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.list_columns import ListColumns
from mogplex_tui.screens.list_filter import ListFilter
from mogplex_tui.screens.list_model import AnyRow, ListModel
from mogplex_tui.screens.list_shortcuts import ListShortcuts
from mogplex_tui.screens.older_records_search import BackgroundSearch
from mogplex_tui.screens.row_marks import RowMarks
from mogplex_tui.screens.table_models import RowTableModel, columns_of
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.segment_line import Segment

if TYPE_CHECKING:
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.operate.kind_rows import ReadAt
    from mogplex_tui.operate.model import AnyKind
    from mogplex_tui.operate.recent_places import RecentPlace
    from mogplex_tui.operate.saved_filters import SavedFilter
    from mogplex_tui.screens.filter_bar import FilterBar


# Actions that need rows in the list, and how the ids of actions end that need one under the cursor.
_LIST_ACTIONS = (
    "list.filter",
    "list.sort",
    "list.columns",
    "list.failed",
    "list.live",
    "list.range",
    "list.groups",
)
_ROW_ACTIONS = (
    ".open",
    ".mark",
    ".mark-all",
    ".mark-alike",
    ".mark-range",
    ".invert-marks",
    ".copy",
    ".switch",
    ".details",
    ".act",
    ".rerun",
    ".browse",
    ".start-in",
)


class ListScreen(ConsoleScreen):
    """A list of runs, or of the records of one kind; its model determines which."""

    AUTO_FOCUS: ClassVar[str | None] = "#table"

    def __init__(self, model: ListModel, link_filter: str = "", sort: str | None = None) -> None:
        """Create the screen with the filter and the sort column of the link that opens it."""
        super().__init__(model.scope, model.tab)
        self.model, self.rows = model, model.rows
        self.view: SortedView[AnyRow] = SortedView(
            self.rows.rows,
            kind_rows.sort_key_of(self.kind, None, lambda _: self.read_at()),
            descending=self.kind.descending,
        )
        self.filter = ListFilter(self.kind, self.view, link_filter, model.link_span)
        if sort is not None:
            self.filter.sort_by(sort)
        self.search = BackgroundSearch(
            self.session.scheduler, model.older_records, self.set_timer, self.changed_soon
        )
        self.marks = RowMarks(self.rows, self.view, model.why_no_mark)
        self.table_model = RowTableModel(self.kind, self.rows.rows, self.view, self.session.clock.now())
        self.table_model.marked = self.marks.keys
        self.columns = ColumnFitting(self.kind, self.rows.rows)
        self._changed: set[str] = set()
        self._removed: set[str] = set()
        # The rows as last drawn, compared with new ones to find changed cells.
        self._drawn: dict[str, AnyRow] = {}
        # Held while the filter bar is created, so that it is created only once.
        self._making_bar = asyncio.Lock()
        self.shortcuts, self.chosen_columns = ListShortcuts(self), ListColumns(self)
        self.handlers |= {
            f"{self._prefix}.open": self.open,
            f"{self._prefix}.mark": self.toggle_mark,
            "list.mark-all": lambda: self._marks_changed(self.marks.mark_shown()),
            "list.mark-alike": self._mark_alike,
            "list.mark-range": self._mark_range,
            "list.invert-marks": lambda: self._marks_changed(self.marks.invert()),
            "list.filter": self.open_filter,
            "list.reverse": self.reverse,
            "list.columns": self.chosen_columns.pick,
            "view.export": self.export,
            "go.back": self.go_back,
            **self.shortcuts.actions(),
            **model.actions(self.console, self),
        }

    @property
    def kind(self) -> AnyKind:
        """Return the kind of records that the rows show."""
        return self.model.kind

    @property
    def _prefix(self) -> str:
        """Return the prefix of the ids of actions on rows: "runs" or "kind"."""
        return "runs" if self.scope == "runs" else "kind"

    @property
    def table(self) -> LineTable:
        """Return the table widget."""
        return self.query_one("#table", LineTable)

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice and the table."""
        # The rows of the last session are loaded after the first screen is made.
        self._add_unseen_rows()
        yield NoticeLine(id="notice")
        table = LineTable(id="table")
        table.reduced_motion = self.console.look.reduced_motion
        table.set_columns(columns_of(self.kind))
        table.set_order(self.chosen_columns.chosen)
        table.set_source(self.table_model)
        self._fit_columns(table)
        yield table

    def on_mount(self) -> None:
        """Subscribe to changes of the rows for as long as the screen exists."""
        if self.filter.link_filter:
            self.table.set_sort(self.filter.sort, self.filter.descending)
            self.set_filter("")
        self.listen(self.rows.changes, self._on_change)
        self.listen(self.model.feed.changed, self.changed_soon)
        self.unsubscribe += self.model.subscribe(self.changed_soon)
        # Another list may have read the rows since the table was made.
        if self._add_unseen_rows():
            self.table.refresh_rows(None, reordered=True)
        self.on_tick()

    def _add_unseen_rows(self) -> bool:
        """Add the rows that were read while the screen did not receive changes.

        Returns whether the rows have been added.
        """
        if len(self.view) == len(self.rows.rows):
            return False
        self.view.apply(set(self.rows.rows), set())
        self.model.update_counts(self.rows.rows)
        self.columns.changed(self.rows.rows)
        return True

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that read the rows."""
        return self.model.feeds()

    # Selection -------------------------------------------------------------------------------------------------

    def cursor_row(self) -> AnyRow:
        """Return the row under the cursor, or None if there are no rows."""
        key = self.table.cursor_key
        return None if key is None else self.rows.rows.get(key)

    def marked_rows(self) -> list[AnyRow]:
        """Return the marked rows."""
        return self.marks.rows()

    def chosen_rows(self) -> list[AnyRow]:
        """Return the marked rows, or the row under the cursor if no row is marked."""
        row = self.cursor_row()
        return self.marks.rows() or ([] if row is None else [row])

    def toggle_mark(self) -> None:
        """Mark the row under the cursor or remove its mark, and go to the next row."""
        key = self.table.cursor_key
        if key is not None:
            self._marks_changed(self.marks.toggle(key))
            self.table.action_cursor(1)

    def _mark_alike(self) -> None:
        key, alike = self.table.cursor_key, self.kind.similarity_key
        if key is not None and alike is not None:
            self._marks_changed(self.marks.mark_similar(key, lambda each: each.row and alike(each.row)))

    def _mark_range(self) -> None:
        key = self.table.cursor_key
        if key is not None:
            self._marks_changed(self.marks.mark_range(key))

    def unmark(self) -> None:
        """Remove every mark."""
        self.marks.clear()
        self._marks_changed()

    def _marks_changed(self, why_not: str | None = None) -> None:
        """Draw the marks after a change; notify the user of `why_not` if it is a reason."""
        if why_not is not None:
            self.notify(why_not, severity="warning", markup=False)
        self.table.refresh_rows(self.table.visible_keys)
        self.refresh_chrome()

    # Freshness -------------------------------------------------------------------------------------------------

    def read_at(self) -> datetime:
        """Return the latest time for which the rows are known to be correct.

        It is the current time, or the time of the last read while the rows are stale or reads fail.
        """
        return freshness_text.read_time(self.session, self.rows.freshness)

    def row_read_at(self) -> ReadAt:
        """Return a function that maps a row to the latest time for which it is correct."""
        read_at, of_rows = self.read_at(), self.table_model.moments
        return lambda row: of_rows[row.key].as_of if row.key in of_rows else read_at

    def _update_staleness(self) -> None:
        """Update which rows and columns the table draws as stale."""
        table, clock, sources = self.table_model, self.session.clock, self.model.sources()
        now, at = clock.now(), clock.monotonic()
        table.moment = RenderTime(now, self.read_at())
        table.stale = self.rows.freshness.stale(at)
        stale = [each for each in sources if each.freshness.stale(at)]
        table.stale_rows = frozenset[str]().union(*(each.keys or () for each in stale))
        table.set_stale_columns(frozenset[str]().union(*(each.columns for each in stale)))
        table.moments = {
            key: RenderTime(now, freshness_text.read_time(self.session, each.freshness))
            for each in sources
            if each.failing
            for key in each.keys or ()
        }

    # Changes ---------------------------------------------------------------------------------------------------

    def _on_change(self, change: RowChanges) -> None:
        self._changed |= change.changed
        self._removed = (self._removed | change.removed) - change.changed
        self.changed_soon()

    def flush(self) -> None:
        """Update order, cells and counts for the rows changed since the last flush."""
        changed, removed = self._changed, self._removed
        self._changed, self._removed = set(), set()
        moved = self.view.apply(changed, removed)
        self.marks.drop_invalid(changed | removed)
        self.model.update_counts(changed | removed)
        self._update_staleness()
        table = self.table
        self.columns.changed(changed)
        self._fit_columns(table)
        table.refresh_rows(changed, reordered=moved)
        for key in table.visible_keys:
            if key in changed:
                self._flash(table, key)
        for key in changed:
            if key in self.rows.rows:
                self._drawn[key] = self.rows.rows[key]
        for key in removed:
            self._drawn.pop(key, None)
        self.search.list_was_read()
        self._update_messages()
        if self.is_current:
            self.refresh_chrome()
        table.leave_out(self.model.empty_columns())

    def _fit_columns(self, table: LineTable) -> None:
        """Fit the columns to the rows that have not been measured yet."""
        if self.columns.measure(self.table_model.moment):
            self.changed_soon()
        table.set_contents(self.columns.contents)

    def _flash(self, table: LineTable, key: str) -> None:
        """Highlight the cells of a row whose values have changed since they were drawn."""
        before, now = self._drawn.get(key), self.rows.rows.get(key)
        if before is None or now is None:
            return
        changed_fields = [name for name in self.model.flashed if getattr(before, name) != getattr(now, name)]
        if changed_fields:
            table.flash(key, changed_fields)

    def on_tick(self) -> None:
        """Update ages, durations and staleness."""
        self.model.update_joins()
        self.table.leave_out(self.model.empty_columns())
        self._update_staleness()
        self._fit_columns(self.table)
        # A filter or a sort by a duration moves rows without any change of a row.
        moved = self.filter.depends_on_time and self._apply_filter()
        self.table.refresh_rows(self.table.visible_keys, reordered=moved)
        self._update_messages()
        if moved:
            self.refresh_chrome()

    # Messages and title ----------------------------------------------------------------------------------------

    def problem(self) -> str:
        """Return why all or some of the rows cannot be read, or an empty text."""
        closed = self.model.closed_lines()
        if closed:
            return messages.data_kept(" ".join(closed))
        return messages.read_failures(
            self.rows.freshness, self.model.sources(), now=self.session.clock.monotonic()
        )

    def _update_messages(self) -> None:
        """Update the notice above the rows and the message shown in an empty table."""
        problem = self.problem() if self.rows.rows else ""
        is_quiet = not problem and messages.are_hints(self.rows.notices)
        self.query_one("#notice", NoticeLine).show(problem or self.model.notice(), quiet=is_quiet)
        noun = self.kind.noun
        if self.filter.text and self.rows.rows:
            latest = "" if self.search.is_complete else "the latest "
            no_matches = [
                f"No matches in {latest}{formatting.plural(len(self.rows.rows), noun)}: {self.filter.text}",
                *self.search.sentences(formatting.plural_noun(noun)),
            ]
            lines = [
                *(self.filter.unknown_field_lines(noun) or no_matches),
                f"{key_of('go.back')} {'clears the filter' if self.filter.typed else 'goes back'}.",
            ]
        elif closed := self.model.closed_lines():
            lines = closed
        else:
            empty = self.model.empty_text()
            lines = messages.empty_list(
                self.session, self.rows.freshness, noun=formatting.plural_noun(noun), empty=empty
            )
        self.table.set_message(lines)

    def title_segments(self) -> list[Segment]:
        """Return the path, the counts, the filter, the sort order and the age of the rows."""
        return list_title.segments(self)

    def step_name(self) -> str:
        """Return the kind's title."""
        return self.kind.title

    def is_at(self, place: RecentPlace) -> bool:
        """Return whether the list shows the rows of a recent place."""
        return (place.kind, place.key, place.filter) == (self.kind.name, "", self.filter.text)

    def _remember_place(self) -> None:
        self.console.navigation.remember_list(self.kind.name, self.filter)

    # Filter ----------------------------------------------------------------------------------------------------

    def _apply_filter(self) -> bool:
        return self.filter.apply(self.session.clock.now(), self.row_read_at())

    async def open_filter(self) -> None:
        """Open the filter bar; every letter typed in it filters the list at once."""
        bar = await self._filter_bar()
        history = self.console.filters.history(self.kind.name)
        bar.open(self.filter.typed, self.shortcuts.filter_example(), history, can_save=True)
        self.refresh_keys()

    async def _filter_bar(self) -> FilterBar:
        """Return the filter bar, creating it on the first call."""
        async with self._making_bar:
            if not self.query("#filter"):
                from mogplex_tui.screens.filter_bar import FilterBar

                await self.mount(FilterBar(self.model.filter_example, id="filter"), before="#notice")
        return cast("FilterBar", self.query_one("#filter"))

    async def prepare(self) -> None:
        """Create the filter bar, so that it opens without delay."""
        if self.is_complete:
            # A key may have opened another screen already, so that this one has no layout. Its bar is then made when it
            # is opened.
            await self._filter_bar()

    async def type_filter(self, text: str) -> None:
        """Filter the list as if `text` had been typed into the filter bar."""
        (await self._filter_bar()).fill(text)

    async def show_saved(self, saved: SavedFilter) -> None:
        """Filter and sort the list as a saved filter says."""
        self.filter.restore_order(saved.sort, saved.descending)
        self._sorted()
        await self.type_filter(saved.text)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filter the list by the typed text, or by the text of a key or a saved filter."""
        self.set_filter(event.text)
        if not self.query("#filter.-open"):
            self._remember_place()

    def set_filter(self, text: str) -> None:
        """Show only the rows that match a filter, in addition to the link's filter.

        The cursor stays on its row, or goes to the first row if the filter hides its row.
        """
        previous_key = self.table.cursor_key
        self.filter.typed = text.strip()
        self._apply_filter()
        self.table.refresh_rows(None, reordered=True)
        if previous_key is not None and self.view.index_of(previous_key) is None:
            self.table.action_first()
        self._search_older()
        self._update_messages()
        self.refresh_chrome()

    def on_filter_bar_save_requested(self) -> None:
        """Ask for a name under which to save the filter."""
        self.shortcuts.ask_name()

    def on_filter_bar_closed(self, event: FilterBar.Closed) -> None:
        """Focus the table when the filter bar closes, and add its text to the history."""
        self.console.filters.remember(self.kind.name, event.text.strip())
        self._remember_place()
        self.table.focus()
        self.refresh_keys()

    # Order -----------------------------------------------------------------------------------------------------

    def sort_by(self, text: str) -> None:
        """Sort by the column whose name or title is `text` or whose title begins with it.

        If several columns match, the first is used; if none matches, the user is notified.
        """
        columns = self.filter.sortable_columns(text)
        if columns:
            self.sort_by_column(columns[0])
        else:
            sentence = f"No column {text}. Columns: {self.filter.column_names()}."
            self.notify(sentence, severity="warning", markup=False)

    def sort_by_column(self, column: str | None) -> None:
        """Sort by a column, or reverse the order if the list is already sorted by it.

        None restores the default order. The cursor moves to the first row.
        """
        self.filter.sort_by(column)
        self._sorted()

    def reverse(self) -> None:
        """Reverse the sort order."""
        self.filter.descending = not self.filter.descending
        self._sorted()

    @on(LineTable.HeaderSelected)
    def _header_clicked(self, event: LineTable.HeaderSelected) -> None:
        self.sort_by_column(event.column)

    def _sorted(self) -> None:
        self._apply_filter()
        self.table.set_sort(self.filter.sort, self.filter.descending)
        self.table.refresh_rows(None, reordered=True)
        self.table.action_first()
        self._search_older()
        self._remember_place()
        self.refresh_chrome()

    def _search_older(self) -> None:
        """Search older records for the current filter and sort order, if necessary.

        A search in progress for another filter or order ends.
        """
        is_plain = not self.filter.text and self.filter.is_default_order
        records = None if is_plain else self.search.records
        if records is None:
            self.search.ask(None)
        else:
            now = self.session.clock.now()
            self.search.ask(self.filter.older_query(now, self.row_read_at(), records.older.age))

    def on_screen_resume(self) -> None:
        """Continue the search of older records, and show the columns chosen meanwhile.

        A filtered list becomes the newest recent place.
        """
        self.search.resume()
        self._remember_place()
        if self.is_complete:
            self.chosen_columns.apply()

    def on_screen_suspend(self) -> None:
        """Pause the search of older records while the list is covered."""
        self.search.pause()

    def on_unmount(self) -> None:
        """Remove the records found by the search from the rows, which other screens share."""
        self.search.close()

    # Actions ---------------------------------------------------------------------------------------------------

    def record_key(self) -> str | None:
        """Return the key of the row under the cursor, or None if there are no rows."""
        row = self.cursor_row()
        return None if row is None else row.key

    def run_row(self) -> RunRow | None:
        """Return the run under the cursor, or None if the list does not show runs."""
        row: RunRow | None = self.cursor_row() if self.scope == "runs" else None
        return row

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of actions that never apply to this list."""
        return self.model.unused_actions()

    def title_of(self, action: KeyAction) -> str:
        """Return the title of an action for the row under the cursor."""
        return self.model.title_of(action, self)

    def why_not(self, action: KeyAction) -> str | None:
        """Return why an action cannot be used now, or None if it can be used."""
        return self.model.why_not(action, self)

    def argument_runner(self, action: KeyAction) -> Callable[[str], object] | None:
        """Return the function that runs `sort COLUMN` from the palette."""
        return self.sort_by if action.id == "list.sort" else super().argument_runner(action)

    def shows(self, action: KeyAction) -> bool:
        """Return whether the key bar and the palette offer an action.

        An action on rows is offered only if there are rows.
        """
        if action.id in (
            "list.filter",
            "list.sort",
            "list.failed",
            "list.live",
            "list.range",
            "list.groups",
            "list.columns",
        ):
            return bool(self.rows.rows)
        if action.id == "view.export":
            return bool(len(self.view))
        if action.id.endswith(_ROW_ACTIONS) and self.cursor_row() is None:
            return False
        if action.id == "go.back" and not (self.filter.typed or self.marks):
            return self.console.can_go_back
        return super().shows(action) and self.model.shows(action, self)

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys of the list, or of the filter bar while it is open."""
        if self.query("#filter.-open"):
            enter = shown_key("enter", ascii_only=self.console.look.ascii)
            up = shown_key("up", ascii_only=self.console.look.ascii)
            return [(enter, "apply"), (shown_key("escape"), "clear"), (up, "earlier"), ("ctrl+s", "save")]
        items = super().key_items()
        title = "clear filter" if self.filter.typed else "unmark all" if self.marks else None
        if title is None:
            return items
        # The command palette and the help stay last.
        back = key_of("go.back")
        other_items = [item for item in items if item[0] != back]
        return [*other_items[:-2], (back, title), *other_items[-2:]]

    @on(LineTable.RowHighlighted)
    def _cursor_moved(self) -> None:
        if self.is_complete:
            self.refresh_keys()

    @on(LineTable.NearEnd)
    def _near_end(self) -> None:
        self.model.near_end()

    @on(LineTable.RowSelected)
    def open(self) -> None:
        """Open the row under the cursor."""
        row = self.cursor_row()
        # A second press of Enter may arrive when the row's screen is already open.
        if row is not None and self.is_active:
            self.model.open(self.console, row)

    def export(self) -> None:
        """Export all rows that match the filter, in the list's order."""
        keys = [self.view.key_at(index) for index in range(len(self.view))]
        if keys:
            rows = [self.rows.rows[key] for key in keys]
            self.console.exporter.ask_rows(self.kind, rows, list_title.export_notes(self, len(rows)))
        else:
            self.notify(f"No {formatting.plural_noun(self.kind.noun)} to export.", markup=False)

    async def go_back(self) -> None:
        """Clear the typed filter if set, else the marks, else go to the previous screen."""
        if self.filter.typed:
            (await self._filter_bar()).clear()
        elif self.marks:
            self.unmark()
        else:
            self.console.go_back(self)
