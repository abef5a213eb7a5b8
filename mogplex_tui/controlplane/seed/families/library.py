"""Seed categories, rules, skills, commands, memories and transcripts (library.md)."""

from __future__ import annotations

from random import Random
from typing import Any

from ...db.batch_insert import Rows, encode
from ...db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ...sample_data.loader import material
from ...workload.account import SeededAccount
from ...workload.rng import new_uuid, token, whole


def write(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of categories, rules, skills, commands, memories and chats.

    They belong to both users. `now` is in µs; all times are before it.
    """
    owners = {"ada": world.user_id, "jonas": world.other_user_id}
    written = material("library")

    def base(row: dict[str, Any]) -> dict[str, Any]:
        age = row["days"] * DAY_US - whole(rng, 0, 9 * 3600) * SECOND_US
        return {"id": new_uuid(rng), "user_id": owners[row["owner"]], "created_at": now - age}

    for row in written["categories"]:
        rows.add("agent_categories", **base(row), slug=row["slug"], label=row["label"])
    for table, name in (("agent_rules", "rules"), ("agent_skills", "legacy_skills")):
        for row in written[name]:
            rows.add(table, **base(row), name=row["name"], content=row["content"])
    for row in written["commands"]:
        texts = {name: row[name] for name in ("name", "description", "template")}
        rows.add("custom_commands", **base(row), **texts)
    for row in written["skills"]:
        rows.add("skills", **base(row), **_skill(row, rng, now))
    panes = {row["key"]: token(rng, "pane-", 8) for row in written["conversations"]}
    for row in written["memories"]:
        rows.add("memories", **_memory(row, world, owners, panes, rng, now))
    for row in written["conversations"]:
        rows.add("conversations", **_conversation(row, panes[row["key"]], owners, rng, now))


def _skill(row: dict[str, Any], rng: Random, now: int) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("name", "description", "type", "content")},
        "is_public": int(row["is_public"]),
        "tags": encode(row["tags"]),
        "usage_count": row["usage"],
        "updated_at": now - row["changed"] * DAY_US - whole(rng, 0, 3600) * SECOND_US,
    }


def _memory(
    row: dict[str, Any],
    world: SeededAccount,
    owners: dict[str, str],
    panes: dict[str, str],
    rng: Random,
    now: int,
) -> dict[str, Any]:
    metadata = dict(row.get("metadata", {}))
    if row["repo"] is not None:
        metadata["repo_id"] = world.repos[row["repo"]].id
    if (talk := metadata.pop("conversation", None)) is not None:
        metadata["conversation_id"] = panes[talk]
    at = now - int(row["hours"] * HOUR_US) - whole(rng, 0, 59) * SECOND_US
    return {
        "id": new_uuid(rng),
        "user_id": owners[row["owner"]],
        "lane": row["lane"],
        "content": row["content"],
        "metadata": encode(metadata),
        "created_at": at,
        "updated_at": at,
    }


def _conversation(
    row: dict[str, Any], pane: str, owners: dict[str, str], rng: Random, now: int
) -> dict[str, Any]:
    messages = [
        {
            "id": token(rng, "msg_", 12),
            "role": "assistant" if index % 2 else "user",
            "parts": [{"type": "text", "text": text}],
        }
        for index, text in enumerate(row["turns"])
    ]
    updated = now - int(row["hours"] * HOUR_US)
    return {
        "id": pane,
        "user_id": owners[row["owner"]],
        "model": row["model"],
        "mode": row["mode"],
        "title": row["title"],
        "messages": encode(messages),
        "local_msgs": encode([{"id": token(rng, "loc_", 10), "text": text} for text in row["local"]]),
        "harness_state": encode(row["harness"]),
        "created_at": updated - row["minutes"] * MINUTE_US,
        # The service sets this column with a clock of whole milliseconds.
        "updated_at": updated - updated % 1000,
    }
