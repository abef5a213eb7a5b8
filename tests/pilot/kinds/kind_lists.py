"""Every list of a plane, read once, for tests of filters and links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mogplex_tui.live.collection import Entry
from mogplex_tui.live.session import Session
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.filters import compile_filter
from mogplex_tui.operate.model import AnyKind, RenderTime


@dataclass
class KindLists:
    """Every list of a plane as it was read once."""

    session: Session
    kinds: dict[str, AnyKind]
    rows: dict[str, list[Any]]

    def found(self, kind: str, text: str) -> list[Any]:
        """Return the rows of a kind that a filter finds."""
        known, now = self.kinds[kind], self.session.clock.now()
        accept = compile_filter(
            text, kind_rows.FilterFields(known, now).values_of, kind_rows.span_names(known)
        )
        return self.rows[kind] if accept is None else [row for row in self.rows[kind] if accept(row)]

    def cell(self, kind: str, column: str, row: Entry[Any]) -> str:
        """Return what a list shows of a row in a column, without the glyph before it."""
        return (
            self.kinds[kind]
            .column(column)
            .cell(row.row, RenderTime(self.session.clock.now()))[0]
            .lstrip("✓·◆✗ ")
        )
