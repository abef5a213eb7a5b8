"""One line across the screen: the only border that a calm screen needs."""

from __future__ import annotations

from textual.app import RenderResult
from textual.strip import Strip
from textual.widget import Widget


class Rule(Widget):
    """A horizontal line, one row high."""

    DEFAULT_CSS = """
    Rule { height: 1; color: $border; background: $background; }
    """

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._char = "-" if ascii_only else "─"

    def render_line(self, _y: int) -> Strip:
        """Draw the line."""
        from rich.segment import Segment

        return Strip([Segment(self._char * self.size.width, self.rich_style)], self.size.width)

    def render(self) -> RenderResult:
        """Nothing else is drawn."""
        return ""
