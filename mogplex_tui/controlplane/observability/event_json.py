"""Convert call events to JSON text in pieces, because a run can have very many."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..calls.call_serializers import EVENT_COLUMNS, event
from ..db.clock import iso_db
from ..db.database import Database, Row
from .error_sanitizer import clean_event, needs_no_cleaning

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


# Events that are read and written in one go: a few milliseconds of work.
SLICE = 500
_SLICE = (
    f"SELECT {EVENT_COLUMNS}, seq FROM ai_call_events WHERE ai_call_id = ? AND (created_at, seq) > (?, ?)"
    " ORDER BY created_at, seq LIMIT ?"
)


def events_body(db: Database, call_id: str) -> Iterator[str]:
    """Yield the response body with all events of a call, oldest first.

    Events that another request appends while the body is being sent are included. No event is
    missing or repeated (observability.md §4).
    """
    opening, last = '{"events":[', (-1, -1)
    while rows := db.all(_SLICE, (call_id, *last, SLICE)):
        yield opening + ",".join(map(_event_text, rows))
        opening, last = ",", (rows[-1]["created_at"], rows[-1]["seq"])
        if len(rows) < SLICE:
            break
    yield "]}" if opening == "," else opening + "]}"


def _event_text(row: Row) -> str:
    event_id, call_id, user_id, conversation_id, repo_id, kind, tool, message, payload, at, *_ = row
    if not needs_no_cleaning(f"{kind}\n{conversation_id}\n{tool}\n{message}\n{payload}"):
        shown = event(row)
        del shown["seq"]
        return _encode(clean_event(shown))
    return (
        f'{{"id":"{event_id}","ai_call_id":"{call_id}","user_id":"{user_id}","conversation_id":{_text(conversation_id)},'
        f'"repo_id":{_text(repo_id)},"event_type":"{kind}","tool_name":{_text(tool)},"message":{_text(message)},'
        f'"payload":{payload},"created_at":"{iso_db(at)}"}}'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else _encode(value)
