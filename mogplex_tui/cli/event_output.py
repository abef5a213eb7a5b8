"""Events of a run as lines of text.

v1.md §8.5, observability.md §4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.live import redact
from mogplex_tui.operate import formatting

if TYPE_CHECKING:
    from mogplex_tui.api.models.events import Event

# The longest of the nine types (v1.md §8.5).
_TYPE_WIDTH = len("cancel_requested")


def event_cells(event: Event, *, local: bool) -> list[str]:
    """Return the cells of an event's text line: time, type, message and details.

    Times are in the local zone if `local` is true, otherwise in UTC.
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
