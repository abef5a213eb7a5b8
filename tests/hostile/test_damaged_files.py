"""Damaged files of the console are reported in one sentence and kept."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.target import Target
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.contexts import Context, contexts_file
from mogplex_tui.config.credential_store import StoredCredential, credentials_file
from mogplex_tui.config.paths import config_file, log_file, state_dir, write_private
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.state_file import FileErrorReporter
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live import startup_cache
from mogplex_tui.live.change_ledger import Ledger
from mogplex_tui.live.completion_records import KnownRecord, KnownRecords
from mogplex_tui.live.known_runs import KnownRun, KnownRuns
from mogplex_tui.live.store import RowSet
from mogplex_tui.operate.recent_places import RecentPlace, RecentPlaces
from mogplex_tui.operate.run_actions import Draft
from mogplex_tui.screens.modals.new_run import DraftStore
from tests.cli.support import CommandRunner
from tests.pilot.conftest import console, server
from tests.unit.fakes import START

__all__ = ["console", "server"]

NAME = "prod"

Damage = Callable[[Path], None]


def _bytes(data: bytes) -> Damage:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def _directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "inside").write_text("kept")


def _loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _cut(path: Path) -> None:
    text = path.read_bytes() if path.exists() else b'{"a": [1, 2'
    path.write_bytes(text[: len(text) * 2 // 3])


DAMAGES: dict[str, Damage] = {
    "empty": _bytes(b""),
    "cut off": _cut,
    "garbage": _bytes(b"\xff\xfe\x00garbage\x1b]0;title\x07"),
    "NUL bytes": _bytes(bytes(4096)),
    "a number": _bytes(b"7"),
    "a list of everything": _bytes(b'[null, 5, {}, [], "x", {"run_id": 7}]'),
    "an object of nonsense": _bytes(b'{"contexts": 5, "runs": 5, "at": [], "prompt": {}, "token": 5}'),
    "100,000 brackets": _bytes(b"a = " + b"[" * 100_000),
    "number of 10,000 digits": _bytes(b"a = " + b"9" * 10_000),
    "5 MB in one line": _bytes(b"x" * 5_000_000),
    "directory": _directory,
    "link to itself": _loop,
    "named pipe": _pipe,
}
# The undamaged content of each file; the damage "cut off" truncates it.
STATE = {
    "runs.json": '[{"run_id": "r1", "call_id": "c1", "repo": "acme/web", "prompt": "Fix it"}]',
    "picture.json": '{"at": "2026-08-05T10:00:00+00:00", "runs": []}',
    "known_records.json": '{"skills": [["5e700000-0000-4000-8000-000000000001", "triage"]]}',
    "recent.json": json.dumps([asdict(RecentPlace("agents", "agent fixer", key="a1"))]),
    "draft.json": '{"repo": "acme/web", "prompt": "A long prompt that nobody wants to lose", "key": "k1"}',
    "ledger.jsonl": '{"id": "1", "at": "2026-08-05T10:00:00+00:00", "action": "start", "state": "sent"}\n',
}
# Damages that these files tolerate: they are well-formed, or nothing could be lost.
HARMLESS: dict[str, set[str]] = {
    "ledger.jsonl": set(DAMAGES) - {"directory", "link to itself", "named pipe"},
}


def _sign_in(base_url: str, token: str) -> None:
    contexts.change(
        lambda known: known.put(
            Context(NAME, base_url, credential_store=credential_store.FILE, credential_kinds=("token",)),
            use=True,
        )
    )
    credential_store.save(NAME, StoredCredential(base_url, Secret(token)), where=credential_store.FILE)


def _kept_somewhere(path: Path, before: bytes | None) -> bool:
    """Whether a damaged file's content is still there, under its own or another name."""
    similar = [each for each in path.parent.iterdir() if each.name.startswith(path.name)]
    if before is None:
        return any(each.is_dir() or each.is_symlink() or each.is_fifo() for each in similar)
    return any(before in each.read_bytes() for each in similar if each.is_file())


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _sentences(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.strip()]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["config.toml", "contexts.json", "credentials"])
async def test_command_names_the_damaged_file_and_keeps_it(
    mogplex: CommandRunner, plane: PlaneServer, name: str, damage: str
) -> None:
    _sign_in(plane.base_url, plane.token)
    config_file().write_text("theme = 'dark'\n[keys]\n'runs.cancel' = 'X'\n")
    path = {"config.toml": config_file(), "contexts.json": contexts_file()}.get(name, credentials_file(NAME))
    DAMAGES[damage](path)
    before = _content(path)
    done = await mogplex("runs", "list", "--context", NAME)
    fine = name == "config.toml" and damage == "empty"
    assert done.code == (0 if fine else 3 if name == "credentials" else 2), done.err
    assert len(_sentences(done.err)) == 1, done.err
    assert fine or str(path) in done.err or f"credentials of {NAME}" in done.err
    assert "Traceback" not in done.err
    assert done.err.isprintable() or done.err.replace("\n", "").isprintable()
    assert _content(path) == before


