"""Variables of a Vercel project, disabled on both paths (projects.md §4.9 and §6)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.projects.project_rows import UNKNOWN_ID
from tests.controlplane.row_factory import RowFactory

OFF = "Vercel project environment variables require an API-capable Vercel integration and are not available."
PATH = f"{V1}/repos/{UNKNOWN_ID}/env-vars"
GOOD = {"key": "A_1", "value": "x", "target": ["preview"], "type": "plain"}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_env_var_methods_are_disabled_after_repo_check(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory, method: str
) -> None:
    path = f"/api/repos/{factory.repo()}/env-vars"
    answer = await client.request(method, path, content=b"{")
    assert answer.status_code == 501
    assert answer.json() == {"error": "VERCEL_INTEGRATION_REQUIRED", "message": OFF}
    missing = await stranger.request(method, path)
    assert (missing.status_code, missing.json()) == (404, {"error": "NOT_FOUND"})


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("GET", None),
        ("POST", GOOD),
        ("POST", {"key": " k ", "value": ""}),
        ("DELETE", {"key": "1 any"}),
    ],
)
async def test_v1_env_vars_are_disabled_for_unknown_repo(
    client: httpx.AsyncClient, method: str, body: Any
) -> None:
    answer = await client.request(method, PATH, json=body)
    assert answer.status_code == 501
    assert answer.json() == {"ok": False, "error": {"code": "SERVICE_UNAVAILABLE", "message": OFF}}


@pytest.mark.parametrize(
    ("method", "content", "message"),
    [
        ("POST", b"", "Invalid JSON body"),
        ("DELETE", b"{", "Invalid JSON body"),
        ("POST", b"[]", "body: Expected object, received array"),
        ("POST", b"null", "body: Expected object, received null"),
        ("POST", b"{}", "key: Required; value: Required"),
        ("DELETE", b"{}", "key: Required"),
        ("DELETE", b'{"key":"a","zz":1}', "body: Unrecognized key(s) in object: 'zz'"),
        (
            "POST",
            b'{"key":"1a","value":"x"}',
            "key: key must contain only letters, digits, and underscores and not start with a digit",
        ),
        (
            "POST",
            b'{"key":"a","value":"x","target":[]}',
            "target: Array must contain at least 1 element(s)",
        ),
        ("POST", b'{"key":7,"value":true}', "key: Expected string, received number; value: Expected string,"),
        (
            "POST",
            b'{"key":" ","value":""}',
            "key: String must contain at least 1 character(s); key: key must",
        ),
        ("POST", b'{"key":"a","value":"x","target":["moon"]}', "target.0: Invalid enum value."),
        ("POST", b'{"key":"a","value":"x","type":null}', "type: Expected"),
        ("POST", b'{"key":"a","value":"x","target":"preview"}', "target: Expected array, received string"),
    ],
)
async def test_v1_checks_the_body_first(
    client: httpx.AsyncClient, method: str, content: bytes, message: str
) -> None:
    answer = await client.request(method, PATH, content=content)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "BAD_REQUEST"
    assert error["message"].startswith(message)


async def test_v1_lengths_are_bounded(client: httpx.AsyncClient) -> None:
    for body, field in (
        ({"key": "a" * 257, "value": "x"}, "key"),
        ({"key": "a", "value": "x" * 65_537}, "value"),
    ):
        answer = await client.post(PATH, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(f"{field}: String must contain at most ")
    edge = {"key": "a" * 256, "value": "x" * 65_536}
    assert (await client.post(PATH, json=edge)).status_code == 501


async def test_v1_asks_for_a_scope_before_anything_else(
    server: PlaneServer, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    assert (await anonymous.get(PATH)).status_code == 401
    headers = {"Authorization": f"Bearer {factory.token(scopes=('read',))}"}
    assert (await anonymous.get(PATH, headers=headers)).status_code == 501
    for method in ("POST", "DELETE"):
        assert (await anonymous.request(method, PATH, headers=headers, content=b"{")).status_code == 403
