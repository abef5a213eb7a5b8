"""Pictures of the first screen of each scenario, which must explain itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.names import read_names
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.screens.kind_collections import KindCollections
from tests.controlplane.manual_clock import ManualClock
from tests.snapshots.frozen_console import NOW, SIZES, FrozenClock, FrozenConsole, frozen_console

Snap = Callable[..., bool]
LISTS = ("approvals", "sandboxes")


async def _read(scenario: str) -> Session:
    """Return a session that has read the first screen of a scenario that stands still."""
    clock = ManualClock(int(NOW.timestamp()) * SECOND_US)
    async with PlaneServer(Settings(scenario=scenario, speed=0, rate_limit=None), clock=clock) as server:
        target = Target("prod", server.base_url, Secret(server.token), Secret(server.session_cookie))
        session = Session(target, clock=FrozenClock())
        runs = Runs(session)
        collections = KindCollections(session, runs)
        await read_names(session, Priority.TABLE)
        await runs.fetch()
        for name in ("hour", "hours"):
            await session.costs.feeds[name].fetch()
        for name in LISTS:
            await collections.of_name(name).fetch()
        await session.stop()
    return session


def _first_screen(read: Session, scenario: str) -> FrozenConsole:
    app = frozen_console()
    app.parts.collections.watch_approvals()
    app.session.costs.windows.update(read.costs.windows)
    app.session.costs.hourly._hours.update(read.costs.hourly.known)
    app.session.costs.feeds["hour"].freshness.as_of = 998.0
    for name in ("runs", *LISTS):
        rows, shown = read.store.set(name), app.session.store.set(name)
        shown.total, shown.whole_since = rows.total, rows.whole_since
        shown.freshness.as_of, shown.freshness.as_of_wall = 998.0, NOW
        shown.apply(rows.rows.items())
    if scenario == "storm":
        app.session.budget.hold_back(12)
    return app


@pytest.mark.parametrize("scenario", ["calm", "incident", "outage", "storm", "backlog"])
def test_first_screen_in_all_sizes(snap_compare: Snap, scenario: str) -> None:
    read = asyncio.run(_read(scenario))
    for size in SIZES:
        assert snap_compare(_first_screen(read, scenario), terminal_size=size)