def _read(name: str, folder: Path, errors: FileErrorReporter) -> None:
    """Read a file of the state directory as the console does, and write it again."""
    if name == "runs.json":
        KnownRuns(folder, errors).remember(KnownRun("r2"))
    elif name == "recent.json":
        places = RecentPlaces(folder, None, errors)
        places.add(RecentPlace("agents", "agent other", key="a2"))
        asyncio.run(places.sync())
    elif name == "draft.json":
        DraftStore(folder, errors).keep(Draft(prompt="another one"))
    elif name == "ledger.jsonl":
        Ledger(folder, errors).open("cancel", "run r1")
    elif name == "known_records.json":
        known = KnownRecords(folder, errors)
        known.remember("skills", [KnownRecord("s2", "lint")])
        known.save()
    else:
        startup_cache.load(folder, RowSet(), START, 0.0, errors)
        startup_cache.save(folder, {}, START)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", STATE)
def test_damaged_state_file_is_reported_once_and_kept(tmp_path: Path, name: str, damage: str) -> None:
    path = tmp_path / name
    path.write_text(STATE[name])
    DAMAGES[damage](path)
    before = _content(path)
    errors, reported = FileErrorReporter(), list[str]()
    errors.subscribe(reported.append)
    _read(name, tmp_path, errors)
    assert [name in sentence for sentence in reported] == ([] if damage in HARMLESS.get(name, ()) else [True])
    assert _kept_somewhere(path, before)
    # After the file was written again, nothing is reported.
    if name != "ledger.jsonl":
        reported_later = list[str]()
        errors = FileErrorReporter()
        errors.subscribe(reported_later.append)
        _read(name, tmp_path, errors)
        assert reported_later == []


@pytest.mark.parametrize("damage", ["garbage", "directory"])
# The console reads the known records only when it ends.
@pytest.mark.parametrize("name", sorted(STATE.keys() - {"known_records.json"}))
async def test_console_names_the_damaged_file(
    console: Callable[..., Any], tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    DAMAGES[damage](folder / name)
    async with console(directory=folder) as running:
        await running.sees("Runs")
        if name == "draft.json":
            await running.press("n")
        if name == "ledger.jsonl":
            running.app.session.ledger.open("cancel", "run r1")
        if damage not in HARMLESS.get(name, ()):
            await running.sees(name)
        assert "Traceback" not in running.text


@pytest.mark.parametrize("damage", ["garbage", "directory", "named pipe"])
async def test_command_names_a_damaged_list_of_runs(
    operator: CommandRunner, plane: PlaneServer, damage: str
) -> None:
    folder = state_dir(Target("default", plane.base_url).host)
    folder.mkdir(parents=True)
    DAMAGES[damage](folder / "runs.json")
    before = _content(folder / "runs.json")
    done = await operator("runs", "list", "--json")
    assert done.code == 0
    (sentence,) = [line for line in _sentences(done.err) if "runs.json" in line]
    assert "is damaged" in sentence
    assert _kept_somewhere(folder / "runs.json", before)


@pytest.mark.parametrize("damage", ["directory", "link to itself", "named pipe"])
async def test_command_works_without_a_writable_log(operator: CommandRunner, damage: str) -> None:
    path = log_file()
    path.parent.mkdir(parents=True)
    DAMAGES[damage](path)
    done = await operator("runs", "list", "--json")
    assert (done.code, _sentences(done.err)) == (0, ["There are no runs."])
    assert _kept_somewhere(path, None)


def test_ledger_starts_a_new_line_after_a_truncated_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"id": "1", "at": "2026-08')
    Ledger(tmp_path).open("cancel", "run r1")
    cut, whole = path.read_text().splitlines()
    assert cut == '{"id": "1", "at": "2026-08'
    assert json.loads(whole)["subject"] == "run r1"


def test_known_runs_of_two_processes_are_all_kept(tmp_path: Path) -> None:
    one, two = KnownRuns(tmp_path), KnownRuns(tmp_path)
    for number in range(20):
        one.remember(KnownRun(f"one-{number}"))
        two.remember(KnownRun(f"two-{number}"))
    kept = {run.run_id for run in KnownRuns(tmp_path).all()}
    assert kept == {f"{name}-{number}" for name in ("one", "two") for number in range(20)}


def test_write_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "contexts.json"
    real.write_text("{}")
    link = tmp_path / "contexts.json"
    link.symlink_to(real)
    write_private(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
