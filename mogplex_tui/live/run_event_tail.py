"""The events of one run, merged by id and ordered by time.

The start and the finish of a tool call share one line. A run may have tens of thousands of
events, so a line keeps only a few fields, and the payload as JSON bytes; payloads beyond a
total size are stored on disk (v1.md §8.5). If a tail grows very long, only its newest lines
are kept.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mogplex_tui.live import redact
from mogplex_tui.live.run_row import instant
from mogplex_tui.live.spill_file import Spill, SpilledBytes

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.events import Event

# v1 returns only the oldest 200 events of a run (v1.md §8).
HORIZON = 200
# The type of a line that stands for an event that could not be parsed.
UNREADABLE = "unreadable"
# The most lines to keep, about a hundred megabytes; above it the oldest tenth is dropped.
MAX_LINES = 200_000
# If a batch has more lines out of order than this, sorting everything is cheaper than moving each.
RESORT_ABOVE = 64
# The most characters of a result that is shown in its line.
_LONGEST_RESULT = 60


@dataclass(slots=True, eq=False)
class EventLine:
    """A line of the tail: an event, or a tool call's start joined with its finish.

    `at` and `ended_at` are aware datetimes, `took_ms` is in milliseconds, `ok` is None while a tool
    runs. `ended_at` is the time of a tool call's finish.
    `version` increases with every change.
    """

    id: str
    at: datetime
    order: int
    type: str
    tool: str | None
    message: str
    body: bytes | SpilledBytes
    call_id: str | None = None
    finish: bytes | SpilledBytes | None = None
    finish_id: str | None = None
    ended_at: datetime | None = None
    took_ms: float | None = None
    ok: bool | None = None
    preview: str = ""
    trouble: str | None = None
    result: str = ""
    version: int = 0

    @property
    def sort(self) -> tuple[datetime, int]:
        """The key by which the lines of a tail are sorted."""
        return (self.at, self.order)

    def payload(self) -> dict[str, object]:
        """Return the event's payload, decoded from its bytes."""
        return _decoded(self.body)

    def finish_payload(self) -> dict[str, object]:
        """Return the payload of a tool call's finish; empty until the finish has arrived."""
        return {} if self.finish is None else _decoded(self.finish)

    def as_json(self) -> dict[str, object]:
        """Return the event as JSON without secrets, including the finish of a tool call."""
        event: dict[str, object] = {
            "id": self.id,
            "type": self.type,
            "toolName": self.tool,
            "message": self.message,
            "createdAt": self.at.isoformat(),
            "payload": self.payload(),
        }
        if self.finish is not None:
            event["finish"] = {"id": self.finish_id, "payload": self.finish_payload()}
        return event


def _decoded(body: bytes | SpilledBytes) -> dict[str, object]:
    value = json.loads(bytes(body))
    return value if isinstance(value, dict) else {"value": value}


@dataclass(slots=True)
class BatchResult:
    """The effect of a batch of events on a tail.

    `appended` is the number of lines added at the end, `changed` has the ids of changed lines, and
    `reordered` is True if lines were inserted or removed elsewhere.
    """

    appended: int = 0
    changed: list[str] = field(default_factory=list)
    reordered: bool = False

    def __bool__(self) -> bool:
        return bool(self.appended or self.changed or self.reordered)


