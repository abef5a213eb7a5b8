"""Caches of drawn lines and backgrounds that all widgets share."""

from __future__ import annotations

import gc
import weakref

from textual._styles_cache import StylesCache
from textual.app import App, ComposeResult
from textual.color import Color
from textual.style import Style
from textual.widgets import Static

from mogplex_tui.widgets.background_cache_patch import share_backgrounds


class Many(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("stays")


async def test_cached_lines_are_freed_with_their_widget() -> None:
    share_backgrounds()
    async with Many().run_test() as pilot:
        lines = []
        for number in range(4):
            widget = Static(f"goes {number}")
            await pilot.app.mount(widget)
            await pilot.pause()
            lines.append(weakref.ref(widget._styles_cache))
            await widget.remove()
            del widget
        await pilot.pause()
        gc.collect()
        # The newest may still be in the hands of whoever drew it last.
        assert [ref() for ref in lines[:3]] == [None] * 3


def test_cached_backgrounds_equal_those_of_textual() -> None:
    share_backgrounds()
    share_backgrounds()
    below, above = Color.parse("#102030"), Color.parse("#ff0000").with_alpha(0.5)
    assert StylesCache().get_inner_outer(below, above) == (
        Style(background=below + above),
        Style(background=below),
    )
