"""The rows of a tail, and the layout of a row as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from .styles import Cell, Tone
from .text import ELLIPSIS, cut_end, fit, pad_left, pad_right, visible, width, wrap_points

TIME_WIDTH: Final = 8
LABEL_WIDTH: Final = 4
"""The width of a label before a name; a label without a name has the width of both."""
NAME_WIDTH: Final = 11
GAP: Final = 2
_LONGEST: Final = 8192
"""The number of characters of a message that a tail shows; the JSON pane shows all of them."""

TailLine = list[Cell]


class TailRow(NamedTuple):
    """A row of a tail: time, label, message, a right-aligned text and a detail.

    `body` holds the parts of the message. If the first part ends in a space, it is the name of a tool
    and is drawn in a separate column, so that the messages line up. `right` is drawn at the right
    edge, `detail` on another line below the message. A row with neither time nor label is a remark,
    such as a note about missing events, and takes the whole width.
    """

    key: str
    time: str
    label: Cell
    body: Sequence[Cell]
    right: Cell | None = None
    detail: Sequence[Cell] | None = None


class TailSource(Protocol):
    """The rows of a tail, oldest first; each row has a unique key."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def row(self, index: int) -> TailRow:
        """Return the row at `index`."""
        ...

    def text(self, index: int) -> str:
        """Return the text of the row at `index` that a search looks through.

        It consists of the label, the body and the detail.
        """
        ...

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with a key, or None if there is no such row."""
        ...

    def version(self, key: str) -> int:
        """Return a number that changes whenever the content of the row with a key changes."""
        ...


@dataclass(frozen=True, slots=True)
class TailShape:
    """The settings by which a tail lays out rows.

    They are the width in cells, whether long messages are wrapped, and whether times are shown.
    """

    cells: int
    wrap: bool
    times: bool


def lay(row: TailRow, shape: TailShape) -> list[TailLine]:
    """Return the row as lines of exactly `shape.cells` cells."""
    head = _head(row, shape)
    named = _is_named(row)
    spans = row.body[1:] if named else row.body
    indent = sum(width(text) for text, _ in head)
    right = (visible(row.right[0]), row.right[1]) if row.right else None
    reserved = width(right[0]) + GAP if right else 0
    first = max(1, shape.cells - indent - reserved)
    continuation_width = max(1, shape.cells - indent)
    lines = _wrapped(spans, first, continuation_width) if shape.wrap else [_cut(spans, first)]
    out: list[TailLine] = []
    for number, line in enumerate(lines):
        start = head if number == 0 else [(" " * indent, Tone.PLAIN)]
        full = [*start, *line]
        if number == 0 and right:
            full.append((pad_left(right[0], max(1, shape.cells - _cells(full))), right[1]))
        out.append(_exactly(full, shape.cells))
    if row.detail:
        details = (
            _wrapped(row.detail, continuation_width, continuation_width)
            if shape.wrap
            else [_cut(row.detail, continuation_width)]
        )
        out.extend(_exactly([(" " * indent, Tone.PLAIN), *line], shape.cells) for line in details)
    return out


def _is_named(row: TailRow) -> bool:
    return len(row.body) > 1 and row.body[0][0].endswith(" ") and bool(row.time or row.label[0])


def _cells(line: Sequence[Cell]) -> int:
    return sum(width(text) for text, _ in line)


def _exactly(line: TailLine, cells: int) -> TailLine:
    used = _cells(line)
    if used < cells:
        return [*line, (" " * (cells - used), Tone.PLAIN)]
    while line and used > cells:
        text, tone = line[-1]
        keep = max(0, width(text) - (used - cells))
        line = [*line[:-1], (pad_right(cut_end(text, keep, ""), keep), tone)] if keep else line[:-1]
        used = _cells(line)
    return line


def _head(row: TailRow, shape: TailShape) -> TailLine:
    """Return the padded cells of a row's time, label and tool name.

    The list is empty for a row with neither time nor label.
    """
    if not row.time and not row.label[0]:
        return []
    head: TailLine = []
    if shape.times:
        head.append((fit(row.time, TIME_WIDTH) + " " * GAP, Tone.DIM))
    label, tone = visible(row.label[0]), row.label[1]
    if _is_named(row):
        name, name_tone = visible(row.body[0][0]).rstrip(), row.body[0][1]
        head.append((pad_right(label, LABEL_WIDTH) + " " * GAP, tone))
        head.append((pad_right(name, NAME_WIDTH) + " ", name_tone))
    else:
        # A label without a name fills the columns of both, so that messages line up.
        head.append((pad_right(label, LABEL_WIDTH + GAP + NAME_WIDTH) + " ", tone))
    most = max(1, shape.cells * 2 // 3)
    return _exactly(head, most) if _cells(head) > most else head


def _cut(spans: Sequence[Cell], cells: int) -> TailLine:
    line: TailLine = []
    for number, (text, tone) in enumerate(spans):
        shown = visible(text[:_LONGEST])
        need = width(shown)
        more = number + 1 < len(spans)
        if need > cells or (need == cells and more):
            line.append((cut_end(shown + (ELLIPSIS if need == cells else ""), cells), tone))
            return line
        line.append((shown, tone))
        cells -= need
    return line


def _wrapped(spans: Sequence[Cell], first_width: int, other_width: int) -> list[TailLine]:
    """Return the parts of a message as lines, broken at newlines and at the width."""
    paragraphs: list[TailLine] = [[]]
    left = _LONGEST
    for text, tone in spans:
        for number, part in enumerate(text[:left].replace("\r\n", "\n").split("\n")):
            if number:
                paragraphs.append([])
            paragraphs[-1].append((visible(part, _LONGEST), tone))
        left = max(0, left - len(text))
    lines: list[TailLine] = []
    for paragraph in paragraphs:
        text = "".join(part for part, _ in paragraph)
        for start, end in wrap_points(text, other_width if lines else first_width, other_width):
            lines.append(_slice(paragraph, start, end))
    return lines


def _slice(spans: Sequence[Cell], start: int, end: int) -> TailLine:
    line: TailLine = []
    at = 0
    for text, tone in spans:
        piece = text[max(0, start - at) : max(0, end - at)]
        if piece:
            line.append((piece, tone))
        at += len(text)
    return line
