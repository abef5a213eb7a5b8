"""Measure the slowest answers of every list of a large plane."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import statistics
from typing import NamedTuple

from mogplex_tui.controlplane.openapi import document

from ..figures import percentile, say
from ..process_usage import cpu_seconds
from .load_clients import get, load
from .planes import plane

CLIENTS, SECONDS, MOST, SHOWN = 2, 1.0, 100, 12
TARGET_MS = 50.0

# The row of each kind that has most below it.
_IDS = {
    "run": "SELECT r.id FROM external_agent_runs r ORDER BY (SELECT COUNT(*) FROM ai_call_events e"
    " WHERE e.ai_call_id = r.ai_call_id) DESC LIMIT 1",
    "call": "SELECT ai_call_id FROM ai_call_events GROUP BY 1 HAVING COUNT(*) < 1000 ORDER BY COUNT(*) DESC LIMIT 1",
    "long_call": "SELECT ai_call_id FROM ai_call_events GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    "flow": "SELECT flow_id FROM job_runs GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    "job": "SELECT job_run_id FROM flow_node_runs GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    "repo": "SELECT repo_id FROM ai_calls WHERE repo_id IN (SELECT id FROM repos) GROUP BY 1"
    " ORDER BY COUNT(*) DESC LIMIT 1",
    "agent": "SELECT json_extract(metadata, '$.agent_id') FROM ai_calls WHERE json_extract(metadata, '$.agent_id')"
    " NOTNULL GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    "sandbox": "SELECT id FROM sandboxes WHERE status = 'running' ORDER BY last_active_at DESC LIMIT 1",
    "conversation": "SELECT conversation_id FROM ai_calls WHERE conversation_id NOTNULL GROUP BY 1"
    " ORDER BY COUNT(*) DESC LIMIT 1",
    "team": "SELECT team_id FROM team_members GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    "installation": "SELECT installation_id FROM github_installations ORDER BY created_at LIMIT 1",
    "model": "SELECT model FROM ai_calls GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
    "day": "SELECT strftime('%Y-%m-%dT00:00:00Z', MAX(started_at) / 1000000 - 30 * 86400, 'unixepoch') FROM ai_calls",
}
# What a console asks of the long lists, beside their first pages: a path, then the queries that are asked of it.
_ASKED = """
/api/observability/calls
  surface=live surface=cli surface=cloud surface=automation type=chat live_only=true
  sort=started_at&order=asc sort=model&order=asc sort=model&order=desc sort=type&order=asc sort=type&order=desc
  sort=duration_ms&order=asc sort=duration_ms&order=desc sort=status&order=asc sort=status&order=desc
  status=pending status=streaming status=success status=failed status=cancelled
  repo_id={repo} agent_id={agent} sandbox_record_id={sandbox} conversation_id={conversation} model={model}
  page=100&limit=200 page=400&limit=200 q=api q=claude q=412 q=zzzz from={day} to={day}
  slack_attribution_mode=mapped_profile from={day}&surface=cli&sort=duration_ms repo_id={repo}&status=failed
  type=agent&sort=model surface=automation&repo_id={repo} surface=cli&q=api model={model}&status=success&page=3
  repo_id={repo}&sort=duration_ms&order=desc agent_id={agent}&sort=duration_ms status=failed&from={day}
  status=success&sort=duration_ms surface=cli&status=failed surface=cli&sort=duration_ms
  surface=automation&sort=duration_ms
/api/observability/call-events
  ai_call_id={call}
/api/observability/stats
  from={day} to={day}
/api/observability/jobs
  limit=200 limit=200&sort=status limit=200&sort=duration_ms limit=200&sort=start_attempts
  limit=200&sort=started_at limit=200&sort=completed_at status=failed source_kind=flow source_type=push
  repo_id={repo} agent_id={agent} only_repairable=true only_retried=true from={day}
/api/observability/automation-events
  limit=200 outcome=suppressed reason=INSTALLATION_CONCURRENCY_LIMIT repo_id={repo} source_type=push
  source_kind=flow agent_id={agent} from={day}
