"""Chats that are followed (library.md §13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.chat import (
    CHAT_EVENTS,
    ChatDraft,
    ChatFile,
    ChatFinished,
    ChatMessage,
    ChatRole,
    ChatStarted,
    TextDelta,
    ToolInput,
    ToolOutput,
)
from mogplex_tui.api.models.stream_events import (
    StreamCancelled,
    StreamEnd,
    StreamEndKind,
    StreamFailed,
    UnknownEvent,
)
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.chunked_streams import HEAD, chunk, line, open_connections, streaming_handler
from tests.api.families.minimal_plane import (
    NOBODY,
    MinimalPlane,
    assert_not_sent,
    read_events,
    run_minimal_plane,
)
from tests.api.support import Seen, serving, until
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

MODEL = "acme/nova-1"


@pytest.fixture
async def minimal_plane() -> AsyncIterator[MinimalPlane]:
    async with run_minimal_plane() as running:
        running.world.model(MODEL, pricing_input=1e-6, pricing_output=2e-6)
        yield running


def question(text: str = "How many calls failed?", **more: Any) -> ChatDraft:
    return ChatDraft(messages=[ChatMessage.from_text("m1", text)], **{"model": MODEL} | more)


async def test_chat_stream_yields_call_text_and_end(minimal_plane: MinimalPlane) -> None:
    repo = minimal_plane.world.repo()
    chat = minimal_plane.client.chat.ask(question(repo_id=repo, conversation_id="pane-1"))
    events = await read_events(chat)
    assert isinstance(events[0], ChatStarted) and not any(isinstance(one, UnknownEvent) for one in events)
    assert chat.end == StreamEnd(StreamEndKind.DONE) and chat.finish_reason == "stop"
    assert "How many calls failed?" in chat.text
    used = [event for event in events if isinstance(event, ToolInput)]
    made = [event for event in events if isinstance(event, ToolOutput)]
    assert used and {one.tool_call_id for one in used} == {one.tool_call_id for one in made}
    assert chat.ai_call_id is not None
    call = minimal_plane.world.row("ai_calls", chat.ai_call_id)
    assert (call["status"], call["conversation_id"], call["repo_id"]) == ("success", "pane-1", repo)
    # The words were sent as content, too, so the service remembers them.
    assert minimal_plane.world.plane.db.value("SELECT content FROM memories WHERE lane = 'session'") == (
        "How many calls failed?"
    )


async def test_chat_failure_is_reported_before_or_in_stream(minimal_plane: MinimalPlane) -> None:
    chat = minimal_plane.client.chat.ask(question(model="acme/unknown"))
    assert isinstance((await read_events(chat))[-1], StreamFailed)
    assert chat.end is not None and chat.end.kind is StreamEndKind.FAILED
    assert "acme/unknown" in chat.end.message and chat.ai_call_id
    with minimal_plane.world.plane.db.transaction() as tx:
        tx.update("profiles", minimal_plane.world.user, allow_platform_ai=0)
    with pytest.raises(e.ServiceFailed, match="No key or team setting"):
        await read_events(minimal_plane.client.chat.ask(question()))


async def test_abandoned_chat_is_cancelled_and_third_chat_waits() -> None:
    clock = ManualClock()
    settings = Settings(speed=0.001, seeded=False, rate_limit=None)
    async with PlaneServer(settings, clock=clock) as server:
        world = RowFactory(server.plane, clock)
        world.model(MODEL)
        target = Target("x", server.base_url, Secret(server.token))
        async with MogplexClient(target) as client:
            first, second = client.chat.ask(question()), client.chat.ask(question())
            async with first, second:
                assert isinstance(await anext(first), ChatStarted)
                with pytest.raises(e.Throttled, match="Too many active chat runs") as caught:
                    await read_events(client.chat.ask(question()))
                assert (caught.value.code, caught.value.retry_after) == ("chat_rate_limited", 15)
                assert not caught.value.of_requests
                assert len(open_connections(client)) >= 2
            assert first.end == second.end == StreamEnd(StreamEndKind.LEFT)
            assert [one for one in open_connections(client) if not one.is_idle()] == []
            call_id = first.ai_call_id or ""
            await until(lambda: world.row("ai_calls", call_id)["status"] == "cancelled")


async def test_chat_cancelled_elsewhere_ends_as_cancelled() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0.001, seeded=False, rate_limit=None), clock=clock) as server:
        RowFactory(server.plane, clock).model(MODEL)
        async with MogplexClient(Target("x", server.base_url, Secret(server.token))) as client:
            async with client.chat.ask(question()) as chat:
                await anext(chat)
                assert chat.ai_call_id is not None
                await client.observability.cancel_call(chat.ai_call_id)
                rest = [event async for event in chat]
            assert isinstance(rest[-1], StreamCancelled)
            assert chat.end is not None and chat.end.kind is StreamEndKind.CANCELLED


DONE = {"type": "finish", "finishReason": "length", "messageMetadata": {"ai_call_id": "c9"}}


@pytest.mark.parametrize(
    ("events", "end"),
    [
        ([DONE, b"[DONE]"], StreamEndKind.DONE),
        ([DONE], StreamEndKind.DONE),
        ([b"[DONE]"], StreamEndKind.DONE),
        ([DONE | {"finishReason": "error"}, b"[DONE]"], StreamEndKind.FAILED),
        ([{"type": "error", "errorText": "out of credit"}, b"[DONE]"], StreamEndKind.FAILED),
        ([{"type": "abort", "reason": "stopped"}, b"[DONE]"], StreamEndKind.CANCELLED),
    ],
)
async def test_each_kind_of_end_is_distinct(events: list[Any], end: StreamEndKind) -> None:
    begin = {"type": "start", "messageMetadata": {"ai_call_id": "c9"}}
    async with serving(streaming_handler(begin, *events)) as service, service.client() as client:
        chat = client.chat.ask(question())
        await read_events(chat)
        assert chat.end is not None and chat.end.kind is end
        assert chat.end.message in ("", "out of credit", "stopped", "The model ended with an error")
        assert chat.ai_call_id == "c9"


async def test_chat_stream_ends_at_done_marker() -> None:
    async def lingering(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(line(DONE) + line(b"[DONE]")))
        await asyncio.Event().wait()

    async with serving(lingering) as service, service.client() as client:
        chat = client.chat.ask(question())
        assert len(await read_events(chat)) == 1
        assert open_connections(client) == []


async def test_interrupted_chat_keeps_text_and_call() -> None:
    begin = {"type": "start", "messageMetadata": {"ai_call_id": "c9"}}
    events = [begin, {"type": "text-delta", "id": "t1", "delta": "Hal"}]
    async with serving(streaming_handler(*events, last=b"")) as service, service.client() as client:
        chat = client.chat.ask(question())
        with pytest.raises(e.Unreachable):
            await read_events(chat)
        assert (chat.text, chat.ai_call_id) == ("Hal", "c9")
        assert chat.end is not None and chat.end.kind is StreamEndKind.CUT


async def test_chat_protocol_events_are_all_parsed() -> None:
    shared = {"id": "t", "toolCallId": "k", "toolName": "bash", "reason": None, "input": {"a": 1}}
    events: list[dict[str, Any]] = [
        {"type": word, **shared, "messageMetadata": None, "errorText": None} for word in CHAT_EVENTS
    ]
    events.sort(key=lambda event: event["type"] in ("error", "abort"))
    async with serving(streaming_handler(*events[:-2], b"[DONE]")) as service, service.client() as client:
        found = await read_events(client.chat.ask(question()))
    assert [type(event) for event in found] == [CHAT_EVENTS[event["type"]] for event in events[:-2]]
    [text] = [one for one in found if isinstance(one, TextDelta) and not one.thinking]
    assert text.delta == ""


async def test_thinking_is_no_text_and_a_file_does_not_flood_a_repr() -> None:
    events = [
        {"type": "reasoning-delta", "id": "r", "delta": "hmm"},
        {"type": "text-delta", "id": "t", "delta": "yes"},
        {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64," + "A" * 1000},
        DONE,
    ]
    async with serving(streaming_handler(*events, b"[DONE]")) as service, service.client() as client:
        chat = client.chat.ask(question())
        found = await read_events(chat)
    assert chat.text == "yes" and chat.finish_reason == "length"
    assert isinstance(found[2], ChatFile) and len(repr(found[2])) < 200
    assert isinstance(found[3], ChatFinished)


def test_message_parts_equal_message_content() -> None:
    body = ChatDraft(
        messages=[ChatMessage.from_text("m1", "Hi")], enable_tools=False, sandbox_id=NOBODY
    ).body()
    assert body == {
        "messages": [
            {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hi"}], "content": "Hi"}
        ],
        "enableTools": False,
        "sandboxId": NOBODY,
    }
    assert ChatMessage.from_text("m2", "", ChatRole.ASSISTANT).role == "assistant"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ChatDraft(messages=[]), "Write a message"),
        (lambda: question(sandbox_id="box"), "not a UUID"),
        (lambda: question(repo_id="acme/api"), "not a UUID"),
        (lambda: question("a\ud800"), "broken"),
        (lambda: ChatMessage(id="m", role="robot", parts=[]), "system, user or assistant"),
        (lambda: ChatMessage(id="m", role="user", parts=[{"text": "x"}]), "has a type"),
        (lambda: ChatMessage(id=" ", role="user", parts=[]), "needs an id"),
    ],
)
async def test_invalid_input_is_not_sent(make: Callable[[], Any], says: str) -> None:
    async def attempt(client: MogplexClient) -> None:
        await read_events(client.chat.ask(make()))

    await assert_not_sent(attempt, says)
