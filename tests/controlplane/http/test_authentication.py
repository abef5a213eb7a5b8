"""Authentication: tokens, scopes, sessions and missing credentials (auth.md §5)."""

from __future__ import annotations

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

SCOPED_READS = ("/agents", "/models", "/automations")
FREE_READS = ("/repos", "/sandboxes")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("header", ["", "Bearer mog_unknown", "bearer {token}", "Bearer  {token}", "Basic x"])
async def test_v1_refuses_invalid_tokens(
    server: PlaneServer, anonymous: httpx.AsyncClient, header: str
) -> None:
    # A second space would be eaten by the parser of the header, not by the plane: put it inside.
    value = header.format(token=server.token).replace("Bearer  ", "Bearer x ")
    answer = await anonymous.get(f"{V1}/repos", headers={"Authorization": value} if header else {})
    assert answer.status_code == 401
    assert answer.json() == {"ok": False, "error": {"code": "UNAUTHORIZED", "message": "Unauthorized"}}
    assert answer.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{server.base_url}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"'
    )


async def test_v1_refuses_session_cookie(server: PlaneServer, anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get(f"{V1}/repos", headers={"Cookie": server.session_cookie})
    assert answer.status_code == 401


async def test_expired_and_revoked_tokens_are_dead(
    factory: RowFactory, clock: ManualClock, anonymous: httpx.AsyncClient
) -> None:
    lasting = factory.token(expires_at=clock.us + 60 * SECOND_US)
    revoked = factory.token(revoked_at=clock.us)
    assert (await anonymous.get(f"{V1}/repos", headers=bearer(lasting))).status_code == 200
    assert (await anonymous.get(f"{V1}/repos", headers=bearer(revoked))).status_code == 401
    clock.advance(61)
    assert (await anonymous.get(f"{V1}/repos", headers=bearer(lasting))).status_code == 401


async def test_a_read_only_token_reads_and_cannot_write(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    headers = bearer(server.read_only_token)
    for path in (*SCOPED_READS, *FREE_READS):
        assert (await anonymous.get(V1 + path, headers=headers)).status_code == 200, path
    run = factory.run(factory.repo())
    for path in ("/runs", f"/runs/{run}/cancel"):
        answer = await anonymous.post(V1 + path, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"] == {
            "code": "FORBIDDEN",
            "message": "Missing required scope: write. Issue a new token with the 'write' scope at"
            " /settings/api-keys.",
        }


async def test_write_only_token_reads_routes_without_scope(
    anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    headers = bearer(factory.token(scopes=("write",)))
    run = factory.run(factory.repo())
    for path in (*FREE_READS, f"/runs/{run}", f"/runs/{run}/events"):
        assert (await anonymous.get(V1 + path, headers=headers)).status_code == 200, path
    for path in SCOPED_READS:
        answer = await anonymous.get(V1 + path, headers=headers)
        assert answer.status_code == 403
        assert "Missing required scope: read." in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/settings",
        "/api/observability/stats",
        "/api/observability/calls",
        "/api/observability/jobs",
        "/api/observability/tool-calls",
        "/api/realtime/events?tables=ai_calls",
    ],
)
async def test_unversioned_routes_need_credential(anonymous: httpx.AsyncClient, path: str) -> None:
    answer = await anonymous.get(path)
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert "retry-after" not in answer.headers


async def test_unversioned_routes_accept_token_or_session(
    server: PlaneServer, anonymous: httpx.AsyncClient
) -> None:
    for headers in (
        bearer(server.token),
        bearer(server.read_only_token),
        {"Cookie": server.session_cookie},
        {"Cookie": f"other=1; {server.session_cookie}"},
        # A bad token beside a good session is not an error.
        {"Cookie": server.session_cookie, **bearer("mog_wrong")},
    ):
        assert (await anonymous.get("/api/observability/stats", headers=headers)).status_code == 200
    patched = await anonymous.patch(
        "/api/settings", json={"theme": "light"}, headers=bearer(server.read_only_token)
    )
    assert patched.json() == {"ok": True}


async def test_token_wins_over_session(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    other = factory.profile("jonas")
    both = {"Cookie": server.session_cookie, **bearer(factory.token(other))}
    assert (await anonymous.get("/api/auth/user", headers=both)).json()["user"]["id"] == other


async def test_optional_routes_accept_anonymous_requests(
    anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    factory.model("acme/nova-1")
    factory.model("acme/retired", is_available=0)
    for headers in ({}, bearer("mog_wrong"), {"Cookie": "better-auth.session_token=wrong"}):
        assert (await anonymous.get("/api/auth/user", headers=headers)).json() == {"user": None}
        models = (await anonymous.get("/api/models", headers=headers)).json()
        assert [model["id"] for model in models["models"]] == ["acme/nova-1"]
        assert models["catalog"] == models["models"]
        assert "default_model" not in models
        assert "is_enabled" not in models["models"][0]
    assert (await anonymous.patch("/api/models", json={})).status_code == 401


async def test_foreign_rows_do_not_exist(client: httpx.AsyncClient, factory: RowFactory) -> None:
    other = factory.profile("jonas")
    repo = factory.repo("fjord/tide", user_id=other)
    call = factory.call(user_id=other, repo_id=repo)
    run = factory.run(repo, call, user_id=other)
    sandbox = factory.sandbox(repo, user_id=other)
    flow = factory.flow(user_id=other)
    job = factory.job(flow, repo)
    for method, path in (
        ("GET", f"{V1}/runs/{run}"),
        ("GET", f"{V1}/runs/{run}/events"),
        ("POST", f"{V1}/runs/{run}/cancel"),
        ("GET", f"{V1}/sandboxes/{sandbox}/logs"),
        ("GET", f"{V1}/automations/{flow}"),
        ("GET", f"{V1}/automations/{flow}/runs"),
        ("GET", f"{V1}/automations/{flow}/runs/{job}"),
        ("GET", f"/api/observability/call-events?ai_call_id={call}"),
        ("POST", f"/api/observability/calls/{call}/cancel"),
        ("GET", f"/api/observability/jobs/{job}"),
        ("POST", f"/api/observability/jobs/{job}/cancel"),
    ):
        assert (await client.request(method, path)).status_code == 404, path
    for path, key in (
        (f"{V1}/repos", "repos"),
        (f"{V1}/sandboxes", "sandboxes"),
        (f"{V1}/automations", "automations"),
    ):
        assert (await client.get(path)).json()["data"][key] == []
    assert (await client.get("/api/observability/calls")).json()["total"] == 0
    assert (await client.get("/api/observability/jobs")).json()["total"] == 0
    assert (await client.get("/api/observability/stats")).json()["summary"]["total_calls"] == 0
    assert factory.row("ai_calls", call)["control_state"] == "active"