class EventTail:
    """The lines of a run's events in order.

    Batches of events may repeat, overlap and arrive in any order.
    """

    def __init__(self) -> None:
        self.lines: list[EventLine] = []
        self._by_id: dict[str, EventLine] = {}
        self._running: dict[str, EventLine] = {}
        # Finishes without a start: they have their own line until the start arrives.
        self._orphans: dict[str, EventLine] = {}
        self._seen: set[str] = set()
        self._count = 0
        # Whether the service stopped at its limit, so that later events cannot be read.
        self.at_horizon = False
        # The number of events that could not be parsed; each has a marked line.
        self.bad = 0
        # The number of dropped lines and the time of the last one: older events are not added again.
        self.gone = 0
        self._gone_until: datetime | None = None
        self._spill = Spill()

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def events(self) -> int:
        """The number of events received; the start and finish of a tool call count as two."""
        return len(self._seen) + self.gone

    def index_of(self, line_id: str) -> int | None:
        """Return the position of the line with an id, or None."""
        line = self._by_id.get(line_id)
        return None if line is None else bisect_left(self.lines, line.sort, key=_sort)

    def get(self, line_id: str) -> EventLine | None:
        """Return the line with an id, or None."""
        return self._by_id.get(line_id)

    def add(self, events: Iterable[Event]) -> BatchResult:
        """Merge a batch of events into the tail; events that it already has are ignored."""
        batch = _Batch()
        for event in events:
            if event.id in self._seen or self._too_old(event.created_at):
                continue
            self._seen.add(event.id)
            if event.type == "tool_finished" and self._finish(event, batch.added):
                continue
            self._place(self._line(event, batch), batch)
        return self._apply_batch(batch)

    def add_bad(self, rows: Iterable[BadRow]) -> BatchResult:
        """Add a line with the raw JSON of each event that could not be parsed."""
        batch = _Batch()
        for row in rows:
            raw = row.raw if isinstance(row.raw, dict) else {"value": row.raw}
            body = redact.redacted_json(raw)
            event_id = raw.get("id")
            named = isinstance(event_id, str) and bool(event_id)
            key = str(event_id) if named else f"unreadable-{hashlib.sha256(body).hexdigest()[:16]}"
            known = instant(raw.get("created_at")) or instant(raw.get("createdAt"))
            if key in self._seen or (known is not None and self._too_old(known)):
                continue
            self._seen.add(key)
            self.bad += 1
            self._count += 1
            at = known or (self.lines[-1].at if self.lines else datetime.fromtimestamp(0, UTC))
            message = f"This event could not be read: {redact.text(row.reason)}"
            self._place(
                EventLine(key, at, self._count, UNREADABLE, None, message, self._spill.keep(body)), batch
            )
        return self._apply_batch(batch)

    def _finish(self, event: Event, added: BatchResult) -> bool:
        call = _tool_call(event)
        start = self._running.pop(call, None) if call else None
        if start is None:
            return False
        payload = event.payload or {}
        start.finish, start.finish_id = self._spill.keep(redact.redacted_json(payload)), event.id
        start.ended_at = event.created_at
        _outcome(start, payload)
        start.version += 1
        added.changed.append(start.id)
        return True

    def _line(self, event: Event, batch: _Batch) -> EventLine:
        payload = event.payload or {}
        self._count += 1
        line = EventLine(
            id=event.id,
            at=event.created_at,
            order=self._count,
            type=event.type,
            tool=event.tool_name,
            message=redact.text(event.message or ""),
            body=self._spill.keep(redact.redacted_json(payload)),
            call_id=_tool_call(event),
            preview=_preview(payload),
        )
        if event.type == "tool_finished":
            _outcome(line, payload)
            if line.call_id:
                self._orphans[line.call_id] = line
        elif event.type == "tool_started" and line.call_id:
            self._join_finish(line, batch)
        return line

    def _join_finish(self, start: EventLine, batch: _Batch) -> None:
        """Join the start of a tool call with its finish, if the finish arrived first.

        Otherwise the start is remembered until the finish arrives.
        """
        orphan = self._orphans.pop(start.call_id or "", None)
        if orphan is None:
            self._running[start.call_id or ""] = start
            return
        start.finish, start.finish_id, start.ended_at = orphan.body, orphan.id, orphan.at
        start.took_ms, start.ok, start.trouble = orphan.took_ms, orphan.ok, orphan.trouble
        start.preview, start.result = start.preview or orphan.preview, orphan.result
        batch.gone[orphan.id] = orphan
        del self._by_id[orphan.id]

    def _place(self, line: EventLine, batch: _Batch) -> None:
        self._by_id[line.id] = line
        if not self.lines or line.sort >= self.lines[-1].sort:
            self.lines.append(line)
            batch.appended.add(line.id)
        else:
            batch.late.append(line)

    def _apply_batch(self, batch: _Batch) -> BatchResult:
        """Insert the batch's late lines, and remove finishes that were joined to a start."""
        added, moved = batch.added, len(batch.late) + len(batch.gone)
        added.appended = len(batch.appended - batch.gone.keys())
        added.reordered = moved > 0
        if moved > RESORT_ABOVE:
            self.lines = [line for line in (*self.lines, *batch.late) if line.id not in batch.gone]
            self.lines.sort(key=_sort)
        else:
            for line in batch.late:
                insort(self.lines, line, key=_sort)
            for line in batch.gone.values():
                del self.lines[bisect_left(self.lines, line.sort, key=_sort)]
        self._drop_oldest(added)
        return added

    def _too_old(self, at: datetime) -> bool:
        return self._gone_until is not None and at <= self._gone_until

    def _drop_oldest(self, added: BatchResult) -> None:
        """Drop the oldest lines if there are more than MAX_LINES.

        From then on, events that are as old as the dropped lines are ignored.
        """
        if len(self.lines) <= MAX_LINES:
            return
        count = len(self.lines) - MAX_LINES * 9 // 10
        until = self.lines[count - 1].at
        while count < len(self.lines) and self.lines[count].at == until:
            count += 1
        for line in self.lines[:count]:
            del self._by_id[line.id]
            self._seen.discard(line.id)
            for waiting in (self._running, self._orphans):
                if waiting.get(line.call_id or "") is line:
                    del waiting[line.call_id or ""]
        self.gone += count
        self._gone_until = until
        del self.lines[:count]
        added.reordered = True


