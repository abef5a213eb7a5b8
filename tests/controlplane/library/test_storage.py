"""Constraints and cascades of the library's tables (library.md §15)."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests.controlplane.row_factory import RowFactory

TABLES = (
    "agent_categories",
    "agent_rules",
    "agent_skills",
    "skills",
    "custom_commands",
    "memories",
    "conversations",
    "agents",
)

LEAST: dict[str, dict[str, Any]] = {
    "agent_categories": {"slug": "docs", "label": "Docs"},
    "agent_rules": {"name": "style.md"},
    "agent_skills": {"name": "style.md"},
    "skills": {"name": "s", "content": "c", "updated_at": 1},
    "custom_commands": {"name": "fix", "template": "x"},
    "memories": {"lane": "session", "content": "x", "updated_at": 1},
    "conversations": {"updated_at": 1},
    "agents": {"name": "A", "slug": "a", "model": "acme/nova-1"},
}


def add(factory: RowFactory, table: str, user_id: str | None = None, **columns: Any) -> str:
    """Insert a row with the columns that its table requires."""
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        given = {"id": row_id, "user_id": user_id or factory.user, "created_at": 1, **LEAST[table], **columns}
        tx.insert(table, **given)
    return row_id


@pytest.mark.parametrize("table", TABLES)
async def test_rows_go_with_their_profile(factory: RowFactory, table: str) -> None:
    other = factory.profile("zoe")
    gone, kept = add(factory, table, other), add(factory, table)
    with factory.plane.db.transaction() as tx:
        tx.execute("DELETE FROM profiles WHERE id = ?", (other,))
    assert [row["id"] for row in factory.plane.db.all(f"SELECT id FROM {table}")] == [kept]
    assert gone != kept


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("memories", {"lane": "dreams"}),
        ("memories", {"content": "x" * 16_001}),
        ("skills", {"type": "recipe"}),
        ("skills", {"content": None}),
        ("custom_commands", {"template": None}),
        ("agent_rules", {"name": None}),
    ],
)
async def test_rows_that_are_refused(factory: RowFactory, table: str, columns: dict[str, Any]) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add(factory, table, **columns)


async def test_slugs_are_unique_per_account_and_optional(factory: RowFactory) -> None:
    other = factory.profile("zoe")
    for table in ("agents", "agent_categories"):
        add(factory, table)
        add(factory, table, other)
        with pytest.raises(sqlite3.IntegrityError):
            add(factory, table)
    for _ in range(2):
        add(factory, "agents", slug=None)


async def test_table_refuses_fifty_first_category(factory: RowFactory) -> None:
    for number in range(50):
        add(factory, "agent_categories", slug=f"c{number}")
    with pytest.raises(sqlite3.IntegrityError, match="at most 50"):
        add(factory, "agent_categories", slug="c50")
    add(factory, "agent_categories", factory.profile("zoe"), slug="c50")
