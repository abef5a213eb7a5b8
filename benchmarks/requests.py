"""Count the requests of a console in different situations.

They are its start, a watched run, and many lists that are opened one after the other.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.operate.executor import new_idempotency_key
from mogplex_tui.operate.kinds import registry
from mogplex_tui.operate.run_actions import Draft
from mogplex_tui.operate.run_changes import start

from .figures import say

WATCHED = 60.0
SETTLE = 15.0
LISTS, EVERY = 20, 3.0


class Plane(NamedTuple):
    """How to reach an embedded control plane."""

    base_url: str
    token: str
    session_cookie: str


class _Requests(logging.Handler):
    """Records the time and the path of each request that the transport logs."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage().split()
        if len(words) > 2 and words[2] != "BudgetBlocked":
            self.sent.append((time.monotonic(), "/".join(words[1].split("/")[:4])))

    def between(self, since: float, until: float) -> list[str]:
        return [path for at, path in self.sent if since <= at < until]


@asynccontextmanager
async def _plane() -> AsyncIterator[Plane]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mogplex_tui", "control-plane", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        yield Plane(ready["base_url"], ready["token"], ready["session_cookie"])
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _console(
    plane: Plane, directory: Path, *, cookie: bool, realtime: bool = True
) -> AsyncIterator[tuple[ConsoleApp, Pilot[int], _Requests]]:
    """Run a console without a terminal against a plane; yield it with its requests."""
    target = Target(
        "bench",
        plane.base_url,
        Secret(plane.token),
        Secret(plane.session_cookie) if cookie else None,
    )
    settings = load(environ={}, path=directory / "config.toml", contexts=False, credentials=False)
    app = ConsoleApp(settings, target=target, directory=directory / "state")
    if not realtime:
        app.session.realtime.start = lambda: None  # type: ignore[method-assign]
    requests, log = _Requests(), logging.getLogger("mogplex.http")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(requests)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            yield app, pilot, requests
    finally:
        log.removeHandler(requests)


def _paths(paths: list[str]) -> str:
    return ", ".join(f"{path} {count}" for path, count in Counter(paths).most_common(4))


async def _first_screen(plane: Plane, directory: Path, *, cookie: bool) -> None:
    async with _console(plane, directory, cookie=cookie) as (_, _, requests):
        began = time.monotonic()
        await asyncio.sleep(WATCHED)
        counts = [len(requests.between(0, began + seconds)) for seconds in (10, WATCHED)]
        name = "token and cookie" if cookie else "token alone"
        goal = "" if cookie else "   (at most 8 and 15)"
        say(f"    first screen, {name:16} {counts[0]:4} in 10 s, {counts[1]:4} in 60 s{goal}")


async def _watch(plane: Plane, directory: Path, *, cookie: bool, realtime: bool) -> None:
    async with _console(plane, directory, cookie=cookie, realtime=realtime) as (app, pilot, requests):
        session, runs = app.session, app.runs
        repos = await session.client.repos.list()
        draft = Draft(repo_id=repos[0].id, repo=repos[0].full_name, prompt="Work on it forever")
        row = await start(session, runs, draft, new_idempotency_key())
        await pilot.pause()
        app.parts.navigation.open_run(row)
        await asyncio.sleep(SETTLE)
        began = time.monotonic()
        await asyncio.sleep(WATCHED)
        paths = requests.between(began, began + WATCHED)
        name = f"{'token and cookie' if cookie else 'token alone'}, {'' if realtime else 'no '}realtime"
        say(
            f"    a watched run, {name:26} {len(paths):4} in 60 s   (at most {60 if cookie else 20}; {_paths(paths)})"
        )


async def _open_lists(plane: Plane, directory: Path) -> None:
    """Open a list every few seconds and measure when it shows its rows."""
    async with _console(plane, directory, cookie=False) as (app, _, requests):
        await asyncio.sleep(SETTLE)
        began = time.monotonic()
        slow: list[float] = []
        refused: list[str] = []
        for kind in [each for each in registry.kinds().values() if each.name != "runs"][:LISTS]:
            await app.parts.navigation.go(kind.name)
            opened = time.monotonic()
            rows = app.session.store.set(kind.name)
            collection = app.parts.collections.of(kind)
            while rows.freshness.as_of is None and collection.closed() is None:
                await asyncio.sleep(0.02)
                if rows.freshness.blocked_until is not None:
                    refused.append(kind.name)
                    break
            slow.append(time.monotonic() - opened)
            await asyncio.sleep(max(0.0, EVERY - (time.monotonic() - opened)))
        paths = requests.between(began, time.monotonic())
        say(
            f"    {len(slow)} lists in {time.monotonic() - began:.0f} s, token alone: {len(paths)} requests, "
            f"slowest {max(slow):.2f} s, {len(refused)} without budget {refused or ''}   (at most 2 s, 0)"
        )


async def _run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for cookie in (False, True):
            async with _plane() as plane:
                await _first_screen(plane, place / f"first-{cookie}", cookie=cookie)
        for cookie, realtime in ((False, True), (False, False), (True, True)):
            async with _plane() as plane:
                await _watch(plane, place / f"watch-{cookie}-{realtime}", cookie=cookie, realtime=realtime)
        async with _plane() as plane:
            await _open_lists(plane, place / "lists")


def run() -> None:
    """Print the figures."""
    say("requests: what a console on the demo sends, by what is on screen")
    asyncio.run(_run())
