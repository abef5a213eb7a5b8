"""Models that supply a `LineTail` widget with events or log lines (v1.md §8.5)."""

from __future__ import annotations

from collections.abc import Hashable

from mogplex_tui.live.log_tail import LogTail
from mogplex_tui.live.run_event_tail import BatchResult, EventLine, EventTail
from mogplex_tui.operate import formatting
from mogplex_tui.operate.event_text import TOOL_TYPES, EventText, event_text, is_error
from mogplex_tui.widgets.line_tail import TailRow
from mogplex_tui.widgets.styles import Cell, Tone

# event type -> (word, tone)
_EVENTS: dict[str, tuple[str, Tone]] = {
    "started": ("started", Tone.ACCENT),
    "status_changed": ("status", Tone.ACCENT),
    "tool_started": ("tool", Tone.PLAIN),
    "tool_finished": ("tool", Tone.PLAIN),
    "log": ("log", Tone.DIM),
    "cancel_requested": ("cancel", Tone.WARN),
    "cancelled": ("cancelled", Tone.WARN),
    "finished": ("finished", Tone.OK),
    "failed": ("failed", Tone.ERROR),
}
TOOL_WIDTH = 11
# Event types whose payload has information that the message lacks.
_TELLING = ("status_changed", "failed")


class RunTailModel:
    """The events of a run as rows for a `LineTail`."""

    def __init__(self, tail: EventTail, *, has_ended: bool = False) -> None:
        self._tail = tail
        # Once the run has ended, an unfinished tool is no longer shown as running (v1.md §8.5).
        self.has_ended = has_ended
        # The ids of the failed events.
        self.errors: set[str] = set()

    def note(self, added: BatchResult) -> None:
        """Update `errors` after a batch of events was added to the tail."""
        lines = self._tail.lines
        if added.reordered:
            self.errors = {line.id for line in lines if is_error(line)}
            return
        changed = (line for key in added.changed if (line := self._tail.get(key)) is not None)
        appended = lines[len(lines) - added.appended :]
        self.errors |= {line.id for line in (*changed, *appended) if is_error(line)}

    def __len__(self) -> int:
        return len(self._tail)

    def index_of(self, key: str) -> int | None:
        """Return the index of the event with a key, or None if there is no such event."""
        return self._tail.index_of(key)

    def version(self, key: str) -> int:
        """Return a number that changes whenever the event would be drawn differently."""
        line = self._tail.get(key)
        return 0 if line is None else line.version * 2 + self.has_ended

    def row(self, index: int) -> TailRow:
        """Return the row to draw for the event at an index."""
        line = self._tail.lines[index]
        word, tone = _EVENTS.get(line.type, (line.type, Tone.PLAIN))
        return TailRow(
            key=line.id,
            time=formatting.time_of_day(line.at),
            label=(word, tone),
            body=list(zip(_body(line), _tones(line), strict=False)),
            right=self._right(line),
            detail=[(line.trouble, Tone.ERROR)] if line.trouble else None,
        )

    def text(self, index: int) -> str:
        """Return the text of an event that a search looks through."""
        line = self._tail.lines[index]
        word, _ = _EVENTS.get(line.type, (line.type, Tone.PLAIN))
        return " ".join((word, *_body(line), line.trouble or ""))

    def event_text(self, key: str) -> EventText | None:
        """Return the event with a key as text, or None if there is no such event."""
        line = self._tail.get(key)
        return None if line is None else event_text(line, has_ended=self.has_ended)

    def fold_key(self, index: int) -> Hashable | None:
        """Return a key that is equal for events that look the same.

        Successive events with the same key are folded. The key is None for an event that may still change.
        """
        line = self._tail.lines[index]
        if line.type in TOOL_TYPES and line.ok is None:
            return None
        return (line.type, line.ok, line.trouble, _body(line))

    def _right(self, line: EventLine) -> Cell | None:
        if line.type not in TOOL_TYPES:
            return None
        if line.ok is None:
            return ("–", Tone.DIM) if self.has_ended else ("…", Tone.LIVE)
        duration = formatting.millis(line.took_ms) if line.took_ms is not None else ""
        return (duration, Tone.DIM) if line.ok else (f"✗ {duration}".rstrip(), Tone.ERROR)


class LogTailModel:
    """The log lines of a record as rows for a `LineTail`."""

    def __init__(self, tail: LogTail) -> None:
        self._tail = tail

    def __len__(self) -> int:
        return len(self._tail)

    def index_of(self, key: str) -> int | None:
        """Return the index of the log line with a key, or None if there is no such line."""
        return self._tail.index_of(key)

    def version(self, key: str) -> int:
        """Return a number that changes whenever the log line would be drawn differently."""
        line = self._tail.get(key)
        return 0 if line is None else line.version

    def row(self, index: int) -> TailRow:
        """Return the row to draw for the log line at an index.

        It shows the name of the log and, if the line has a time, the time before the text. Few lines
        have a time, so there is no separate column of times.
        """
        line = self._tail.lines[index]
        time = [] if line.at is None else [(f"{formatting.time_of_day(line.at)} ", Tone.DIM)]
        return TailRow(line.key, "", (line.source, Tone.DIM), [*time, (line.text, Tone(line.tone))])

    def text(self, index: int) -> str:
        """Return the text of a log line that a search looks through."""
        line = self._tail.lines[index]
        return f"{line.source} {formatting.time_of_day(line.at) if line.at is not None else ''} {line.text}"


def _body(line: EventLine) -> tuple[str, ...]:
    """Return the parts of an event's message.

    For a tool event they are the tool's name, a preview of its input and a short result. For other
    events they are the message and, if the payload has more to tell, details from it.
    """
    if line.type in TOOL_TYPES:
        body = (f"{line.tool or '?':<{TOOL_WIDTH}} ", line.preview or line.message)
        return (*body, f"  {line.result}") if line.result else body
    details, text = _payload_details(line), line.message or line.type.replace("_", " ")
    return (text, f"  {details}") if details else (text,)


def _tones(line: EventLine) -> tuple[Tone, ...]:
    """Return the tones for the parts of an event's message."""
    if line.type in TOOL_TYPES:
        return Tone.ACCENT, Tone.PLAIN, Tone.DIM
    return Tone.ERROR if line.type == "failed" else Tone.DIM if line.type == "log" else Tone.PLAIN, Tone.DIM


def _payload_details(line: EventLine) -> str:
    """Return details of an event's payload that are not in its message (v1.md §8.5).

    Empty if there are none.
    """
    if line.type not in _TELLING and b"git_delivery" not in bytes(line.body):
        # Most events have no such details, and parsing the payload costs more than the rest of the line.
        return ""
    payload = line.payload()
    if line.type == "status_changed":
        return f"{payload.get('from', '?')} → {payload.get('to', '?')}"
    if payload.get("stage") == "git_delivery" and isinstance(payload.get("pull_request_url"), str):
        return str(payload["pull_request_url"])
    if line.type == "failed":
        error, code = payload.get("error"), payload.get("failure_code")
        detail = error if isinstance(error, str) else code if isinstance(code, str) else ""
        return detail if detail not in line.message else ""
    return ""
