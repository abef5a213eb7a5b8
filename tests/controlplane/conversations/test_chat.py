"""Chats over HTTP: the stream, stored rows, endings and quotas (library.md §13)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Plane, Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

CHAT = "/api/chat"
MODEL = "acme/nova-1"


def question(text: str = "How many calls failed?", **more: Any) -> dict[str, Any]:
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"model": MODEL, "messages": [message]} | more


def events_of(text: str) -> list[Any]:
    lines = [line for line in text.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def event_messages(factory: RowFactory) -> list[tuple[str, str]]:
    rows = factory.plane.db.all("SELECT event_type, message FROM ai_call_events ORDER BY seq")
    return [(row["event_type"], row["message"]) for row in rows]


def the_call(plane: Plane) -> dict[str, Any]:
    return dict(plane.db.only("SELECT * FROM ai_calls"))


@pytest.fixture
def model(factory: RowFactory) -> str:
    return factory.model(MODEL, pricing_input=1e-6, pricing_output=2e-6)


async def test_chat_reply_streams_steps_text_and_tools(
    client: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    repo = factory.repo()
    answer = await client.post(CHAT, json=question(repoId=repo, conversationId="pane-1"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    events = events_of(answer.text)
    call = the_call(factory.plane)
    assert events[0] == {"type": "start", "messageMetadata": {"ai_call_id": call["id"]}}
    metadata = {"type": "message-metadata", "messageMetadata": {"ai_call_id": call["id"]}}
    assert all(event == metadata for event in events[2:-1:2])
    finish = {"type": "finish", "finishReason": "stop", "messageMetadata": {"ai_call_id": call["id"]}}
    assert events[-1] == finish
    shown = events[1:-1:2]
    kinds = [event["type"] for event in shown if event["type"] != "text-delta"]
    use = ["tool-input-start", "tool-input-delta", "tool-input-available", "tool-output-available"]
    text = ["text-start", "text-end"]
    assert kinds == ["start-step", *text, *use, *use, "finish-step", "start-step", *text, "finish-step"]
    said = "".join(event["delta"] for event in shown if event["type"] == "text-delta" and event["id"] == "t2")
    assert "How many calls failed?" in said
    assert "acme/api" in said
    for number in (0, 1):
        start, delta, given, output = [event for event in shown if "toolCallId" in event][4 * number :][:4]
        assert json.loads(delta["inputTextDelta"]) == given["input"]
        assert len({event["toolCallId"] for event in (start, delta, given, output)}) == 1


async def test_chat_writes_call_with_events_usage_and_cost(
    client: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    repo = factory.repo()
    body = question(repoId=repo, conversationId="pane-1", sandboxId=factory.sandbox(repo))
    await client.post(CHAT, json=body)
    call = the_call(factory.plane)
    assert (call["type"], call["model"], call["status"]) == ("chat", MODEL, "success")
    assert (call["conversation_id"], call["repo_id"]) == ("pane-1", repo)
    assert (call["tool_calls_count"], call["cost_source"]) == (2, "trigger")
    assert call["cost_usd"] > 0
    metadata = json.loads(call["metadata"])
    assert metadata["prompt_preview"] == "How many calls failed?"
    assert (metadata["repo"], metadata["sandbox_record_id"]) == ("acme/api", body["sandboxId"])
    assert event_messages(factory) == [
        ("started", "Chat run started"),
        ("status_changed", "Chat run streaming"),
        ("tool_started", "Tool started: search_memories"),
        ("tool_finished", "Tool finished: search_memories"),
        ("tool_started", "Tool started: virtual_exec"),
        ("tool_finished", "Tool finished: virtual_exec"),
        ("finished", "Chat run finished"),
    ]
    found = (await client.get(f"/api/observability/call-events?ai_call_id={call['id']}")).json()["events"]
    assert found[0]["payload"] == {"model": MODEL, "tool_enabled": True}
    done = found[-1]["payload"]
    assert (done["finish_reason"], done["tool_calls_count"], done["error"]) == ("stop", 2, None)
    assert done["total_tokens"] == call["total_tokens"] > 0
    # The transcript is the client's to store.
    assert factory.plane.db.value("SELECT COUNT(*) FROM conversations") == 0


async def test_chat_without_tools_has_one_step(
    client: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    answer = await client.post(CHAT, json=question(enableTools=False))
    kinds = {event["type"] for event in events_of(answer.text)}
    assert not any(kind.startswith("tool-") for kind in kinds)
    assert json.loads(factory.plane.db.value("SELECT payload FROM ai_call_events ORDER BY seq LIMIT 1")) == {
        "model": MODEL,
        "tool_enabled": False,
    }


async def test_foreign_repository_and_sandbox_are_ignored_as_context(
    client: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    other = factory.profile("jonas")
    theirs = factory.repo(user_id=other)
    box = factory.sandbox(theirs, user_id=other)
    assert (await client.post(CHAT, json=question(repoId=theirs, sandboxId=box))).status_code == 200
    call = the_call(factory.plane)
    assert call["repo_id"] is None
    assert "sandbox_record_id" not in json.loads(call["metadata"])


async def test_unknown_gateway_model_fails_inside_the_stream(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    answer = await client.post(CHAT, json=question(model="acme/unheard-of"))
    assert answer.status_code == 200
    start, error, _ = events_of(answer.text)
    assert (start["type"], error["type"]) == ("start", "error")
    call = the_call(factory.plane)
    assert (call["status"], call["error"]) == ("failed", error["errorText"])
    assert event_messages(factory)[-1] == ("failed", "Chat run failed")


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "user", "content": "no parts"}]},
        {"messages": [{"role": "robot", "parts": []}]},
        {"messages": [{"role": "user", "parts": ["text"]}]},
    ],
)
async def test_unreadable_messages_are_500_without_rows(
    client: httpx.AsyncClient, factory: RowFactory, model: str, body: dict[str, Any]
) -> None:
    answer = await client.post(CHAT, json=body)
    assert answer.status_code == 500
    assert set(answer.json()) == {"error"}
    assert factory.plane.db.value("SELECT COUNT(*) FROM ai_calls") == 0
    assert factory.plane.db.value("SELECT COUNT(*) FROM limit_events") == 0


async def test_a_chat_needs_a_credential_json_and_a_model_within_reach(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    assert (await anonymous.post(CHAT, json=question())).status_code == 401
    answer = await client.post(CHAT, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})
    team = {"x-mogplex-team-id": "00000000-0000-4000-8000-000000000000"}
    assert (await client.post(CHAT, json=question(), headers=team)).status_code == 500
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_ai=0)
    assert (await client.post(CHAT, json=question())).status_code == 500
    assert factory.plane.db.value("SELECT COUNT(*) FROM ai_calls") == 0


async def test_chat_without_model_uses_settings(
    client: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    body = question()
    del body["model"]
    assert (await client.post(CHAT, json=body)).status_code == 200
    assert (
        the_call(factory.plane)["model"]
        == (await client.get("/api/settings")).json()["default_model"]
        == MODEL
    )


async def test_chat_starts_are_limited_to_thirty_per_hour(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, model: str
) -> None:
    for _ in range(30):
        assert (await client.post(CHAT, json=question(enableTools=False))).status_code == 200
        clock.advance(10)
    answer = await client.post(CHAT, json=question())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3300")
    assert answer.json() == {
        "error": "Chat rate limit exceeded",
        "code": "chat_rate_limited",
        "retryAfterSeconds": 3300,
        "limit": {"name": "chat_starts_per_hour", "value": 30, "windowSeconds": 3600},
    }
    decisions = factory.plane.db.all("SELECT decision, COUNT(*) AS n FROM limit_events GROUP BY decision")
    assert {row["decision"]: row["n"] for row in decisions} == {"allowed": 30, "denied": 1}
    clock.advance(3300)
    assert (await client.post(CHAT, json=question(enableTools=False))).status_code == 200


async def test_a_hundred_and_fifty_chats_may_start_in_a_day(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, model: str
) -> None:
    with factory.plane.db.transaction() as tx:
        for number in range(150):
            tx.insert(
                "limit_events",
                id=tx.new_id(),
                user_id=factory.user,
                route_key="chat",
                decision="allowed",
                resource_id=f"call {number}",
                created_at=clock.us - 7_200_000_000,
            )
    answer = await client.post(CHAT, json=question())
    assert answer.status_code == 429
    body = answer.json()
    assert (body["error"], body["retryAfterSeconds"]) == ("Daily chat quota exceeded", 22 * 3600)
    assert body["limit"] == {"name": "chat_starts_per_day", "value": 150, "windowSeconds": 86_400}


async def test_user_message_is_remembered_only_with_content(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, model: str
) -> None:
    body = question("We deploy on Tuesdays", enableTools=False, conversationId="pane-1")
    await client.post(CHAT, json=body)
    find = "SELECT content, metadata FROM memories WHERE lane = 'session'"
    assert factory.plane.db.all(find) == []
    body["messages"][0]["content"] = "We deploy on Tuesdays" + "." * 3000
    for _ in range(2):
        await client.post(CHAT, json=body)
    (row,) = factory.plane.db.all(find)
    assert (len(row["content"]), json.loads(row["metadata"])["conversation_id"]) == (2000, "pane-1")
    clock.advance(61)
    await client.post(CHAT, json=body)
    assert len(factory.plane.db.all(find)) == 2


async def test_scope_keeps_at_most_fifty_memories(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, model: str
) -> None:
    with factory.plane.db.transaction() as tx:
        for number in range(50):
            for conversation in ("pane-1", "pane-2"):
                tx.insert(
                    "memories",
                    id=tx.new_id(),
                    user_id=factory.user,
                    lane="session",
                    content=f"{conversation} {number}",
                    metadata=json.dumps({"conversation_id": conversation}),
                    created_at=number,
                    updated_at=number,
                )
    body = question(enableTools=False, conversationId="pane-1")
    body["messages"][0]["content"] = "the newest"
    await client.post(CHAT, json=body)
    kept = [
        row["content"]
        for row in factory.plane.db.all("SELECT content FROM memories ORDER BY created_at, rowid")
    ]
    mine = [content for content in kept if not content.startswith("pane-2")]
    assert (len(kept), len(mine), mine[0], mine[-1]) == (100, 50, "pane-1 1", "the newest")


async def test_long_chat_history_is_truncated(
    client: httpx.AsyncClient, factory: RowFactory, model: str
) -> None:
    old = {"id": "m0", "role": "assistant", "parts": [{"type": "text", "text": "x" * 30_000}]}
    body = question(enableTools=False, conversationId="pane-1")
    body["messages"] = [old] * 20 + body["messages"]
    await client.post(CHAT, json=body)
    payload = factory.plane.db.value(
        "SELECT payload FROM ai_call_events WHERE message = 'compaction_checkpoint'"
    )
    found = json.loads(payload)
    assert (found["kind"], found["coveredMessageCount"]) == ("compaction", 9)
    assert found["charsAfter"] < found["charsBefore"]


@pytest.fixture
async def paced() -> AsyncIterator[tuple[PlaneServer, httpx.AsyncClient]]:
    """A plane on which a reply takes time."""
    async with PlaneServer(Settings(speed=0.5, seeded=False)) as server:
        RowFactory(server.plane, ManualClock()).model(MODEL)
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            yield server, client


async def first_call(lines: AsyncIterator[str]) -> str:
    start = json.loads((await anext(lines)).removeprefix("data: "))
    found: str = start["messageMetadata"]["ai_call_id"]
    return found


async def test_a_cancelled_chat_aborts_its_stream(paced: tuple[PlaneServer, httpx.AsyncClient]) -> None:
    server, client = paced
    async with client.stream("POST", CHAT, json=question()) as response:
        lines = response.aiter_lines()
        call_id = await first_call(lines)
        answer = await client.post(f"/api/observability/calls/{call_id}/cancel")
        assert answer.json() == {"ok": True, "status": "cancelled"}
        rest = [line async for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    kinds = [json.loads(line.removeprefix("data: "))["type"] for line in rest[:-1]]
    assert kinds[-2:] == ["abort", "message-metadata"]
    assert "finish" not in kinds
    events = server.plane.db.all("SELECT event_type FROM ai_call_events ORDER BY seq")
    assert [event["event_type"] for event in events][-2:] == ["cancel_requested", "cancelled"]


async def test_chat_is_cancelled_when_client_disconnects(
    paced: tuple[PlaneServer, httpx.AsyncClient],
) -> None:
    server, client = paced
    subscription = server.plane.hub.subscribe(server.plane.user_id, ["ai_call_events"])
    async with client.stream("POST", CHAT, json=question()) as response:
        call_id = await first_call(response.aiter_lines())
    async with asyncio.timeout(30):
        while the_call(server.plane)["status"] != "cancelled":
            await subscription.next()
    last = server.plane.db.only("SELECT * FROM ai_call_events ORDER BY seq DESC LIMIT 1")
    assert (last["ai_call_id"], last["event_type"]) == (call_id, "cancelled")
    assert (last["message"], json.loads(last["payload"])) == ("Chat run cancelled", {"tool_calls_count": 0})


async def test_two_chats_may_run_at_once(paced: tuple[PlaneServer, httpx.AsyncClient]) -> None:
    _, client = paced
    async with client.stream("POST", CHAT, json=question()) as one:
        # An iterator that nobody holds closes its answer.
        first = one.aiter_lines()
        await first_call(first)
        async with client.stream("POST", CHAT, json=question()) as two:
            second = two.aiter_lines()
            await first_call(second)
            answer = await client.post(CHAT, json=question())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "15")
    assert answer.json() == {
        "error": "Too many active chat runs",
        "code": "chat_rate_limited",
        "retryAfterSeconds": 15,
        "limit": {"name": "concurrent_chat_runs", "value": 2, "windowSeconds": 0},
    }
