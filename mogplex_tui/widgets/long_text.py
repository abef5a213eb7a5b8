"""Long texts under titles, wrapped to the width of the widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip

from .styles import Cell, Tone
from .text import visible, wrap_points
from .tone_widget import ToneWidget

MOST_CHARACTERS: Final = 200_000
MOST_LINES: Final = 10_000


class LongText(ToneWidget):
    """Titled texts that can be selected with the mouse.

    Only the beginning of a very long text is shown. A notice says so in the title or, if the text has
    no title, in a line below the text.
    """

    ALLOW_SELECT = True
    DEFAULT_CSS = "LongText { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._texts: tuple[tuple[str, str], ...] = ()
        # Title and visible lines of each text, and the same wrapped to a width.
        self._parts: list[tuple[str, list[str]]] = []
        self._wrapped: tuple[int, list[list[Cell]]] = (-1, [])

    def set_texts(self, texts: Sequence[tuple[str, str]]) -> None:
        """Show these pairs of title and text; do nothing if they are unchanged."""
        fresh = tuple(texts)
        if fresh == self._texts:
            return
        self._texts = fresh
        self._parts = [_part(title, text) for title, text in fresh]
        self._wrapped = (-1, [])
        self.renew()
        if self.is_mounted:
            self.refresh(layout=True)

    @property
    def text(self) -> str:
        """Return the shown titles and texts without the line breaks added by wrapping."""
        return "\n\n".join("\n".join([title, *lines] if title else lines) for title, lines in self._parts)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's own)
        """Return the number of lines that all texts take at this width."""
        return len(self.lines(width, 0))

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """Return the lines of all texts, wrapped to a width."""
        if across <= 0:
            return []
        if self._wrapped[0] != across:
            self._wrapped = (across, self._wrap(across))
        return self._wrapped[1]

    def _wrap(self, across: int) -> list[list[Cell]]:
        out: list[list[Cell]] = []
        for number, (title, lines) in enumerate(self._parts):
            if number:
                out.append([])
            out += [[(line, Tone.STRONG)] for line in _broken(title, across)] if title else []
            out += [[(line, Tone.PLAIN)] for text in lines for line in _broken(text, across)]
        return out

    def render_line(self, y: int) -> Strip:
        """Draw one line and highlight the part of it that is selected."""
        strip = super().render_line(y)
        selection = self.text_selection
        span = None if selection is None else selection.get_span(y)
        if span is not None:
            start, end = span
            # A selection made before the text changed may begin or end beyond the line.
            end = strip.cell_length if end == -1 else min(end, strip.cell_length)
            start = min(start, end)
            style = self.screen.get_component_rich_style("screen--selection")
            chosen = strip.crop(start, end).apply_style(style)
            strip = Strip.join([strip.crop(0, start), chosen, strip.crop(end)])
        return strip.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text and the line break to append to it."""
        lines = ("".join(text for text, _ in line) for line in self.lines(self.size.width, 0))
        return selection.extract("\n".join(lines)), "\n"


def _part(title: str, text: str) -> tuple[str, list[str]]:
    """Return the title of a text and those lines of the text that are shown.

    If the text is too long, the title or a last line states how much of it is shown.
    """
    lines = text[:MOST_CHARACTERS].replace("\r\n", "\n").split("\n", MOST_LINES)
    del lines[MOST_LINES:]
    shown = sum(map(len, lines)) + len(lines) - 1
    notice = f"showing the first {shown:,} of {len(text):,} characters"
    left_out = len(text) > MOST_CHARACTERS or text.count("\n", 0, MOST_CHARACTERS) >= MOST_LINES
    while lines and not lines[-1]:
        lines.pop()
    lines = [visible(line, MOST_CHARACTERS) for line in lines]
    if left_out and not title:
        return "", [*lines, f"… {notice}"]
    return f"{visible(title)}{f'  ({notice})' if left_out else ''}", lines


def _broken(text: str, across: int) -> list[str]:
    if len(text) <= across and text.isascii():
        return [text]
    return [text[start:end] for start, end in wrap_points(text, across, across)]
