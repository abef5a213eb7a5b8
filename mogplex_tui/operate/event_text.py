"""Formats an event of a run: arguments, result, error, diff and command output.

The payloads are described in v1.md §8.5. Texts are complete, except that terminal colours are
removed; widgets make other control characters visible and wrap the lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from enum import Enum

from mogplex_tui.live.run_event_tail import EventLine
from mogplex_tui.operate import formatting

# The type names of the events of a tool call.
TOOL_TYPES = ("tool_started", "tool_finished")
# Above this many lines a comparison of two texts could take seconds; they are shown one after the other.
_MOST_COMPARED_LINES = 600
# Terminal colours and cursor movements in command output.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# The service's marks for what it left out (v1.md §8.4).
_CUT_END = re.compile(r"\n?\.\.\.\[truncated (\d+) chars\]\Z")
_CUT_VALUE = "[truncated]"
_PREVIEW = 200
_COMMANDS = ("command", "cmd", "script")
_DIFFS = ("diff", "patch", "unified_diff")
_OLD_TEXT = ("old_string", "old_str", "oldText", "old_text", "search")
_NEW_TEXT = ("new_string", "new_str", "newText", "new_text", "replace")
# The beginning of a patch, or of a hunk of a unified diff.
_DIFF_MARK = re.compile(r"\A(?:diff --git |\*\*\* Begin Patch)|^@@ -\d+(?:,\d+)? \+\d+", re.MULTILINE)
# Payload keys of a tool call that have a section of their own, or repeat another key.
_TOOL_KEYS = frozenset(
    ("input", "input_preview", "output", "output_preview", "error", "success", "duration_ms", "tool_call_id")
)


class SectionKind(Enum):
    """The meaning of a section's lines, which determines how they are drawn."""

    FIELDS = "fields"
    TEXT = "text"
    ERROR = "error"
    DIFF = "diff"


@dataclass(frozen=True, slots=True)
class EventSection:
    """A titled part of an event.

    `note` says how many values the service left out. The values of fields begin at the character
    position `value_column`.
    """

    kind: SectionKind
    title: str
    lines: tuple[str, ...]
    note: str = ""
    value_column: int = 0

    @property
    def heading(self) -> str:
        """The title, the number of lines if there are several, and the note."""
        size = formatting.plural(len(self.lines), "line") if self.shows_line_count else ""
        return "  ".join(part for part in (self.title, size, self.note) if part)

    @property
    def shows_line_count(self) -> bool:
        """Whether the heading shows the number of lines.

        The number is not shown for lists of fields, which are short.
        """
        return len(self.lines) > 1 and self.kind is not SectionKind.FIELDS


@dataclass(frozen=True, slots=True)
class EventText:
    """An event of a run as text and as JSON, both without secrets.

    `outcome` has the glyph, the word and the tone of a tool call's state, or is None for other
    events.
    """

    id: str
    at: datetime
    title: str
    outcome: tuple[str, str, str] | None
    duration: str
    sections: tuple[EventSection, ...]
    record: Mapping[str, object]

    def as_text(self) -> str:
        """Return the event as plain text, to be copied or saved."""
        state = self.outcome[1] if self.outcome else ""
        parts = [self.title, state, self.duration, formatting.local_time(self.at)]
        blocks = [["  ".join(part for part in parts if part)]]
        blocks += [[section.heading.upper(), *section.lines] for section in self.sections]
        return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"

    def as_json(self) -> str:
        """Return the event as indented JSON."""
        return json.dumps(self.record, indent=2, ensure_ascii=False)


def is_error(line: EventLine) -> bool:
    """Return whether an event reports the failure of a tool or of the run."""
    return line.type == "failed" or line.ok is False


