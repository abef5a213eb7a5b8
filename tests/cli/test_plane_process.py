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


class FakePlane:
    """A fake plane process that becomes ready or hangs, and ends on a signal."""

    started: list[FakePlane]
    hanging = False

    def __init__(self, command: list[str], **_: Any) -> None:
        self.command = command
        self.ended = False
        reading_end, writing_end = os.pipe()
        self._output = os.fdopen(writing_end, "w")
        self.stdout: IO[str] = os.fdopen(reading_end)
        self.started.append(self)
        if not self.hanging:
            self._output.write(json.dumps(READY) + "\n")
            self._output.close()

    def poll(self) -> int | None:
        return 1 if self.ended else None

    def send_signal(self, _: int) -> None:
        self.ended = True

    def kill(self) -> None:
        self._output.close()
        self.ended = True

    def wait(self) -> int:
        return 1


@pytest.fixture
def planes(monkeypatch: pytest.MonkeyPatch) -> list[FakePlane]:
    """Record the started planes in order; waits take no time."""
    started: list[FakePlane] = []
    at_once = asyncio.sleep
    monkeypatch.setattr(FakePlane, "started", started, raising=False)
    monkeypatch.setattr(subprocess, "Popen", FakePlane)
    monkeypatch.setattr(asyncio, "sleep", lambda _: at_once(0))
    return started


async def started(planes: list[FakePlane], times: int) -> None:
    async with asyncio.timeout(30):
        while len(planes) < times:
            await asyncio.sleep(0)


async def test_restarted_plane_keeps_port_and_closes_pipes(tmp_path: Path, planes: list[FakePlane]) -> None:
    with PlaneProcess([], tmp_path / "plane.db") as plane:
        await plane.wait_ready()
        keep_alive = asyncio.create_task(plane.keep_alive())
        for times in (2, 3):
            planes[-1].ended = True
            await started(planes, times)
        keep_alive.cancel()
        assert [child.stdout.closed for child in planes] == [True, True, False]
        assert planes[0].command[-1] != "4790"
        assert planes[-1].command[-2:] == ["--port", "4790"]
    assert all(child.stdout.closed for child in planes)


async def test_hanging_restarted_plane_is_replaced(
    tmp_path: Path, planes: list[FakePlane], monkeypatch: pytest.MonkeyPatch
) -> None:
    with PlaneProcess([], tmp_path / "plane.db") as plane:
        await plane.wait_ready()
        keep_alive = asyncio.create_task(plane.keep_alive())
        monkeypatch.setattr(plane_process, "READY_TIMEOUT", 0.01)
        monkeypatch.setattr(FakePlane, "hanging", True)
        planes[0].ended = True
        await started(planes, 2)
        monkeypatch.setattr(FakePlane, "hanging", False)
        await started(planes, 3)
        keep_alive.cancel()
        assert planes[1].ended


async def test_demo_with_failing_plane_ends_with_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with PlaneProcess(["--port", str(port)], tmp_path / "plane.db") as plane:
            app = ConsoleApp(load({}, environ={}, path=tmp_path / "config.toml"), plane=plane, context="demo")
            await app.run_async(headless=True)
    message = " ".join(capfd.readouterr().err.split())
    assert app.return_value == 1 and f"cannot start on port {port}: [Errno" in message
