"""A pilot whose `press` and `pause` return when all messages are handled.

Textual's pilot takes a process that uses little CPU time for an idle one. On a busy machine a process in the middle of
its work looks the same, and a test would read the screen before a key has reached it.
"""

from __future__ import annotations

from typing import Any

import pytest
from textual import _wait, pilot, screen
from textual.pilot import Pilot

from tests.pilot import deferred_drawing
from tests.pilot.shared_styles import share_parsed_styles

# Seconds of little CPU time after which a process is idle. Textual's 0.02, waited twice for each key, were half of the
# time of a test that presses keys. A key's changes are laid out by a timer, which has to be shorter than that.
IDLE = 0.005
LAYOUT_PERIOD = 0.004

# Give up after 50 rounds: a clock posts messages for ever.
MAX_ROUNDS = 50


class SettledPilot(Pilot[Any]):
    """A pilot that waits for every message that a key has caused, then draws."""

    async def press(self, *keys: str) -> None:
        await super().press(*keys)
        # A handler of the key may still run, with no message in its queue.
        await self._wait_for_screen()
        await self._settle()

    async def pause(self, delay: float | None = None) -> None:
        await super().pause(delay)
        await self._settle()

    @property
    def is_settled(self) -> bool:
        """Return whether no widget on the screen has an unhandled message."""
        app = self.app
        nodes = (app, *app.screen.walk_children(with_self=True)) if app._running else ()
        return not any(node.message_queue_size for node in nodes)

    async def wait_until_settled(self) -> None:
        """Wait until no widget on the screen has an unhandled message."""
        for _ in range(MAX_ROUNDS):
            if self.is_settled:
                return
            await self._wait_for_screen()

    async def _settle(self) -> None:
        await self.wait_until_settled()
        deferred_drawing.draw(self.app)


def use_settled_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `App.run_test` make settled pilots, and draw consoles when they are idle."""
    # `run_test` imports the name at each call.
    monkeypatch.setattr(pilot, "Pilot", SettledPilot)
    monkeypatch.setattr(_wait, "SLEEP_GRANULARITY", IDLE)
    monkeypatch.setattr(_wait, "SLEEP_IDLE", IDLE / 20)
    monkeypatch.setattr(screen, "UPDATE_PERIOD", LAYOUT_PERIOD)
    deferred_drawing.defer_drawing(monkeypatch)
    share_parsed_styles(monkeypatch)
