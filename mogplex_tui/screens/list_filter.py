"""The filter and the sort order of a list."""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mogplex_tui.live.sorted_view import SortedView
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.model import AnyKind
from mogplex_tui.screens.list_model import AnyRow

if TYPE_CHECKING:
    from mogplex_tui.operate.kind_rows import ReadAt
    from mogplex_tui.operate.older_records import SearchQuery

# Lines of a message in an empty list fit the smallest screen.
_MESSAGE_WIDTH: Final = 72


class ListFilter:
    """The filter and the sort order of a list.

    `apply` passes both to the sorted view that holds the order of the rows.
    """

    def __init__(
        self,
        kind: AnyKind,
        view: SortedView[AnyRow],
        link_filter: str,
        link_span: tuple[datetime, datetime | None] | None = None,
    ) -> None:
        """Create the filter of a list.

        `link_filter` is the filter of the link that opened the list; the filter that the user types is
        applied in addition to it. `link_span` is the creation time range of the records that the link
        leads to.
        """
        self._kind, self._view = kind, view
        self.link_filter, self.link_span, self.typed = link_filter, link_span, ""
        # The sort column, None for the kind's own order.
        self.sort: str | None = None
        self.descending = kind.descending
        # Whether the passing of time alone can move rows.
        self.depends_on_time = False

    @property
    def text(self) -> str:
        """The link's filter and the typed filter, combined."""
        return f"{self.link_filter} {self.typed}".strip()

    def apply(self, now: datetime, read_at: ReadAt) -> bool:
        """Filter and sort all rows as of `now`; return whether any row moved.

        `read_at` returns, for a row, the time for which the row is known to be correct.
        """
        from mogplex_tui.operate.filters import compile_filter, depends_on_time

        kind, text = self._kind, self.text
        spans = kind_rows.span_names(kind)
        sorted_by_time = self.sort is not None and kind.column(self.sort).sort_at is not None
        self.depends_on_time = sorted_by_time or depends_on_time(text, spans)
        return self._view.set_order(
            kind_rows.sort_key_of(kind, self.sort, read_at),
            compile_filter(text, kind_rows.FilterFields(kind, now, read_at).values_of, spans)
            if text
            else None,
            descending=self.descending,
        )

    def problem(self) -> str:
        """Return why a part of the filter is not used, or an empty text.

        This is a regular expression that is not valid, or a field that no row has.
        """
        from mogplex_tui.operate.filters import pattern_problem

        if "~" in self.text and (problem := pattern_problem(self.text)):
            return problem
        field = self.unknown_field()
        return f"no field {field}" if field else ""

    def unknown_field(self) -> str | None:
        """Return the first field of the filter that no row has."""
        from mogplex_tui.operate.filters import unknown_field

        return (
            unknown_field(self.text, kind_rows.filter_field_names(self._kind)) if ":" in self.text else None
        )

    def unknown_field_lines(self, noun: str) -> list[str]:
        """Return lines that name an unknown field and the known ones, or nothing."""
        field = self.unknown_field()
        if field is None:
            return []
        known = f"Fields: {', '.join(kind_rows.filter_field_names(self._kind))}."
        return [f"No {noun} has a field {field}.", *textwrap.wrap(known, _MESSAGE_WIDTH)]

    @property
    def is_default_order(self) -> bool:
        """Return whether the rows are in the kind's default order."""
        return self.sort is None and self.descending == self._kind.descending

    def older_query(self, now: datetime, read_at: ReadAt, newest_first: str) -> SearchQuery[AnyRow] | None:
        """Return the query to search older records with, or None if no search is needed.

        No search is needed if there is no filter and the order is either the default or newest first:
        the older records would then only follow the loaded ones. Nor can any record match a field that
        does not exist. `newest_first` is the column whose
        smallest values belong to the newest records.
        """
        from mogplex_tui.operate.filters import compile_filter
        from mogplex_tui.operate.older_records import SearchQuery

        kind, text, order = self._kind, self.text, None
        if not self.is_default_order and (self.sort != newest_first or self.descending):
            order = kind_rows.sort_key_of(kind, self.sort, read_at)
        if (order is None and not text) or self.unknown_field():
            return None
        fields = kind_rows.FilterFields(kind, now, read_at)
        matches = compile_filter(text, fields.values_of, kind_rows.span_names(kind)) if text else None
        return SearchQuery(text, matches, order, self.descending, self.link_span if text else None)

    # Order -----------------------------------------------------------------------------------------------------

    def sort_by(self, column: str | None) -> None:
        """Sort by a column; if the list is already sorted by it, reverse the order.

        None restores the kind's default order.
        """
        same_column = column == self.sort
        self.descending = not self.descending if same_column and column else self._is_descending_first(column)
        self.sort = column

    def restore_order(self, column: str | None, descending: bool) -> None:
        """Sort by a column, or in the default order if the column no longer exists."""
        exists = any(each.name == column for each in self._kind.columns)
        self.sort = column if exists else None
        self.descending = descending if exists or column is None else self._kind.descending

    def sortable_columns(self, text: str) -> list[str]:
        """Return the names of the columns that match a text typed by the user.

        They are the columns with the text as name or title; if there are none, the columns whose title
        begins with the text.
        """
        name = text.lower()
        columns = self._kind.columns
        exact = [each.name for each in columns if name in (each.name, each.title.lower())]
        return exact or [each.name for each in columns if each.title.lower().startswith(name)]

    def pickable_columns(self, empty: frozenset[str]) -> dict[str, str]:
        """Return a mapping of column names to titles, without the columns in `empty`."""
        columns = [each for each in self._kind.columns if each.name not in empty]
        return {each.name: each.title or each.name.upper() for each in columns}

    def column_names(self) -> str:
        """Return the names of all columns, as the user may type them, separated by commas."""
        return ", ".join(each.title.lower() or each.name for each in self._kind.columns)

    def _is_descending_first(self, column: str | None) -> bool:
        """Return whether a column is sorted in descending order when it is first chosen.

        Columns of numbers and times are sorted in descending order, columns of words alphabetically.
        """
        return self._kind.descending if column is None else self._kind.column(column).format.align == "right"

    def order_text(self) -> str:
        """Return the sort order for the title line; empty for the kind's default order."""
        if self.sort is None:
            return ""
        name = (self._kind.column(self.sort).title or self.sort).lower()
        return f"by {name} {'↓' if self.descending else '↑'}"
