"""Prints the events of a run as JSON, as CSV or as lines of text.

v1.md §8.5, observability.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.cli.output import json_text
from mogplex_tui.live import redact
from mogplex_tui.live.run_event_tail import UNREADABLE
from mogplex_tui.operate import formatting

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.live.run_row import RunRow

# The longest of the nine types (v1.md §8.5).
_TYPE_WIDTH = len("cancel_requested")


def event_object(event: Event, row: RunRow) -> dict[str, object]:
    """Return the JSON fields of an event, with secrets removed.

    `run_id` and `call_id` name the run and the call of the event (v1.md §8.4).
    """
    return {
        "id": event.id,
        "run_id": row.run_id,
        "call_id": row.call_id,
        "at": event.created_at,
        "type": event.type,
        "tool": event.tool_name,
        "message": redact.text(event.message),
        "payload": redact.payload(event.payload),
    }


EVENT_FIELDS = ("id", "run_id", "call_id", "at", "type", "tool", "message", "payload")


def event_csv(fields: Mapping[str, object]) -> list[str]:
    """Return the CSV cells of an event, in the order of EVENT_FIELDS.

    The payload's cell is JSON.
    """
    cells = []
    for name in EVENT_FIELDS:
        value = fields.get(name)
        if isinstance(value, datetime):
            cells.append(formatting.utc(value))
        elif value is None or isinstance(value, str):
            cells.append(value or "")
        else:
            cells.append(json_text(value))
    return cells


def unreadable_object(bad: BadRow, row: RunRow) -> dict[str, object]:
    """Return the JSON fields of an event that could not be parsed, secrets removed.

    `message` is the parse error and `payload` the raw event.
    """
    return {
        "run_id": row.run_id,
        "call_id": row.call_id,
        "type": UNREADABLE,
        "message": bad.reason,
        "payload": redact.payload(bad.raw),
    }


def event_cells(event: Event, *, local: bool) -> list[str]:
    """Return the cells of an event's text line: time, type, message and details.

    With `local`, times are in the local zone, otherwise in UTC.
    """
    at = formatting.time_of_day(event.created_at) if local else formatting.utc(event.created_at)
    payload = redact.payload(event.payload)
    texts = {key: value for key, value in payload.items() if isinstance(value, str) and value}
    message: str | None = redact.text(event.message)
    if event.type == "tool_started":
        details = [event.tool_name or message, texts.get("input_preview")]
    elif event.type == "tool_finished":
        details = [
            event.tool_name or message,
            _tool_result(payload),
            texts.get("error") or texts.get("output_preview"),
        ]
    else:
        detail = texts.get("pull_request_url") or texts.get("error") or texts.get("reason")
        details = [message, None if detail == message else detail]
    return [at, event.type.ljust(_TYPE_WIDTH), *filter(None, details)]


def _tool_result(payload: dict[str, object]) -> str:
    result = "failed" if payload.get("success") is False or payload.get("error") else "ok"
    duration = payload.get("duration_ms")
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        result += f" in {formatting.millis(duration)}"
    return result
