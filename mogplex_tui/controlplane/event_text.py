"""Call events as the JSON text of a page: a run has tens of thousands of them, and most are shown as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .clock import iso_db
from .database import Row
from .present import event
from .sanitize import clean_event, needs_no_cleaning

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def events_text(rows: Iterable[Row]) -> str:
    """The JSON array of the cleaned events of rows with present.EVENT_COLUMNS (observability.md §4)."""
    return f"[{','.join(map(_event_text, rows))}]"


def _event_text(row: Row) -> str:
    event_id, call_id, user_id, conversation_id, repo_id, kind, tool, message, payload, at = row
    if not needs_no_cleaning(f"{kind}\n{conversation_id}\n{tool}\n{message}\n{payload}"):
        return _encode(clean_event(event(row)))
    return (
        f'{{"id":"{event_id}","ai_call_id":"{call_id}","user_id":"{user_id}","conversation_id":{_text(conversation_id)},'
        f'"repo_id":{_text(repo_id)},"event_type":"{kind}","tool_name":{_text(tool)},"message":{_text(message)},'
        f'"payload":{payload},"created_at":"{iso_db(at)}"}}'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else _encode(value)
