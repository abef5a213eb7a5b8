"""The screen that groups the failures of a list, with counts and trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widget import Widget

from mogplex_tui.api.route_access import Family
from mogplex_tui.operate import filter_toggles, formatting, kind_rows
from mogplex_tui.operate.action_registry import KeyAction
from mogplex_tui.operate.failure_groups import COMPARED, FailureCount, FailureGroup, group_failures
from mogplex_tui.operate.filters import compile_filter
from mogplex_tui.operate.older_records import SearchQuery
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.older_records_search import BackgroundSearch
from mogplex_tui.screens.usage_bars import since_text
from mogplex_tui.widgets.line_table import Column, LineTable
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.sparkline import sparkline
from mogplex_tui.widgets.styles import Cell, Tone

if TYPE_CHECKING:
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.live.store import RowChanges
    from mogplex_tui.screens.list_screen import ListScreen

_COLUMNS = (
    Column("by", "BY", 10),
    Column("group", "GROUP", 26, min_width=20, flex=1),
    Column("hour", "1 H", 5, align="right"),
    Column("hour-before", "1 H BEFORE", 10, align="right", priority=3),
    Column("day", "24 H", 6, align="right"),
    Column("day-before", "24 H BEFORE", 11, align="right", priority=2),
    Column("trend", "48 H", 8, priority=1),
)


class FailureGroupsScreen(ConsoleScreen):
    """A table of the failure groups of a list, opened over the list.

    Failures are counted among the rows that match the list's filter; its limit of age is ignored. The
    numbers of the last hour and day are compared with those of the hour and the day before.
    """

    AUTO_FOCUS: ClassVar[str | None] = "#groups"

    def __init__(self, below: ListScreen) -> None:
        super().__init__("groups", below.tab)
        self._below, self._model = below, below.model
        self._noun = formatting.plural_noun(below.kind.noun)
        self._older = self._model.older_pages
        self._search = BackgroundSearch(
            below.session.scheduler, self._model.older_records, self.set_timer, self.changed_soon
        )
        self._groups = _GroupRows(ascii_mode=below.console.look.ascii)
        self.handlers |= {
            "go.back": lambda: self.console.navigation.back(self),
            "groups.open": self.choose,
        }

    def compose_body(self) -> Iterator[Widget]:
        """Yield the table of groups."""
        table = LineTable(_COLUMNS, id="groups")
        table.reduced_motion = True
        yield table

    def on_mount(self) -> None:
        """Subscribe to changes of the rows, and start to load older rows."""
        self.listen(self._model.rows.changes, self._on_change)
        self.listen(self._model.feed.changed, self.changed_soon)
        self._want_older()
        self.query_one("#groups", LineTable).set_source(self._groups)
        self.flush()

    def _want_older(self) -> None:
        now = self.session.clock.now()
        if self._older is not None:
            self._older.want(now - COMPARED)
        else:
            self._search.ask(SearchQuery(span=(now - COMPARED, None)))

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of the list, of its older rows and of the automations."""
        if self._older is None:
            return self._model.feeds()
        names = self.console.collections.of_name("automations").feed
        is_open = self.session.may_request(Family.FLOWS)
        return [*self._model.feeds(), self._older.feed, *((names,) if is_open else ())]

    def on_screen_resume(self) -> None:
        """Continue to read older records."""
        self._search.resume()

    def on_screen_suspend(self) -> None:
        """Pause the reading of older records while the screen is covered."""
        self._search.pause()

    def on_unmount(self) -> None:
        """Remove from the list the older records that only this screen needed."""
        self._search.close()

    # Drawing ---------------------------------------------------------------------------------------------------

    def _on_change(self, _: RowChanges) -> None:
        self.changed_soon()

    def on_tick(self) -> None:
        """Count the failures again, because the compared hours and days move with time."""
        self.flush()

    def flush(self) -> None:
        """Count the failures again and draw the table if the screen is current."""
        if not self.is_current:
            return
        self._search.list_was_read()
        self._groups.set(self._count())
        table = self.query_one("#groups", LineTable)
        lines = [f"No {self._noun} have failed in the last {formatting.seconds(COMPARED.total_seconds())}."]
        if self._below.kind.failed_filter == "":
            lines = [f"No {self._noun} in the last {formatting.seconds(COMPARED.total_seconds())}."]
        table.set_message([*self._model.closed_lines()] or lines)
        table.refresh_rows(None, reordered=True)
        self.refresh_chrome()

    def _count(self) -> list[FailureGroup]:
        kind, now = self._below.kind, self.session.clock.now()
        if kind.failure_groupings is None:
            return []
        matches = compile_filter(
            self._filter(), kind_rows.FilterFields(kind, now).values_of, kind_rows.span_names(kind)
        )
        entries = self._model.rows.rows.values()
        rows = [
            entry.row for entry in entries if entry.row is not None and (matches is None or matches(entry))
        ]
        return group_failures(rows, kind.failure_groupings, now, self._whole_since())

    def _filter(self) -> str:
        """Return the list's filter without the term that limits the records' age."""
        older, text = self._below.kind.older, self._below.filter.text
        return text if older is None else filter_toggles.without_field(text, older.age)

    def _whole_since(self) -> datetime | None:
        if self._model.rows.freshness.as_of is None:
            return None
        if self._older is not None:
            return self._model.rows.whole_since
        return self._search.whole_since

    @property
    def _is_reading_older(self) -> bool:
        return self._search.is_searching if self._older is None else self._older.is_reading

    def title_segments(self) -> list[Segment]:
        """Return the path, the filter, and the time from which the counts are complete."""
        since, whole_since = self.session.clock.now() - COMPARED, self._whole_since()
        coverage = since_text(whole_since, since, self._noun, is_reading=self._is_reading_older)
        is_whole = whole_since is not None and whole_since <= since
        segments = [
            *self.crumbs(),
            Segment("Failure groups", Tone.STRONG, priority=0, close=bool(self.crumbs())),
            Segment(f"/ {text}" if (text := self._filter()) else "", Tone.ACCENT, priority=2),
            Segment(coverage, Tone.DIM if is_whole else Tone.WARN, priority=1, right=True),
        ]
        return [segment for segment in segments if segment.text]

    def step_name(self) -> str:
        """Return the screen's name as shown in the path of a screen opened from it."""
        return "Failure groups"

    # Actions ---------------------------------------------------------------------------------------------------

    def shows(self, action: KeyAction) -> bool:
        """Return whether an action is offered; opening a group only if there are groups."""
        if action.id == "groups.open":
            return len(self._groups) > 0
        return super().shows(action)

    @on(LineTable.RowSelected)
    async def choose(self) -> None:
        """Go back to the list and filter it by the group under the cursor."""
        key = self.query_one("#groups", LineTable).cursor_key
        group = None if key is None else self._groups.get(key)
        if group is not None and self.is_active:
            self.console.navigation.back(self)
            await self._below.shortcuts.choose_group(group)


