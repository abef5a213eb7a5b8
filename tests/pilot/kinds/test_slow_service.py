"""A slow service: a list does not wait for lists that are no longer shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.scheduler import AT_ONCE
from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.kind_screens import reads_service, running_plane, wait_until

WALKED = [kind for kind in kinds().values() if reads_service(kind)][: AT_ONCE + 1]


@pytest.fixture
async def server(seeded_database: Path, tmp_path: Path) -> AsyncIterator[PlaneServer]:
    async with running_plane(
        Settings(speed=0, rate_limit=None, fault_route=True), seeded_database, tmp_path
    ) as running:
        yield running


async def test_visible_list_does_not_wait_for_eight_hidden_lists(console: Any) -> None:
    async with console() as ui:
        await wait_until(ui, lambda: ui.app.runs.set.rows, "the runs")
        faults = ui.server.plane.faults
        faults.add(parse("GET /api/* latency:60s"))
        for kind in WALKED:
            await ui.app.parts.navigation.go(kind.name)
            feed = ui.app.parts.collections.of(kind).feed
            await wait_until(ui, lambda: feed.running, f"{kind.name} being read")
        # The last one is being read, and nothing before it holds its connection.
        faults.clear()
        first = ui.app.parts.collections.of(WALKED[0])
        await ui.app.parts.navigation.go(WALKED[0].name)
        await wait_until(ui, lambda: first.set.freshness.as_of is not None, "the first list, read anew")
        for kind in WALKED:
            assert not ui.app.parts.collections.of(kind).set.freshness.failures
        await ui.until(lambda: first.set.rows and "retry in" not in ui.text, "its rows")
