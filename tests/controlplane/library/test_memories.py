"""/api/memories and its actions (library.md §10)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import DAY_US
from mogplex_tui.controlplane.library.memory_writes import LANES, insert_memory
from tests.controlplane.library.library_rows import UNKNOWN_ID, in_team, stranger, team
from tests.controlplane.row_factory import RowFactory

MEMORIES = "/api/memories"
ACTIONS = f"{MEMORIES}/actions"


def remember(factory: RowFactory, content: str, lane: str = "semantic", **metadata: Any) -> str:
    """Insert a memory that is a second younger than the last one."""
    factory.clock.advance(1)
    with factory.plane.db.transaction() as tx:
        return insert_memory(
            tx, user_id=factory.user, lane=lane, content=content, metadata=metadata, at=factory.clock.us
        )


async def found(client: httpx.AsyncClient, query: str = "", **request: Any) -> list[str]:
    answer = await client.get(f"{MEMORIES}?{query}", **request)
    assert answer.status_code == 200, answer.text
    return [row["content"] for row in answer.json()]


async def test_anonymous_request_is_refused(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get(MEMORIES)).json() == {"error": "Unauthorized"}
    assert (await anonymous.post(ACTIONS, json={})).status_code == 401


async def test_a_memory_is_stored_and_listed_in_its_lane(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    body = {
        "lane": "semantic",
        "content": " Deploys go out on Tuesdays ",
        "metadata": {"weight": 2, "repo_id": "overwritten"},
        "repoId": repo.upper(),
        "source": "console",
        "agent": "",
        "workspaceSessionId": "w",
        "conversationId": "c",
    }
    made = (await client.post(MEMORIES, json=body)).json()
    assert made == {
        "id": made["id"],
        "lane": "semantic",
        "content": " Deploys go out on Tuesdays ",
        "metadata": {"weight": 2, "repo_id": repo, "source": "console"},
        "created_at": "2026-08-05T10:00:00+00:00",
        "updated_at": "2026-08-05T10:00:00+00:00",
    }
    everything = (await client.get(MEMORIES)).json()
    assert everything == {"session": [], "semantic": [made], "episodic": [], "procedural": []}
    assert list(everything) == list(LANES)
    assert (await client.get(f"{MEMORIES}?lane=semantic")).json() == [made]


@pytest.mark.parametrize(
    ("lane", "kept"),
    [
        ("session", {"workspace_session_id": "w", "conversation_id": "c"}),
        ("episodic", {"workspace_session_id": "w"}),
        ("procedural", {}),
    ],
)
async def test_which_places_a_lane_keeps(client: httpx.AsyncClient, lane: str, kept: dict[str, str]) -> None:
    body = {"lane": lane, "content": "x", "workspaceSessionId": "w", "conversationId": "c"}
    assert (await client.post(MEMORIES, json=body)).json()["metadata"] == kept


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"lane": "dreams", "content": ""}, 400, "Invalid lane"),
        ({"lane": None}, 400, "Invalid lane"),
        ({"content": None}, 400, "Content required"),
        ({"content": "", "metadata": []}, 400, "Content required"),
        ({"content": "x" * 16_001, "metadata": []}, 413, "Content exceeds 16000 characters"),
        ({"metadata": ["a"], "repoId": UNKNOWN_ID}, 400, "metadata must be a plain object"),
        ({"metadata": {"a": "x" * 4_089}, "repoId": UNKNOWN_ID}, 400, "metadata exceeds 4096 bytes"),
        ({"metadata": {"a": "x" * 4_080}, "source": "console"}, 400, "metadata exceeds 4096 bytes"),
        ({"repoId": UNKNOWN_ID}, 404, "Repo not found"),
        ({"repoId": "junk"}, 404, "Repo not found"),
        ({"sandboxId": UNKNOWN_ID}, 404, "Sandbox not found"),
        ({"resourceScope": "world"}, 400, "Invalid memory scope"),
        ({"resourceScope": "team"}, 400, "Team memory scope requires an active team"),
    ],
)
async def test_refused_memories(
    client: httpx.AsyncClient, factory: RowFactory, change: dict[str, Any], status: int, text: str
) -> None:
    answer = await client.post(MEMORIES, json={"lane": "semantic", "content": "x", **change})
    assert (answer.status_code, answer.json()) == (status, {"error": text})
    assert factory.plane.db.value("SELECT COUNT(*) FROM memories") == 0


async def test_memory_at_limits_is_accepted(client: httpx.AsyncClient) -> None:
    for content, metadata in (("x" * 16_000, None), ("  ", {"a": "x" * 4_088})):
        body = {"lane": "semantic", "content": content, "metadata": metadata}
        answer = await client.post(MEMORIES, json=body)
        assert (answer.status_code, answer.json()["content"]) == (200, content)


async def test_a_number_beyond_all_bounds_is_kept_as_null(client: httpx.AsyncClient) -> None:
    body = b'{"lane": "semantic", "content": "x", "metadata": {"a": [1e999, 1.5]}}'
    assert (await client.post(MEMORIES, content=body)).json()["metadata"] == {"a": [None, 1.5]}
    assert await found(client, "lane=semantic&repoId=r") == []


async def test_memory_sandbox_must_belong_to_repo(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo, other = factory.repo(), factory.repo("acme/web")
    box = factory.sandbox(repo)
    body = {"lane": "semantic", "content": "x", "sandboxId": box}
    answer = await client.post(MEMORIES, json={**body, "repoId": other})
    assert (answer.status_code, answer.json()) == (400, {"error": "Sandbox does not belong to repo"})
    kept = (await client.post(MEMORIES, json={**body, "repoId": repo})).json()
    assert kept["metadata"] == {"repo_id": repo, "sandbox_id": box}


async def test_invalid_json_body(client: httpx.AsyncClient) -> None:
    for method, path in (("POST", MEMORIES), ("PATCH", MEMORIES), ("POST", ACTIONS)):
        answer = await client.request(method, path, content=b"nope")
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_lane_lists_newest_fifty(client: httpx.AsyncClient, factory: RowFactory) -> None:
    for number in range(51):
        remember(factory, f"note {number}")
    contents = await found(client, "lane=semantic")
    assert contents == [f"note {number}" for number in range(50, 0, -1)]
    assert len((await client.get(MEMORIES)).json()["semantic"]) == 50


async def test_session_lane_has_all_filters_and_other_lanes_two(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    for lane in ("session", "episodic"):
        remember(factory, f"{lane} here", lane, repo_id="r", workspace_session_id="w", conversation_id="c")
        remember(factory, f"{lane} there", lane, repo_id="r", workspace_session_id="v", conversation_id="d")
        remember(factory, f"{lane} elsewhere", lane, repo_id="q")
    for extra in ("workspaceSessionId=w", "conversationId=c"):
        assert await found(client, f"lane=session&repoId=r&{extra}") == ["session here"]
        assert await found(client, f"lane=episodic&repoId=r&{extra}") == ["episodic there", "episodic here"]
    together = (await client.get(f"{MEMORIES}?conversationId=c")).json()
    assert [len(together[lane]) for lane in LANES] == [1, 0, 3, 0]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("lane=dreams", "Invalid lane"),
        ("resourceScope=world", "Invalid memory scope"),
        ("resourceScope=team", "Team memory scope requires an active team"),
    ],
)
async def test_refused_lists(client: httpx.AsyncClient, query: str, text: str) -> None:
    answer = await client.get(f"{MEMORIES}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_a_search_is_literal_and_blind_to_case(client: httpx.AsyncClient, factory: RowFactory) -> None:
    for text in ("Größe ZÄHLT", "100% sure", "1000 sure", "snake_case", "snakeXcase", "back\\slash"):
        remember(factory, text, "episodic")
    assert await found(client, "q=SURE") == ["1000 sure", "100% sure"]
    assert await found(client, "q=0%25 s") == ["100% sure"]
    assert await found(client, "q=e_c") == ["snake_case"]
    assert await found(client, "q=k\\s") == ["back\\slash"]
    assert await found(client, "q=größe zä") == ["Größe ZÄHLT"]
    assert await found(client, "q=sure&lane=semantic") == []


async def test_search_returns_newest_twenty(client: httpx.AsyncClient, factory: RowFactory) -> None:
    for number in range(25):
        remember(factory, f"hit {number}")
    assert await found(client, "q=hit") == [f"hit {number}" for number in range(24, 4, -1)]


async def test_search_without_lane_ignores_scope(client: httpx.AsyncClient, factory: RowFactory) -> None:
    crew = team(factory, "developer")
    remember(factory, "note of the crew", product_team_id=crew)
    remember(factory, "note of mine", repo_id="r")
    query, header = "q=note&resourceScope=team", in_team(crew)
    assert await found(client, query, headers=header) == ["note of mine", "note of the crew"]
    assert await found(client, f"{query}&repoId=r", headers=header) == ["note of mine"]
    assert await found(client, f"{query}&lane=semantic", headers=header) == ["note of the crew"]


async def test_scopes_of_lists_and_writes(client: httpx.AsyncClient, factory: RowFactory) -> None:
    crew = team(factory, "developer")
    body = {"lane": "procedural", "content": "shared", "resourceScope": "team"}
    made = (await client.post(MEMORIES, json=body, headers=in_team(crew))).json()
    assert made["metadata"] == {"product_team_id": crew, "resource_scope": "team"}
    remember(factory, "own", "procedural")
    assert await found(client, "lane=procedural") == ["own", "shared"]
    assert await found(client, "lane=procedural&resourceScope=personal") == ["own"]
    shared = await found(client, "lane=procedural&resourceScope=team", headers=in_team(crew))
    assert shared == ["shared"]
    # Without the team scope the header means nothing here.
    assert await found(client, "lane=procedural", headers=in_team(UNKNOWN_ID)) == ["own", "shared"]


@pytest.mark.parametrize("role", ["viewer", None])
async def test_a_role_without_memories_is_forbidden(
    client: httpx.AsyncClient, factory: RowFactory, role: str | None
) -> None:
    header = in_team(team(factory, role))
    for answer in (
        await client.get(f"{MEMORIES}?resourceScope=team", headers=header),
        await client.post(
            MEMORIES, json={"lane": "session", "content": "x", "resourceScope": "team"}, headers=header
        ),
    ):
        assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})


async def test_change_keeps_metadata_and_updates_time(client: httpx.AsyncClient, factory: RowFactory) -> None:
    memory = remember(factory, "old", source="console")
    factory.clock.advance(60)
    answer = await client.patch(MEMORIES, json={"id": memory, "content": "new", "metadata": {}})
    assert answer.json() == {"ok": True}
    (row,) = (await client.get(f"{MEMORIES}?lane=semantic")).json()
    assert (row["content"], row["metadata"]) == ("new", {"source": "console"})
    assert row["updated_at"] > row["created_at"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"content": "x"}, 400, "Invalid id"),
        ({"id": "junk", "content": "x"}, 400, "Invalid id"),
        ({"id": UNKNOWN_ID}, 400, "Content required"),
        ({"id": UNKNOWN_ID, "content": "x" * 16_001}, 413, "Content exceeds 16000 characters"),
        ({"id": UNKNOWN_ID, "content": "x"}, 404, f"Memory not found: {UNKNOWN_ID}"),
    ],
)
async def test_refused_changes(
    client: httpx.AsyncClient, body: dict[str, str], status: int, text: str
) -> None:
    answer = await client.patch(MEMORIES, json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": text})


async def test_a_memory_is_forgotten_once(client: httpx.AsyncClient, factory: RowFactory) -> None:
    memory = remember(factory, "x")
    assert (await client.delete(f"{MEMORIES}?id={memory}")).json() == {"ok": True}
    again = await client.delete(f"{MEMORIES}?id={memory}")
    assert (again.status_code, again.json()) == (404, {"error": f"Memory not found: {memory}"})
    assert (await client.delete(MEMORIES)).json() == {"error": "Invalid id"}


async def test_foreign_memories_are_like_missing(client: httpx.AsyncClient, factory: RowFactory) -> None:
    memory, repo = remember(factory, "mine"), factory.repo()
    async with stranger(factory, client) as other:
        assert await found(other, "q=mine") == []
        assert (await other.patch(MEMORIES, json={"id": memory, "content": "x"})).status_code == 404
        assert (await other.delete(f"{MEMORIES}?id={memory}")).status_code == 404
        body = {"lane": "semantic", "content": "x", "repoId": repo}
        assert (await other.post(MEMORIES, json=body)).json() == {"error": "Repo not found"}
    assert await found(client, "q=mine") == ["mine"]


async def test_compacting_forgets_old_sessions_alone(client: httpx.AsyncClient, factory: RowFactory) -> None:
    remember(factory, "old session", "session")
    remember(factory, "old fact", "semantic")
    factory.clock.us += 30 * DAY_US
    remember(factory, "fresh session", "session")
    assert (await client.post(ACTIONS, json={"action": "compact"})).json() == {"ok": True}
    left = (await client.get(MEMORIES)).json()
    assert [row["content"] for row in left["session"]] == ["fresh session"]
    assert [row["content"] for row in left["semantic"]] == ["old fact"]


async def test_a_checkpoint_is_a_marked_memory(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    body = {"action": "checkpoint", "lane": "episodic", "label": "before the move", "repoId": repo}
    made = (await client.post(ACTIONS, json=body)).json()
    assert (made["lane"], made["content"]) == ("episodic", "[checkpoint] before the move")
    assert made["metadata"] == {"checkpoint": True, "label": "before the move", "repo_id": repo}
    plain = (await client.post(ACTIONS, json={"action": "checkpoint", "lane": "dreams"})).json()
    assert plain["lane"] == "session"
    assert plain["content"] == "[checkpoint] 2026-08-05T10:00:00.000Z"


@pytest.mark.parametrize("body", [{}, {"action": "forget"}, ["compact"]])
async def test_unknown_actions(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post(ACTIONS, content=json.dumps(body))
    assert (answer.status_code, answer.json()) == (400, {"error": "Unknown action"})


@pytest.mark.parametrize("label", [5, "x" * 513])
async def test_labels_that_cannot_be_used(client: httpx.AsyncClient, label: Any) -> None:
    answer = await client.post(ACTIONS, json={"action": "checkpoint", "label": label})
    assert answer.status_code == 400
    assert "512" in answer.json()["error"]
