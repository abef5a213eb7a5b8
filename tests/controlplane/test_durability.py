"""A killed plane has kept what it acknowledged, and its work goes on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import HOUR_US, Clock
from mogplex_tui.controlplane.db.database import Database
from mogplex_tui.controlplane.server import PlaneServer
from tests.case_share import share_of
from tests.controlplane.api_paths import V1
from tests.controlplane.machine_credentials import CRON, MACHINE
from tests.controlplane.plane_process import read_first_line, start_plane_process
from tests.controlplane.simulated_plane import invariant_violations

SPEED = "50"
# After so many acknowledged writes each life of the plane ends; nobody waits for a time.
KILLED_AFTER = (3, 11, 24)
ENDS = ("finished", "failed", "cancelled")
DEADLINE = 20.0

RUN = {"harness": "codex", "prompt": "Fix the flaky test"}

Keep = Callable[[Any], None]


class AcknowledgedWrites:
    """Changes that the plane has acknowledged, and those of unknown outcome."""

    def __init__(self) -> None:
        self.writes = 0
        self.runs: dict[str, str] = {}
        self.cancelled: dict[str, str] = {}
        self.assignments: set[str] = set()
        self.switched: set[str] = set()
        self.keys: set[str] = set()
        self.revoked: set[str] = set()
        self.theme: set[str] = set()
        self.doubtful: set[str] = set()


class PlaneProcess:
    """One plane process on the file, and a client of it."""

    def __init__(self, path: Path) -> None:
        self.process = start_plane_process("--db", str(path), "--speed", SPEED, "--rate-limit", "off")
        ready = read_first_line(self.process)
        headers = {"Authorization": f"Bearer {ready['token']}", "Cookie": ready["session_cookie"]}
        self.client = httpx.AsyncClient(base_url=ready["base_url"], headers=headers, timeout=DEADLINE)

    def kill(self) -> None:
        """Kill the process."""
        self.process.send_signal(signal.SIGKILL)

    async def close(self) -> None:
        """Wait for the end of the process and close the client."""
        await self.client.aclose()
        self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == -signal.SIGKILL

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()


class Writer:
    """Four concurrent writers; the plane is killed after `last` acknowledged writes."""

    def __init__(self, process: PlaneProcess, ledger: AcknowledgedWrites, last: int) -> None:
        self.process, self.ledger, self.last = process, ledger, last
        self.number = 0

    async def write(self) -> None:
        repo = (await self.process.get("/api/v1/mogplex/repos"))["data"]["repos"][0]["id"]
        agent = (await self.process.get("/api/agents"))[0]["id"]
        hands = (self._runs(repo), self._themes(), self._keys(), self._assignments(repo, agent))
        await asyncio.wait_for(asyncio.gather(*map(self._until_death, hands)), DEADLINE)

    async def _until_death(self, hand: Awaitable[None]) -> None:
        with contextlib.suppress(httpx.TransportError):
            await hand

    async def _send(self, method: str, path: str, keep: Keep, **more: Any) -> Any:
        """Send one write; `keep` gets the answer before anything else can happen."""
        answer = await self.process.client.request(method, path, **more)
        if answer.status_code == 429:
            # The story starts runs of its own, and all share the quota.
            return None
        assert answer.is_success, (method, path, answer.text)
        keep(answer.json())
        self.ledger.writes += 1
        if self.ledger.writes >= self.last:
            self.process.kill()
        return answer.json()

    def _next(self, name: str) -> str:
        self.number += 1
        return f"{name}-{self.last}-{self.number}"

    async def _runs(self, repo: str) -> None:
        ledger = self.ledger
        for number in range(2):
            key = self._next("run")

            def started(said: Any, key: str = key) -> None:
                ledger.runs[said["data"]["runId"]] = key

            headers, body = {"Idempotency-Key": key}, {"repoId": repo, **RUN}
            said = await self._send("POST", f"{V1}/runs", started, json=body, headers=headers)
            if number and said is not None:
                run = said["data"]["runId"]
                ledger.doubtful.add(run)

                def cancelled(said: Any, run: str = run) -> None:
                    ledger.cancelled[run] = said["data"]["status"]

                await self._send("POST", f"{V1}/runs/{run}/cancel", cancelled)

    async def _themes(self) -> None:
        ledger = self.ledger
        for number in range(1000):
            theme = ("light", "dark", "system")[number % 3]
            # Until it is acknowledged either may be on file.
            ledger.theme.add(theme)
            await self._send("PATCH", "/api/settings", _record_nothing, json={"theme": theme})
            ledger.theme = {theme}

    async def _keys(self) -> None:
        ledger = self.ledger
        for number in range(1000):
            body = {"name": self._next("key")}
            keep = ledger.keys if number % 2 else ledger.doubtful
            said = await self._send("POST", "/api/settings/api-keys", _record_id(keep), json=body)
            if not number % 2:
                key = said["id"]
                await self._send("DELETE", f"/api/settings/api-keys/{key}", _record_id(ledger.revoked, key))

    async def _assignments(self, repo: str, agent: str) -> None:
        ledger = self.ledger
        for number in range(1000):
            body = {"repo_id": repo, "agent_id": agent, "type": "push_review"}
            said = await self._send("POST", "/api/assignments", _record_id(ledger.assignments), json=body)
            if number % 2:
                row = said["id"]
                change = {"id": row, "enabled": False}
                await self._send("PUT", "/api/assignments", _record_id(ledger.switched, row), json=change)


def _record_id(kept: set[str], row: str = "") -> Keep:
    """Return a callback that records a row's id, by default the answered one."""
    return lambda said: kept.add(row or said["id"])


