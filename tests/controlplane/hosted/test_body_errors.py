"""Bodies that the hosted service's database refuses are a 500 in its profile only."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.hosted import defects
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

NONE = "00000000-0000-4000-8000-000000000000"
SKILL = {"name": "n", "content": "c"}
COLUMN = 'column "{}" of relation "{}" does not exist'
NULL = 'null value in column "{}" of relation "{}" violates not-null constraint'
CAST = 'invalid input syntax for type uuid: "junk"'


class RefusedBody(NamedTuple):
    """A request, the hosted service's message and the documented profile's status."""

    method: str
    path: str
    body: Any
    told: str
    documented: int


SENT = (
    # Whole bodies into tables (library.md, "Mass assignment").
    RefusedBody("POST", "/api/skills", {**SKILL, "zz": 1}, COLUMN.format("zz", "skills"), 200),
    RefusedBody("POST", "/api/rules", {"name": "n", "zz": 1}, COLUMN.format("zz", "agent_rules"), 200),
    RefusedBody(
        "POST",
        "/api/commands",
        {"name": "n", "template": "t", "zz": 1},
        COLUMN.format("zz", "custom_commands"),
        200,
    ),
    RefusedBody(
        "PUT", "/api/conversations", {"id": "talk", "zz": 1}, COLUMN.format("zz", "conversations"), 200
    ),
    # Rows that lack something, or have a bad word (library.md §6.1, §7, §11).
    RefusedBody("POST", "/api/skills", {"name": "n"}, NULL.format("content", "skills"), 400),
    RefusedBody("POST", "/api/skills", {**SKILL, "type": "zz"}, "violates check constraint", 400),
    RefusedBody("POST", "/api/rules", {"content": "c"}, NULL.format("name", "agent_rules"), 400),
    RefusedBody("POST", "/api/commands", {"name": "n"}, NULL.format("template", "custom_commands"), 400),
    # Updates that find no row (identity.md §1.6, library.md §1.3, projects.md §3.5).
    RefusedBody("PUT", "/api/skills", {"id": NONE, "name": "n"}, defects.NO_ROW, 404),
    RefusedBody("PUT", "/api/rules", {"name": "n"}, defects.NO_ROW, 404),
    RefusedBody("PUT", "/api/agents", {"id": NONE, "name": "n"}, defects.NO_ROW, 404),
    RefusedBody("PUT", "/api/agents", {"id": "junk", "name": "n"}, CAST, 404),
    RefusedBody("PATCH", "/api/repos", {"id": NONE, "is_hidden": True}, defects.NO_ROW, 404),
)


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: f"{sent.method} {sent.path} {sorted(sent.body)}")
async def test_row_refused_by_database_is_500_without_change(
    server: PlaneServer, session: httpx.AsyncClient, sent: RefusedBody
) -> None:
    before = _rows(server)
    answer = await session.request(sent.method, sent.path, json=sent.body)
    assert (answer.status_code, list(answer.json())) == (500, ["error"]), answer.text
    assert sent.told in answer.json()["error"]
    assert _rows(server) == before


async def test_documented_profile_names_invalid_field(clock: ManualClock) -> None:
    async with PlaneServer(Settings(speed=0, seeded=False), clock=clock) as documented:
        cookie = {"Cookie": documented.session_cookie}
        async with httpx.AsyncClient(base_url=documented.base_url, headers=cookie) as client:
            for sent in SENT:
                answer = await client.request(sent.method, sent.path, json=sent.body)
                assert answer.status_code == sent.documented, (sent, answer.text)


def _rows(server: PlaneServer) -> list[list[tuple[Any, ...]]]:
    tables = ("skills", "agent_rules", "custom_commands", "conversations", "agents", "repos")
    return [[tuple(row) for row in server.plane.db.all(f"SELECT * FROM {table}")] for table in tables]


async def test_valid_body_is_stored_with_all_table_columns(session: httpx.AsyncClient) -> None:
    made = await session.post("/api/skills", json={**SKILL, "tags": ["a"], "is_public": True, "model": None})
    assert made.status_code == 200
    skill = made.json()
    # What an answer has beside its columns must not be sent back.
    assert (await session.put("/api/skills", json=skill)).status_code == 500
    del skill["scope"]
    changed = await session.put("/api/skills", json={**skill, "name": "other"})
    assert (changed.status_code, changed.json()["name"]) == (200, "other")
    legacy = {"table": "agent_skills", "name": "n", "content": "c", "type": "skills"}
    assert (await session.post("/api/rules", json=legacy)).status_code == 200
    talk: dict[str, Any] = {"id": "talk", "expected_updated_at": None, "messages": [], "title": "t"}
    assert (await session.put("/api/conversations", json=talk)).status_code == 200
    missing = await session.put("/api/conversations", json={"title": "t"})
    assert (missing.status_code, missing.json()) == (400, {"error": "Missing id"})


async def test_agent_update_without_columns_is_500(session: httpx.AsyncClient, factory: RowFactory) -> None:
    agent = factory.agent()
    for body in ({"id": agent}, {"id": agent, "slug": "mine"}):
        assert (await session.put("/api/agents", json=body)).status_code == 500
    assert (await session.put("/api/agents", json={"id": agent, "name": "Mine"})).status_code == 200


async def test_unguarded_parse_error_is_empty_500(
    session: httpx.AsyncClient,
) -> None:
    for methods, path in defects.UNGUARDED:
        for method in methods.split(","):
            for body in (b"{", b"null"):
                where = path.replace("{*}", NONE)
                answer = await session.request(method, where, content=body)
                by_secret = where in ("/api/jobs/process", "/api/agent/review")
                expected = (503, False) if by_secret else (500, True)
                assert (answer.status_code, answer.content == b"") == expected, (method, where)


@pytest.mark.parametrize("body", [b"{", b""])
async def test_connections_and_servers_that_are_not_json_are_a_500(
    session: httpx.AsyncClient, body: bytes
) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        answer = await session.request(method, "/api/connections", content=body)
        assert (answer.status_code, answer.json()) == (500, {"error": defects.NO_JSON})
    for method, path in (("POST", "/api/mcp-servers"), ("PATCH", f"/api/mcp-servers/{NONE}")):
        answer = await session.request(method, path, content=body)
        assert (answer.status_code, answer.content) == (500, b"")
    null = await session.post("/api/mcp-servers", content=b"null")
    assert (null.status_code, null.json()["code"]) == (400, "INVALID_MCP_SERVER")


async def test_trigger_with_non_uuid_repo_is_500(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    flow = factory.flow()

    async def trigger(automation: str, repo: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {server.token}", "Idempotency-Key": "k"}
        path = f"{V1}/automations/{automation}/trigger"
        answer = await anonymous.post(path, headers=headers, json={"repoId": repo})
        error = answer.json()["error"]
        return answer.status_code, f"{error['code']} {error['message']}"

    assert await trigger(flow, "junk") == (500, "INTERNAL_ERROR Failed to trigger automation")
    assert await trigger(flow, NONE) == (404, "NOT_FOUND Repository not found")
    # What is looked at first is told first.
    assert await trigger(NONE, "junk") == (404, "NOT_FOUND Automation not found")
