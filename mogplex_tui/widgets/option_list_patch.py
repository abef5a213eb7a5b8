"""Patch for option lists without height, in which page up and down cause a crash."""

from __future__ import annotations

from typing import Any

from textual.widgets import OptionList


def page_only_what_is_drawn() -> None:
    """Make Textual's option lists ignore page up and down while they have no size.

    For these keys Textual looks up the line of the highlighted option. A list that has no size, as in
    a terminal of a few lines, has no such line, and the lookup ends the program with a KeyError. The
    palette and select boxes create their lists themselves, so they would not use a fixed subclass.
    """
    move_page: Any = OptionList._move_page
    if getattr(move_page, "__wrapped__", None) is not None:
        return

    def move(self: OptionList, direction: Any) -> None:
        if self.scrollable_content_region:
            move_page(self, direction)

    move.__wrapped__ = move_page  # type: ignore[attr-defined]
    OptionList._move_page = move  # type: ignore[method-assign]