@dataclass(slots=True)
class _Batch:
    added: BatchResult = field(default_factory=BatchResult)
    appended: set[str] = field(default_factory=set)
    late: list[EventLine] = field(default_factory=list)
    gone: dict[str, EventLine] = field(default_factory=dict)


def _sort(line: EventLine) -> tuple[datetime, int]:
    return line.sort


def _tool_call(event: Event) -> str | None:
    value = (event.payload or {}).get("tool_call_id")
    return value if isinstance(value, str) and value else None


def _outcome(line: EventLine, payload: dict[str, object]) -> None:
    took, ok, error = payload.get("duration_ms"), payload.get("success"), payload.get("error")
    line.took_ms = _milliseconds(took)
    line.ok = ok if isinstance(ok, bool) else error is None
    line.trouble = redact.text(error) if isinstance(error, str) and error else None
    line.result = _short_result(payload)
    if not line.preview:
        line.preview = _preview(payload)


def _short_result(payload: dict[str, object]) -> str:
    """Return a tool's output if it is a short line, or else its number of lines."""
    output = payload.get("output", payload.get("output_preview"))
    if not isinstance(output, str):
        return ""
    lines = output.strip().count("\n") + 1
    if lines > 1:
        return f"{lines:,} lines"
    return redact.text(output.strip()) if len(output) <= _LONGEST_RESULT else ""


def _milliseconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


_TELLING = ("command", "cmd", "query", "pattern", "path", "file_path", "file", "url", "text", "description")


def _preview(payload: dict[str, object]) -> str:
    """Return a preview of a tool's input.

    It is the main argument, or the preview from the service if there is no main argument.
    """
    tool_input = payload.get("input")
    if isinstance(tool_input, dict):
        for name in _TELLING:
            if isinstance(tool_input.get(name), str) and tool_input[name]:
                return str(redact.payload(tool_input[name]))
        for value in tool_input.values():
            # A plan or a list of files reads better as its words than as JSON.
            if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
                return str(redact.payload("; ".join(value)))
    shown = payload.get("input_preview")
    return str(redact.payload(shown)) if isinstance(shown, str) else ""
