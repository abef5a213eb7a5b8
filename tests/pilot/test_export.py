"""Lists and runs are exported to new, private files."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _only_file(folder: Path, suffix: str) -> Path:
    (file,) = folder.glob(f"*.{suffix}")
    return file


async def test_list_is_exported_as_filtered_and_sorted(
    console: Run, world: RowFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    web, docs = world.repo("acme/web"), world.repo("acme/docs")
    for minutes, repo in enumerate((web, docs, web)):
        model = "=1+1 | <b>bold</b> \x1b[31m mog_abcdefghijklmnop"
        world.call(repo_id=repo, status="failed", model=model, duration_ms=60_000 * (minutes + 1))
    async with console(size=(120, 30)) as ui:
        await ui.sees("acme/web", "acme/docs")
        await ui.press("slash", *"repo:web", "enter", "colon", *"sort time", "enter")
        await ui.sees("2 of 3", "by time")
        await ui.press("ctrl+s")
        await ui.sees("Export 2 runs", "Rows: 2 of 3 that match / repo:web, sorted by time ↓.", "runs-")
        await ui.press("enter")
        await ui.sees("Exported 2 runs to")
        file = _only_file(folder, "csv")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        rows = list(csv.DictReader(io.StringIO(file.read_text())))
        assert [(row["repo"], row["duration_ms"]) for row in rows] == [
            ("acme/web", "180000"),
            ("acme/web", "60000"),
        ]
        assert rows[0]["model"].startswith("'=1+1") and "\x1b" not in file.read_text()
        assert "mog_abcdefghijklmnop" not in file.read_text()
        await ui.press("ctrl+s", "down", "down")
        await ui.sees(".md")
        await ui.press("tab", "ctrl+u", *"notes.md", "enter")
        await ui.sees("notes.md")
        await ui.until(lambda: len(ui.app.screen_stack) == 1, "the dialog closing")
        text = (folder / "notes.md").read_text()
        assert text.startswith("# Runs\n") and "| ✗ failed |" in text and text.count("| acme/web |") == 2
        assert r"| b\> ␛\[31m \[redacted\] |" in text
        await ui.press("ctrl+s", "tab", "ctrl+u", *"notes.md", "enter")
        await ui.sees("Choose another name")
        assert (folder / "notes.md").read_text() == text


async def test_run_is_exported_with_its_events(
    console: Run, world: RowFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call_id = world.call(repo_id=world.repo("acme/api"))
    world.event(
        call_id, "tool_started", tool_name="shell", payload={"tool_call_id": "t", "input": {"cmd": "make"}}
    )
    world.event(call_id, "tool_finished", payload={"tool_call_id": "t", "duration_ms": 1500, "success": True})
    world.event(call_id, "log", message="done", payload={"token": "hidden-value"})
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("done", "3 events")
        await ui.press("ctrl+s", "down", "enter")
        await ui.sees("Exported")
        exported = json.loads(_only_file(tmp_path, "json").read_text())
        assert exported["run"]["call_id"] == call_id
        tool, log = exported["events"]
        assert (
            tool["payload"]["input"] == {"cmd": "make"} and tool["finish"]["payload"]["duration_ms"] == 1500
        )
        assert log["message"] == "done" and "hidden-value" not in json.dumps(exported)
        await ui.press("ctrl+s", "enter")
        await ui.until(lambda: list(tmp_path.glob("*.md")), "the second file")
        assert "| tool_started | shell | make | 1.5s | ok |" in _only_file(tmp_path, "md").read_text()
