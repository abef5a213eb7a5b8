"""Write agents and the rows that depend on agents (library.md §1, §4)."""

from __future__ import annotations

from typing import Any

from ..db.database import Tx
from . import preset_agents

PREFIX = "preset:"

# Rows that are deleted with an agent, in the order of their frames, and whether realtime knows their owner (realtime.md
# §3).
_CASCADE = (
    (
        "job_runs",
        "SELECT id FROM job_runs WHERE assignment_id IN (SELECT id FROM assignments WHERE agent_id = ?)",
        False,
    ),
    ("assignments", "SELECT id FROM assignments WHERE agent_id = ?", False),
    ("triggers", "SELECT id FROM triggers WHERE agent_id = ?", True),
)


def insert_agent(
    tx: Tx, *, user_id: str, name: str, model: str, at: int, id: str | None = None, **columns: Any
) -> str:
    """Insert one agent created at `at` µs, publish it and return its id.

    `columns` may contain slug, description, category, system_prompt and source_template. Raises
    sqlite3.IntegrityError if another agent of the account has the slug.
    """
    agent_id = id or tx.new_id()
    tx.insert("agents", id=agent_id, user_id=user_id, name=name, model=model, created_at=at, **columns)
    tx.record_change("agents", "INSERT", user_id, agent_id)
    return agent_id


def update_agent(tx: Tx, agent_id: str, user_id: str, **columns: Any) -> None:
    """Update columns of one agent and publish the change."""
    tx.update("agents", agent_id, **columns)
    tx.record_change("agents", "UPDATE", user_id, agent_id)


def delete_agent(tx: Tx, agent_id: str, user_id: str) -> None:
    """Delete a user's agent with its assignments and triggers.

    Does nothing if the user has no such agent.
    """
    if tx.one("SELECT 1 FROM agents WHERE id = ? AND user_id = ?", (agent_id, user_id)) is None:
        return
    for table, sql, owned in _CASCADE:
        for row in tx.all(sql, (agent_id,)):
            tx.record_change(table, "DELETE", user_id if owned else None, row["id"])
    tx.execute("DELETE FROM agents WHERE id = ?", (agent_id,))
    tx.record_change("agents", "DELETE", user_id, agent_id)


def fork_preset(tx: Tx, *, user_id: str, name: str, model: str, at: int) -> str | None:
    """Return the id of the user's copy of a preset, and create the copy if necessary.

    If the user has several copies, the oldest one is returned. Returns None if there is no preset
    with this name. Assignments and automations that use a preset call this function (library.md
    §1.3).
    """
    row = tx.one(
        "SELECT id FROM agents WHERE user_id = ? AND source_template = ? ORDER BY created_at, rowid LIMIT 1",
        (user_id, name),
    )
    if row is not None:
        return str(row["id"])
    preset = preset_agents.by_name(name)
    if preset is None:
        return None
    return insert_agent(
        tx,
        user_id=user_id,
        name=preset.name,
        model=model,
        at=at,
        description=preset.description,
        category=preset.category,
        system_prompt=preset_agents.prompt(preset),
        source_template=preset.name,
    )


def delete_category(tx: Tx, category_id: str, user_id: str) -> int | None:
    """Delete a category and clear the field `category` of all agents that have it.

    Returns the number of these agents, or None if the user has no such category.
    """
    row = tx.one("SELECT slug FROM agent_categories WHERE id = ? AND user_id = ?", (category_id, user_id))
    if row is None:
        return None
    members = tx.all("SELECT id FROM agents WHERE user_id = ? AND category = ?", (user_id, row["slug"]))
    for member in members:
        update_agent(tx, member["id"], user_id, category=None)
    tx.execute("DELETE FROM agent_categories WHERE id = ?", (category_id,))
    return len(members)
