"""With a full or read-only disk changes are still sent and no file is damaged."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from mogplex_tui.api.target import Target
from mogplex_tui.config.paths import state_dir
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandRunner, SystemClock
from tests.controlplane.row_factory import RowFactory
from tests.pilot.conftest import console, server

__all__ = ["console", "server"]

# The content of the files before the test; the service does not know the run.
STATE = {
    "runs.json": '[{"run_id": "r1", "call_id": "c1", "repo": "acme/old", "prompt": "Fix it"}]',
    "picture.json": '{"at": "2026-08-05T10:00:00+00:00", "runs": []}',
    "draft.json": '{"prompt": "A long prompt that nobody wants to lose", "key": "k1"}',
    "ledger.jsonl": '{"id": "1", "at": "2026-08-05T10:00:00+00:00", "action": "start", "state": "sent"}\n',
}


class Disk:
    """Make system calls fail for files below a directory, as a failing disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self._folder = monkeypatch, folder
        self.failed = 0

    def _has(self, path: Any) -> bool:
        if isinstance(path, int):
            path = Path(f"/proc/self/fd/{path}").readlink()
        return Path(os.fsdecode(path)).is_relative_to(self._folder)

    def _fail(self, number: int, path: Any) -> None:
        self.failed += 1
        raise OSError(number, os.strerror(number), path)

    def refuse(self, number: int, *names: str) -> None:
        """Make functions of `os` fail for files below the directory."""
        for name in names:
            real = getattr(os, name)

            def guarded(path: Any, *rest: Any, _real: Any = real, **named: Any) -> Any:
                if self._has(path):
                    self._fail(number, path)
                return _real(path, *rest, **named)

            self._patch.setattr(os, name, guarded)

    def refuse_opening(self, number: int, flags: int) -> None:
        """Let `os.open` fail below the folder where any of these flags is asked for."""
        real = os.open

        def guarded(path: Any, asked: int, *rest: Any, **named: Any) -> int:
            # An existing file needs no space to be opened.
            makes = not asked & os.O_CREAT or number == errno.EROFS or not Path(path).exists()
            if asked & flags and makes and self._has(path):
                self._fail(number, path)
            return real(path, asked, *rest, **named)

        self._patch.setattr(os, "open", guarded)

    def fill(self, room: int) -> None:
        """Let each write store at most this many bytes."""
        real_write, real_fdopen = os.write, os.fdopen

        def write(handle: int, data: bytes) -> int:
            if not self._has(handle) or len(data) <= room:
                return real_write(handle, data)
            if room == 0:
                self._fail(errno.ENOSPC, None)
            self.failed += 1
            return real_write(handle, data[:room])

        def fdopen(handle: int, *rest: Any, **named: Any) -> Any:
            if self._has(handle):
                self.failed += 1
                full = os.open("/dev/full", os.O_WRONLY)
                os.dup2(full, handle)
                os.close(full)
            return real_fdopen(handle, *rest, **named)

        self._patch.setattr(os, "write", write)
        self._patch.setattr(os, "fdopen", fdopen)


def _read_only(disk: Disk) -> None:
    disk.refuse_opening(errno.EROFS, os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    disk.refuse(errno.EROFS, "mkdir", "replace", "rename", "unlink", "write")


# id: (what fails, words of the sentence)
DISKS: dict[str, tuple[Callable[[Disk], None], str]] = {
    "full": (lambda disk: disk.fill(0), "No space left on device"),
    "full after 20 bytes": (lambda disk: disk.fill(20), "No space left on device"),
    "no room for new files": (
        lambda disk: disk.refuse_opening(errno.ENOSPC, os.O_CREAT),
        "No space left on device",
    ),
    "no renaming": (lambda disk: disk.refuse(errno.ENOSPC, "replace", "rename"), "No space left on device"),
    "read-only": (_read_only, "Read-only file system"),
    "quota": (lambda disk: disk.refuse_opening(errno.EDQUOT, os.O_CREAT), "Disk quota exceeded"),
    "broken": (lambda disk: disk.refuse(errno.EIO, "write", "replace"), "Input/output error"),
}
SHORT = ("full after 20 bytes", "no renaming", "read-only")


def _fill_folder(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, content in STATE.items():
        (folder / name).write_text(content)


def _check_files(folder: Path) -> None:
    """Check that the files are unchanged; only the ledger may have grown."""
    # The history of calls is a copy of what the service has.
    kept = [path for path in folder.iterdir() if path.suffix != ".lock" and "calls.sqlite3" not in path.name]
    found = {path.name: path.read_text() for path in kept}
    ledger = found.pop("ledger.jsonl")
    assert ledger.startswith(STATE["ledger.jsonl"])
    for name in ("runs.json", "picture.json", "draft.json"):
        assert found.pop(name) == STATE[name], name
    assert found == {}


@pytest.mark.parametrize("name", DISKS)
async def test_commands_change_runs_on_a_failing_disk(
    operator: CommandRunner,
    plane: PlaneServer,
    factory: RowFactory,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    repo = factory.repo("acme/web")
    run = factory.run(repo)
    folder = state_dir(Target("default", plane.base_url).host)
    _fill_folder(folder)
    fail, words = DISKS[name]
    with monkeypatch.context() as patch:
        disk = Disk(patch, folder)
        fail(disk)
        cancel = await operator("runs", "cancel", run, "--yes")
        assert (cancel.code, cancel.out) == (0, f"{run}  cancelled\n"), cancel.err
        start = await operator("runs", "start", "--repo", "acme/web", "--prompt", "x", "--json")
        assert start.code == 0, start.err
        assert disk.failed
    assert factory.row("external_agent_runs", run)["status"] == "cancelled"
    assert factory.row("external_agent_runs", start.only_object["run_id"])["prompt"] == "x"
    for done in (cancel, start):
        (sentence,) = [line for line in done.err.splitlines() if str(folder) in line]
        assert words in sentence
        assert "Traceback" not in done.err
    _check_files(folder)


@pytest.mark.parametrize("name", DISKS if os.environ.get("MOGPLEX_TEST_LONG") == "1" else SHORT)
async def test_console_cancels_a_run_on_a_failing_disk(
    console: Callable[..., Any],
    server: PlaneServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
) -> None:
    factory = RowFactory(server.plane, SystemClock())  # type: ignore[arg-type]
    repo = factory.repo("acme/web")
    call = factory.call(repo_id=repo, metadata={"repo": "acme/web"})
    folder = tmp_path / "state" / "test"
    _fill_folder(folder)
    fail, words = DISKS[name]
    with monkeypatch.context() as patch:
        disk = Disk(patch, folder)
        fail(disk)
        async with console(directory=folder) as ui:
            await ui.sees("pending")
            await ui.press("x")
            await ui.sees("Cancel this run?")
            await ui.press("right", "enter")
            await ui.sees("cancelled")
            await ui.press("n")
            await ui.sees("New run", "A long prompt that nobody wants to lose")
            ui.app.screen.query_one("#prompt", TextArea).text = "another one"
            await ui.press("escape")
            await ui.loses("New run")
            # Where the message is wrapped depends on the length of the path.
            await ui.sees("Files in")
            messages = [each.message for each in ui.app._notifications if each.title == "Files"]
            about_changes = [each for each in messages if "Changes are sent" in each]
            assert len(about_changes) == 1 and words in about_changes[0]
        assert disk.failed
    assert factory.row("ai_calls", call)["status"] == "cancelled"
    _check_files(folder)