def event_text(line: EventLine, *, has_ended: bool) -> EventText:
    """Return the text of an event.

    If `has_ended` is true, the run has ended, so a tool call without a finish is not shown as
    running.
    """
    record = line.as_json()
    is_tool = line.type in TOOL_TYPES
    payload = line.payload() | line.finish_payload()
    sections = _tool_sections(payload) if is_tool else _other_sections(line.message, payload)
    title = line.tool or "tool" if is_tool else line.type.replace("_", " ")
    return EventText(
        id=line.id,
        at=line.at,
        title=title,
        outcome=_outcome(line, has_ended=has_ended) if is_tool else None,
        duration=formatting.millis(line.took_ms) if line.took_ms is not None else "",
        sections=tuple(section for section in sections if section.lines),
        record=record,
    )


def _outcome(line: EventLine, *, has_ended: bool) -> tuple[str, str, str]:
    if line.ok is None:
        return (formatting.DASH, "no result", "dim") if has_ended else formatting.state("running")
    return formatting.state("success" if line.ok else "failed")


def _tool_sections(payload: Mapping[str, object]) -> Iterator[EventSection]:
    given = payload.get("input")
    if given is None:
        # Older rows have only the preview.
        yield _preview("Arguments", payload.get("input_preview"))
    else:
        yield from _arguments(given)
    error = payload.get("error")
    if error is not None:
        yield _text("Error", error, SectionKind.ERROR)
    if "output" in payload:
        command = isinstance(given, dict) and any(name in given for name in _COMMANDS)
        yield from _result(payload["output"], "Output" if command else "Result")
    else:
        yield _preview("Result", payload.get("output_preview"))
    yield _fields("Details", {name: value for name, value in payload.items() if name not in _TOOL_KEYS})


def _other_sections(message: str, payload: Mapping[str, object]) -> Iterator[EventSection]:
    """Yield the sections of an event that is not a tool call."""
    if message != payload.get("error"):
        yield _text("Message", message)
    rest = dict(payload)
    preview = rest.pop("payloadPreview", None) if rest.get("truncated") is True else None
    error, logs = rest.pop("error", None), rest.pop("logs", None)
    if error is not None:
        yield _text("Error", error, SectionKind.ERROR)
    if preview is not None:
        rest.pop("truncated")
        yield _text("Payload", preview, note="the service sent only its beginning")
    long_texts = {name: rest.pop(name) for name in list(rest) if _is_long(rest[name])}
    yield _fields("Details", rest)
    if logs is not None:
        yield _text("Output", logs)
    for name, value in long_texts.items():
        yield _text(_label(name).capitalize(), value)


def _arguments(given: object) -> Iterator[EventSection]:
    """Yield a tool's arguments; texts of several lines have their own sections."""
    if not isinstance(given, dict):
        yield from _result(given, "Arguments")
        return
    rest = dict(given)
    edits = rest.get("edits")
    changes = [_pop_change(rest)]
    if isinstance(edits, list) and edits and all(isinstance(edit, dict) for edit in edits):
        found = [_pop_change(dict(edit)) for edit in edits]
        if all(found):
            changes += found
            del rest["edits"]
    long_texts = {name: rest.pop(name) for name in list(rest) if _is_long(rest[name])}
    yield _fields("Arguments", rest)
    for name, value in long_texts.items():
        is_diff = name in _DIFFS or _is_diff(value)
        yield _text(
            "Diff" if is_diff else _label(name).capitalize(),
            value,
            SectionKind.DIFF if is_diff else SectionKind.TEXT,
        )
    compared = [line for change in changes if change for line in _compared(*change)]
    yield EventSection(SectionKind.DIFF, "Diff", tuple(compared))


def _pop_change(fields: dict[str, object]) -> tuple[str, str] | None:
    """Remove an edit's old and new text from its arguments, and return both.

    Returns None, and removes nothing, unless the arguments have both texts.
    """
    old = next((name for name in _OLD_TEXT if isinstance(fields.get(name), str)), None)
    new = next((name for name in _NEW_TEXT if isinstance(fields.get(name), str)), None)
    if old is None or new is None:
        return None
    return str(fields.pop(old)), str(fields.pop(new))


