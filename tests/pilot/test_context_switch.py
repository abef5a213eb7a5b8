"""Another context is a few keys away, and nothing of the old one is left."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mogplex_tui.api.target import Target
from mogplex_tui.cli.console_loop import Opener, Start
from mogplex_tui.config import credential_store
from mogplex_tui.config.contexts import Context, change
from mogplex_tui.config.credential_store import StoredCredential
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.changes_in_flight import QueuedChange
from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import Console, run_console


@pytest.fixture
async def other() -> AsyncIterator[PlaneServer]:
    """A second plane, with a run of its own."""
    async with PlaneServer(PlaneSettings(speed=0, seeded=False)) as running:
        world = RowFactory(running.plane, _Now(running))  # type: ignore[arg-type]
        world.call(repo_id=world.repo("beta/prod"))
        yield running


class _Now:
    def __init__(self, server: PlaneServer) -> None:
        self._server = server

    @property
    def us(self) -> int:
        return self._server.plane.clock.now_us()


def _store(name: str, server: PlaneServer) -> None:
    record = StoredCredential(
        server.base_url, token=Secret(server.token), session_cookie=Secret(server.session_cookie)
    )
    stored_in = credential_store.save(name, record)
    kinds = ("token", "session")
    change(
        lambda known: known.put(
            Context(name, server.base_url, credential_store=stored_in, credential_kinds=kinds)
        )
    )


@pytest.fixture
def start(server: PlaneServer, world: RowFactory, tmp_path: Path) -> Start:
    """The start of a console whose service is no stored context."""
    world.call(repo_id=world.repo("alpha/web"))
    settings = load({"reduced_motion": True}, environ={}, path=tmp_path / "none.toml")
    target = Target("here", server.base_url, Secret(server.token), Secret(server.session_cookie))
    return Start(settings, "here", tmp_path / "state", target)


@asynccontextmanager
async def _shown(start: Start, opener: Opener) -> AsyncIterator[Console]:
    async with run_console(start.app(opener), None) as ui:  # type: ignore[arg-type]
        yield ui


async def _switched(ui: Any, *keys: str) -> Start:
    await ui.press(*keys)
    await ui.until(lambda: ui.app.next_start is not None, "the switch")
    following = ui.app.next_start
    assert isinstance(following, Start)
    return following


async def test_context_is_switched_with_three_keys_and_back(start: Start, other: PlaneServer) -> None:
    _store("prod", other)
    opener = Opener(start, {"token": "mog_of_this_start", "reduced_motion": True})

    async def first() -> tuple[Start, list[weakref.ref[Any]]]:
        async with _shown(start, opener) as ui:
            await ui.sees("here", "alpha/web")
            await ui.press("space", "C")
            await ui.sees("prod", "personal access token", "⏎ switch")
            old = [weakref.ref(each) for each in (ui.app, ui.app.session, ui.app.runs, ui.app.parts)]
            return await _switched(ui, "down", "enter"), old

    # In a loop of its own, as in the program.
    following, old = await asyncio.to_thread(lambda: asyncio.run(first()))
    gc.unfreeze()
    gc.collect()
    assert [each() for each in old if each() is not None] == []
    assert following.target is not None and following.target.token == Secret(other.token)
    async with _shown(following, opener) as ui:
        await ui.sees("prod", "beta/prod")
        assert "alpha" not in ui.text and ui.app.current_mode == "runs"
        back = await _switched(ui, "colon", *"ctx here", "enter")
    assert back is start


async def test_context_that_cannot_be_opened_leaves_the_console_as_it_is(start: Start) -> None:
    change(lambda known: known.put(Context("prod", "http://127.0.0.1:9")))
    async with _shown(start, Opener(start, {})) as ui:
        await ui.sees("alpha/web")
        await ui.press("colon", *"ctx prod", "enter")
        await ui.sees("There is no credential for http://127.0.0.1:9.", "here stays open.")
        await ui.press("colon", *"ctx nowhere", "enter")
        await ui.sees("There is no context 'nowhere'.")
        assert ui.app.next_start is None and "alpha/web" in ui.text


async def test_unsent_changes_are_asked_about_before_a_switch(start: Start, other: PlaneServer) -> None:
    _store("prod", other)
    async with _shown(start, Opener(start, {})) as ui:
        await ui.sees("alpha/web")
        ui.app.session.in_flight.add_queued(QueuedChange("runs.cancel", "k", "cancel", "cancel of run 1"))
        await ui.press("colon", *"ctx prod", "enter")
        await ui.sees("Switch to prod with unfinished changes?", "cancel of run 1", "Stay in here")
        await ui.press("enter")
        await ui.loses("Switch to prod")
        assert ui.app.next_start is None
        await ui.press("colon", *"ctx prod", "enter")
        await ui.sees("Switch to prod")
        await _switched(ui, "tab", "enter")


@pytest.mark.parametrize("context", ["here", "prod"], ids=["not stored", "stored"])
async def test_team_is_switched_and_stored_in_the_context(
    start: Start, server: PlaneServer, context: str
) -> None:
    session = httpx.AsyncClient(base_url=server.base_url, headers={"Authorization": f"Bearer {server.token}"})
    async with session:
        made = await session.post("/api/teams", json={"name": "Night Shift", "slug": "night-shift"})
    team = made.json()["team"]["id"]
    _store("prod", server)
    opener = Opener(start, {})
    async with _shown(opener.open(context), opener) as ui:
        await ui.press("colon", *"teams", "enter")
        await ui.sees("Night Shift", "u act for")
        following = await _switched(ui, "down", "u")
    assert following.target is not None and following.target.team == team
    following = opener.store_team(following)
    async with _shown(following, opener) as ui:
        await ui.sees(context, "team Night Shift", "Acting for Night Shift")
        await ui.press("8")
        origin = "context prod" if context == "prod" else "this console"
        await ui.sees("console team", f"Night Shift · {origin} · :teams changes it")
    # The context is left and entered again, in this program or the next one.
    assert opener.open(context).settings.team == (team, origin)
    if context == "prod":
        assert load({"context": context}, environ={}).team == (team, origin)
