"""A long text that is drawn line by line, with scrolling, wrapping and search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from .styles import Tone
from .tail_drawing import Place, TailView
from .tail_rows import TailLine, TailRow, TailShape, lay
from .tail_search import MatchList
from .text import LONGEST_LINE, visible, width

# A line longer than this is drawn as several.
_LONGEST: Final = LONGEST_LINE // 2
# No line has this index, so that no line is drawn as the cursor line.
_NO_LINE: Final = -1


class TextLine(NamedTuple):
    """A line of text with its tone.

    If the line is wrapped, its continuation lines are indented by `indent` cells.
    """

    text: str
    tone: Tone = Tone.PLAIN
    indent: int = 0


class _Lines:
    """Lines of text as rows of a `TailView`; the key of a line is its number."""

    def __init__(self, lines: Sequence[TextLine]) -> None:
        if any(len(line.text) > _LONGEST for line in lines):
            lines = [part for line in lines for part in _parts(line)]
        self.lines = lines

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, index: int) -> TailRow:
        """Return the row with the line at `index`."""
        return TailRow(str(index), "", ("", Tone.PLAIN), (self.lines[index][:2],))

    def text(self, index: int) -> str:
        """Return the line at `index`."""
        return self.lines[index].text

    def index_of(self, key: str) -> int | None:
        """Return the number of a line from its key."""
        index = int(key)
        return index if index < len(self.lines) else None

    def version(self, _key: str) -> int:
        """Return a constant, because lines do not change."""
        return 0


def _parts(line: TextLine) -> Iterator[TextLine]:
    yield line._replace(text=line.text[:_LONGEST])
    for start in range(_LONGEST, len(line.text), _LONGEST):
        yield line._replace(text=line.text[start : start + _LONGEST])


class LineText(TailView, can_focus=True, inherit_bindings=False):
    """A text of any length of which only the visible lines are laid out.

    It has no key bindings of its own: the owner calls its methods.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = _Lines(())
        self._wrap = True
        self._times = False
        self._cursor = _NO_LINE
        self._matches = MatchList()

    def set_lines(self, lines: Sequence[TextLine], *, keep_place: bool = False) -> None:
        """Replace the text; scroll to its first line unless `keep_place` is True."""
        self._source = self._lines = source = _Lines(lines)
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

    def lay_out(self, row: TailRow) -> list[TailLine]:
        """Return a line wrapped to the view's width, with indented continuation lines."""
        shape = self._shape()
        indent = min(self._lines.lines[int(row.key)].indent, shape.cells // 2)
        if not self._wrap or not indent:
            return lay(row, shape)
        text, tone = row.body[0]
        first, rest = visible(text[:indent], None), text[indent:]
        # The later lines are as narrow as the first one is after its first `indent` cells.
        narrow = TailShape(max(1, shape.cells - width(first)), wrap=True, times=False)
        lines = lay(row._replace(body=((rest, tone),)), narrow)
        margins = (first, *(" " * width(first) for _ in lines[1:]))
        return [[(margin, tone), *line] for margin, line in zip(margins, lines, strict=True)]

    # Searching.

    def set_highlight(self, term: str | None) -> None:
        """Search for a term, ignoring case, and highlight it; None ends the search."""
        self._needle = self._matches.seek(term)
        self._cursor = _NO_LINE
        for laid in self._laid.values():
            laid.strips.clear()
        self.paint()

    def match_from(self, _key: str | None) -> tuple[int, int]:
        """Go to the first match at or below the top of the view; return its position."""
        return self._go_to_match(lambda: self._matches.after(self._top.row - 1))

    def next_match(self) -> tuple[int, int]:
        """Go to the next match and return its position."""
        return self._go_to_match(lambda: self._matches.after(self._cursor))

    def prev_match(self) -> tuple[int, int]:
        """Go to the previous match and return its position."""
        return self._go_to_match(lambda: self._matches.before(self._cursor))

    def _go_to_match(self, which: Callable[[], int]) -> tuple[int, int]:
        if self._needle is None:
            return 0, 0
        lines = self._matches.find(self._lines, len(self._lines))
        if not lines:
            return 0, 0
        at = which()
        # The line of the match is drawn as the cursor line.
        self._cursor = lines[at]
        self.go(self.top_with_cursor())
        self.paint()
        return at + 1, len(lines)

    # Scrolling.

    @property
    def shown_lines(self) -> tuple[int, int, int]:
        """Return the numbers of the first and last line on screen, and the line count."""
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