def _record_nothing(_: Any) -> None:
    """Record nothing."""


@contextlib.contextmanager
def _copy_of_file(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy of the killed process's file and write-ahead log."""
    copy = path.with_name("copy.db")
    for suffix in ("", "-wal"):
        if (source := path.with_name(path.name + suffix)).exists():
            shutil.copy(source, copy.with_name(copy.name + suffix))
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection
    for suffix in ("", "-wal", "-shm"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)


class _Reader:
    """The part of Database that invariant_violations needs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, params: Any = ()) -> list[sqlite3.Row]:
        return self._connection.execute(sql, params).fetchall()


def _is_sound(path: Path) -> None:
    with _copy_of_file(path) as left:
        assert [tuple(row) for row in left.execute("PRAGMA integrity_check")] == [("ok",)]
        assert left.execute("PRAGMA foreign_key_check").fetchall() == []
        assert invariant_violations(cast(Database, _Reader(left)), Clock().now_us()) == []


async def _keeps_acknowledged_writes(process: PlaneProcess, ledger: AcknowledgedWrites) -> None:
    """Assert that every acknowledged write is still there."""
    for run in ledger.runs:
        status = (await process.get(f"{V1}/runs/{run}"))["data"]["run"]["status"]
        assert status == ledger.cancelled.get(run, status)
    assert (await process.get("/api/settings"))["theme"] in ledger.theme
    keys = {key["id"] for key in (await process.get("/api/settings/api-keys"))["keys"]}
    assert ledger.keys <= keys
    assert not ledger.revoked & keys
    rows = {row["id"]: row["enabled"] for row in await process.get("/api/assignments")}
    assert ledger.assignments <= rows.keys()
    assert not any(rows[row] for row in ledger.switched)


async def _finishes_runs(process: PlaneProcess, ledger: AcknowledgedWrites) -> None:
    """Wait until the calls of earlier runs have ended.

    Runs are not announced, so they are polled.
    """
    waiting = [run for run in ledger.runs if run not in ledger.doubtful]
    assert waiting, "every start met the quota"
    async with (
        asyncio.timeout(DEADLINE),
        process.client.stream("GET", "/api/realtime/events?tables=ai_calls") as hints,
    ):
        async for _ in hints.aiter_lines():
            for run in waiting:
                events = (await process.get(f"{V1}/runs/{run}/events?limit=200"))["data"]["events"]
                if events[-1]["type"] in ENDS:
                    return


async def _repeats_acknowledged_runs(server: PlaneServer, ledger: AcknowledgedWrites) -> None:
    """Assert that the key of an acknowledged run returns that run and starts no other."""
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
        for run, key in ledger.runs.items():
            shown = (await client.get(f"{V1}/runs/{run}")).json()["data"]["run"]
            body = {"repoId": shown["repoId"], **RUN}
            again = await client.post(f"{V1}/runs", json=body, headers={"Idempotency-Key": key})
            assert again.status_code == 202, again.text
            assert (again.json()["data"]["runId"], again.json()["data"]["replayed"]) == (run, True)


async def _reaps_abandoned_work(path: Path, ledger: AcknowledgedWrites) -> None:
    """Assert that the scheduler routes end whatever nobody works for (system.md §3.1)."""
    late = Clock(lambda: Clock().now_us() + HOUR_US * hours)
    hours = 0
    async with (
        PlaneServer(Settings(speed=0, cron_secret=CRON), path, late) as server,
        httpx.AsyncClient(base_url=server.base_url, headers=MACHINE) as scheduler,
    ):
        db = server.plane.db
        for hours in (0, 7, 14, 21):  # noqa: B007 (the clock reads it)
            for duty in ("repair-jobs", "reconcile-job-runs", "zombie-row-reaper", "sandbox-reaper"):
                assert (await scheduler.get(f"/api/cron/{duty}")).status_code == 200
        live = "status IN ('pending', 'streaming')"
        for table in ("ai_calls", "external_agent_runs"):
            assert db.value(f"SELECT COUNT(*) FROM {table} WHERE {live}") == 0
        boxes = (
            "SELECT COUNT(*) FROM sandboxes WHERE status IN ('creating', 'installing', 'running', 'pausing')"
        )
        assert db.value(boxes) == 0
        jobs = (
            "SELECT COUNT(*) FROM job_runs j WHERE status IN ('pending', 'running') AND started_at < ? AND NOT EXISTS"
            " (SELECT 1 FROM flow_waits w WHERE w.job_run_id = j.id AND w.status = 'waiting')"
        )
        assert db.value(jobs, (late.now_us() - 7 * HOUR_US,)) == 0
        assert invariant_violations(db, late.now_us()) == []
        await _repeats_acknowledged_runs(server, ledger)


async def test_acknowledged_writes_survive_kill_and_work_continues(tmp_path: Path, every_case: bool) -> None:
    ledger, path = AcknowledgedWrites(), tmp_path / "plane.db"
    process = PlaneProcess(path)
    ledger.theme = {(await process.get("/api/settings"))["theme"]}
    try:
        for last in share_of(KILLED_AFTER, every_case, step=2):
            await Writer(process, ledger, last).write()
            await process.close()
            assert ledger.writes >= last
            _is_sound(path)
            process = PlaneProcess(path)
            await _keeps_acknowledged_writes(process, ledger)
        await _finishes_runs(process, ledger)
        process.kill()
        await process.close()
    finally:
        process.process.kill()
        process.process.communicate()
    _is_sound(path)
    await _reaps_abandoned_work(path, ledger)
