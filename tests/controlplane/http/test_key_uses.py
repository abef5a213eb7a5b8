"""Uses of API keys are written in batches and before the plane stops.

See identity.md §4.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.http import authentication
from mogplex_tui.controlplane.http.authentication import digest
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock


def _last_use(path: Path, token: str) -> int | None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        row = connection.execute(
            "SELECT last_used_at FROM user_api_keys WHERE token_hash = ?", (digest(token),)
        ).fetchone()
    found: int | None = row[0]
    return found


async def _use(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(f"{V1}/repos", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


async def test_plane_exit_writes_last_key_uses(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "plane.db"
    async with (
        PlaneServer(Settings(speed=0, seeded=False), path, clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as client,
    ):
        await _use(client, server.token)
        clock.advance(3)
        await _use(client, server.token)
        await _use(client, server.read_only_token)
        assert _last_use(path, server.token) is None
    assert _last_use(path, server.token) == clock.us
    assert _last_use(path, server.read_only_token) == clock.us


async def test_key_use_is_written_without_read(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_USES_HELD_S", 0.0)
    path = tmp_path / "plane.db"
    async with (
        PlaneServer(Settings(speed=0, seeded=False), path, clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as client,
    ):
        await _use(client, server.token)
        # The answer to another caller comes after the timer has gone off.
        await client.get(f"{V1}/repos")
        assert _last_use(path, server.token) == clock.us
