"""Fixtures of the unit tests: a session with a fake client, a stepped scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mogplex_tui.operate import executor, run_changes
from tests.unit.fakes import FakeSession
from tests.unit.stepped_scheduler import SteppedScheduler

# Generated examples have no deadline: a busy machine is no reason for a red test.

settings.register_profile(
    "unit", deadline=None, database=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    """A session with a fake client, which a test sets up."""
    return FakeSession(tmp_path)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the waits of operations and return the list of their lengths."""
    waited: list[float] = []

    async def pause(seconds: float, _: asyncio.Event | None = None) -> None:
        waited.append(seconds)

    monkeypatch.setattr(run_changes, "_pause", pause)
    monkeypatch.setattr(executor, "pause", pause)
    return waited


@pytest.fixture
async def stepped() -> AsyncIterator[SteppedScheduler]:
    """A running scheduler on a clock that the test advances."""
    made = SteppedScheduler()
    made.scheduler.start()
    yield made
    await made.scheduler.stop()
