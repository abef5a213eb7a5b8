"""A long text with a selection."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import Selection

from mogplex_tui.widgets.long_text import LongText


class _Page(App[None]):
    def compose(self) -> ComposeResult:
        yield LongText(id="text")


@pytest.mark.parametrize(
    ("selected", "copied"),
    [
        (Selection(Offset(0, 0), Offset(5, 0)), "first"),
        (Selection(None, None), "first line\nsecond line"),
        (Selection(Offset(6, 0), Offset(90, 0)), "line"),
        (Selection(Offset(80, 0), Offset(90, 0)), ""),
        (Selection(Offset(80, 1), Offset(90, 7)), ""),
    ],
    ids=["in a line", "everything", "ends beyond the line", "begins beyond the line", "below the text"],
)
async def test_selection_of_any_shape_is_drawn_and_copied(selected: Selection, copied: str) -> None:
    app = _Page()
    async with app.run_test(size=(60, 10)) as pilot:
        text = app.query_one(LongText)
        text.set_texts([("", "first line\nsecond line")])
        await pilot.pause()
        app.screen.selections = {text: selected}
        await pilot.pause()
        drawn = [text.render_line(y).text.rstrip() for y in range(2)]
        assert drawn == ["first line", "second line"]
        assert (text.get_selection(selected) or ("",))[0] == copied
