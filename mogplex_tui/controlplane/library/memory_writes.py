"""Write an account's memories (library.md §10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..db.database import Tx

LANES = ("session", "semantic", "episodic", "procedural")


def insert_memory(
    tx: Tx,
    *,
    user_id: str,
    lane: str,
    content: str,
    metadata: Mapping[str, Any],
    at: int,
    id: str | None = None,
) -> str:
    """Insert one memory created at `at` µs and return its id.

    Memories are not published (realtime.md §3.1).
    """
    memory_id = id or tx.new_id()
    tx.insert(
        "memories",
        id=memory_id,
        user_id=user_id,
        lane=lane,
        content=content,
        metadata=json.dumps(dict(metadata), separators=(",", ":"), ensure_ascii=False),
        created_at=at,
        updated_at=at,
    )
    return memory_id
