"""Run a console in the event loop of a test, press its keys and read its screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mogplex_tui.app import ConsoleApp
from mogplex_tui.controlplane.server import PlaneServer
from tests.pilot.deferred_drawing import draw_immediately
from tests.pilot.hosted import HostedEdge
from tests.pilot.settled_pilot import SettledPilot, use_settled_pilot

# Seconds to wait for a condition before the test fails; a busy machine is slow.
DEADLINE = 30.0

ConsoleFactory = Callable[..., Any]
"""The type of the fixture `console`."""


class Console:
    """A running console with its plane."""

    def __init__(
        self, app: ConsoleApp, pilot: SettledPilot, server: PlaneServer, edge: HostedEdge | None = None
    ) -> None:
        self.app, self.pilot, self.server = app, pilot, server
        self._edge = edge

    @property
    def edge(self) -> HostedEdge:
        """The hosted profile of the plane, for a console that talks to it."""
        assert self._edge is not None
        return self._edge

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        screen = self.app.screen
        width, height = screen.size
        strips = screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips[:height] if width)

    async def press(self, *keys: str) -> None:
        """Press keys and wait until each is handled."""
        await self.pilot.press(*keys)

    async def until(self, condition: Callable[[], Any], what: str = "the condition") -> Any:
        """Wait until a condition holds; return its value.

        Fails after `DEADLINE` seconds, with the screen.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE
        while True:
            value = condition()
            if value:
                return value
            assert loop.time() < deadline, f"{what} never came true:\n{self.text}"
            await asyncio.sleep(0.01)
            await self.pilot.wait_until_settled()

    async def sees(self, *texts: str) -> str:
        """Wait until all texts are on the screen; return the screen."""

        def is_shown() -> bool:
            screen = self.text
            return all(text in screen for text in texts)

        await self.until(is_shown, f"{texts} on the screen")
        return self.text

    async def loses(self, text: str) -> None:
        """Wait until a text is no longer on the screen."""
        await self.until(lambda: text not in self.text, f"{text!r} leaving the screen")


@asynccontextmanager
async def run_console(
    app: ConsoleApp,
    server: PlaneServer,
    edge: HostedEdge | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    draw_every_change: bool = False,
) -> AsyncIterator[Console]:
    """Run a console without a terminal."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_settled_pilot(monkeypatch)
        if draw_every_change:
            draw_immediately(monkeypatch)
        async with app.run_test(size=size, notifications=True) as pilot:
            assert isinstance(pilot, SettledPilot)
            yield Console(app, pilot, server, edge)
