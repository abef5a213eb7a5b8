"""Defects of the hosted service, which the documented profile does not have."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.hosted import defects
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.row_factory import RowFactory

CALLS = "/api/observability/calls"
JOBS = "/api/observability/jobs"
NONE = "00000000-0000-4000-8000-000000000000"
FAILED = {"error": "Failed to fetch calls"}


@pytest.fixture
async def owner(server: PlaneServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the account's browser session, and a token for v1."""
    cookie, bearer = {"Cookie": server.session_cookie}, {"Authorization": f"Bearer {server.token}"}

    async def choose(request: httpx.Request) -> None:
        request.headers.update(bearer if request.url.path.startswith(V1) else cookie)

    async with httpx.AsyncClient(base_url=server.base_url, event_hooks={"request": [choose]}) as opened:
        yield opened


def envelope(text: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": "INTERNAL_ERROR", "message": text}}


@pytest.mark.parametrize(
    ("methods", "path", "text"), [(b.methods, b.path, b.text) for b in defects.BAD_IDS], ids=lambda x: x
)
async def test_non_uuid_id_is_500(owner: httpx.AsyncClient, methods: str, path: str, text: str) -> None:
    where = re.sub(r"\{.*?\}", "junk", path.replace("{*}", "members"))
    for method in methods.split(","):
        headers = {"x-mogplex-delivery": "d1", "Idempotency-Key": "k1"}
        body = {"nodeId": "n", "modelId": None, "repoId": NONE, "decision": "deny", "name": "x"}
        answer = await owner.request(method, where, headers=headers, json=body)
        if answer.status_code == 405 and path.endswith("{*}"):
            # Not every route below takes every method.
            continue
        assert answer.status_code == 500, answer.text
        if not text:
            assert answer.content == b"" and "content-type" not in answer.headers
            continue
        said = text.replace("{id}", "junk").replace("{incident}", "JUNK")
        if path.startswith(V1):
            assert answer.json() == envelope(said)
        else:
            assert answer.json()["error"] == said


async def test_unknown_uuid_is_404_and_invalid_token_401(
    owner: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    assert (await owner.get(f"{V1}/runs/{NONE}")).status_code == 404
    wrong = {"Authorization": "Bearer mog_wrong"}
    assert (await anonymous.get(f"{V1}/runs/junk", headers=wrong)).status_code == 401


async def test_automations_have_a_first_page_only(owner: httpx.AsyncClient, factory: RowFactory) -> None:
    for at in (1, 2, 3):
        factory.flow(created_at=at)
    first = await owner.get(f"{V1}/automations?limit=2")
    cursor = first.json()["data"]["nextCursor"]
    second = await owner.get(f"{V1}/automations", params={"limit": 2, "cursor": cursor})
    assert (second.status_code, second.json()) == (500, envelope("Failed to list automations"))
    assert (await owner.get(f"{V1}/automations?cursor=")).status_code == 200
    assert (await owner.get(f"{V1}/automations?cursor=x")).status_code == 400


async def test_mcp_operation_has_the_defects_of_its_route(
    owner: httpx.AsyncClient, factory: RowFactory
) -> None:
    for at in (1, 2):
        factory.flow(created_at=at)
    cursor = (await owner.get(f"{V1}/automations?limit=1")).json()["data"]["nextCursor"]

    async def listed(**arguments: Any) -> dict[str, Any]:
        given = {"name": "mogplex_list_automations", "arguments": arguments}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": given}
        found: dict[str, Any] = (await owner.post(f"{V1}/mcp", json=asked)).json()["result"]
        return found

    assert len((await listed(limit=1))["structuredContent"]["automations"]) == 1
    refused = await listed(limit=1, cursor=cursor)
    assert refused["isError"] and refused["structuredContent"]["error"]["status"] == 500


@pytest.mark.parametrize("query", ["surface=cloud", "page=abc", "repo_id=junk"])
async def test_some_lists_of_calls_are_a_500(owner: httpx.AsyncClient, query: str) -> None:
    answer = await owner.get(f"{CALLS}?{query}")
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert (await owner.get(f"{CALLS}?surface=cli&page=1")).status_code == 200


async def test_non_numeric_limit_returns_all_calls(owner: httpx.AsyncClient, factory: RowFactory) -> None:
    for _ in range(120):
        factory.call()
    body = (await owner.get(f"{CALLS}?limit=abc")).json()
    assert (len(body["calls"]), body["total"], body["page"], body["limit"]) == (120, 120, 1, None)
    assert (await owner.get(f"{CALLS}?limit=5abc")).json()["limit"] == 5


async def test_search_is_empty_and_repo_by_name_is_500(owner: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.repo("acme/payments")
    factory.call(model="acme/nova-1")
    found = (await owner.get(f"{CALLS}?q=nova")).json()
    assert (found["calls"], found["total"], found["limit"]) == ([], 0, 50)
    named = await owner.get(f"{CALLS}?q=Payments")
    assert (named.status_code, named.json()) == (500, FAILED)
    assert (await owner.get(f"{CALLS}?q=p")).json()["total"] == 1


@pytest.mark.parametrize(("query", "nulls"), [("page=x", {"page"}), ("limit=x&page=y", {"page", "limit"})])
async def test_a_list_paged_in_memory_gives_no_rows_and_nulls(
    owner: httpx.AsyncClient, factory: RowFactory, query: str, nulls: set[str]
) -> None:
    factory.job(factory.flow())
    body = (await owner.get(f"{JOBS}?{query}")).json()
    assert (body["jobs"], body["total"]) == ([], 1)
    assert {key for key, value in body.items() if value is None} == nulls


async def test_assignment_routes_are_410_after_login_gate(
    owner: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    answer = await owner.post("/api/assignments", content=b"{")
    assert (answer.status_code, answer.json()) == (410, {"error": defects.GONE.text})
    assert (await anonymous.post("/api/assignments")).status_code == 307


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_trigger_is_checked_and_then_not_stored(
    server: PlaneServer, owner: httpx.AsyncClient, factory: RowFactory, method: str
) -> None:
    agent = factory.agent()
    with server.plane.db.transaction() as tx:
        tx.insert(
            "github_installations",
            id=tx.new_id(),
            user_id=factory.user,
            installation_id=88,
            account_login="acme",
            created_at=1,
        )
        trigger = tx.new_id()
        tx.insert(
            "triggers",
            id=trigger,
            user_id=factory.user,
            installation_id=88,
            agent_id=agent,
            event="push",
            created_at=1,
        )
    before = [dict(row) for row in server.plane.db.all("SELECT * FROM triggers")]
    refused = await owner.request(method, "/api/triggers", json={})
    assert refused.status_code == 400
    body = {"id": trigger, "enabled": False, "installation_id": 88, "agent_id": agent, "event": "push"}
    answer = await owner.request(method, "/api/triggers", json=body)
    assert answer.status_code == 500 and answer.json()["error"]
    assert [dict(row) for row in server.plane.db.all("SELECT * FROM triggers")] == before


@pytest.mark.parametrize("body", [b"{", b"null"])
async def test_invalid_json_is_empty_500_without_change(
    server: PlaneServer, owner: httpx.AsyncClient, factory: RowFactory, body: bytes
) -> None:
    before = factory.row("profiles", factory.user)
    answer = await owner.patch("/api/settings", content=body)
    assert (answer.status_code, answer.content) == (500, b"")
    assert factory.row("profiles", factory.user) == before
    good = await owner.patch("/api/settings", content=json.dumps({"theme": "light"}))
    assert (good.status_code, factory.row("profiles", factory.user)["theme"]) == (200, "light")


async def test_invalid_json_without_a_credential_is_unauthorized(anonymous: httpx.AsyncClient) -> None:
    wrong = {"Authorization": "Bearer mog_wrong"}
    answer = await anonymous.patch("/api/settings", content=b"{", headers=wrong)
    assert answer.status_code == 401


async def test_export_fails_with_secret_of_server(
    server: PlaneServer, owner: httpx.AsyncClient, factory: RowFactory
) -> None:
    exports = ("/api/mcp-servers?format=cli", f"{V1}/mcp/servers")
    for where in exports:
        assert (await owner.get(where)).status_code == 200
    with server.plane.db.transaction() as tx:
        tx.insert(
            "user_mcp_servers",
            id=tx.new_id(),
            user_id=factory.user,
            name="files",
            transport="stdio",
            command="files",
            env_secrets=json.dumps({"KEY": "x"}),
            created_at=1,
            updated_at=1,
        )
    first, second = [await owner.get(where) for where in exports]
    assert (first.status_code, second.status_code) == (500, 500)
    assert second.json() == envelope("Failed to list MCP servers")
    assert (await owner.get("/api/mcp-servers")).status_code == 200


async def test_a_deleted_server_is_gone_and_its_answer_a_404(
    server: PlaneServer, owner: httpx.AsyncClient, factory: RowFactory
) -> None:
    with server.plane.db.transaction() as tx:
        row = tx.new_id()
        tx.insert(
            "user_mcp_servers",
            id=row,
            user_id=factory.user,
            name="files",
            transport="stdio",
            command="files",
            created_at=1,
            updated_at=1,
        )
    answer = await owner.delete(f"/api/mcp-servers/{row}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Server not found"})
    assert server.plane.db.all("SELECT 1 FROM user_mcp_servers") == []
