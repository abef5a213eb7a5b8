"""The event tail limits its memory: payloads go to disk, old lines are dropped."""

from __future__ import annotations

import gc
import logging
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.models.base import Rows
from mogplex_tui.live import run_event_tail, spill_file
from mogplex_tui.live import run_row as make
from mogplex_tui.live.run_event_tail import EventTail
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.spill_file import Spill
from mogplex_tui.operate.messages import missing_events
from tests.unit.fakes import FakeSession, call, event, tool


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Limit tails to 200 bytes in memory; return the directory of their files."""
    monkeypatch.setattr(spill_file.Spill.__init__, "__defaults__", (200,))
    folder = tmp_path / "spilled"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def in_memory(tail: EventTail) -> int:
    kept = [body for line in tail.lines for body in (line.body, line.finish) if isinstance(body, bytes)]
    return sum(map(len, kept))


def test_large_payloads_are_spilled_to_disk(small_memory: Path) -> None:
    plain, bounded = EventTail(), EventTail()
    plain._spill = Spill(1 << 30)
    events = [event(n, payload={"text": f"line {n} " * 9}) for n in range(20)]
    events += [tool(30, "t", done=False, input={"command": "ls"}), tool(31, "t", done=True, output="x" * 300)]
    for tail in (plain, bounded):
        tail.add(events)
    assert in_memory(bounded) <= 200 < in_memory(plain)
    assert [line.as_json() for line in bounded.lines] == [line.as_json() for line in plain.lines]
    # The file has no name and is closed with the tail.
    assert list(small_memory.iterdir()) == []
    file = bounded._spill._file
    assert file is not None
    del bounded, tail
    gc.collect()
    assert file.closed


def test_full_disk_keeps_payloads_in_memory(
    small_memory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    tail = EventTail()
    with caplog.at_level(logging.WARNING):
        tail.add([event(n, payload={"text": "x" * 150}) for n in range(4)])
    assert [line.payload()["text"] for line in tail.lines] == ["x" * 150] * 4
    assert caplog.text.count("No space left") == 1


def test_long_tail_keeps_its_newest_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_event_tail, "MAX_LINES", 100)
    tail, results = EventTail(), []
    events = [event(n) for n in range(300)]
    for end in range(10, 301, 10):
        # Each read returns all events from the first.
        results.append(tail.add(events[:end]))
        assert len(tail) <= 100
        assert tail.lines[-1].id == f"e{end - 1}"
    assert [line.id for line in tail.lines] == [f"e{n}" for n in range(300 - len(tail), 300)]
    assert tail.gone == 300 - len(tail)
    assert tail.events == 300
    assert any(added.reordered for added in results)
    assert not tail.add(events)


def test_tool_finish_without_its_dropped_start_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_event_tail, "MAX_LINES", 10)
    tail = EventTail()
    tail.add([tool(0, "long", done=False), *[event(n) for n in range(1, 12)]])
    assert tail.get("e0") is None
    finish = tool(50, "long", done=True, success=True)
    for _ in range(2):
        tail.add([finish])
        assert [line.id for line in tail.lines].count("e50") == 1
        assert tail.lines[-1].ok is True


async def test_screen_says_that_oldest_lines_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_event_tail, "MAX_LINES", 10)
    session = FakeSession(tmp_path)
    feed = RunEventsFeed(session, session.listing, make.from_call(call(1, status="streaming")))
    session.fake.events_of_call[call(1).id] = [Rows([event(n) for n in range(12)])]
    await feed.fetch()
    assert missing_events(feed) == "The oldest 3 lines are no longer kept here; the service has all of them."