class _GroupRows:
    """The failure groups as rows for the table widget."""

    stale = False

    def __init__(self, *, ascii_mode: bool) -> None:
        self._ascii = ascii_mode
        self._rows: dict[str, FailureGroup] = {}
        self._keys: list[str] = []

    def set(self, groups: Sequence[FailureGroup]) -> None:
        """Replace the rows by these groups."""
        self._rows = {f"{group.grouping} {group.filter}": group for group in groups}
        self._keys = list(self._rows)

    def get(self, key: str) -> FailureGroup | None:
        """Return the group in the row with a key, or None if there is no such row."""
        return self._rows.get(key)

    def __len__(self) -> int:
        return len(self._keys)

    def key_at(self, index: int) -> str:
        """Return the key of the row at an index."""
        return self._keys[index]

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with a key, or None if the row is not shown."""
        return self._keys.index(key) if key in self._rows else None

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the cells of a group; a number that has grown is marked."""
        group = self._rows.get(key)
        if group is None:
            return [("", Tone.PLAIN) for _ in _COLUMNS]
        return [
            (group.grouping, Tone.DIM),
            (group.label, Tone.STRONG if group.is_rising else Tone.PLAIN),
            _compared(group.hour, group.hour_before),
            (_number(group.hour_before), Tone.DIM),
            _compared(group.day, group.day_before),
            (_number(group.day_before), Tone.DIM),
            (sparkline(group.trend, ascii_mode=self._ascii), Tone.ERROR),
        ]

    def mark(self, _key: str) -> bool:
        """Return False, because groups cannot be marked."""
        return False


def _number(count: FailureCount) -> str:
    """Return a count as text: `3`, `3+` for a lower bound, a dash if unknown."""
    if count.is_whole:
        return f"{count.number:,}"
    return f"{count.number:,}+" if count.number else formatting.DASH


def _compared(count: FailureCount, before: FailureCount) -> Cell:
    text = _number(count)
    if before.is_whole and count.number > before.number:
        return f"▲ {text}", Tone.ERROR
    return text, Tone.PLAIN if count.number else Tone.DIM
