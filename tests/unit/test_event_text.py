"""The sections of an event's text, by the shapes of its payload (v1.md §8.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mogplex_tui.live.run_event_tail import EventTail
from mogplex_tui.operate.event_text import EventText, event_text
from tests.unit.fakes import event, tool


def _text(*events: Any) -> EventText:
    tail = EventTail()
    tail.add(events)
    return event_text(tail.lines[0], has_ended=False)


def _sections(text: EventText) -> dict[str, list[str]]:
    return {section.heading: list(section.lines) for section in text.sections}


def _finished(**payload: Any) -> dict[str, list[str]]:
    return _sections(_text(tool(1, "t", done=True, **payload)))


OLD_NEW = {"file_path": "a.py", "old_string": "a\nb\nc", "new_string": "a\nB\nc"}
COMPARED = ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]


@pytest.mark.parametrize(
    ("payload", "sections"),
    [
        (
            {"input": {"command": "make"}, "output": "\x1b[31mred\x1b[0m\r\ntwo\n\n"},
            {"Arguments": ["command  make"], "Output  2 lines": ["red", "two"]},
        ),
        (
            {"input": {"path": "a.py", "startLine": 3}, "output": "148 lines"},
            {"Arguments": ["path        a.py", "start line  3"], "Result": ["148 lines"]},
        ),
        ({"input": OLD_NEW}, {"Arguments": ["file path  a.py"], "Diff  5 lines": COMPARED}),
        ({"input": {"edits": [OLD_NEW | {"file_path": ""}]}}, {"Diff  5 lines": COMPARED}),
        (
            {"input": {"patch": "*** Begin Patch\n+x"}, "error": "no\nmatch"},
            {"Diff  2 lines": ["*** Begin Patch", "+x"], "Error  2 lines": ["no", "match"]},
        ),
        (
            {"input": {}, "output": {"stdout": "ok", "stderr": "", "exitCode": 0}},
            {"Output": ["ok"], "Details": ["exit code  0"]},
        ),
        ({"output": {"content": [{"type": "text", "text": "hi"}]}}, {"Result": ["hi"]}),
        ({"output": {"a": [1]}}, {"Result  5 lines": ["{", '  "a": [', "    1", "  ]", "}"]}),
        (
            {"output": "begin\n...[truncated 12000 chars]"},
            {"Result  12,000 more characters cut by the service": ["begin"]},
        ),
        (
            {"input": {"deep": {"er": "[truncated]"}}},
            {"Arguments  1 value cut by the service": ["deep  {", '        "er": "[truncated]"', "      }"]},
        ),
        (
            {"input_preview": "x" * 200, "output_preview": "done"},
            {"Arguments  only the first 200 characters were sent": ["x" * 200], "Result": ["done"]},
        ),
    ],
    ids=[
        "command",
        "result",
        "edit",
        "edits",
        "patch and error",
        "outputs of a command",
        "mcp content",
        "json",
        "cut text",
        "cut value",
        "previews",
    ],
)
def test_tool_call_has_a_section_for_each_part(payload: Any, sections: dict[str, list[str]]) -> None:
    assert _finished(**payload) == sections


def test_other_events_show_message_error_output_and_details() -> None:
    install = event(0, "log", message="Installed codex", payload={"stage": "install", "logs": "a\nb"})
    assert _sections(_text(install)) == {
        "Message": ["Installed codex"],
        "Details": ["stage  install"],
        "Output  2 lines": ["a", "b"],
    }
    failed = event(0, "failed", message="out of room", payload={"error": "out of room", "exit_code": 1})
    assert _sections(_text(failed)) == {"Error": ["out of room"], "Details": ["exit code  1"]}
    cut = event(0, "log", message="big", payload={"truncated": True, "payloadPreview": '{"a":'})
    assert _sections(_text(cut))["Payload  the service sent only its beginning"] == ['{"a":']


def test_large_edits_are_not_compared_and_the_json_is_complete() -> None:
    old, new = ("\n".join(f"{side} {number % 7}" for number in range(4_000)) for side in "ab")
    text = _text(
        tool(1, "t", done=False, input={"old_str": old, "new_str": new}), tool(2, "t", done=True, output="ok")
    )
    (diff, result) = text.sections
    assert (len(diff.lines), diff.lines[0], diff.lines[-1]) == (8_000, "-a 0", f"+b {3_999 % 7}")
    assert result.lines == ("ok",) and "DIFF  8,000 LINES" in text.as_text()
    assert json.loads(text.as_json())["finish"]["payload"]["output"] == "ok"
