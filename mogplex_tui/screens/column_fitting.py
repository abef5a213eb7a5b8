"""Fits the widths of a list's columns to the cells of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mogplex_tui.operate import formatting, kind_rows
from mogplex_tui.operate.model import AnyKind, RenderTime
from mogplex_tui.screens.list_model import AnyRow
from mogplex_tui.widgets.columns import ContentWidths

_ROWS_A_TURN: Final = 300
"""The rows to measure at once: a few milliseconds of work between two frames."""
_BLANKS: Final = ("", formatting.DASH)


class ColumnFitting:
    """Measures new and changed rows to find the widths of a list's columns.

    Only changed rows are measured, so that an update of a long list does not take longer than one
    of a short list.
    """

    def __init__(self, kind: AnyKind, rows: Mapping[str, AnyRow]) -> None:
        self._kind, self._rows = kind, rows
        # The keys of rows to measure, in the order of their changes. Rows that were read before the list was opened
        # are among them.
        self._pending: dict[str, None] = dict.fromkeys(rows)
        self._measured: ContentWidths | None = None
        # Spans and states change while a row is on screen, and their columns must not move then.
        self._steady = [
            column.layout.width if column.format.is_span or column.format.is_state else 0
            for column in kind.columns
        ]

    @property
    def contents(self) -> tuple[int, ...] | None:
        """Return the width of each column's content, or None before any row is measured.

        The width of a column without any value is 0.
        """
        if self._measured is None:
            return None
        widths = zip(self._measured.widths, self._steady, strict=True)
        return tuple(max(content, steady) if content else 0 for content, steady in widths)

    def changed(self, keys: Iterable[str]) -> None:
        """Add new or changed rows to the queue of rows to measure."""
        self._pending.update(dict.fromkeys(keys))
        if not self._rows:
            # The next rows are a new list.
            self._pending.clear()
            self._measured = None

    def measure(self, moment: RenderTime) -> bool:
        """Measure the first rows of the queue; return whether the queue still has rows."""
        for key in [key for key, _ in zip(self._pending, range(_ROWS_A_TURN), strict=False)]:
            del self._pending[key]
            entry = self._rows.get(key)
            if entry is None:
                continue
            if self._measured is None:
                self._measured = ContentWidths(len(self._kind.columns), _BLANKS)
            self._measured.add(cell.text for cell in kind_rows.cells(self._kind, entry, moment))
        return bool(self._pending)
