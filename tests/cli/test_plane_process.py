"""The embedded plane as a child process that comes back when it dies."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import IO, Any

import pytest

from mogplex_tui.cli.plane_process import PlaneProcess

READY = {"base_url": "http://127.0.0.1:4790", "token": "t", "session_cookie": "a=b"}


class Child:
    """A plane that says that it is ready, and ends when it is told to."""

    born: list[Child]

    def __init__(self, command: list[str], **_: Any) -> None:
        self.command = command
        self.ended = False
        ours, theirs = os.pipe()
        with os.fdopen(theirs, "w") as said:
            said.write(json.dumps(READY) + "\n")
        self.stdout: IO[str] = os.fdopen(ours)
        self.born.append(self)

    def poll(self) -> int | None:
        return 1 if self.ended else None

    def send_signal(self, _: int) -> None:
        self.ended = True

    def wait(self) -> int:
        return 1


async def test_a_plane_that_comes_back_keeps_its_place_and_leaves_no_pipe_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[Child] = []
    nothing = asyncio.sleep
    monkeypatch.setattr(Child, "born", children, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Child)
    monkeypatch.setattr(asyncio, "sleep", lambda _: nothing(0))
    with PlaneProcess([], tmp_path / "plane.db") as plane:
        await plane.wait_ready()
        keeping = asyncio.create_task(plane.keep_alive())
        for times in (2, 3):
            children[-1].ended = True
            async with asyncio.timeout(30):
                while len(children) < times:
                    await nothing(0)
        keeping.cancel()
        assert [child.stdout.closed for child in children] == [True, True, False]
        assert children[0].command[-1] != "4790"
        assert children[-1].command[-2:] == ["--port", "4790"]
    assert all(child.stdout.closed for child in children)
