"""The console on a standing plane in the same event loop: a test makes rows, presses keys and looks at the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.support import World
from tests.pilot import hearing
from tests.pilot.hosted import HostedEdge

hearing.install()

# After so many seconds what did not come never will; a busy machine may take long for it.
DEADLINE = 30.0

ConsoleFactory = Callable[..., Any]
"""The type of the fixture `console`."""


class Console:
    """A running console with its plane."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[Any], server: PlaneServer, edge: HostedEdge) -> None:
        self.app, self.pilot, self.server, self.edge = app, pilot, server, edge

    @property
    def text(self) -> str:
        """What is on the screen, as lines of text."""
        screen = self.app.screen
        width, height = screen.size
        strips = screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips[:height] if width)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, condition: Callable[[], Any], what: str = "the condition") -> Any:
        """Let the app work until something is true; fail with the screen when it is not in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE
        while True:
            value = condition()
            if value:
                return value
            assert loop.time() < deadline, f"{what} never came true:\n{self.text}"
            await asyncio.sleep(0.01)
            await self.pilot.pause()

    async def sees(self, *texts: str) -> str:
        """Wait until all of these are on the screen; return the screen."""

        def seen() -> bool:
            drawn = self.text
            return all(text in drawn for text in texts)

        await self.until(seen, f"{texts} on the screen")
        return self.text

    async def loses(self, text: str) -> None:
        """Wait until this is not on the screen any more."""
        await self.until(lambda: text not in self.text, f"{text!r} leaving the screen")


@pytest.fixture
async def server() -> AsyncIterator[PlaneServer]:
    async with PlaneServer(PlaneSettings(speed=0, seeded=False, fault_route=True)) as running:
        yield running


@pytest.fixture
def world(server: PlaneServer) -> World:
    class Now:
        @property
        def us(self) -> int:
            return server.plane.clock.now_us()

    return World(server.plane, Now())  # type: ignore[arg-type]


@pytest.fixture
def console(server: PlaneServer, tmp_path: Path) -> Callable[..., Any]:
    """Return a context manager that runs the console.

    `token` and `cookie` say which credentials it has (True: the plane's own, a text: another); `gate` takes the
    plane's hosted profile, which sends tokens on unversioned routes to the login page; `config` is the text of its
    config file.
    """

    @asynccontextmanager
    async def run(
        *,
        size: tuple[int, int] = (120, 40),
        token: bool | str = True,
        cookie: bool | str = True,
        gate: bool = False,
        directory: Path | None = tmp_path / "state",
        config: str = "",
        **arguments: Any,
    ) -> AsyncIterator[Console]:
        edge = HostedEdge(server.plane)
        async with edge if gate else nullcontext():
            target = Target(
                "test",
                edge.base_url if gate else server.base_url,
                Secret(server.token if token is True else str(token)) if token else None,
                Secret(server.session_cookie if cookie is True else str(cookie)) if cookie else None,
            )
            file = tmp_path / "config.toml"
            if config:
                file.write_text(config)
            settings = load({"reduced_motion": True, **arguments}, environ={}, path=file)
            app = ConsoleApp(settings, target=target, directory=directory, context="test")
            async with app.run_test(size=size, notifications=True) as pilot:
                yield Console(app, pilot, server, edge)

    return run