def _compared(before: str, after: str) -> list[str]:
    """Return the lines of a unified diff of two texts, without the file header."""
    old, new = _lines(before), _lines(after)
    if len(old) + len(new) > _MOST_COMPARED_LINES:
        return [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    return list(unified_diff(old, new, lineterm="", n=3))[2:]


def _result(value: object, title: str) -> Iterator[EventSection]:
    """Yield the sections of a tool's result: a text, a diff, command output, or JSON."""
    if isinstance(value, dict):
        if "stdout" in value or "stderr" in value:
            yield from _command_output(value)
            return
        texts = _content_texts(value.get("content"))
        if texts is not None:
            rest = {name: item for name, item in value.items() if name != "content"}
            yield _text(title, "\n".join(texts))
            yield _fields("Details", rest)
            return
        diff = next((name for name in _DIFFS if isinstance(value.get(name), str)), None)
        if diff is not None:
            yield _fields(title, {name: item for name, item in value.items() if name != diff})
            yield _text("Diff", value[diff], SectionKind.DIFF)
            return
    is_diff = _is_diff(value)
    yield _text("Diff" if is_diff else title, value, SectionKind.DIFF if is_diff else SectionKind.TEXT)


def _command_output(value: Mapping[str, object]) -> Iterator[EventSection]:
    """Yield the sections of a command: stdout, stderr, exit code (sandboxes.md §6)."""
    yield _text("Output", value.get("stdout"))
    yield _text("Error output", value.get("stderr"))
    yield _fields("Details", {name: item for name, item in value.items() if name not in ("stdout", "stderr")})


def _content_texts(content: object) -> list[str] | None:
    """Return the texts of an MCP tool's content, or None if it has non-text parts."""
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    return (
        [text for text in texts if isinstance(text, str)] if all(isinstance(t, str) for t in texts) else None
    )


def _is_long(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _is_diff(value: object) -> bool:
    return isinstance(value, str) and _DIFF_MARK.search(value) is not None


def _fields(title: str, fields: Mapping[str, object]) -> EventSection:
    """Return a section with one line for each field that has a value."""
    shown = {_label(name): _field(value) for name, value in fields.items() if value not in (None, "", [], {})}
    across = max(map(len, shown), default=0)
    lines = [
        f"{label if not number else '':<{across}}  {text}".rstrip()
        for label, texts in shown.items()
        for number, text in enumerate(texts)
    ]
    return EventSection(SectionKind.FIELDS, title, tuple(lines), _note(fields), across + 2)


def _label(name: str) -> str:
    """Return a key as words: `startLine` and `start_line` become "start line"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def _field(value: object) -> list[str]:
    """Return a field's value as lines."""
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, str):
        return _lines(value)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return [str(item) for item in value]
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return [str(value)]


def _text(title: str, value: object, kind: SectionKind = SectionKind.TEXT, *, note: str = "") -> EventSection:
    if not isinstance(value, str):
        shown = "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
        return EventSection(kind, title, tuple(_lines(shown)), note or _note(value))
    cut = _CUT_END.search(value)
    if cut is not None:
        note = f"{int(cut[1]):,} more characters cut by the service"
        value = value[: cut.start()]
    return EventSection(kind, title, tuple(_lines(value)), note or _note(value))


def _preview(title: str, value: object) -> EventSection:
    """Return a section with the service's preview of a value that it did not send."""
    is_cut = isinstance(value, str) and len(value) >= _PREVIEW
    return _text(title, value, note=f"only the first {_PREVIEW} characters were sent" if is_cut else "")


def _lines(text: str) -> list[str]:
    """Return the lines of a text without terminal colours and trailing empty lines."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _note(value: object) -> str:
    """Return a note on how many values the service has cut.

    Returns "" if it has cut none.
    """
    cut = _cut_values(value)
    return f"{formatting.plural(cut, 'value')} cut by the service" if cut else ""


def _cut_values(value: object) -> int:
    if isinstance(value, str):
        return int(value == _CUT_VALUE or _CUT_END.search(value) is not None)
    if isinstance(value, Mapping):
        return sum(map(_cut_values, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return sum(map(_cut_values, value))
    return 0
