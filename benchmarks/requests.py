"""Count the requests a minute while one streaming run is watched."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter

from mogplex_tui.api.budget import Blocked, Priority, Slot
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.executor import new_idempotency_key
from mogplex_tui.operate.run_actions import Draft
from mogplex_tui.operate.run_changes import start

from .figures import say

WATCHED = 60.0
SETTLE = 15.0
MODES = (
    ("token and cookie, realtime", True, True),
    ("token alone, realtime", False, True),
    ("token alone, no realtime", False, False),
)


class _Count(logging.Handler):
    """Counts what the transport logs, by path."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage().split()
        if len(words) > 1:
            self.paths["/".join(words[1].split("/")[:4])] += 1


async def _watch(said: dict[str, str], cookie: bool, realtime: bool) -> tuple[int, int, Counter[str]]:
    """Watch an endless run; return requests, token requests and paths."""
    target = Target(
        "bench", said["base_url"], Secret(said["token"]), Secret(said["session_cookie"]) if cookie else None
    )
    session = Session(target)
    runs = Runs(session)
    counter = _Count()
    log = logging.getLogger("mogplex.http")
    log.setLevel(logging.INFO)
    log.propagate = False
    if not realtime:
        session.realtime.start = lambda: None  # type: ignore[method-assign]
    session.start()
    session.scheduler.subscribe(runs.feed)
    try:
        repos = await session.client.repos.list()
        draft = Draft(repo_id=repos[0].id, repo=repos[0].full_name, prompt="Work on it forever")
        row = await start(session, runs, draft, new_idempotency_key())
        streaming = asyncio.Event()
        runs.set.changes.subscribe(
            lambda _: streaming.set() if runs.set.rows[row.key].state == "streaming" else None
        )
        session.scheduler.subscribe(RunEventsFeed(session, runs, row).feed)
        await asyncio.wait_for(streaming.wait(), 120)
        await asyncio.sleep(SETTLE)
        log.addHandler(counter)
        spent, acquire = 0, session.budget.acquire

        def counted(priority: Priority) -> Slot | Blocked:
            nonlocal spent
            spent += 1
            return acquire(priority)

        session.budget.acquire = counted  # type: ignore[method-assign]  # every slot is counted
        await asyncio.sleep(WATCHED)
        return sum(counter.paths.values()), spent, counter.paths
    finally:
        log.removeHandler(counter)
        await session.stop()


async def _run() -> None:
    for name, cookie, realtime in MODES:
        plane = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mogplex_tui", "control-plane", stdout=asyncio.subprocess.PIPE
        )
        try:
            assert plane.stdout is not None
            said = json.loads(await plane.stdout.readline())
            total, spent, paths = await _watch(said, cookie, realtime)
            said_paths = ", ".join(f"{path} {count}" for path, count in paths.most_common(4))
            say(
                f"    {name:28} {total:4} requests, {spent:3} of them asked of the token's 60   ({said_paths})"
            )
        finally:
            plane.terminate()
            await plane.wait()


def run() -> None:
    """Print the figures."""
    say(
        f"requests: in {WATCHED:.0f} s of watching one streaming run of the demo, the runs list and the header"
    )
    asyncio.run(_run())