/api/observability/automation-failures
  limit=200 failure_class=runtime source_type=push model={model} from={day}
/api/v1/mogplex/runs/{run}/events
  limit=200
/api/v1/mogplex/repos
  limit=200&q=api
/api/v1/mogplex/sandboxes
  limit=200
/api/repos
  show_hidden=true
/api/models
  format=cli
/api/github/pulls
  repo_id={repo}
"""
# A timeline has neither limit nor cursor (observability.md §4); the one of tens of thousands of events is shown apart.
_UNBOUNDED = "/api/observability/call-events?ai_call_id={long_call}"
# Streams, pages for people, and what goes elsewhere.
_NO_LISTS = (
    "/api/realtime/",
    "/api/auth/",
    "/login",
    "/cli-auth",
    "/.well-known/",
    "/api/cron/",
    "/api/test/",
    "/storage/",
)


class _Asked(NamedTuple):
    """The answers of one path: seconds, processor seconds, bytes and statuses."""

    path: str
    times: list[float]
    spent: float
    size: int
    statuses: set[int]


def _paths(ids: dict[str, str]) -> list[str]:
    """Return the paths of GET routes whose parameters are known, and variants."""
    found = []
    for path, methods in document()["paths"].items():
        if "get" not in methods or path.startswith(_NO_LISTS):
            continue
        for parameter in methods["get"].get("parameters", []):
            if parameter["in"] == "path":
                kind = parameter["schema"].get("x-row", "")
                path = path.replace(f"{{{parameter['name']}}}", ids.get(kind, "none"))
        found.append(path)
    path = ""
    for line in _ASKED.format(**ids).splitlines():
        if line.startswith("/"):
            path = line
        else:
            found += [f"{path}?{query}" for query in line.split()]
    return found


def _show(one: _Asked) -> None:
    p50, p99 = statistics.median(one.times) * 1000, percentile(one.times, 0.99) * 1000
    say(
        f"    p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   {one.spent * 1000:5.1f} ms of processor"
        f"   {one.size / 1000:7.1f} kB   {one.path}"
    )


def run() -> None:
    """Print the figures."""
    say(f"plane_lists: every list at large scale with {CLIENTS} clients, at most {MOST} answers each")
    with plane("--scale", "large") as ours:
        with contextlib.closing(sqlite3.connect(ours.said["db"])) as connection:
            ids = {kind: str(connection.execute(sql).fetchone()[0]) for kind, sql in _IDS.items()}
        base, headers = ours.said["base_url"], f"authorization: Bearer {ours.said['token']}\r\n"
        headers += f"cookie: {ours.said['session_cookie']}\r\n"

        def ask(path: str) -> _Asked:
            before = cpu_seconds(ours.pid)
            found = asyncio.run(load(base, [get(base + path, headers)], CLIENTS, SECONDS, MOST))
            spent = (cpu_seconds(ours.pid) - before) / len(found.times)
            return _Asked(path, found.times, spent, found.size, found.statuses)

        done = [ask(path) for path in _paths(ids)]
        unbounded = ask(_UNBOUNDED.format(**ids))
    good = [one for one in done if one.statuses == {200}]
    good.sort(key=lambda one: -percentile(one.times, 0.99))
    say(f"    {len(good)} lists answered, {len(done) - len(good)} paths refused; the slowest by p99:")
    for one in good[:SHOWN]:
        _show(one)
    over = sum(percentile(one.times, 0.99) * 1000 >= TARGET_MS for one in good)
    costly = sum(one.spent * CLIENTS * 1000 >= TARGET_MS for one in good)
    say(
        f"    {over} of them take {TARGET_MS:.0f} ms or longer at p99 (none should), {costly} would with a processor"
        f" to themselves; the load is {os.getloadavg()[0]:.1f} now"
    )
    say("    without a limit by contract, a call of tens of thousands of events:")
    _show(unbounded)
    refused = sorted({f"{min(one.statuses)} {one.path.partition('?')[0]}" for one in done if one not in good})
    say(f"    refused: {', '.join(refused)}")
