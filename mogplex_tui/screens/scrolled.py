"""A scrolled box whose bar is as plain as the rest of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.containers import VerticalScroll
from textual.scrollbar import ScrollBarRender

if TYPE_CHECKING:
    from mogplex_tui.screens.tasks import ConsoleTasks


class WholeCells(ScrollBarRender):
    """A bar that does not end in an eighth of a cell: those glyphs are no ASCII."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


class Scrolled(VerticalScroll):
    """A box that scrolls its content up and down."""

    def on_mount(self) -> None:
        """Draw the bar without glyphs where the console does without them."""
        if cast("ConsoleTasks", self.app).look.ascii:
            self.vertical_scrollbar.renderer = WholeCells  # type: ignore[misc]
