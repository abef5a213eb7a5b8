"""Applies changed display options to screens that exist already."""

from __future__ import annotations

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from mogplex_tui.operate import action_registry
from mogplex_tui.screens.console_screen import SHORT, ConsoleScreen
from mogplex_tui.screens.header_line import Look
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.tab_line import TabLine


def apply(app: App[int], look: Look) -> None:
    """Apply display options to every screen that exists."""
    for screen in {id(each): each for stack in app._screen_stacks.values() for each in stack}.values():
        if isinstance(screen, ConsoleScreen) and screen.is_attached:
            _show_tabs(screen, is_shown=look.tab_line)
        _redraw(screen, look)


def _show_tabs(screen: ConsoleScreen, *, is_shown: bool) -> None:
    tabs = screen.query(TabLine)
    if is_shown and not tabs:
        line = TabLine(action_registry.tabs(), active=screen.tab, shorts=SHORT, id="tabs")
        screen.mount(line, after="#header")
    elif not is_shown:
        tabs.remove()


def _redraw(screen: Screen[object], look: Look) -> None:
    """Redraw all widgets of a screen after the display options have changed."""
    for widget in (screen, *screen.walk_children(Widget)):
        if isinstance(widget, LineTable | LineTail):
            widget.reduced_motion = look.reduced_motion
        widget.notify_style_update()
        widget.refresh()
