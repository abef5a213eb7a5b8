"""Compose the reply of a chat from stored data, without an AI model."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..db.clock import DAY_US
from ..db.database import Database, Row

_WORD = re.compile(r"\w{4,}")
_PREVIEW = 200


class ToolUse(NamedTuple):
    """One use of a tool in a chat.

    `given` is the input, `output` the result, `seconds` the duration.
    """

    name: str
    given: dict[str, Any]
    output: Any
    seconds: float

    def previews(self) -> tuple[str, str]:
        """Return the input and the output as texts of at most 200 characters each."""
        return _text(self.given)[:_PREVIEW], _text(self.output)[:_PREVIEW]


class Reply(NamedTuple):
    """A reply: the text before the tool uses, the tool uses, and the text after them."""

    opening: str
    tools: list[ToolUse]
    closing: str


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def compose(db: Database, user_id: str, question: str, repo: Row | None, tools: bool, now: int) -> Reply:
    """Compose the reply to a question that a user asks at `now` (µs).

    The reply is about the repository `repo`, or about the whole account if `repo` is None. If `tools`
    is true, the reply contains tool uses.
    """
    figures = _figures(db, user_id, None if repo is None else repo["id"], now)
    place = "your account" if repo is None else str(repo["full_name"])
    closing = _closing(question, place, figures)
    if not tools:
        return Reply("", [], closing)
    found = _memories(db, user_id, question)
    uses = [ToolUse("search_memories", {"query": question[:_PREVIEW]}, found, 0.6)]
    if repo is not None:
        command = f"mogplex calls --repo {repo['full_name']} --since 24h"
        uses.append(ToolUse("virtual_exec", {"command": command}, figures, 0.9))
    if found:
        closing += f"\n\nOne thing that is remembered fits: “{found[0]}”"
    return Reply(f"I will look at what is recorded about {place}.", uses, closing)


def _figures(db: Database, user_id: str, repo_id: str | None, now: int) -> dict[str, int]:
    where, values = "user_id = ? AND started_at > ?", [user_id, now - DAY_US]
    if repo_id is not None:
        where += " AND repo_id = ?"
        values.append(repo_id)
    rows = db.all(f"SELECT status, COUNT(*) AS n FROM ai_calls WHERE {where} GROUP BY status", values)
    return {row["status"]: row["n"] for row in rows}


def _memories(db: Database, user_id: str, question: str) -> list[str]:
    """Return up to three memories that contain the question's longest word.

    Session memories are left out.
    """
    words = sorted(set(_WORD.findall(question)), key=lambda word: (-len(word), word))
    if not words:
        return []
    rows = db.all(
        "SELECT content FROM memories WHERE user_id = ? AND lane <> 'session' AND instr(lower(content), ?) > 0"
        " ORDER BY created_at DESC LIMIT 3",
        (user_id, words[0].lower()),
    )
    return [row["content"] for row in rows]


def _closing(question: str, place: str, figures: dict[str, int]) -> str:
    asked = " ".join(question.split())[:120] or "nothing in particular"
    total = sum(figures.values())
    parts = [f"{count} {status}" for status, count in sorted(figures.items())]
    summary = f"{total} calls in the last day: {', '.join(parts)}." if total else "no calls in the last day."
    return (
        f"You asked: {asked}\n\nNo model stands behind this plane, so I can only say what it has recorded."
        f" For {place} that is {summary}"
    )
