"""Supplies the events of a run or the lines of a log to a line-drawn tail, with their tones (v1.md §8.5)."""

from __future__ import annotations

from mogplex_tui.live.event_tail import EventLine, EventTail
from mogplex_tui.live.log_tail import LogTail
from mogplex_tui.operate import formatting
from mogplex_tui.widgets.line_tail import TailRow
from mogplex_tui.widgets.styles import Cell, Tone

# type -> (word, tone)
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
_TOOL = ("tool_started", "tool_finished")
# Types whose payload says what their message does not.
_TELLING = ("status_changed", "failed")


class RunTailModel:
    """The lines of a tail for a `LineTail`."""

    def __init__(self, tail: EventTail, *, over: bool = False) -> None:
        self._tail = tail
        # When the run is over, a tool that never finished is not running any more (v1.md §8.5).
        self.over = over

    def __len__(self) -> int:
        return len(self._tail)

    def index_of(self, key: str) -> int | None:
        """Return the place of a line."""
        return self._tail.index_of(key)

    def version(self, key: str) -> int:
        """Return a number that changes when the line looks different."""
        line = self._tail.get(key)
        return 0 if line is None else line.version * 2 + self.over

    def row(self, index: int) -> TailRow:
        """Return a line as it is drawn."""
        line = self._tail.lines[index]
        word, tone = _EVENTS.get(line.type, (line.type, Tone.PLAIN))
        return TailRow(
            key=line.id,
            time=formatting.clock(line.at),
            label=(word, tone),
            body=list(zip(_body(line), _tones(line), strict=False)),
            right=self._right(line),
            detail=[(line.trouble, Tone.ERROR)] if line.trouble else None,
        )

    def text(self, index: int) -> str:
        """Return what a line says, without how it is drawn."""
        line = self._tail.lines[index]
        word, _ = _EVENTS.get(line.type, (line.type, Tone.PLAIN))
        return " ".join((word, *_body(line), line.trouble or ""))

    def _right(self, line: EventLine) -> Cell | None:
        if line.type not in _TOOL:
            return None
        if line.ok is None:
            return ("–", Tone.DIM) if self.over else ("…", Tone.LIVE)
        took = formatting.millis(line.took_ms) if line.took_ms is not None else ""
        return (took, Tone.DIM) if line.ok else (f"✗ {took}".rstrip(), Tone.ERROR)


class LogTailModel:
    """The lines of a record's logs for a `LineTail`."""

    def __init__(self, tail: LogTail) -> None:
        self._tail = tail

    def __len__(self) -> int:
        return len(self._tail)

    def index_of(self, key: str) -> int | None:
        """Return the place of a line."""
        return self._tail.index_of(key)

    def version(self, key: str) -> int:
        """Return a number that changes when the line looks different."""
        line = self._tail.get(key)
        return 0 if line is None else line.version

    def row(self, index: int) -> TailRow:
        """Return a line as it is drawn: which log it is from, and its time where that is known.

        Few lines have a time, so that it has no column of its own, which would be blank beside the others.
        """
        line = self._tail.lines[index]
        time = [] if line.at is None else [(f"{formatting.clock(line.at)} ", Tone.DIM)]
        return TailRow(line.key, "", (line.source, Tone.DIM), [*time, (line.text, Tone(line.tone))])

    def text(self, index: int) -> str:
        """Return what a line says, without how it is drawn."""
        line = self._tail.lines[index]
        return f"{line.source} {formatting.clock(line.at) if line.at is not None else ''} {line.text}"


def _body(line: EventLine) -> tuple[str, ...]:
    """Return the message of an event: a tool's name and what it did, or the words and what its payload tells."""
    if line.type in _TOOL:
        return f"{line.tool or '?':<{TOOL_WIDTH}} ", line.preview or line.message
    extra, said = _telling(line), line.message or line.type.replace("_", " ")
    return (said, f"  {extra}") if extra else (said,)


def _tones(line: EventLine) -> tuple[Tone, Tone]:
    """Return the tones of the two parts of a message."""
    if line.type in _TOOL:
        return Tone.ACCENT, Tone.PLAIN
    return Tone.ERROR if line.type == "failed" else Tone.DIM if line.type == "log" else Tone.PLAIN, Tone.DIM


def _telling(line: EventLine) -> str:
    """Return the part of an event's payload that an operator wants to see beside its message (v1.md §8.5)."""
    if line.type not in _TELLING and b"git_delivery" not in bytes(line.body):
        # Most events tell nothing more, and reading what they carry costs more than all the rest of their line.
        return ""
    payload = line.payload()
    if line.type == "status_changed":
        return f"{payload.get('from', '?')} → {payload.get('to', '?')}"
    if payload.get("stage") == "git_delivery" and isinstance(payload.get("pull_request_url"), str):
        return str(payload["pull_request_url"])
    if line.type == "failed":
        error, code = payload.get("error"), payload.get("failure_code")
        told = error if isinstance(error, str) else code if isinstance(code, str) else ""
        return told if told not in line.message else ""
    return ""
