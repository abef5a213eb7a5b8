"""The login gate of the hosted service: access and redirects (auth.md §3 and §4)."""

from __future__ import annotations

import httpx
import pytest

from mogplex_tui.controlplane.http.worker_credentials import internal_secret
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.hosted.conftest import SETTINGS
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

OPEN_TO_TOKENS = [f"{V1}/repos", "/api/settings", "/api/models", "/api/sandbox", "/api/auth/user"]
FOR_SESSIONS = [
    "/api/observability/calls",
    "/api/realtime/events?tables=ai_calls",
    "/api/settings/api-keys",
    "/api/models/new-arrivals",
    "/api/repos",
    "/api/mcp-servers/1",
    "/api/no/such/route",
]


@pytest.mark.parametrize("path", OPEN_TO_TOKENS)
async def test_a_token_passes_on_its_short_list(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code not in (307, 308, 401)


@pytest.mark.parametrize("path", FOR_SESSIONS)
async def test_token_outside_v1_is_redirected_to_login(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("/login?next=%2Fapi%2F")
    assert answer.text == answer.headers["location"]
    assert "content-type" not in answer.headers


async def test_session_passes_everywhere_but_v1_requires_a_token(
    session: httpx.AsyncClient,
) -> None:
    assert (await session.get("/api/observability/calls")).status_code == 200
    async with session.stream("GET", "/api/realtime/events?tables=ai_calls") as stream:
        assert stream.status_code == 200
    assert (await session.get("/api/no/such/route")).status_code == 404
    refused = await session.get(f"{V1}/repos")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("path", [f"{V1}/repos", "/api/settings", "/api/models"])
async def test_anonymous_request_is_redirected_to_login(anonymous: httpx.AsyncClient, path: str) -> None:
    assert (await anonymous.get(path)).headers["location"].startswith("/login?next=")


async def test_anonymous_request_passes_public_routes(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/api/auth/user")).json() == {"user": None}
    assert (await anonymous.get("/.well-known/openid-configuration")).status_code == 404
    assert (await anonymous.get("/anything.svg")).status_code == 404


async def test_login_gate_accepts_any_bearer_on_v1_only(
    anonymous: httpx.AsyncClient,
) -> None:
    for bearer in ("Bearer mog_wrong", "Bearer abcdef"):
        headers = {"Authorization": bearer}
        assert (await anonymous.get(f"{V1}/repos", headers=headers)).status_code == 401
        assert (await anonymous.get(f"{V1}/nowhere", headers=headers)).status_code == 404
        assert (await anonymous.get(f"{V1}/runs", headers=headers)).status_code == 405
    assert (await anonymous.get("/api/models", headers={"Authorization": "Bearer mog_x"})).status_code == 200
    assert (await anonymous.get("/api/models", headers={"Authorization": "Bearer abc"})).status_code == 307
    lower = {"Authorization": "bearer mog_x"}
    assert (await anonymous.get(f"{V1}/repos", headers=lower)).status_code == 307


async def test_login_redirect_keeps_query_and_marks_expired_session(
    server: PlaneServer, anonymous: httpx.AsyncClient
) -> None:
    answer = await anonymous.get("/api/repos?q=a%20b", headers={"Referer": f"{server.base_url}/projects"})
    assert answer.headers["location"] == "/login?expired=true&next=%2Fapi%2Frepos%3Fq%3Da%2Bb"
    elsewhere = await anonymous.get("/api/repos", headers={"Referer": "https://elsewhere.dev/"})
    assert elsewhere.headers["location"] == "/login?next=%2Fapi%2Frepos"


@pytest.mark.parametrize("path", [f"{V1}/repos/", "/api/auth/user/", "/api/nowhere/"])
async def test_trailing_slash_redirects_before_credential_check(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    answer = await anonymous.get(f"{path}?limit=2")
    assert (answer.status_code, answer.headers["location"]) == (308, f"{path[:-1]}?limit=2")


async def test_slash_path_never_redirects_to_other_host(
    server: PlaneServer, anonymous: httpx.AsyncClient
) -> None:
    answer = await anonymous.get(f"{server.base_url}//x//elsewhere.dev/")
    assert answer.headers["location"] == "/x//elsewhere.dev"


async def test_www_redirects_to_bare_host(server: PlaneServer, anonymous: httpx.AsyncClient) -> None:
    host = server.base_url.removeprefix("http://")
    answer = await anonymous.get("/api/models?x=1", headers={"Host": f"www.{host}"})
    assert (answer.status_code, answer.headers["location"]) == (308, f"{server.base_url}/api/models?x=1")


@pytest.mark.parametrize("path", ["/api/cron/sync-models", "/api/jobs/process", "/api/agent/review"])
async def test_machine_path_without_configured_secret_is_503(session: httpx.AsyncClient, path: str) -> None:
    answer = await session.get(path)
    assert (answer.status_code, answer.json()) == (503, {"error": "CRON_SECRET_NOT_CONFIGURED"})


async def test_machine_path_needs_secret_and_bypass_needs_own(clock: ManualClock) -> None:
    settings = SETTINGS._replace(cron_secret="tick", bypass_secret="past")
    async with (
        PlaneServer(settings, clock=clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as anonymous,
    ):
        refused = await anonymous.get("/api/cron/nothing", headers={"Authorization": "Bearer tock"})
        assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
        passed = await anonymous.get("/api/cron/nothing", headers={"Authorization": "Bearer tick"})
        assert passed.status_code == 404
        assert (
            await anonymous.get("/api/nowhere", headers={"x-mogplex-e2e-auth": "past"})
        ).status_code == 404
        assert (await anonymous.get("/api/nowhere", headers={"x-mogplex-e2e-auth": "no"})).status_code == 307


async def test_worker_reaches_sandbox_routes_for_profile(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    headers = {
        "Authorization": f"Bearer {internal_secret(server.plane)}",
        "X-Delegated-User-Id": factory.user,
    }
    assert (await anonymous.get("/api/sandbox/nowhere/at/all", headers=headers)).status_code == 404
    assert (await anonymous.get("/api/repos", headers=headers)).status_code == 307
    wrong = headers | {"Authorization": "Bearer abc"}
    assert (await anonymous.get("/api/sandbox/nowhere/at/all", headers=wrong)).status_code == 307


async def test_redirected_request_does_not_count_for_token(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for _ in range(65):
        assert (await client.get("/api/repos")).status_code == 307
    assert (await client.get(f"{V1}/repos")).status_code == 200
