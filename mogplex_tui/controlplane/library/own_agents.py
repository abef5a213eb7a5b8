"""Find or create a user's own agent for the id of an agent or preset.

library.md §1.3.
"""

from __future__ import annotations

from ..db.database import Tx
from . import agent_writes


def own_agent(tx: Tx, user_id: str, agent_id: str, model: str, at: int) -> str | None:
    """Return the id of the user's own agent for `agent_id`, or None if there is none.

    For an id of the form `preset:NAME` this is the user's oldest copy of that preset. If the user
    has no copy, one that uses `model` is created at `at` (µs).
    """
    if agent_id.startswith(agent_writes.PREFIX):
        name = agent_id.removeprefix(agent_writes.PREFIX)
        return agent_writes.fork_preset(tx, user_id=user_id, name=name, model=model, at=at)
    row = tx.one("SELECT id FROM agents WHERE id = ? AND user_id = ?", (agent_id.lower(), user_id))
    return None if row is None else str(row["id"])
