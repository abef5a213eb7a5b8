"""A long text that is drawn by line, with scrolling, wrapping and search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from .styles import Cell, Tone
from .tail_drawing import Place, TailView
from .tail_rows import TailRow
from .tail_search import MatchList
from .text import LONGEST_LINE

# A line longer than this is drawn as several.
_LONGEST: Final = LONGEST_LINE // 2
# No line has this index, so that no line is drawn as the cursor line.
_NO_LINE: Final = -1


class _Lines:
    """Lines of text as rows of a `TailView`; the key of a line is its number."""

    def __init__(self, lines: Sequence[Cell]) -> None:
        self.lines = [part for line in lines for part in _parts(line)]

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, index: int) -> TailRow:
        """Return the row with the line at `index`."""
        return TailRow(str(index), "", ("", Tone.PLAIN), (self.lines[index],))

    def text(self, index: int) -> str:
        """Return the line at `index`."""
        return self.lines[index][0]

    def index_of(self, key: str) -> int | None:
        """Return the number of a line from its key."""
        index = int(key)
        return index if index < len(self.lines) else None

    def version(self, _key: str) -> int:
        """Return the same number always, because lines do not change."""
        return 0


def _parts(line: Cell) -> Iterator[Cell]:
    text, tone = line
    yield text[:_LONGEST], tone
    for start in range(_LONGEST, len(text), _LONGEST):
        yield text[start : start + _LONGEST], tone


class LineText(TailView, can_focus=True, inherit_bindings=False):
    """A text of any length of which only the visible lines are laid out.

    It has no keys of its own: the owner calls its methods.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wrap = True
        self._times = False
        self._cursor = _NO_LINE
        self._matches = MatchList()

    def set_lines(self, lines: Sequence[Cell], *, keep_place: bool = False) -> None:
        """Show these lines from the first one, or from the current place."""
        self._source = source = _Lines(lines)
        self.restyled()
        self._generation += 1
        self._count = len(source)
        self.set_line_count(self._count)
        self._matches.restart()
        self._cursor = _NO_LINE
        self._top = self._top if keep_place else Place(0, 0)
        if self.is_mounted and self.size:
            self.go(self._top)
            self.paint()

    @property
    def wrap(self) -> bool:
        """Return whether long lines are wrapped; if not, they are cut."""
        return self._wrap

    def toggle_wrap(self) -> None:
        """Switch between wrapping and cutting long lines."""
        self._wrap = not self._wrap
        self.restyled()
        self.go(Place(self._top.row, 0))
        self.paint()

    # Scrolling.

    @property
    def shown_lines(self) -> tuple[int, int, int]:
        """Return the numbers of the first and last line on screen, and of all lines."""
        if not self._shown:
            return 0, 0, self._count
        return self._shown[0][2] + 1, self._shown[-1][2] + 1, self._count

    def page(self, pages: int) -> None:
        """Scroll by a number of pages."""
        self.wheel(pages * max(1, self.body_height - 1))

    def to_start(self) -> None:
        """Scroll to the first line."""
        self._go_and_paint(Place(0, 0))

    def to_end(self) -> None:
        """Scroll to the last line."""
        self._go_and_paint(self._end_top())

    def wheel(self, lines: int) -> None:
        """Scroll by a number of lines."""
        there = self._back(self._top, -lines) if lines < 0 else self._forward(self._top, lines)
        self._go_and_paint(there)

    def jump(self, top: int) -> None:
        """Scroll so that a line is the first one on screen."""
        self._go_and_paint(Place(max(0, top), 0))

    def jump_to_share(self, share: float) -> None:
        """Scroll to a fraction of the text: 0 is the beginning, 1 the end."""
        self.jump(round(share * self._count))

    def _go_and_paint(self, place: Place) -> None:
        if self._count:
            self.go(place)
            self.paint(())
