"""A console whose credentials arrive after its first frame, as from a keyring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live import run_row as make
from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import run_console
from tests.unit.fakes import call


def _app(place: Path, look: Callable[[], Awaitable[Target | None]]) -> ConsoleApp:
    app = ConsoleApp(load({}, environ={}, path=place / "none.toml"), find_target=look, context="work")
    app.session.service = "the service"
    return app


async def test_console_opens_before_credentials_and_reads_when_they_arrive(
    server: PlaneServer, world: RowFactory, tmp_path: Path
) -> None:
    world.call(repo_id=world.repo("acme/api"), status="success")
    given = asyncio.Event()

    async def look() -> Target:
        await given.wait()
        return Target("work", server.base_url, Secret(server.token), Secret(server.session_cookie))

    app = _app(tmp_path, look)
    async with run_console(app, server) as ui:
        assert "connecting" in await ui.sees("STATE", "Reading runs from the service")
        # What was kept from the last time can be asked for things that only the service does.
        kept = make.from_call(call(1, status="streaming"))
        app.runs.set.apply([(kept.key, kept)])
        await ui.sees("streaming")
        await ui.press("x")
        await ui.sees("Cancel this run?")
        await ui.press("right", "enter")
        await ui.sees("was not cancelled", "There is no connection to")
        await ui.sees("streaming")
        assert [entry.state for entry in app.session.ledger.entries] == ["sent", "refused"]
        given.set()
        await ui.sees("acme/api", "connected")


async def test_console_exits_without_credentials(tmp_path: Path) -> None:
    async def look() -> None:
        return None

    app = _app(tmp_path, look)
    async with app.run_test() as pilot:
        async with asyncio.timeout(10):
            while app.is_running:
                await pilot.pause()
    assert app.return_value == 0
