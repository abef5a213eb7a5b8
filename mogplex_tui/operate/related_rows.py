"""The newest related records of a record, shown below the link to their list."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence

from mogplex_tui.operate import formatting, kind_rows
from mogplex_tui.operate.filters import compile_filter
from mogplex_tui.operate.model import AnyKind, Cell, RenderTime
from mogplex_tui.operate.record_page import LinkTarget

# Records to list for each link, and the most cells for a column of them.
MOST, WIDEST = 5, 30

RowsOfKind = Callable[[str], tuple[AnyKind, Iterable[kind_rows.ListedRow[object]]]]
"""Returns a kind by its name, and the rows of the kind that are known."""


def with_related(
    links: Sequence[LinkTarget], rows_of: RowsOfKind, moment: RenderTime, *, name: str
) -> list[LinkTarget]:
    """Return links, with each link to a list followed by links to its newest records.

    `name` is the name of the record that has the links; columns that only repeat it are left out.
    """
    shown: list[LinkTarget] = []
    for link in links:
        shown.append(link)
        if link.filter and link.key is None:
            kind, rows = rows_of(link.kind)
            shown += _newest(link, kind, rows, moment, name)
    return shown


def _newest(
    link: LinkTarget,
    kind: AnyKind,
    rows: Iterable[kind_rows.ListedRow[object]],
    moment: RenderTime,
    name: str,
) -> list[LinkTarget]:
    fields = kind_rows.FilterFields(kind, moment.now)
    accepts = compile_filter(link.filter, fields.values_of, kind_rows.span_names(kind))
    if accepts is None:
        return []
    matching = [entry for entry in rows if entry.row is not None and accepts(entry)]
    sort_key = kind_rows.sort_key_of(kind, None, lambda _: moment.now)
    choose = heapq.nlargest if kind.descending else heapq.nsmallest
    entries = choose(MOST, matching, key=sort_key)
    lines = _columns([kind_rows.cells(kind, entry, moment) for entry in entries], kind, name)
    return [
        LinkTarget("", kind_rows.name_of(kind, entry), kind.name, key=entry.key, cells=cells)
        for entry, cells in zip(entries, lines, strict=True)
    ]


def _columns(rows: Sequence[Sequence[Cell]], kind: AnyKind, name: str) -> list[tuple[Cell, ...]]:
    """Return the aligned cells to show for each row, without uninformative columns."""
    lines: list[list[Cell]] = [[] for _ in rows]
    for place, column in enumerate(kind.columns):
        texts = [row[place].text for row in rows]
        if column.layout.priority > 0 or not set(texts) - {"", formatting.DASH, name}:
            continue
        most = min(WIDEST, max(map(len, texts)))
        for line, row in zip(lines, rows, strict=True):
            text, tone = row[place]
            text = "" if text == formatting.DASH else text
            text = text if len(text) <= most else text[: most - 1] + "…"
            padded = text.rjust(most) if column.format.align == "right" else text.ljust(most)
            line.append(Cell(padded + "  ", tone))
    return [tuple(_rstrip(line)) for line in lines]


def _rstrip(line: list[Cell]) -> list[Cell]:
    """Return the cells without the blanks at the end of the line."""
    while line and not line[-1].text.strip():
        line.pop()
    return [*line[:-1], Cell(line[-1].text.rstrip(), line[-1].tone)] if line else line
