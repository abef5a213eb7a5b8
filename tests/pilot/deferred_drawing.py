"""Draw a headless console once it is idle, instead of after each change.

A headless console discards its frames, and drawing each of them takes a third of the time of a test.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakSet

import pytest
from textual.app import App
from textual.screen import Screen

from mogplex_tui.app import ConsoleApp

FRAME = 0.25
"""Seconds after which a change is drawn although no test has asked for it."""

_draw_immediately = Screen._compositor_refresh
_scheduled: WeakSet[App[Any]] = WeakSet()


def _defers_drawing(app: App[Any]) -> bool:
    """Return whether an app is a headless console; tests of widgets count frames."""
    return isinstance(app, ConsoleApp) and app.is_headless


def _draw_later(self: Screen[Any]) -> None:
    app = self.app
    if not _defers_drawing(app) or self is not app.screen:
        _draw_immediately(self)
        return
    # The compositor keeps the regions that changed until `draw` takes them.
    self._dirty_widgets.clear()
    app._update_mouse_over(self)
    if app not in _scheduled:
        _scheduled.add(app)
        asyncio.get_running_loop().call_later(FRAME, _draw_frame, app)


def _draw_frame(app: App[Any]) -> None:
    _scheduled.discard(app)
    try:
        draw(app)
    except Exception as error:
        app._handle_exception(error)


def draw(app: App[Any]) -> None:
    """Draw the changes since the last call; an error while drawing is raised here."""
    if app._running and _defers_drawing(app) and not app._batch_count:
        with app._context():
            app.screen._compositor.render_update(screen_stack=app._background_screens)


def defer_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw every headless console when `draw` is called, and every `FRAME` seconds."""
    monkeypatch.setattr(Screen, "_compositor_refresh", _draw_later)


def draw_immediately(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw every change at once again, as a terminal shows it."""
    monkeypatch.setattr(Screen, "_compositor_refresh", _draw_immediately)
