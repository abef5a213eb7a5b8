"""A list of links, each a label, an arrow and a target, with a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from textual.geometry import Size
from textual.strip import Strip

from .styles import Cell, Ground, Tone
from .text import cut_end, pad_right, visible, width
from .tone_widget import ToneWidget, clipped

_MARGIN: Final = 2
_GAP: Final = 2
# Cells to which a column of a table may be shortened, and the cells that the last column needs.
_LEAST_COLUMN: Final = 10
_LAST_COLUMN: Final = 14


class LinkLine(NamedTuple):
    """A link in the list: its label, and the cells that show its target."""

    label: str
    cells: tuple[Cell, ...]

    @classmethod
    def to(cls, label: str, text: str) -> LinkLine:
        """Return a link line whose target is shown as an arrow and `text`."""
        return cls(label, (("→ ", Tone.DIM), (text, Tone.ACCENT)))


def _shortened(links: Sequence[LinkLine], room: int) -> Iterator[LinkLine]:
    """Yield the links, with the columns of each table shortened to fit `room`.

    A table is made of lines without a label. Its first column is a state and is never shortened,
    and only the beginning of its last column must fit.
    """
    for is_table, group in groupby(links, key=lambda link: not link.label):
        lines = list(group)
        widths = [width(visible(text)) for text, _ in max((link.cells for link in lines), key=len)]
        kept = _kept(widths, room) if is_table else widths
        for link in lines:
            cells = list(link.cells)
            for place in range(len(cells) - 1):
                if kept[place] < widths[place]:
                    text, tone = cells[place]
                    text = cut_end(visible(text).rstrip(), kept[place] - _GAP)
                    cells[place] = (pad_right(text, kept[place]), tone)
            yield link._replace(cells=tuple(cells))


def _kept(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths to which the columns are shortened, the widest first."""
    kept = list(widths)
    middle = range(1, len(kept) - 1)
    while sum(kept[:-1]) + min(_LAST_COLUMN, kept[-1]) > room:
        place = max(middle, key=lambda place: kept[place], default=0)
        if kept[place] <= _LEAST_COLUMN or not place:
            break
        kept[place] -= 1
    return kept


class Links(ToneWidget):
    """A list of links, one per line, with a cursor that the parent widget moves."""

    DEFAULT_CSS = "Links { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._links: tuple[LinkLine, ...] = ()
        self._labels = 0
        self._at = 0
        self._bright = False

    def set_links(self, links: Sequence[LinkLine], labels: int = 0) -> None:
        """Show these links.

        `labels` is the minimum width of the column of labels.
        """
        fresh = tuple(links)
        labels = max([labels, *(width(visible(link.label)) for link in fresh)])
        if (fresh, labels) == (self._links, self._labels):
            return
        grown = len(fresh) != len(self._links)
        self._links, self._labels = fresh, labels
        self._at = max(0, min(self._at, len(fresh) - 1))
        self.renew()
        if grown and self.is_mounted:
            self.refresh(layout=True)

    def __len__(self) -> int:
        return len(self._links)

    # Without this, a widget without links would be false.
    def __bool__(self) -> bool:
        return True

    @property
    def at(self) -> int:
        """Return the index of the link under the cursor; 0 if there are no links."""
        return self._at

    @at.setter
    def at(self, place: int) -> None:
        place = max(0, min(place, len(self._links) - 1))
        if place != self._at:
            self._at = place
            self.refresh()

    @property
    def bright(self) -> bool:
        """Return whether the cursor is drawn bright, as it is while keys move it."""
        return self._bright

    @bright.setter
    def bright(self, bright: bool) -> None:
        if bright != self._bright:
            self._bright = bright
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's own)
        """Return the number of lines, one for each link."""
        return len(self._links)

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """Return the lines of all links, without the cursor's highlight."""
        labels = min(self._labels, across // 2)
        out: list[list[Cell]] = []
        for link in _shortened(self._links, across - 1 - _MARGIN - labels - _GAP):
            shown = pad_right(cut_end(visible(link.label), labels), labels)
            cells = [
                (" " * _MARGIN, Tone.PLAIN),
                (shown + " " * _GAP, Tone.DIM),
                *((visible(text), tone) for text, tone in link.cells),
            ]
            out.append(clipped(cells, max(0, across - 1)))
        return out

    def render_line(self, y: int) -> Strip:
        """Draw one line; the line under the cursor has another background."""
        plain = super().render_line(y)
        if y != self._at or not self._links or self._palette is None:
            return plain
        across = self.size.width
        ground = Ground.CURSOR if self._bright else Ground.BLURRED
        cells = self.lines(across, 1)[y]
        parts = [("▌" + " " * (_MARGIN - 1), Tone.ACCENT, ground)]
        parts += [(text, tone, ground) for text, tone in cells[1:]]
        left = across - sum(width(text) for text, _, _ in parts)
        segments = self._palette.segments([*parts, (" " * max(0, left), Tone.PLAIN, ground)])
        return Strip(segments, sum(width(segment.text) for segment in segments)).adjust_cell_length(across)
