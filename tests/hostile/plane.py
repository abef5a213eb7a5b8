"""Run an embedded control plane as a process that can be killed and restarted."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

READY_SECONDS = 60.0


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Plane:
    """A `mogplex-tui control-plane` process on one database file and one port.

    `start` returns once the plane answers requests.
    """

    def __init__(
        self, database: Path, options: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self.database = database
        self.options = list(options)
        self._env = dict(os.environ if env is None else env)
        self.port = free_port()
        self.errors = database.with_suffix(".stderr")
        self._process: subprocess.Popen[bytes] | None = None
        self.about: dict[str, Any] = {}

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and read the JSON line that it prints when it is ready."""
        command = [sys.executable, "-m", "mogplex_tui", "control-plane", "--db", str(self.database)]
        with self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port), *self.options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._env,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], READY_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self.stop()
            raise AssertionError(f"the plane did not start: {self.errors.read_text()[-500:]}")
        self.about = json.loads(line)

    def end(self, how: signal.Signals) -> None:
        """Send a signal and wait for the end of the process."""
        process = self._process
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    def stop(self) -> None:
        self.end(signal.SIGTERM)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def wait_answering(self, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                httpx.get(f"{self.url}/api/auth/user", timeout=5)
                return
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "the plane does not answer"
                time.sleep(0.05)

    def set_faults(self, rules: Sequence[str]) -> None:
        """Replace the faults of a plane that was started with `--fault-route`."""
        self.count_faults()
        if rules:
            answer = httpx.post(f"{self.url}/__plane/faults", json={"rules": list(rules)}, timeout=20)
            assert answer.status_code == 201, answer.text

    def count_faults(self) -> dict[str, int]:
        """Remove all faults and return how often each rule was applied."""
        counted: dict[str, int] = {}
        for fault in httpx.get(f"{self.url}/__plane/faults", timeout=20).json()["faults"]:
            counted[fault["rule"]] = counted.get(fault["rule"], 0) + fault["fired"]
        httpx.delete(f"{self.url}/__plane/faults", timeout=20)
        return counted
