"""A page that can be scrolled with the arrow keys and the keys that move in lists."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll


class ScrollPage(VerticalScroll):
    """A container that scrolls up and down."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="move.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page_up", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f", "page_down", "Page down", show=False, id="move.page-down"),
        Binding("home,g", "scroll_home", "Top", show=False, id="move.first"),
        Binding("end,G", "scroll_end", "End", show=False, id="move.last"),
    ]
