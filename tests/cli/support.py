"""Run commands in the test's process against a service on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mogplex_tui.cli import parser
from mogplex_tui.controlplane.db.clock import Clock
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, Service, http, serving

TOKEN = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
UNKNOWN = "7d0c0000-0000-4000-8000-00000000dead"


class WallClock(Clock):
    """The system clock, with the property `us` that RowFactory reads."""

    @property
    def us(self) -> int:
        return self.now_us()


@dataclass
class Done:
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
    def one(self) -> dict[str, Any]:
        (only,) = self.objects
        return only


class _Captured(io.TextIOWrapper):
    def __init__(self, *, terminal: bool = False) -> None:
        self.bytes = io.BytesIO()
        self._terminal = terminal
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode()

    def isatty(self) -> bool:
        return self._terminal


class Going:
    """A command that runs in a thread with its own event loop, as in a process."""

    def __init__(
        self, argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, stdin: str, terminal: bool
    ) -> None:
        self.out, self.err = _Captured(terminal=terminal), _Captured(terminal=terminal)
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
            self._tell(parser.run(argv))
        except SystemExit as end:
            self._tell(end.code if isinstance(end.code, int) else 1)
        except BaseException as error:
            self._tell(error)

    def _tell(self, end: int | BaseException) -> None:
        def settle() -> None:
            if self.task.done():
                return
            if isinstance(end, BaseException):
                self.task.set_exception(end)
            else:
                self.task.set_result(end)

        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(settle)

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for a condition; fail with the output if the command ends before."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            if self.task.done() or asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"it never came: {self.out.text!r} {self.err.text!r}")
            await asyncio.sleep(0.01)

    async def done(self) -> Done:
        code = await asyncio.wait_for(self.task, 30)
        return Done(code, self.out.text, self.err.text)


class Mogplex:
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

    def begin(self, *argv: str, stdin: str = "", terminal: bool = False) -> Going:
        return Going(argv, self._monkeypatch, stdin, terminal)

    async def __call__(self, *argv: str, stdin: str = "", terminal: bool = False) -> Done:
        return await self.begin(*argv, stdin=stdin, terminal=terminal).done()


# Unversioned routes that the hosted edge opens to tokens (auth.md §3, §4).
_FOR_TOKENS = ("/api/auth/user", "/api/settings", "/api/models")


@asynccontextmanager
async def hosted(plane: PlaneServer) -> AsyncIterator[Service]:
    """Serve a plane behind the hosted edge.

    Without a session most unversioned routes redirect to the login page.
    """
    async with httpx.AsyncClient(base_url=plane.base_url) as behind:

        async def edge(seen: Seen, _: asyncio.StreamWriter) -> bytes:
            open_to_tokens = seen.path.startswith("/api/v1/mogplex/") or seen.path in _FOR_TOKENS
            if not open_to_tokens or "authorization" not in seen.headers:
                return http(307, f"/login?next={seen.path}".encode(), "", Location=f"/login?next={seen.path}")
            kept = {key: value for key, value in seen.headers.items() if key not in ("host", "connection")}
            answer = await behind.request(
                seen.method, f"{seen.path}?{seen.query}", headers=kept, content=seen.body
            )
            return http(answer.status_code, answer.content, answer.headers.get("content-type", ""))

        async with serving(edge) as service:
            yield service
