"""The events of one run: merged by id, ordered by time with arrival as tie-break, a tool's start and finish as one.

Kept compact (fields, and the payload as JSON bytes, beyond a bound on disk), because a run may have tens of thousands
(v1.md §8.5); of a tail that grows for days the newest lines are kept.
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
from mogplex_tui.live.spill_file import Spill, Spilled

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.events import Event

# v1 gives the oldest 200 events of a run and nothing beyond (v1.md §8).
HORIZON = 200
# The type of the line that stands for an event which did not parse.
UNREADABLE = "unreadable"
# So many lines are kept, a hundred megabytes; when there are more, the oldest tenth goes.
KEPT = 200_000
# Beyond this many lines out of place in one batch, sorting all is cheaper than moving each.
RESORT_ABOVE = 64


@dataclass(slots=True, eq=False)
class Line:
    """One line of the tail: an event, or a tool's start together with its finish.

    `at` is aware; `took_ms` is milliseconds; `ok` is None while a tool runs. `version` grows with every change.
    """

    id: str
    at: datetime
    order: int
    type: str
    tool: str | None
    message: str
    body: bytes | Spilled
    call_id: str | None = None
    finish: bytes | Spilled | None = None
    finish_id: str | None = None
    took_ms: float | None = None
    ok: bool | None = None
    preview: str = ""
    trouble: str | None = None
    version: int = 0

    @property
    def sort(self) -> tuple[datetime, int]:
        """The place in the tail."""
        return (self.at, self.order)

    def payload(self) -> dict[str, object]:
        """Return the event's payload, decoded anew."""
        return _decoded(self.body)

    def whole(self) -> dict[str, object]:
        """Return the event as the service gave it, secrets removed, with its finish if it has one."""
        event: dict[str, object] = {
            "id": self.id,
            "type": self.type,
            "toolName": self.tool,
            "message": self.message,
            "createdAt": self.at.isoformat(),
            "payload": self.payload(),
        }
        if self.finish is not None:
            event["finish"] = {"id": self.finish_id, "payload": _decoded(self.finish)}
        return event


def _decoded(body: bytes | Spilled) -> dict[str, object]:
    value = json.loads(bytes(body))
    return value if isinstance(value, dict) else {"value": value}


@dataclass(slots=True)
class Added:
    """What one batch did: lines appended at the end, ids of lines that changed, whether older ones were inserted."""

    appended: int = 0
    changed: list[str] = field(default_factory=list)
    reordered: bool = False

    def __bool__(self) -> bool:
        return bool(self.appended or self.changed or self.reordered)


