"""Measure event inserts while realtime streams listen, against bare SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer

from ..figures import say

ROUNDS, EVENTS, STREAMS, AT_ONCE = 5, 20_000, 4, 20
PAYLOAD = {"tool_call_id": "call_0123456789", "exit_code": 0, "duration_ms": 1234}
_TEXT = '{"tool_call_id":"call_0123456789","exit_code":0,"duration_ms":1234}'


def _bare(path: Path) -> float:
    """Inserts a second into a table like that of the events."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=8192", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, ai_call_id TEXT NOT NULL, user_id TEXT,"
        " conversation_id TEXT, repo_id TEXT, event_type TEXT, tool_name TEXT, message TEXT, payload TEXT,"
        " created_at INTEGER)"
    )
    connection.execute("CREATE INDEX by_call ON events(ai_call_id, created_at)")
    call_id, user_id = str(uuid.uuid4()), str(uuid.uuid4())
    start = time.perf_counter()
    for number in range(EVENTS):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO events (id, ai_call_id, user_id, conversation_id, repo_id, event_type, tool_name, message,"
            " payload, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (str(uuid.uuid4()), call_id, user_id, None, None, "tool_finished", "bash", "Ran", _TEXT, number),
        )
        connection.execute("COMMIT")
    took = time.perf_counter() - start
    connection.close()
    return EVENTS / took


async def _ours(streams: int) -> tuple[float, float]:
    """Return inserts per second of a plane, delivered to every stream."""
    async with PlaneServer(Settings(speed=0, seeded=False)) as server:
        plane = server.plane
        with plane.db.transaction() as tx:
            call_id = call_writes.insert_call(
                tx,
                user_id=plane.user_id,
                type="agent",
                model="harness:codex",
                started_at=plane.clock.now_us(),
            )
        listeners = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.plane.listener_process"),
            *(server.base_url, server.session_cookie, str(streams), str(EVENTS)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert listeners.stdout is not None
        assert await listeners.stdout.readline() == b"ready\n"
        start = time.perf_counter()
        for number in range(EVENTS):
            with plane.db.transaction() as tx:
                call_writes.append_event(
                    tx,
                    call_id=call_id,
                    type="tool_finished",
                    tool_name="bash",
                    message="Ran",
                    payload=PAYLOAD,
                    at=plane.clock.now_us(),
                )
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        written = time.perf_counter() - start
        await listeners.stdout.readline()
        heard = time.perf_counter() - start
        assert await listeners.wait() == 0
        return EVENTS / written, EVENTS / heard


def run() -> None:
    """Print the figures."""
    say(
        f"plane_inserts: {EVENTS:,} events, a transaction each, {STREAMS} realtime streams in another process"
    )
    bare, written, heard = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            bare.append(_bare(Path(scratch) / "bare.db"))
        one, two = asyncio.run(_ours(STREAMS))
        written.append(one)
        heard.append(two)
    for name, rates in (("bare SQLite", bare), ("plane", written), ("heard by all", heard)):
        say(
            f"    {name:12} {statistics.median(rates):6.0f} events/s   ({min(rates):.0f} to {max(rates):.0f})"
        )
    share = statistics.median(mine / its for mine, its in zip(heard, bare, strict=True))
    say(f"    ratio        {share:.2f} of the floor's rate   (5,000 events/s are wanted)")
