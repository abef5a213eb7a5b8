"""Draw a console without a terminal when it comes to rest, not after each change on the way there.

It throws away what it draws, and drawing every change is a third of the time that a test of a screen takes.
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
"""Seconds after which a change is drawn although nobody asked for it."""

_compositor_refresh = Screen._compositor_refresh
_due: WeakSet[App[Any]] = WeakSet()


def _waits(app: App[Any]) -> bool:
    """Whether drawing waits; tests of a single widget look at each time that it is drawn."""
    return isinstance(app, ConsoleApp) and app.is_headless


def _draw_later(self: Screen[Any]) -> None:
    app = self.app
    if not _waits(app) or self is not app.screen:
        _compositor_refresh(self)
        return
    # The compositor keeps the regions that changed until `draw` takes them.
    self._dirty_widgets.clear()
    app._update_mouse_over(self)
    if app not in _due:
        _due.add(app)
        asyncio.get_running_loop().call_later(FRAME, _draw_frame, app)


def _draw_frame(app: App[Any]) -> None:
    _due.discard(app)
    try:
        draw(app)
    except Exception as error:
        app._handle_exception(error)


def draw(app: App[Any]) -> None:
    """Draw what has changed since the last call; an error in drawing is raised here."""
    if app._running and _waits(app) and not app._batch_count:
        with app._context():
            app.screen._compositor.render_update(screen_stack=app._background_screens)


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw every change for the rest of a test, as a terminal would see it."""
    monkeypatch.setattr(Screen, "_compositor_refresh", _compositor_refresh)


def install() -> None:
    """Make every headless console of this process draw at rest, and every `FRAME` seconds until then."""
    Screen._compositor_refresh = _draw_later  # type: ignore[method-assign]
