"""Access to the sandbox routes, and their answers about an unknown sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.http.worker_credentials import internal_secret
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import BOX, team

# Method, path behind the id, a body that gets as far as the look-up, and the text of a missing sandbox.
ROUTES: list[tuple[str, str, Any, str]] = [
    ("GET", "", None, "Not found"),
    ("DELETE", "", None, "Sandbox not found"),
    ("POST", "/exec", {"command": "ls"}, "Not found"),
    ("POST", "/exec/cancel", {"cmdId": "cmd_1"}, "Not found"),
    ("POST", "/extend", {"minutes": 5}, "Not found"),
    ("GET", "/files?path=README.md", None, "Not found"),
    ("PUT", "/files", {"path": "a", "content": "b"}, "Not found"),
    ("POST", "/files", {}, "Not found"),
    ("GET", "/tree", None, "Not found"),
    ("POST", "/tree", {"kind": "file", "path": "a"}, "Not found"),
    ("PATCH", "/tree", {}, "Not found"),
    ("DELETE", "/tree", {"path": "a"}, "Not found"),
    ("GET", "/health", None, "Not found"),
    ("POST", "/reconcile", None, "Not found"),
    ("POST", "/pause", None, "Sandbox not found"),
    ("POST", "/resume", None, "Sandbox not found"),
    ("POST", "/restart", None, "Sandbox not found"),
    ("POST", "/stop", None, "Sandbox not found"),
    ("POST", "/presence", {"event": "attach", "tabId": "t", "sessionId": "s"}, "Sandbox not found"),
    ("POST", "/harness", {"harness": "codex", "prompt": "x"}, "Not found"),
    ("POST", "/terminal/session", {"action": "kill"}, "Not found"),
]


@pytest.mark.parametrize(("method", "path", "body", "text"), ROUTES)
async def test_another_accounts_sandbox_is_like_none(
    client: httpx.AsyncClient, factory: RowFactory, method: str, path: str, body: Any, text: str
) -> None:
    other = factory.profile("jo")
    box = factory.sandbox(factory.repo(user_id=other), user_id=other)
    before = factory.row("sandboxes", box)
    for record_id in (box, "00000000-0000-4000-8000-000000000000", "not-a-uuid"):
        answer = await client.request(method, f"{BOX}/{record_id}{path}", json=body)
        assert (answer.status_code, answer.json()) == (404, {"error": text})
    assert factory.row("sandboxes", box) == before


@pytest.mark.parametrize(
    ("method", "path", "body", "text"), [*ROUTES, ("GET", "/terminal/connect", None, "")]
)
async def test_anonymous_request_is_unauthorized(
    anonymous: httpx.AsyncClient, factory: RowFactory, method: str, path: str, body: Any, text: str
) -> None:
    box = factory.sandbox(factory.repo())
    for headers in ({}, {"Authorization": "Bearer mog_nope"}, {"X-Delegated-User-Id": factory.user}):
        answer = await anonymous.request(method, f"{BOX}/{box}{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"}), text


async def test_session_and_read_only_token_have_full_access(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    for headers in ({"Authorization": f"Bearer {server.read_only_token}"}, {"Cookie": server.session_cookie}):
        box = factory.sandbox(repo)
        answer = await anonymous.post(f"{BOX}/{box}/stop", headers=headers)
        assert answer.json()["sandbox"]["runtime_summary"]["status"] == "stopped"


async def test_worker_acts_for_profile(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    other = factory.profile("jo")
    box = factory.sandbox(factory.repo(user_id=other), user_id=other)
    secret = f"Bearer {internal_secret(server.plane)}"
    good = {"Authorization": secret, "X-Delegated-User-Id": other}
    assert (await anonymous.get(f"{BOX}/{box}", headers=good)).status_code == 200
    mine = {**good, "X-Delegated-User-Id": factory.user}
    assert (await anonymous.get(f"{BOX}/{box}", headers=mine)).status_code == 404
    for bad in (
        {**good, "Authorization": secret + "0"},
        {**good, "Authorization": secret.lower()},
        {**good, "X-Delegated-User-Id": "00000000-0000-4000-8000-000000000000"},
        {"Authorization": secret},
    ):
        assert (await anonymous.get(f"{BOX}/{box}", headers=bad)).status_code == 401
    assert (await anonymous.get("/api/repos", headers=good)).status_code != 200


@pytest.mark.parametrize(
    ("method", "path", "capability"),
    [
        ("DELETE", "", "tools.bash"),
        ("POST", "/exec", "tools.bash"),
        ("POST", "/exec/cancel", "tools.bash"),
        ("PUT", "/files", "tools.write_file"),
        ("POST", "/files", "tools.bash"),
        ("POST", "/tree", "tools.write_file"),
        ("PATCH", "/tree", "tools.write_file"),
        ("DELETE", "/tree", "tools.write_file"),
        ("POST", "/pause", "tools.bash"),
        ("POST", "/resume", "tools.bash"),
        ("POST", "/restart", "tools.bash"),
        ("POST", "/stop", "tools.bash"),
        ("POST", "/harness", "tools.bash"),
        ("POST", "/terminal/connect", "tools.bash"),
        ("POST", "/terminal/session", "tools.bash"),
    ],
)
async def test_viewer_is_read_only(
    client: httpx.AsyncClient, factory: RowFactory, method: str, path: str, capability: str
) -> None:
    box = factory.sandbox(factory.repo())
    headers = {"x-mogplex-team-id": team(factory, "viewer")}
    answer = await client.request(method, f"{BOX}/{box}{path}", json={}, headers=headers)
    text = f"Your team role does not allow this sandbox operation ({capability})."
    assert (answer.status_code, answer.json()) == (403, {"error": text})
    assert (await client.get(f"{BOX}/{box}/health", headers=headers)).status_code == 200


async def test_non_uuid_team_header_is_personal_scope(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    for text in ("", "acme"):
        answer = await client.post(f"{BOX}/{box}/pause", headers={"x-mogplex-team-id": text})
        assert answer.status_code in (200, 400)
        listed = await client.get(BOX, headers={"x-mogplex-team-id": text})
        assert len(listed.json()["sandboxes"]) == 1


async def test_a_list_for_a_strangers_team_is_forbidden(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    answer = await client.get(BOX, headers={"x-mogplex-team-id": "00000000-0000-4000-8000-000000000000"})
    assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})


@pytest.mark.parametrize("path", ["/exec", "/exec/cancel", "/extend", "/files"])
async def test_invalid_json_is_refused_and_null_is_500(
    client: httpx.AsyncClient, factory: RowFactory, path: str
) -> None:
    box = factory.sandbox(factory.repo())
    answer = await client.post(f"{BOX}/{box}{path}", content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})
    answer = await client.post(f"{BOX}/{box}{path}", content=b"null")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", ""), ("POST", ""), ("GET", "/exec"), ("GET", "/stop"), ("DELETE", "/files")],
)
async def test_other_methods_are_405(
    client: httpx.AsyncClient, factory: RowFactory, method: str, path: str
) -> None:
    box = factory.sandbox(factory.repo())
    answer = await client.request(method, f"{BOX}/{box}{path}")
    assert (answer.status_code, answer.content) == (405, b"")
