"""Ignore page up and page down in option lists that have no room on the screen."""

from __future__ import annotations

from typing import Any

from textual.widgets import OptionList


def page_only_what_is_drawn() -> None:
    """Patch OptionList: page up and page down do nothing while it has no size.

    Textual looks up the line of the highlighted option. There is none while the list has no size, as in a terminal of a
    few lines, and the lookup ends the program with a KeyError. The palette and select boxes make their lists
    themselves, so a subclass would not reach them.
    """
    move_page: Any = OptionList._move_page
    if getattr(move_page, "__wrapped__", None) is not None:
        return

    def move(self: OptionList, direction: Any) -> None:
        if self.scrollable_content_region:
            move_page(self, direction)

    move.__wrapped__ = move_page  # type: ignore[attr-defined]
    OptionList._move_page = move  # type: ignore[method-assign]
