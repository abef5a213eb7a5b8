"""The columns of a line table, and how they share the width of the table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, NamedTuple

GAP: Final = 2
"""The width of the gap between two columns, in cells."""


class Column(NamedTuple):
    """A column of a line table: its title, width, alignment and priority.

    `min_width` is the width to which the column may shrink; if it is None, the column never gets
    narrower than `width`. `flex` is the column's share of spare room. `priority` is the order in
    which columns are dropped from a narrow table: the greatest first, and 0 never.
    """

    key: str
    title: str
    width: int
    min_width: int | None = None
    flex: int = 0
    align: Literal["left", "right"] = "left"
    priority: int = 0
    cut: Literal["end", "middle"] = "end"

    @property
    def least(self) -> int:
        """Return the width to which the column may shrink: `min_width`, or else `width`."""
        return self.width if self.min_width is None else min(self.min_width, self.width)


class Slot(NamedTuple):
    """A column as shown: its index among all columns, and its width in cells."""

    place: int
    width: int


def arrange(columns: Sequence[Column], room: int, without: Collection[str] = ()) -> list[Slot]:
    """Return the columns that fit into `room` cells, in order, with their widths.

    Columns whose key is in `without` are left out. Columns are dropped until the rest fits at its
    least widths, the column with the greatest priority first and the rightmost of several. Spare
    room then widens the columns to their `width`, beginning with the smallest priority; what is
    left goes to columns with `flex`. If even the columns of priority 0 do not fit, the last ones
    are narrowed, or dropped if less than half of their least width would be left.
    """
    shown = [i for i, column in enumerate(columns) if column.key not in without]

    def needed() -> int:
        return sum(columns[i].least for i in shown) + GAP * max(0, len(shown) - 1)

    while needed() > room:
        droppable = [i for i in shown if columns[i].priority > 0]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda i: (columns[i].priority, i)))
    widths = {i: columns[i].least for i in shown}
    spare = room - needed()
    if spare < 0:
        return _squeeze(shown, widths, room, columns)
    for i in sorted(shown, key=lambda i: (columns[i].priority, i)):
        more = min(spare, columns[i].width - widths[i])
        widths[i] += more
        spare -= more
    _flex(columns, shown, widths, spare)
    return [Slot(i, widths[i]) for i in shown]


def _flex(columns: Sequence[Column], shown: list[int], widths: dict[int, int], spare: int) -> None:
    shares = sum(columns[i].flex for i in shown)
    for i in shown:
        if columns[i].flex and shares:
            more = spare * columns[i].flex // shares
            widths[i] += more
            spare -= more
            shares -= columns[i].flex


def _squeeze(shown: list[int], widths: dict[int, int], room: int, columns: Sequence[Column]) -> list[Slot]:
    lasting: list[int] = []
    for i in shown:
        gap = GAP if lasting else 0
        if room - gap < (1 if not lasting else widths[i] / 2):
            break
        widths[i] = min(widths[i], room - gap)
        lasting.append(i)
        room -= widths[i] + gap
    _flex(columns, lasting, widths, room)
    return [Slot(i, widths[i]) for i in lasting]
