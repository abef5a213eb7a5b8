"""A long text as a page of its own, with the keys that move in lists."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from .line_text import LineText


class TextPage(LineText, can_focus=True):
    """A text that fills a screen and is scrolled by keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "lines(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "lines(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "pages(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f,space", "pages(1)", "Page down", show=False, id="move.page-down"),
        Binding("home,g", "edge(False)", "Top", show=False, id="move.first"),
        Binding("end,G", "edge(True)", "End", show=False, id="move.last"),
    ]

    def action_lines(self, lines: int) -> None:
        """Scroll by a number of lines."""
        self.wheel(lines)

    def action_pages(self, pages: int) -> None:
        """Scroll by a number of pages."""
        self.page(pages)

    def action_edge(self, end: bool) -> None:
        """Scroll to the first or the last line."""
        if end:
            self.to_end()
        else:
            self.to_start()
