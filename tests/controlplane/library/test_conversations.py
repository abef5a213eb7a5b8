"""/api/conversations (library.md §12)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.library.library_rows import stranger
from tests.controlplane.row_factory import RowFactory

CONVERSATIONS = "/api/conversations"
SAID = [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Grüße"}]}]


async def put(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.put(CONVERSATIONS, json=body)


async def made(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await put(client, **body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["ok"] is True
    row: dict[str, Any] = answer.json()["conversation"]
    return row


async def test_anonymous_request_is_refused(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get(CONVERSATIONS)).json() == {"error": "Unauthorized"}


async def test_first_write_fills_in_missing_fields(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.clock.us += 1_234
    row = await made(client, id="pane/1 ü", expected_updated_at=None, user_id="somebody", surprise=1)
    assert row == {
        "id": "pane/1 ü",
        "user_id": factory.user,
        "model": "minimax/minimax-m2.7",
        "mode": "AUTO",
        "title": None,
        "messages": [],
        "local_msgs": [],
        "harness_state": {},
        "created_at": "2026-08-05T10:00:00.001234+00:00",
        "updated_at": "2026-08-05T10:00:00.001+00:00",
    }
    assert (await client.get(CONVERSATIONS, params={"id": "pane/1 ü"})).json() == row


async def test_list_is_newest_first_without_messages(client: httpx.AsyncClient, factory: RowFactory) -> None:
    old = await made(client, id="a", messages=SAID)
    factory.clock.advance(1)
    new = await made(client, id="b", title="Second")
    heavy = ("messages", "local_msgs", "harness_state")
    expected = [{key: value for key, value in row.items() if key not in heavy} for row in (new, old)]
    assert (await client.get(CONVERSATIONS)).json() == expected
    assert (await client.get(f"{CONVERSATIONS}?id=none")).json() is None


async def test_change_requires_the_stored_instant_in_any_notation(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    first = await made(client, id="a", messages=SAID)
    factory.clock.advance(5)
    body = {"id": "a", "expected_updated_at": "2026-08-05T12:00:00+02:00", "title": "T"}
    second = await made(client, **body, harness_state={"codex": {"sessionId": "s"}})
    assert second["messages"] == SAID
    assert second["harness_state"] == {"codex": {"sessionId": "s"}}
    assert (second["title"], second["created_at"]) == ("T", first["created_at"])
    assert second["updated_at"] == "2026-08-05T10:00:05+00:00"
    stale = await put(client, **body)
    assert (stale.status_code, stale.json()) == (409, {"error": "CONFLICT", "conversation": second})
    assert (await put(client, **{**body, "expected_updated_at": second["updated_at"]})).status_code == 200


@pytest.mark.parametrize("seen", [None, ""])
async def test_change_without_instant_conflicts(client: httpx.AsyncClient, seen: str | None) -> None:
    row = await made(client, id="a")
    answer = await put(client, id="a", title="Mine", expected_updated_at=seen)
    assert (answer.status_code, answer.json()) == (409, {"error": "CONFLICT", "conversation": row})


async def test_update_of_missing_row_conflicts_with_null(client: httpx.AsyncClient) -> None:
    answer = await put(client, id="a", expected_updated_at="2026-08-05T10:00:00Z")
    assert (answer.status_code, answer.json()) == (409, {"error": "CONFLICT", "conversation": None})


async def test_invalid_instant_is_database_error(client: httpx.AsyncClient) -> None:
    answer = await put(client, id="a", expected_updated_at="yesterday")
    assert answer.status_code == 500
    assert "yesterday" in answer.json()["error"]


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": 4}])
async def test_id_is_required(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await put(client, **body)
    assert (answer.status_code, answer.json()) == (400, {"error": "Missing id"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", None),
        ("mode", 3),
        ("title", []),
        ("messages", {}),
        ("local_msgs", None),
        ("harness_state", []),
    ],
)
async def test_values_that_a_column_cannot_hold(client: httpx.AsyncClient, name: str, value: Any) -> None:
    answer = await put(client, id="a", **{name: value})
    assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid {name}"})
    assert (await client.get(CONVERSATIONS)).json() == []


async def test_invalid_json_body(client: httpx.AsyncClient) -> None:
    answer = await client.put(CONVERSATIONS, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_a_number_beyond_all_bounds_is_kept_as_null(client: httpx.AsyncClient) -> None:
    body = b'{"id": "a", "messages": [{"weight": -1e999}]}'
    answer = await client.put(CONVERSATIONS, content=body)
    assert answer.json()["conversation"]["messages"] == [{"weight": None}]


async def test_id_of_another_account_is_a_conflict_without_details(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    row = await made(client, id="a", title="Private")
    async with stranger(factory, client) as other:
        for seen in (None, row["updated_at"]):
            answer = await put(other, id="a", title="Theirs", expected_updated_at=seen)
            assert (answer.status_code, answer.json()) == (409, {"error": "CONFLICT", "conversation": None})
        assert (await other.get(f"{CONVERSATIONS}?id=a")).json() is None
        assert (await other.get(CONVERSATIONS)).json() == []
        assert (await other.delete(f"{CONVERSATIONS}?id=a")).json() == {"ok": True}
    assert (await client.get(f"{CONVERSATIONS}?id=a")).json() == row


async def test_transcript_delete_is_idempotent(client: httpx.AsyncClient) -> None:
    await made(client, id="a")
    for _ in range(2):
        assert (await client.delete(f"{CONVERSATIONS}?id=a")).json() == {"ok": True}
    assert (await client.get(CONVERSATIONS)).json() == []
    answer = await client.delete(CONVERSATIONS)
    assert (answer.status_code, answer.json()) == (400, {"error": "Missing id"})
