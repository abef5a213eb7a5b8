"""Fixtures of the console tests: an embedded plane, its rows and a console."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import Console, run_console
from tests.pilot.hosted import HostedEdge
from tests.pilot.settled_pilot import use_settled_pilot


@pytest.fixture(autouse=True)
def settled_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pilots wait for all messages, and draw consoles when they are idle."""
    use_settled_pilot(monkeypatch)


@pytest.fixture
async def server() -> AsyncIterator[PlaneServer]:
    """An embedded plane without rows."""
    async with PlaneServer(PlaneSettings(speed=0, seeded=False, fault_route=True)) as running:
        yield running


@pytest.fixture
def world(server: PlaneServer) -> RowFactory:
    """A factory that inserts rows into the plane."""

    class Now:
        @property
        def us(self) -> int:
            return server.plane.clock.now_us()

    return RowFactory(server.plane, Now())  # type: ignore[arg-type]


@pytest.fixture
def console(server: PlaneServer, tmp_path: Path) -> Callable[..., Any]:
    """Return a context manager that runs the console.

    `token` and `cookie` are its credentials (True: the plane's own, a text: another); `gate` takes the plane's hosted
    profile, which redirects tokens on unversioned routes to the login page; `config` is the text of its config file;
    other arguments are settings.
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
        draw_every_change: bool = False,
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
            async with run_console(app, server, edge, size=size, draw_every_change=draw_every_change) as ui:
                yield ui

    return run
