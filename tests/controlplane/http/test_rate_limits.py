"""The request limit of a key and the run-start quota (auth.md §6 and §7)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


async def spend(client: httpx.AsyncClient, count: int) -> None:
    for _ in range(count):
        assert (await client.get(f"{V1}/runs/nothing")).status_code == 404


async def test_sixty_a_minute_then_429_on_v1(client: httpx.AsyncClient, clock: ManualClock) -> None:
    await spend(client, 59)
    clock.advance(1)
    await spend(client, 1)
    refused = await client.get(f"{V1}/repos")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["error"] == {
        "code": "RATE_LIMITED",
        "message": "Rate limit exceeded. Retry after 60s.",
    }
    # Refusals do not count, and an entry of exactly 60 s does not either.
    clock.advance(58.999999)
    assert (await client.get(f"{V1}/repos")).status_code == 429
    clock.advance(0.000001)
    await spend(client, 59)
    assert (await client.get(f"{V1}/repos")).status_code == 429


async def test_exhausted_token_outside_v1_is_anonymous(
    client: httpx.AsyncClient, server: PlaneServer, factory: RowFactory
) -> None:
    factory.model("acme/nova-1")
    await spend(client, 60)
    refused = await client.get("/api/observability/stats")
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    assert "retry-after" not in refused.headers
    assert (await client.get("/api/auth/user")).json() == {"user": None}
    assert "default_model" not in (await client.get("/api/models")).json()
    cookie = {"Cookie": server.session_cookie}
    assert (await client.get("/api/observability/stats", headers=cookie)).status_code == 200


async def test_request_without_handler_is_not_counted(client: httpx.AsyncClient, factory: RowFactory) -> None:
    for _ in range(61):
        assert (await client.get(f"{V1}/nothing/here")).status_code == 404
        assert (await client.put(f"{V1}/repos")).status_code == 405
        bad = {"Authorization": "Bearer mog_wrong"}
        assert (await client.get(f"{V1}/repos", headers=bad)).status_code == 401
    await spend(client, 60)
    # Every key has a budget of its own.
    other = {"Authorization": f"Bearer {factory.token()}"}
    assert (await client.get(f"{V1}/repos", headers=other)).status_code == 200


async def test_sessions_have_no_limit(anonymous: httpx.AsyncClient, server: PlaneServer) -> None:
    cookie = {"Cookie": server.session_cookie}
    for _ in range(70):
        assert (await anonymous.get("/api/settings", headers=cookie)).status_code == 200


@pytest.fixture
async def unlimited(clock: ManualClock) -> AsyncIterator[tuple[httpx.AsyncClient, RowFactory]]:
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            yield client, RowFactory(server.plane, clock)


async def start(client: httpx.AsyncClient, key: str, body: object) -> httpx.Response:
    content = json.dumps(body).encode()
    return await client.post(f"{V1}/runs", content=content, headers={"Idempotency-Key": key})


async def test_run_starts_ten_a_minute(
    unlimited: tuple[httpx.AsyncClient, RowFactory], clock: ManualClock
) -> None:
    client, factory = unlimited
    body = {"repoId": factory.repo(), "prompt": "Fix"}
    for index in range(10):
        assert (await start(client, f"k{index}", body)).status_code == 202
    clock.advance(19.5)
    refused = await start(client, "k-more", body)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "41"
    assert refused.json()["error"] == {
        "code": "RATE_LIMITED",
        "message": "External Mogplex run rate limit exceeded",
    }
    # An exhausted quota wins over bad fields and replays; a missing key and bad JSON are still told first.
    assert (await start(client, "k0", body)).status_code == 429
    assert (await start(client, "k", {"repoId": None})).status_code == 429
    assert (await client.post(f"{V1}/runs", json=body)).status_code == 400
    headers = {"Idempotency-Key": "k"}
    broken = await client.post(f"{V1}/runs", content=b"{", headers=headers)
    assert broken.json()["error"]["message"] == "Invalid JSON body"
    denied = factory.plane.db.all("SELECT * FROM limit_events WHERE decision = 'denied'")
    assert [row["limit_name"] for row in denied] == ["external_agent_runs_per_minute"] * 3
    # Denied attempts do not count.
    clock.advance(40.5)
    assert (await start(client, "k-late", body)).status_code == 202


async def test_run_start_limits_per_hour_and_day(
    unlimited: tuple[httpx.AsyncClient, RowFactory], clock: ManualClock
) -> None:
    client, factory = unlimited
    body = {"repoId": factory.repo(), "prompt": "Fix"}
    for index in range(30):
        assert (await start(client, f"h{index}", body)).status_code == 202
        clock.advance(10)
    refused = await start(client, "h-more", body)
    assert refused.headers["retry-after"] == str(3600 - 300)
    assert refused.json()["error"]["message"] == "External Mogplex run rate limit exceeded"
    for hour in range(4):
        clock.advance(3600)
        for index in range(30):
            assert (await start(client, f"d{hour}-{index}", body)).status_code == 202
            clock.advance(10)
    clock.advance(3600)
    refused = await start(client, "d-more", body)
    assert refused.status_code == 429
    assert refused.json()["error"]["message"] == "Daily external Mogplex run quota exceeded"
    # The budget is per token, not per user.
    other = {"Authorization": f"Bearer {factory.token()}", "Idempotency-Key": "other"}
    assert (await client.post(f"{V1}/runs", json=body, headers=other)).status_code == 202


async def test_requests_that_count_for_quota(unlimited: tuple[httpx.AsyncClient, RowFactory]) -> None:
    client, factory = unlimited
    repo = factory.repo()

    def spent() -> int:
        return int(factory.plane.db.value("SELECT COUNT(*) FROM limit_events WHERE decision = 'allowed'"))

    foreign = factory.repo("fjord/tide", user_id=factory.profile("jonas"))
    for key, body, status, costs in (
        ("a", {"repoId": repo, "prompt": " "}, 400, 1),
        ("a", {"prompt": "x"}, 400, 1),
        ("a", [], 400, 1),
        ("a", {"repoId": foreign, "prompt": "x"}, 404, 1),
        ("a", {"repoId": "junk", "prompt": "x"}, 503, 0),
        ("a", {"repoId": "", "prompt": "x"}, 503, 0),
        ("a", {"repoId": "00000000-0000-4000-8000-000000000000", "prompt": "x"}, 503, 0),
        ("a", None, 500, 0),
        ("a", {"repoId": repo, "prompt": "x"}, 202, 1),
        ("a", {"repoId": repo, "prompt": "x"}, 202, 1),
        ("a", {"repoId": repo, "prompt": "y"}, 409, 1),
    ):
        before = spent()
        answer = await start(client, key, body)
        assert answer.status_code == status, body
        assert spent() - before == costs, body
        if status == 503:
            assert answer.headers["retry-after"] == "60"
            assert answer.json()["error"] == {
                "code": "SERVICE_UNAVAILABLE",
                "message": "External Mogplex run rate limit unavailable",
            }
        if status == 500:
            assert answer.content == b""
            assert "content-type" not in answer.headers
