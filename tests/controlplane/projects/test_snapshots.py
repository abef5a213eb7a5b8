"""Prebuilt sandbox images: limits, the lock and missing ones (projects.md §4.8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import DAY_US, MINUTE_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import NOON, ManualClock
from tests.controlplane.projects.project_rows import ProjectRows
from tests.controlplane.row_factory import RowFactory


async def test_a_snapshot_is_built_read_and_dropped(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows, clock: Any
) -> None:
    repo = factory.repo()
    path = f"/api/repos/{repo}/snapshot"
    assert (await client.get(path)).json() == {"snapshot": None}
    built = (await client.post(path)).json()["snapshot"]
    assert (built["status"], built["createdAt"]) == ("created", "2026-08-05T10:00:00.000Z")
    assert set(built) == {"id", "status", "sizeBytes", "createdAt"}
    read = (await client.get(path)).json()["snapshot"]
    assert {name: read[name] for name in built} == built
    assert set(read) - set(built) == {"expiresAt", "commitSha", "lockfileHash"}
    (row,) = (await client.get("/api/repos")).json()
    assert (row["snapshot_id"], row["snapshot_commit_sha"]) == (built["id"], read["commitSha"])
    assert (row["snapshot_build_token"], row["snapshot_build_started_at"]) == (None, None)
    for _ in range(2):
        assert (await client.delete(path)).json() == {"ok": True}
    assert (await client.get(path)).json() == {"snapshot": None}


async def test_snapshot_missing_at_provider_is_removed(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows, clock: Any
) -> None:
    repo = factory.repo()
    path = f"/api/repos/{repo}/snapshot"
    await client.post(path)
    with projects.db.transaction() as tx:
        tx.execute("UPDATE provider_snapshots SET status = 'deleted'")
    assert (await client.get(path)).json() == {"snapshot": None}
    assert factory.row("repos", repo)["snapshot_created_at"] is None
    clock.advance(3600)
    await client.post(path)
    clock.advance(31 * DAY_US / 1_000_000)
    assert (await client.get(path)).json() == {"snapshot": None}


async def test_builds_have_limits(client: httpx.AsyncClient, factory: RowFactory, clock: Any) -> None:
    repos = [factory.repo(f"acme/r{number}") for number in range(4)]

    async def refused(repo: str) -> tuple[int, str, str | None]:
        answer = await client.post(f"/api/repos/{repo}/snapshot")
        body = answer.json()
        assert body["code"] == "snapshot_rate_limited"
        assert answer.headers["retry-after"] == str(body["retryAfterSeconds"])
        return answer.status_code, body["limit"]["name"], answer.headers["retry-after"]

    assert (await client.post(f"/api/repos/{repos[0]}/snapshot")).status_code == 200
    clock.advance(60)
    assert await refused(repos[0]) == (429, "snapshot_build_cooldown", "840")
    for repo in repos[1:3]:
        assert (await client.post(f"/api/repos/{repo}/snapshot")).status_code == 200
    assert await refused(repos[3]) == (429, "snapshot_builds_per_hour", "3540")
    done = 3
    for _ in range(4):
        clock.advance(3600)
        for repo in repos[:3]:
            if done < 10:
                assert (await client.post(f"/api/repos/{repo}/snapshot")).status_code == 200
                done += 1
    clock.advance(3600)
    assert (await refused(repos[3]))[:2] == (429, "snapshot_builds_per_day")
    rows = factory.plane.db.all(
        "SELECT decision, limit_name FROM limit_events WHERE route_key = 'snapshot_build' AND decision = 'denied'"
    )
    assert [row["limit_name"] for row in rows] == [
        "snapshot_build_cooldown",
        "snapshot_builds_per_hour",
        "snapshot_builds_per_day",
    ]


async def test_one_build_per_repo_and_stale_lock_is_replaced(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    lock: dict[str, Any] = {
        "snapshot_build_token": "build_x",
        "snapshot_build_started_at": NOON - 14 * MINUTE_US,
    }
    repo = factory.repo(**lock)
    answer = await client.post(f"/api/repos/{repo}/snapshot")
    assert (answer.status_code, answer.json()) == (409, {"error": "Snapshot build already in progress"})
    with factory.plane.db.transaction() as tx:
        tx.update("repos", repo, snapshot_build_started_at=NOON - 15 * MINUTE_US)
    assert (await client.post(f"/api/repos/{repo}/snapshot")).status_code == 200
    assert factory.row("repos", repo)["snapshot_build_token"] is None


async def test_snapshot_build_permissions(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    path = f"/api/repos/{factory.repo(github_installation_id=None)}/snapshot"
    projects.no_github()
    answer = await client.post(path)
    assert (answer.status_code, answer.json()) == (400, {"error": "Connect GitHub account first"})
    projects.no_github(github_oauth=1, allow_platform_sandbox=0)
    assert (await client.post(path)).status_code == 403
    assert projects.db.value("SELECT COUNT(*) FROM limit_events") == 0


@pytest.fixture
async def slow() -> AsyncIterator[tuple[httpx.AsyncClient, RowFactory]]:
    """A plane in which a build takes 120 ms."""
    clock = ManualClock()
    async with PlaneServer(Settings(speed=100, seeded=False), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as opened:
            yield opened, RowFactory(server.plane, clock)


async def test_build_without_lock_is_superseded(slow: tuple[httpx.AsyncClient, RowFactory]) -> None:
    client, factory = slow
    repo = factory.repo()
    path = f"/api/repos/{repo}/snapshot"
    building = asyncio.create_task(client.post(path))
    while factory.row("repos", repo)["snapshot_build_token"] is None:
        await asyncio.sleep(0)
    second = await client.post(path)
    assert (second.status_code, second.json()["error"]) == (409, "Snapshot build already in progress")
    with factory.plane.db.transaction() as tx:
        tx.update("repos", repo, snapshot_build_token="build_other")
    assert (await building).status_code == 409
    assert factory.row("repos", repo)["snapshot_build_token"] == "build_other"
    assert (await client.get(path)).json() == {"snapshot": None}
