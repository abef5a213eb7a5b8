"""The embedded plane as a child process that is restarted when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import IO, Any

import pytest

from mogplex_tui.app import ConsoleApp
from mogplex_tui.cli import plane_process
from mogplex_tui.cli.plane_process import PlaneProcess
from mogplex_tui.config.settings import load

READY = {"base_url": "http://127.0.0.1:4790", "token": "t", "session_cookie": "a=b"}


class Child:
    """A fake plane process that becomes ready or hangs, and ends on a signal."""

    born: list[Child]
    hanging = False

    def __init__(self, command: list[str], **_: Any) -> None:
        self.command = command
        self.ended = False
        ours, theirs = os.pipe()
        self._says = os.fdopen(theirs, "w")
        self.stdout: IO[str] = os.fdopen(ours)
        self.born.append(self)
        if not self.hanging:
            self._says.write(json.dumps(READY) + "\n")
            self._says.close()

    def poll(self) -> int | None:
        return 1 if self.ended else None

    def send_signal(self, _: int) -> None:
        self.ended = True

    def kill(self) -> None:
        self._says.close()
        self.ended = True

    def wait(self) -> int:
        return 1


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """Record the started planes in order; waits take no time."""
    born: list[Child] = []
    at_once = asyncio.sleep
    monkeypatch.setattr(Child, "born", born, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Child)
    monkeypatch.setattr(asyncio, "sleep", lambda _: at_once(0))
    return born


async def started(children: list[Child], times: int) -> None:
    async with asyncio.timeout(30):
        while len(children) < times:
            await asyncio.sleep(0)


async def test_a_plane_that_comes_back_keeps_its_place_and_leaves_no_pipe_behind(
    tmp_path: Path, children: list[Child]
) -> None:
    with PlaneProcess([], tmp_path / "plane.db") as plane:
        await plane.wait_ready()
        keeping = asyncio.create_task(plane.keep_alive())
        for times in (2, 3):
            children[-1].ended = True
            await started(children, times)
        keeping.cancel()
        assert [child.stdout.closed for child in children] == [True, True, False]
        assert children[0].command[-1] != "4790"
        assert children[-1].command[-2:] == ["--port", "4790"]
    assert all(child.stdout.closed for child in children)


async def test_a_plane_that_comes_back_and_never_answers_gives_way_to_another(
    tmp_path: Path, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    with PlaneProcess([], tmp_path / "plane.db") as plane:
        await plane.wait_ready()
        keeping = asyncio.create_task(plane.keep_alive())
        monkeypatch.setattr(plane_process, "READY_TIMEOUT", 0.01)
        monkeypatch.setattr(Child, "hanging", True)
        children[0].ended = True
        await started(children, 2)
        monkeypatch.setattr(Child, "hanging", False)
        await started(children, 3)
        keeping.cancel()
        assert children[1].ended


async def test_a_demo_whose_plane_does_not_start_ends_and_says_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with PlaneProcess(["--port", str(port)], tmp_path / "plane.db") as plane:
            app = ConsoleApp(load({}, environ={}, path=tmp_path / "config.toml"), plane=plane, context="demo")
            await app.run_async(headless=True)
    said = " ".join(capfd.readouterr().err.split())
    assert app.return_value == 1 and f"cannot start on port {port}: [Errno" in said
