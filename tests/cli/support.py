"""Run commands in the test's process against a service on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mogplex_tui.cli import parser
from mogplex_tui.config.paths import state_dir
from mogplex_tui.controlplane.db.clock import Clock
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, Service, http, serving

TOKEN = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
UNKNOWN_ID = "7d0c0000-0000-4000-8000-00000000dead"


class SystemClock(Clock):
    """The system clock, with the property `us` that RowFactory reads."""

    @property
    def us(self) -> int:
        return self.now_us()


@dataclass
class CommandResult:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @property
    def only_object(self) -> dict[str, Any]:
        (only,) = self.objects
        return only


class CapturedStream(io.TextIOWrapper):
    def __init__(self, *, terminal: bool = False) -> None:
        self.bytes = io.BytesIO()
        self._terminal = terminal
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode()

    def isatty(self) -> bool:
        return self._terminal


class RunningCommand:
    """A command that runs in a thread with its own event loop, as in a process."""

    def __init__(
        self, argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, stdin: str, terminal: bool
    ) -> None:
        self.out, self.err = CapturedStream(terminal=terminal), CapturedStream(terminal=terminal)
        typed = io.StringIO(stdin)
        typed.isatty = lambda: terminal  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdout", self.out)
        monkeypatch.setattr(sys, "stderr", self.err)
        monkeypatch.setattr(sys, "stdin", typed)
        self._loop = asyncio.get_running_loop()
        self.task: asyncio.Future[int] = self._loop.create_future()
        # A daemon thread: a command that never ends fails its own test and blocks no other.
        threading.Thread(target=self._run, args=(argv,), daemon=True).start()

    def _run(self, argv: tuple[str, ...]) -> None:
        try:
            self._finish(parser.run(argv))
        except SystemExit as outcome:
            self._finish(outcome.code if isinstance(outcome.code, int) else 1)
        except BaseException as error:
            self._finish(error)

    def _finish(self, outcome: int | BaseException) -> None:
        def set_outcome() -> None:
            if self.task.done():
                return
            if isinstance(outcome, BaseException):
                self.task.set_exception(outcome)
            else:
                self.task.set_result(outcome)

        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(set_outcome)

    async def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for a condition; fail with the output if the command ends before."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            if self.task.done() or asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"it never came: {self.out.text!r} {self.err.text!r}")
            await asyncio.sleep(0.01)

    async def result(self) -> CommandResult:
        code = await asyncio.wait_for(self.task, 30)
        return CommandResult(code, self.out.text, self.err.text)


class CommandRunner:
    """Run `mogplex-tui` commands with the environment variables of one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def use(self, base_url: str, *, token: str | None = TOKEN, cookie: str | None = None) -> None:
        values = {"MOGPLEX_BASE_URL": base_url, "MOGPLEX_TOKEN": token, "MOGPLEX_SESSION_COOKIE": cookie}
        for name, value in values.items():
            if value is None:
                self._monkeypatch.delenv(name, raising=False)
            else:
                self._monkeypatch.setenv(name, value)

    def start(self, *argv: str, stdin: str = "", terminal: bool = False) -> RunningCommand:
        # Each command starts as after a quiet minute: a test may run more of them than the request budget allows.
        shutil.rmtree(state_dir("any").parent / "requests", ignore_errors=True)
        return RunningCommand(argv, self._monkeypatch, stdin, terminal)

    async def __call__(self, *argv: str, stdin: str = "", terminal: bool = False) -> CommandResult:
        return await self.start(*argv, stdin=stdin, terminal=terminal).result()


# Unversioned routes that the hosted edge opens to tokens (auth.md §3, §4).
_OPEN_TO_TOKENS = ("/api/auth/user", "/api/settings", "/api/models")


@asynccontextmanager
async def serve_behind_edge(plane: PlaneServer) -> AsyncIterator[Service]:
    """Serve a plane behind the hosted edge.

    Without a session most unversioned routes redirect to the login page.
    """
    async with httpx.AsyncClient(base_url=plane.base_url) as upstream:

        async def edge(request: Seen, _: asyncio.StreamWriter) -> bytes:
            open_to_tokens = request.path.startswith("/api/v1/mogplex/") or request.path in _OPEN_TO_TOKENS
            if not open_to_tokens or "authorization" not in request.headers:
                return http(
                    307, f"/login?next={request.path}".encode(), "", Location=f"/login?next={request.path}"
                )
            headers = {
                key: value for key, value in request.headers.items() if key not in ("host", "connection")
            }
            answer = await upstream.request(
                request.method, f"{request.path}?{request.query}", headers=headers, content=request.body
            )
            return http(answer.status_code, answer.content, answer.headers.get("content-type", ""))

        async with serving(edge) as service:
            yield service
