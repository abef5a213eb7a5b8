"""Write a chat's cancellation, memories and compactions to the database.

library.md §13.
"""

from __future__ import annotations

import json
from typing import Any

from ..calls import call_writes
from ..db.clock import MINUTE_US
from ..db.database import Tx
from ..library.memory_writes import insert_memory

_REMEMBERED = 2_000
_KEPT = 50
_SCOPE = ("conversation_id", "workspace_session_id", "repo_id", "product_team_id")


def abort_call(tx: Tx, call_id: str, at: int, tool_calls: int) -> bool:
    """Cancel the call of a chat whose client has disconnected.

    Returns False if the call has ended already.
    """
    tx.execute(
        "UPDATE ai_calls SET control_state = 'cancel_requested'"
        " WHERE id = ? AND status IN ('pending', 'streaming')",
        (call_id,),
    )
    payload = {"tool_calls_count": tool_calls}
    return call_writes.finalize_cancel(tx, call_id, at, "Chat run cancelled", payload)


def remember(tx: Tx, user_id: str, text: str, metadata: dict[str, Any], at: int) -> None:
    """Store the first 2000 characters of a user's message as a session memory.

    A message that repeats the newest one within a minute is not stored. Only the newest 50 messages of
    the same conversation, session, repository and team are kept.
    """
    content = text[:_REMEMBERED]
    scope = [metadata.get(name) for name in _SCOPE]
    where = " AND ".join(f"json_extract(metadata, '$.{name}') IS ?" for name in _SCOPE)
    mine = f"user_id = ? AND lane = 'session' AND {where}"
    newest = tx.one(
        f"SELECT content, created_at FROM memories WHERE {mine} ORDER BY created_at DESC, rowid DESC LIMIT 1",
        (user_id, *scope),
    )
    if newest is not None and newest["content"] == content and at - newest["created_at"] <= MINUTE_US:
        return
    insert_memory(tx, user_id=user_id, lane="session", content=content, metadata=metadata, at=at)
    tx.execute(
        f"DELETE FROM memories WHERE {mine} AND id NOT IN (SELECT id FROM memories WHERE {mine}"
        " ORDER BY created_at DESC, rowid DESC LIMIT ?)",
        (user_id, *scope, user_id, *scope, _KEPT),
    )


def record_compaction(tx: Tx, call_id: str, texts: list[str], digest: str, at: int) -> None:
    """Record that earlier messages of a long chat were replaced by a summary.

    v1.md §8.3.
    """
    covered = texts[:-12]
    before = sum(map(len, texts))
    checkpoint = f"{len(covered)} earlier messages were left out."
    payload = {
        "kind": "compaction",
        "checkpoint": checkpoint,
        "handoff": json.dumps({"messages": len(covered)}),
        "prefixHash": digest,
        "coveredMessageCount": len(covered),
        "charsBefore": before,
        "charsAfter": before - sum(map(len, covered)) + len(checkpoint),
        "durationMs": 1,
        "validation": {"ok": True, "failures": []},
    }
    call_writes.append_event(
        tx, call_id=call_id, type="log", message="compaction_checkpoint", payload=payload, at=at
    )
