"""The JSON and CSV fields of records and events, for commands and exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.live import redact
from mogplex_tui.live.run_event_tail import UNREADABLE
from mogplex_tui.operate import formatting, record_page
from mogplex_tui.operate.model import Kind, Row
from mogplex_tui.operate.serialization import exact_text, json_text

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.operate.kind_rows import ListedRow

EVENT_FIELDS = ("id", "run_id", "call_id", "at", "type", "tool", "message", "payload")


def record_values(kind: Kind[Row]) -> Mapping[str, Callable[[Row], object]]:
    """Return the functions that compute a record's exported values, by field name.

    The fields are those that the kind declares. If it declares none, they are its columns.
    """
    return kind.fields or {column.field: column.value for column in kind.columns}


def csv_header(kind: Kind[Row]) -> list[str]:
    """Return the names of a kind's CSV columns."""
    return [*([] if kind.fields else ["id"]), *record_values(kind)]


def csv_cells(kind: Kind[Row], key: str, row: Row) -> list[str]:
    """Return the CSV cells of a record, in the order of `csv_header`."""
    cells = [exact_text(of(row)) for of in record_values(kind).values()]
    return cells if kind.fields else [key, *cells]


def record_fields(kind: Kind[Row], entry: ListedRow[Row]) -> dict[str, object]:
    """Return the JSON fields of a record.

    They are the fields that the kind declares. If it declares none, they are the fields that the
    service sent, with secrets removed.
    """
    if kind.fields and entry.row is not None:
        row = entry.row
        return {name: of(row) for name, of in kind.fields.items()}
    clean = redact.payload(record_page.json_of(entry))
    return clean if isinstance(clean, dict) else {"id": entry.key, "value": clean}


def unreadable_fields(entry: ListedRow[Row]) -> dict[str, object]:
    """Return the JSON fields of an unreadable record: the reason and the raw JSON."""
    return {"unreadable": entry.unreadable_reason, "raw": redact.payload(entry.raw)}


def event_fields(event: Event, row: RunRow) -> dict[str, object]:
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


def unreadable_event(bad: BadRow, row: RunRow) -> dict[str, object]:
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
