"""Supplies the rows of a kind to a line-drawn table, in the order of a sorted view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mogplex_tui.live.view import SortedView
from mogplex_tui.operate.kinds import Context, Field, Kind
from mogplex_tui.widgets.line_table import Column
from mogplex_tui.widgets.tones import Cell, Tone

_TONES = {tone.value: tone for tone in Tone}


def columns_of(kind: Kind) -> list[Column]:
    """Return a kind's columns as the table wants them."""
    return [_column(field) for field in kind.fields]


def _column(field: Field) -> Column:
    return Column(
        field.key,
        field.title,
        field.width,
        min_width=field.min_width,
        flex=field.flex,
        align="right" if field.align == "right" else "left",
        priority=field.priority,
        cut="middle" if field.cut == "middle" else "end",
    )


class RowTableModel:
    """The rows of one kind for a `LineTable`; cells are made only for rows on screen."""

    def __init__(self, kind: Kind, rows: Mapping[str, Any], view: SortedView[Any], now: datetime) -> None:
        self._kind, self._rows, self._view = kind, rows, view
        self.context = Context(now)
        # The contexts of rows that were last read earlier than the others.
        self.contexts: Mapping[str, Context] = {}
        # Whether all rows are stale, else the keys of the rows and the indexes of the columns that are.
        self.stale = False
        self.stale_rows: frozenset[str] = frozenset()
        self._stale_columns: list[int] = []
        self.marked: set[str] = set()

    def __len__(self) -> int:
        return len(self._view)

    def key_at(self, index: int) -> str:
        """Return the key of the row at an index."""
        return self._view.key_at(index)

    def index_of(self, key: str) -> int | None:
        """Return the index of a row, None when it is not shown."""
        return self._view.index_of(key)

    def set_stale_columns(self, columns: frozenset[str]) -> None:
        """Draw these columns as stale."""
        fields = self._kind.fields
        self._stale_columns = [place for place, field in enumerate(fields) if field.key in columns]

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the cells of a row, one for each column; stale cells are dim."""
        row, context = self._rows.get(key), self.contexts.get(key, self.context)
        if row is None:
            # The row was removed after the order was last updated.
            return [("", Tone.PLAIN) for _ in self._kind.fields]
        cells = [(text, _TONES[tone]) for text, tone in self._kind.cells(row, context)]
        if key in self.stale_rows:
            return [(text, Tone.DIM) for text, _ in cells]
        for place in self._stale_columns:
            cells[place] = (cells[place][0], Tone.DIM)
        if not self._kind.quiet(row):
            return cells
        return [(text, Tone.DIM if tone is Tone.PLAIN else tone) for text, tone in cells]

    def mark(self, key: str) -> bool:
        """Return whether a row is marked."""
        return key in self.marked
