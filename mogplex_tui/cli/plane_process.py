"""Runs the embedded control plane as a child process of the console.

The process is restarted if it ends by itself, and stopped when the console is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from mogplex_tui.config.secret import Secret

if TYPE_CHECKING:
    import subprocess
    import tempfile

READY_TIMEOUT = 60.0


class PlaneFailed(Exception):
    """Raised if the embedded control plane does not start.

    The message has the last lines of its output.
    """


class Ready(NamedTuple):
    """The line that the control plane prints when it is ready for requests.

    It contains the plane's address and credentials.
    """

    base_url: str
    token: Secret
    session_cookie: Secret


class PlaneProcess:
    """The process of an embedded control plane, as a context manager.

    The plane uses a given database file, or a temporary one. The process starts when
    `wait_ready` is first called, so that it takes no processor time from the console's first
    frame.
    """

    def __init__(self, options: Sequence[str], db: Path | None) -> None:
        self._options, self._db = list(options), db
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._stderr: IO[str] | None = None
        self.ready: Ready | None = None
        # Whether the running process has printed its line.
        self._has_reported = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._stderr is not None:
            self._stderr.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _spawn(self) -> None:
        import subprocess
        import tempfile

        if self._stderr is None:
            self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        if self._db is None:
            # Kept by this process, so that a plane that is restarted has the same data.
            self._folder = tempfile.TemporaryDirectory(prefix="mogplex-demo-")
            self._db = Path(self._folder.name) / "plane.db"
        options = list(self._options)
        if self.ready is not None and "--port" not in options:
            # Restart it on the port that the console knows.
            options += ["--port", self.ready.base_url.rsplit(":", 1)[1].strip("/")]
        self._close_output()
        self._has_reported = False
        command = [sys.executable, "-m", "mogplex_tui", "control-plane", "--parent", str(os.getpid())]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, "--db", str(self._db), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            # Ctrl+c at the terminal is for the console only.
            start_new_session=True,
        )

    async def wait_ready(self) -> Ready:
        """Wait until the plane is ready and return its address and credentials.

        If an earlier console has used the plane, its process is used again, or restarted if it has
        ended. Raises PlaneFailed if the process ends, or if the plane is not ready within a minute.
        """
        if self._has_reported and self.ready is not None and self._process is not None:
            if self._process.poll() is None:
                return self.ready
            self._spawn()
        elif self._process is None:
            self._spawn()
        process = self._process
        if process is None or process.stdout is None:
            raise PlaneFailed("The embedded control plane was not started.")
        line = await self._first_line(process.stdout.fileno())
        try:
            fields = json.loads(line)
            self.ready = Ready(fields["base_url"], Secret(fields["token"]), Secret(fields["session_cookie"]))
        except (ValueError, KeyError, TypeError) as error:
            raise PlaneFailed(f"The embedded control plane did not start. {self._last_output()}") from error
        self._has_reported = True
        return self.ready

    async def _first_line(self, descriptor: int) -> bytes:
        os.set_blocking(descriptor, False)
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        collected = b""
        loop.add_reader(descriptor, readable.set)
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                while b"\n" not in collected:
                    await readable.wait()
                    readable.clear()
                    with contextlib.suppress(BlockingIOError):
                        chunk = os.read(descriptor, 65536)
                        if not chunk:
                            break
                        collected += chunk
        except TimeoutError:
            return b""
        finally:
            loop.remove_reader(descriptor)
        return collected.split(b"\n", 1)[0]

    async def keep_alive(self) -> None:
        """Restart the plane whenever it ends or does not become ready.

        Runs until it is cancelled.
        """
        pause = 0.5
        while True:
            await asyncio.sleep(1.0)
            if self._process is not None and self._process.poll() is not None:
                await asyncio.sleep(pause)
                pause = min(10.0, pause * 2)
                self._spawn()
                try:
                    await self.wait_ready()
                    pause = 0.5
                except PlaneFailed:
                    # A plane that hangs must be killed before the loop can start another one.
                    self._process.kill()

    def _close_output(self) -> None:
        """Close the output pipe of the plane's previous process."""
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def stop(self) -> None:
        """Stop the plane with SIGTERM, or with SIGKILL if it still runs after 2 seconds."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 2.0
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            if process.poll() is None:
                process.kill()
        process.wait()
        self._close_output()
        self._process = None

    def _last_output(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        lines = [line.strip() for line in self._stderr.read().splitlines() if line.strip()]
        return "Its output: " + " / ".join(lines[-3:]) if lines else "It printed no output."