class Tail:
    """Lines in order. Batches may repeat, overlap and come in any order; the result is the same."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._by_id: dict[str, Line] = {}
        self._running: dict[str, Line] = {}
        # Finishes whose start has not come: they get a line of their own, and give it up if the start comes late.
        self._orphans: dict[str, Line] = {}
        self._seen: set[str] = set()
        self._count = 0
        # Whether the service stopped at its horizon, so that later events exist that cannot be read.
        self.at_horizon = False
        # How many events did not parse; each has its marked line.
        self.bad = 0
        # How many of the oldest lines were let go, and the time of the last of them: what is older is not taken again.
        self.gone = 0
        self._gone_until: datetime | None = None
        self._spill = Spill()

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def events(self) -> int:
        """How many events were seen (a tool's two count as two)."""
        return len(self._seen) + self.gone

    def index_of(self, line_id: str) -> int | None:
        """Return the place of a line by its id, or None."""
        line = self._by_id.get(line_id)
        return None if line is None else bisect_left(self.lines, line.sort, key=_sort)

    def get(self, line_id: str) -> Line | None:
        """Return a line by its id."""
        return self._by_id.get(line_id)

    def add(self, events: Iterable[Event]) -> Added:
        """Merge a batch of events; those already known change nothing."""
        batch = _Batch()
        for event in events:
            if event.id in self._seen or self._too_old(event.created_at):
                continue
            self._seen.add(event.id)
            if event.type == "tool_finished" and self._finish(event, batch.added):
                continue
            self._place(self._line(event, batch), batch)
        return self._settle(batch)

    def add_bad(self, rows: Iterable[BadRow]) -> Added:
        """Merge events that did not parse, each as a marked line with its raw JSON (design decision 7)."""
        batch = _Batch()
        for row in rows:
            raw = row.raw if isinstance(row.raw, dict) else {"value": row.raw}
            body = redact.packed(raw)
            given = raw.get("id")
            named = isinstance(given, str) and bool(given)
            key = str(given) if named else f"unreadable-{hashlib.sha256(body).hexdigest()[:16]}"
            known = instant(raw.get("created_at")) or instant(raw.get("createdAt"))
            if key in self._seen or (known is not None and self._too_old(known)):
                continue
            self._seen.add(key)
            self.bad += 1
            self._count += 1
            at = known or (self.lines[-1].at if self.lines else datetime.fromtimestamp(0, UTC))
            message = f"This event could not be read: {redact.text(row.why)}"
            self._place(Line(key, at, self._count, UNREADABLE, None, message, self._spill.keep(body)), batch)
        return self._settle(batch)

    def _finish(self, event: Event, added: Added) -> bool:
        call = _tool_call(event)
        start = self._running.pop(call, None) if call else None
        if start is None:
            return False
        payload = event.payload or {}
        start.finish, start.finish_id = self._spill.keep(redact.packed(payload)), event.id
        _outcome(start, payload)
        start.version += 1
        added.changed.append(start.id)
        return True

    def _line(self, event: Event, batch: _Batch) -> Line:
        payload = event.payload or {}
        self._count += 1
        line = Line(
            id=event.id,
            at=event.created_at,
            order=self._count,
            type=event.type,
            tool=event.tool_name,
            message=redact.text(event.message or ""),
            body=self._spill.keep(redact.packed(payload)),
            call_id=_tool_call(event),
            preview=_preview(payload),
        )
        if event.type == "tool_finished":
            _outcome(line, payload)
            if line.call_id:
                self._orphans[line.call_id] = line
        elif event.type == "tool_started" and line.call_id:
            self._adopt(line, batch)
        return line

    def _adopt(self, start: Line, batch: _Batch) -> None:
        """Join a start with the finish that came before it, or wait for the finish."""
        orphan = self._orphans.pop(start.call_id or "", None)
        if orphan is None:
            self._running[start.call_id or ""] = start
            return
        start.finish, start.finish_id = orphan.body, orphan.id
        start.took_ms, start.ok, start.trouble = orphan.took_ms, orphan.ok, orphan.trouble
        start.preview = start.preview or orphan.preview
        batch.gone[orphan.id] = orphan
        del self._by_id[orphan.id]

    def _place(self, line: Line, batch: _Batch) -> None:
        self._by_id[line.id] = line
        if not self.lines or line.sort >= self.lines[-1].sort:
            self.lines.append(line)
            batch.appended.add(line.id)
        else:
            batch.late.append(line)

    def _settle(self, batch: _Batch) -> Added:
        """Put what came late in its place and take out the finishes that have found their start."""
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
        self._let_go(added)
        return added

    def _too_old(self, at: datetime) -> bool:
        return self._gone_until is not None and at <= self._gone_until

    def _let_go(self, added: Added) -> None:
        """Take out the oldest lines of a tail that has grown too long; each reading would bring them again."""
        if len(self.lines) <= KEPT:
            return
        count = len(self.lines) - KEPT * 9 // 10
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
    added: Added = field(default_factory=Added)
    appended: set[str] = field(default_factory=set)
    late: list[Line] = field(default_factory=list)
    gone: dict[str, Line] = field(default_factory=dict)


def _sort(line: Line) -> tuple[datetime, int]:
    return line.sort


def _tool_call(event: Event) -> str | None:
    value = (event.payload or {}).get("tool_call_id")
    return value if isinstance(value, str) and value else None


def _outcome(line: Line, payload: dict[str, object]) -> None:
    took, ok, error = payload.get("duration_ms"), payload.get("success"), payload.get("error")
    line.took_ms = _milliseconds(took)
    line.ok = ok if isinstance(ok, bool) else error is None
    line.trouble = redact.text(error) if isinstance(error, str) and error else None
    if not line.preview:
        line.preview = _preview(payload)


def _milliseconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


_TELLING = ("command", "cmd", "path", "file_path", "file", "query", "pattern", "url", "text", "description")


def _preview(payload: dict[str, object]) -> str:
    """Return what a tool was given in a few words: the one telling argument, else the service's own preview."""
    given = payload.get("input")
    if isinstance(given, dict):
        for name in _TELLING:
            if isinstance(given.get(name), str) and given[name]:
                return str(redact.payload(given[name]))
        for value in given.values():
            # A plan or a list of files reads better as its words than as JSON.
            if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
                return str(redact.payload("; ".join(value)))
    shown = payload.get("input_preview")
    return str(redact.payload(shown)) if isinstance(shown, str) else ""
