"""Each list refreshes on every realtime table that its rows are read from.

See realtime.md §3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.target import Target
from mogplex_tui.api.transport import Request, Transport
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.realtime import TABLES
from mogplex_tui.live.session import Session
from mogplex_tui.operate.kinds.registry import kinds
from tests.pilot.kinds.kind_screens import SEEDED, running_plane

# What to read again when a table is named. Nothing else announces anything (§3.1).
READ_AGAIN = {
    "ai_calls": {"/api/observability/jobs", "/api/agents/roster", "/api/agents/roster/summary"},
    "sandboxes": {"/api/sandbox", "/api/v1/mogplex/sandboxes"},
    "job_runs": {
        "/api/observability/jobs",
        "/api/triggers",
        "/api/assignments",
        "/api/agents/roster/summary",
        # A flow that pauses usually touches its job as well (§3.1), and the list of flows tells of their jobs.
        "/api/flows",
        "/api/flows/approvals",
    },
    "automation_dispatch_events": {
        "/api/observability/automation-events",
        "/api/observability/automation-failures",
        "/api/observability/jobs",
        "/api/triggers",
        "/api/assignments",
    },
    "limit_events": set(),
    "agents": {"/api/agents", "/api/agents/roster", "/api/assignments"},
    "assignments": {"/api/assignments", "/api/agents/roster"},
    "triggers": {"/api/triggers"},
    "repos": {"/api/repos", "/api/v1/mogplex/repos", "/api/triggers", "/api/assignments"},
    "github_installations": {"/api/github/installations", "/api/triggers"},
    "connections": {"/api/connections"},
}
# Routes with something in them that no table announces, or that the time alone changes: counts of the last 24 hours,
# and whether a job waits for long enough to be repaired.
MORE_THAN_ANNOUNCED = {
    "/api/agents/roster/summary",
    "/api/assignments",
    "/api/control/approvals",
    "/api/flows",
    "/api/flows/approvals",
    "/api/observability/jobs",
    "/api/triggers",
}


async def test_list_refreshes_on_every_realtime_table_it_reads(
    seeded_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    send = Transport.request

    async def watched(self: Transport, request: Request, priority: Priority) -> JsonResponse:
        asked.add(request.path)
        return await send(self, request, priority)

    monkeypatch.setattr(Transport, "request", watched)
    async with running_plane(SEEDED, seeded_database, tmp_path) as server:
        session = Session(Target("t", server.base_url, Secret(server.token), Secret(server.session_cookie)))
        try:
            heard = set[str]()
            for kind in kinds().values():
                for source in kind.sources:
                    asked.clear()
                    await source.read(session.client, session)
                    announcing = {table for table, routes in READ_AGAIN.items() if routes & asked}
                    assert source.tables == announcing, f"{kind.name} by {source.family}: it reads {asked}"
                    assert source.tables <= set(TABLES), f"{kind.name}: the stream is not asked for them"
                    assert source.tables_are_complete != bool(
                        source.tables and asked & MORE_THAN_ANNOUNCED
                    ), kind.name
                    heard |= source.tables
            assert heard == {table for table, routes in READ_AGAIN.items() if routes}
        finally:
            await session.stop()
