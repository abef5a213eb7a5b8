"""The ledger records each change before it is sent and never blocks it."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.live.change_ledger import Ledger


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "ledger.jsonl").read_text().splitlines()]


def test_change_and_its_outcome_are_two_lines_with_one_id(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    entry = ledger.open("start", "run in acme/web", "key-1")
    (sent,) = lines(tmp_path)
    assert (sent["action"], sent["subject"], sent["key"], sent["state"]) == (
        "start",
        "run in acme/web",
        "key-1",
        "sent",
    )
    ledger.close(entry, "done", "r1")
    first, last = lines(tmp_path)
    assert first == sent
    assert (last["id"], last["state"], last["detail"]) == (sent["id"], "done", "r1")
    assert [each.state for each in ledger.entries] == ["sent", "done"]
    assert stat.S_IMODE((tmp_path / "ledger.jsonl").stat().st_mode) == 0o600


def test_ledger_is_appended_after_a_restart(tmp_path: Path) -> None:
    for subject in ("one", "two"):
        Ledger(tmp_path).open("cancel", subject)
    assert [line["subject"] for line in lines(tmp_path)] == ["one", "two"]


def test_ledger_never_holds_a_secret(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    secret = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
    entry = ledger.open("cancel", f"run {secret}")
    ledger.close(entry, "refused", f"Bearer {secret} was refused, ghp_abcdef too")
    text = (tmp_path / "ledger.jsonl").read_text() + repr(ledger.entries)
    assert secret not in text
    assert "ghp_abcdef" not in text


def test_ledger_on_full_disk_does_not_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    ledger = Ledger(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        entry = ledger.open("cancel", "run r1")
        ledger.close(entry, "done")
    assert [each.state for each in ledger.entries] == ["sent", "done"]


def test_ledger_accepts_text_that_utf8_cannot_encode(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.close(ledger.open("cancel", "run \ud800"), "refused", "said \udfff and\nmore")
    assert lines(tmp_path)[1]["detail"] == "said \udfff and\nmore"


def test_ledger_without_directory_stays_in_memory(tmp_path: Path) -> None:
    ledger = Ledger(None)
    ledger.open("cancel", "run r1")
    assert len(ledger.entries) == 1
    assert not list(tmp_path.glob("**/*.jsonl"))
