"""What several files of unit tests start from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mogplex_tui.operate import executor, run_changes
from tests.unit.fakes import FakeSession
from tests.unit.scheduling import World

# Generated examples have no deadline: a busy machine is no reason for a red test.

settings.register_profile(
    "unit", deadline=None, database=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    """A session on a service that answers what a test puts into it."""
    return FakeSession(tmp_path)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No operation waits; what would have been waited for is written down."""
    waited: list[float] = []

    async def pause(seconds: float, _: asyncio.Event | None = None) -> None:
        waited.append(seconds)

    monkeypatch.setattr(run_changes, "_pause", pause)
    monkeypatch.setattr(executor, "pause", pause)
    return waited


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A scheduler at work at a clock that a test turns."""
    made = World()
    made.scheduler.start()
    yield made
    await made.scheduler.stop()
