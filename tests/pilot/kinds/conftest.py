"""Fixtures of the tests of kinds: a seeded plane, and its lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.kinds.runs import KIND as RUNS
from tests.pilot.kinds.kind_lists import KindLists
from tests.pilot.kinds.kind_screens import SEEDED, running_plane


@pytest.fixture
async def server(seeded_database: Path, tmp_path: Path) -> AsyncIterator[PlaneServer]:
    """A running plane with the seeded records; nothing in it changes by itself."""
    async with running_plane(SEEDED, seeded_database, tmp_path) as running:
        yield running


@pytest.fixture
async def kind_lists(server: PlaneServer) -> AsyncIterator[KindLists]:
    session = Session(Target("test", server.base_url, Secret(server.token), Secret(server.session_cookie)))
    try:
        repos, agents = await session.client.repos.list(), await session.client.agents.list()
        session.names.repos.update({repo.id: repo.full_name for repo in repos})
        session.names.agents.update({agent.id: agent.name for agent in agents if agent.name})
        runs = Runs(session)
        await runs.fetch()
        known = {**kinds(), "runs": RUNS}
        rows: dict[str, list[Any]] = {"runs": list(runs.set.rows.values())}
        collections = {name: new_collection(session, kind) for name, kind in kinds().items()}
        for collection in collections.values():
            await collection.fetch()
        for name, collection in collections.items():
            collection.update_joins()
            rows[name] = list(collection.set.rows.values())
        yield KindLists(session, known, rows)
    finally:
        await session.stop()
