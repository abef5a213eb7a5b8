"""The text of event and log lines, and what a search finds in it."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.live.log_tail import LogLine, LogTail
from mogplex_tui.live.run_event_tail import EventTail
from mogplex_tui.screens.tail_models import LogTailModel, RunTailModel
from tests.unit.fakes import START, event, tool

DELIVERY = {"stage": "git_delivery", "pull_request_url": "https://git.test/acme/web/pull/7"}

STORY = [
    event(0, "started"),
    event(1, "status_changed", payload={"from": "pending", "to": "streaming"}),
    tool(2, "t1", done=False, input={"command": "ls -la"}),
    tool(3, "t1", done=True, success=False, duration_ms=1200, error="exit 1"),
    event(4, "log", payload={"text": "not shown"}),
    event(5, "log", payload=DELIVERY),
    event(6, "failed", payload={"error": "out of room"}),
    event(7, "of_another_day", message=""),
]


def _lines(tail: EventTail | LogTail) -> Any:
    if isinstance(tail, EventTail):
        tail.add(STORY)
        return RunTailModel(tail)
    tail.take([LogLine("install", "added 12 packages", START), LogLine("dev", "ready")])
    return LogTailModel(tail)


@pytest.mark.parametrize("tail", [EventTail, LogTail])
def test_search_covers_exactly_the_shown_text(tail: Any) -> None:
    lines = _lines(tail())
    assert len(lines) > 1
    for index in range(len(lines)):
        row = lines.row(index)
        shown = [text for text, _ in (row.label, *row.body, *(row.detail or ()))]
        assert lines.text(index).split() == " ".join(shown).split()


def test_event_line_shows_details_missing_in_its_message() -> None:
    lines = _lines(EventTail())
    told = "\n".join(lines.text(index) for index in range(len(lines)))
    for words in ("pending → streaming", "ls -la", "exit 1", "/pull/7", "out of room", "of another day"):
        assert words in told
    assert "not shown" not in told
