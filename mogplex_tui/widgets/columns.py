"""The columns of a line table, and how they share the width of the table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal, NamedTuple

from .text import visible, width

GAP: Final = 2
"""The width of the gap between two columns, in cells."""
_FEW: Final = 8
"""The number of cells for which no column is cut while there is spare room."""
_MOST: Final = 120
"""The width in cells up to which a column grows for a long text."""


class Column(NamedTuple):
    """A column of a line table: its title, width, alignment and priority.

    `width` is the width that the column gets first, if its content is that wide. `min_width` is the
    width to which a column with wider content may shrink; if it is None, the column does not shrink
    below `width`. If there is spare room, each column gets a share in proportion to `flex` times the
    width that it lacks. `priority` is the order in which columns are dropped from a narrow table: the
    greatest first. A column of priority 0 is never dropped for its priority.
    """

    key: str
    title: str
    width: int
    min_width: int | None = None
    flex: int = 0
    align: Literal["left", "right"] = "left"
    priority: int = 0
    cut: Literal["end", "middle"] = "end"


class Slot(NamedTuple):
    """A column that is shown: its index among all columns, and its width in cells."""

    place: int
    width: int


class ContentWidths:
    """The width of the widest cell of each column.

    The widths grow with the rows that are added, and never shrink, so that columns do not move while a
    list is read or scrolled. A column's width is 0 until a row has a value in it; `blanks` are the
    texts that are shown for a missing value.
    """

    def __init__(self, columns: int, blanks: Collection[str]) -> None:
        self._widths = [0] * columns
        self._blanks = frozenset(blanks)

    @property
    def widths(self) -> tuple[int, ...]:
        """Return the width of each column, in cells."""
        return tuple(self._widths)

    def add(self, texts: Iterable[str]) -> bool:
        """Measure a row's cells; return whether a column has become wider."""
        has_grown, widths = False, self._widths
        for place, text in enumerate(texts):
            if len(text) <= widths[place] and text.isascii():
                continue
            if text in self._blanks:
                continue
            cells = min(_MOST, width(visible(text[:_MOST])))
            if cells > widths[place]:
                widths[place], has_grown = cells, True
        return has_grown


def arrange(
    columns: Sequence[Column],
    room: int,
    without: Collection[str] = (),
    contents: Sequence[int] | None = None,
    order: Sequence[str] | None = None,
) -> list[Slot]:
    """Return the columns that fit into `room` cells, in order, with their widths.

    `order` has the keys of the columns to show, from the left; None stands for all columns as they are.

    `contents` are the widths of the columns' contents, None if they are not known; a column whose
    width is 0 there is left out, as are those whose key is in `without`. No column gets wider than
    its content and its title.

    Columns are dropped until the others fit at their least widths: first the column with the greatest
    priority, and among several with the same priority the rightmost. Spare room then widens the
    columns to their `width`, beginning with the smallest priority. Room that is still left goes first
    to columns that lack only a few cells, and then to the others whose content is cut, in proportion
    to what they need. If even the columns of priority 0 do not fit, the last ones are narrowed, or
    dropped if less than half of their least width would be left.
    """
    wanted = [_wanted(column, None if contents is None else contents[i]) for i, column in enumerate(columns)]
    places: Sequence[int] = range(len(columns))
    if order is not None:
        place_of = {column.key: place for place, column in enumerate(columns)}
        places = [place_of[key] for key in order if key in place_of]
    shown = [i for i in places if columns[i].key not in without and wanted[i]]
    least = {i: _least(columns[i], wanted[i]) for i in shown}

    def needed() -> int:
        return sum(least[i] for i in shown) + GAP * max(0, len(shown) - 1)

    while needed() > room:
        droppable = [i for i in shown if columns[i].priority > 0]
        if not droppable:
            return _squeeze(shown, least, room)
        shown.remove(max(droppable, key=lambda i: (columns[i].priority, i)))
    widths = {i: least[i] for i in shown}
    spare = room - needed()
    for i in sorted(shown, key=lambda i: (columns[i].priority, i)):
        more = max(0, min(spare, columns[i].width - widths[i], wanted[i] - widths[i]))
        widths[i] += more
        spare -= more
    for i in sorted(widths, key=lambda i: wanted[i] - widths[i]):
        if (more := wanted[i] - widths[i]) <= min(_FEW, spare):
            widths[i] += more
            spare -= more
    _widen(columns, wanted, widths, spare)
    return [Slot(i, widths[i]) for i in shown]


def _wanted(column: Column, content: int | None) -> int:
    """Return the width at which a column is shown in full; 0 if it has no values."""
    if content is None:
        return column.width
    # The arrow of a sort follows the title of a left-aligned column; others have it in the gap.
    return (
        max(content, width(column.title) + (column.align == "left" and bool(column.title))) if content else 0
    )


def _least(column: Column, wanted: int) -> int:
    """Return the width to which a column may shrink."""
    return min(wanted, column.width if column.min_width is None else min(column.min_width, column.width))


def _widen(columns: Sequence[Column], wanted: Sequence[int], widths: dict[int, int], spare: int) -> None:
    """Share `spare` cells among the columns whose content is cut.

    Each gets a share in proportion to its `flex` and the width that it lacks.
    """
    while spare > 0:
        needs = {i: (wanted[i] - has) * max(1, columns[i].flex) for i, has in widths.items()}
        total, left = sum(needs.values()), spare
        if not total:
            return
        for i in sorted(needs, key=lambda i: -needs[i]):
            more = min(wanted[i] - widths[i], left, -(-spare * needs[i] // total))
            widths[i] += more
            left -= more
        spare = left


def _squeeze(shown: list[int], least: dict[int, int], room: int) -> list[Slot]:
    """Return the first columns that fit at their least widths; the last is narrowed."""
    slots: list[Slot] = []
    for i in shown:
        gap = GAP if slots else 0
        if room - gap < (1 if not slots else least[i] / 2):
            break
        slots.append(Slot(i, min(least[i], room - gap)))
        room -= slots[-1].width + gap
    return slots
