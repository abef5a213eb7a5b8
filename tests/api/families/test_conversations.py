"""Conversations and their compare-and-set over real HTTP (library.md §12)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.conversations import Conversation, ConversationSave
from mogplex_tui.api.resources.conversations import ConversationChanged
from tests.api.families.minimal_plane import Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving

HELLO = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hällo ☃"}]}
PANE = "pane 1/ä?&#"


async def test_a_conversation_is_written_read_and_deleted(minimal_plane: MinimalPlane) -> None:
    chats = minimal_plane.client.conversations
    assert await chats.get(PANE) is None
    made = await chats.save(ConversationSave(id=PANE, model="acme/nova-1", messages=[HELLO]))
    assert (made.id, made.mode, made.title, made.messages) == (PANE, "AUTO", None, [HELLO])
    minimal_plane.clock.advance(0.001501)
    again = await chats.save(
        ConversationSave(
            id=PANE,
            expected_updated_at=made.updated_at,
            title="Hello",
            mode="SAFE",
            harness_state={"codex": {"sessionId": "s"}},
        )
    )
    assert (again.title, again.mode, again.messages) == ("Hello", "SAFE", [HELLO])
    # What was read back is what the next write must expect, to the microsecond.
    minimal_plane.clock.advance(1)
    read = await chats.get(PANE)
    assert read is not None
    await chats.save(ConversationSave(id=PANE, expected_updated_at=read.updated_at, title=None, messages=[]))
    listed = await chats.list()
    assert [(row.id, row.title, row.messages) for row in listed] == [(PANE, None, [])]
    await chats.delete(PANE)
    await chats.delete(PANE)
    assert await chats.list() == []


async def test_conflicting_save_returns_the_current_row(minimal_plane: MinimalPlane) -> None:
    chats = minimal_plane.client.conversations
    made = await chats.save(ConversationSave(id=PANE, title="mine"))
    minimal_plane.clock.advance(1)
    theirs = await chats.save(ConversationSave(id=PANE, title="theirs", expected_updated_at=made.updated_at))
    for seen in (made.updated_at, None):
        with pytest.raises(ConversationChanged, match="Somebody else has changed") as caught:
            await chats.save(ConversationSave(id=PANE, title="late", expected_updated_at=seen))
        assert isinstance(caught.value, e.Conflict)
        assert caught.value.current is not None
        assert caught.value.current.title == "theirs"
        assert caught.value.current.updated_at == theirs.updated_at
    last = await chats.save(ConversationSave(id=PANE, title="late", expected_updated_at=theirs.updated_at))
    assert last.title == "late"


async def test_conversation_id_of_other_account_conflicts_without_data(minimal_plane: MinimalPlane) -> None:
    await minimal_plane.client.conversations.save(ConversationSave(id=PANE, title="mine"))
    async with minimal_plane.as_other() as other:
        assert await other.conversations.get(PANE) is None
        with pytest.raises(ConversationChanged) as caught:
            await other.conversations.save(ConversationSave(id=PANE))
        assert caught.value.current is None


async def test_save_sends_given_fields_and_microseconds() -> None:
    answer = {"ok": True, "conversation": {"id": "p", "messages": None, "harness_state": None, "mode": None}}
    moment = datetime(2026, 8, 6, 9, 0, 0, 123, tzinfo=UTC)
    async with serving(http(200, answer)) as service, service.client() as client:
        found = await client.conversations.save(ConversationSave(id="p", expected_updated_at=moment))
        await client.conversations.save(ConversationSave(id="p", title=None))
    assert (found.messages, found.harness_state, found.mode) == ([], {}, "")
    assert [json.loads(seen.body) for seen in service.seen] == [
        {"id": "p", "expected_updated_at": "2026-08-06T09:00:00.000123+00:00"},
        {"id": "p", "title": None, "expected_updated_at": None},
    ]


async def test_error_that_echoes_token_is_redacted() -> None:
    refusal = {"error": "CONFLICT", "conversation": {"id": "p", "title": "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"}}
    async with serving(http(409, refusal)) as service, service.client() as client:
        with pytest.raises(ConversationChanged) as caught:
            await client.conversations.save(ConversationSave(id="p"))
    assert caught.value.current is not None
    assert "Q2xv9TbYk0LmWc7ReHs4DpZa" not in str(caught.value.current)


def test_conversation_parsing_tolerates_any_json() -> None:
    rows = parse_rows(Conversation, [{"id": "a", "messages": "odd", "updated_at": None}, {"id": None}])
    assert (rows[0].messages, rows[0].updated_at, len(rows.bad)) == ([], None, 1)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.conversations.save(ConversationSave(id=" ")), "Missing id"),
        (lambda c: c.conversations.save(ConversationSave(id="p", model=" ")), "Name a model"),
        (lambda c: c.conversations.save(ConversationSave(id="p", user_id="u")), "no field 'user_id'"),  # type: ignore[call-arg]
        (
            lambda c: c.conversations.save(ConversationSave(id="p", messages=[{"text": "\ud800"}])),
            "broken characters",
        ),
        (
            lambda c: c.conversations.save(ConversationSave(id="p", harness_state={"x": {1, 2}})),
            "cannot be written as JSON",
        ),
        (lambda c: c.conversations.get(""), "Missing id"),
        (lambda c: c.conversations.delete(" "), "Missing id"),
    ],
)
async def test_invalid_input_for_conversations_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
