"""Keys that have been heard when `press` returns, however few turns a busy machine gives the process.

Textual's pilot takes a process that uses little of a processor for one that has nothing to do. On a busy machine that is
so in the middle of its work, and a test would look at the screen before the key has come to it.
"""

from __future__ import annotations

from typing import Any

from textual import _wait, screen
from textual.pilot import Pilot

from tests.pilot import drawing

# Seconds in which a process that uses little of a processor is idle. Textual's 0.02, twice for each key, were half of the
# time of a test of keys. What a key changes is laid out by a timer, which must not need longer than that.
IDLE = 0.005
LAYOUT_PERIOD = 0.004

# Whatever goes on for ever, as a clock does, is not waited for.
ROUNDS = 50

_press, _pause = Pilot.press, Pilot.pause


async def quiet(pilot: Pilot[Any]) -> None:
    """Wait until nobody on the screen has a message that has not been taken."""
    for _ in range(ROUNDS):
        app = pilot.app
        nodes = (app, *app.screen.walk_children(with_self=True)) if app._running else ()
        if not any(node.message_queue_size for node in nodes):
            return
        await pilot._wait_for_screen()


async def _press_and_hear(self: Pilot[Any], *keys: str) -> None:
    await _press(self, *keys)
    # Whoever has taken a key may be at work on it, and have nothing to show for it yet.
    await self._wait_for_screen()
    await quiet(self)
    drawing.draw(self.app)


async def _pause_and_hear(self: Pilot[Any], delay: float | None = None) -> None:
    await _pause(self, delay)
    await quiet(self)
    drawing.draw(self.app)


def install() -> None:
    """Make every pilot of this process wait for what it has caused, and draw only then."""
    drawing.install()
    _wait.SLEEP_GRANULARITY, _wait.SLEEP_IDLE = IDLE, IDLE / 20
    screen.UPDATE_PERIOD = LAYOUT_PERIOD  # type: ignore[misc]
    Pilot.press = _press_and_hear  # type: ignore[method-assign]
    Pilot.pause = _pause_and_hear  # type: ignore[method-assign]
