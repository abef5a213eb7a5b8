"""/api/rules over two tables, and /api/commands (library.md §7 and §11)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.library.library_rows import UNKNOWN_ID, stranger
from tests.controlplane.row_factory import RowFactory

RULES, COMMANDS = "/api/rules", "/api/commands"
TABLES = [None, "agent_rules", "agent_skills", "profiles"]


@pytest.mark.parametrize("path", [RULES, COMMANDS])
async def test_anonymous_request_is_refused(anonymous: httpx.AsyncClient, path: str) -> None:
    assert (await anonymous.get(path)).json() == {"error": "Unauthorized"}


@pytest.mark.parametrize("table", TABLES)
async def test_rule_is_stored_in_named_table(
    client: httpx.AsyncClient, factory: RowFactory, table: str | None
) -> None:
    legacy = table == "agent_skills"
    chosen = {} if table is None else {"table": table}
    row = (await client.post(RULES, json={"name": "style.md", "user_id": UNKNOWN_ID, **chosen})).json()
    assert row == {
        "id": row["id"],
        "user_id": factory.user,
        "name": "style.md",
        "content": "",
        "type": "skills" if legacy else "rules",
        "created_at": "2026-08-05T10:00:00+00:00",
    }
    assert (await client.get(RULES, params=chosen)).json() == [row]
    elsewhere = {} if legacy else {"table": "agent_skills"}
    assert (await client.get(RULES, params=elsewhere)).json() == []
    body = {"id": row["id"], "content": "# Style", "type": "house", **chosen}
    changed = {**row, "content": "# Style", "type": "house"}
    assert (await client.put(RULES, json=body)).json() == changed
    assert (await client.delete(RULES, params={"id": row["id"], **elsewhere})).json() == {"ok": True}
    assert (await client.get(RULES, params=chosen)).json() == [changed]
    assert (await client.delete(RULES, params={"id": row["id"], **chosen})).json() == {"ok": True}
    assert (await client.get(RULES, params=chosen)).json() == []


async def test_names_of_rules_may_repeat(client: httpx.AsyncClient) -> None:
    ids = {(await client.post(RULES, json={"name": "style.md"})).json()["id"] for _ in range(2)}
    assert {row["id"] for row in (await client.get(RULES)).json()} == ids
    assert len(ids) == 2


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}, {"name": "x", "content": 3}])
async def test_a_rule_needs_a_name_and_texts(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await client.post(RULES, json=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert (await client.get(RULES)).json() == []


@pytest.mark.parametrize("rule_id", [None, "junk", UNKNOWN_ID])
async def test_change_of_missing_rule(client: httpx.AsyncClient, rule_id: str | None) -> None:
    answer = await client.put(RULES, json={"id": rule_id, "content": "x"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Rule not found"})


async def test_change_cannot_clear_name(client: httpx.AsyncClient) -> None:
    row = (await client.post(RULES, json={"name": "style.md"})).json()
    assert (await client.put(RULES, json={"id": row["id"], "name": None})).status_code == 400
    assert (await client.put(RULES, json={"id": row["id"]})).json() == row


@pytest.mark.parametrize(("path", "method"), [(RULES, "POST"), (RULES, "PUT"), (COMMANDS, "POST")])
async def test_invalid_json_body(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, path, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


@pytest.mark.parametrize("path", [RULES, COMMANDS])
async def test_delete_needs_id_and_accepts_unknown_id(client: httpx.AsyncClient, path: str) -> None:
    missing = await client.delete(path)
    assert (missing.status_code, missing.json()) == (400, {"error": "Missing id"})
    assert (await client.delete(f"{path}?id={UNKNOWN_ID}")).json() == {"ok": True}
    assert (await client.delete(f"{path}?id=junk")).status_code == 404


async def test_a_command_is_stored_and_listed(client: httpx.AsyncClient, factory: RowFactory) -> None:
    body = {"name": "fix", "template": "Fix $ARGS and add a test", "user_id": UNKNOWN_ID}
    row = (await client.post(COMMANDS, json=body)).json()
    assert row == {
        "id": row["id"],
        "user_id": factory.user,
        "name": "fix",
        "description": "",
        "template": "Fix $ARGS and add a test",
        "created_at": "2026-08-05T10:00:00+00:00",
    }
    again = (await client.post(COMMANDS, json={**body, "description": "Twice"})).json()
    assert again["description"] == "Twice"
    assert sorted(found["id"] for found in (await client.get(COMMANDS)).json()) == sorted(
        (row["id"], again["id"])
    )
    await client.delete(f"{COMMANDS}?id={row['id']}")
    assert (await client.get(COMMANDS)).json() == [again]


@pytest.mark.parametrize(
    "body", [{"name": "fix"}, {"template": "x"}, {"name": "", "template": "x"}, {"name": "a", "template": 1}]
)
async def test_a_command_needs_a_name_and_a_template(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post(COMMANDS, json=body)).status_code == 400
    assert (await client.get(COMMANDS)).json() == []


async def test_a_command_cannot_be_changed(client: httpx.AsyncClient) -> None:
    answer = await client.put(COMMANDS, json={"id": UNKNOWN_ID})
    assert (answer.status_code, answer.content) == (405, b"")


async def test_foreign_rows_are_like_missing(client: httpx.AsyncClient, factory: RowFactory) -> None:
    rule = (await client.post(RULES, json={"name": "style.md"})).json()
    command = (await client.post(COMMANDS, json={"name": "fix", "template": "x"})).json()
    async with stranger(factory, client) as other:
        for path in (RULES, COMMANDS):
            assert (await other.get(path)).json() == []
        assert (await other.put(RULES, json={"id": rule["id"], "content": "x"})).status_code == 404
        assert (await other.delete(f"{RULES}?id={rule['id']}")).json() == {"ok": True}
        assert (await other.delete(f"{COMMANDS}?id={command['id']}")).json() == {"ok": True}
    assert (await client.get(RULES)).json() == [rule]
    assert (await client.get(COMMANDS)).json() == [command]
