"""A horizontal line across the screen."""

from __future__ import annotations

from textual.app import RenderResult
from textual.strip import Strip
from textual.widget import Widget


class RuleLine(Widget):
    """A horizontal line, one row high."""

    DEFAULT_CSS = """
    RuleLine { height: 1; color: $border; background: $background; }
    """

    def render_line(self, _y: int) -> Strip:
        """Draw the line."""
        from rich.segment import Segment

        return Strip([Segment("─" * self.size.width, self.rich_style)], self.size.width)

    def render(self) -> RenderResult:
        """Return an empty text: the line is drawn by `render_line`."""
        return ""
