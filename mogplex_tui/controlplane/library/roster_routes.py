"""/api/agents/roster and its summary: recent activity of agents (library.md §3)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import DAY_US, iso_db
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, route
from . import preset_agents
from .agent_routes import forked
from .agent_writes import PREFIX

_LATEST_CALLS = (
    "SELECT json_extract(metadata, '$.agent_id') AS agent_id, status, started_at FROM"
    " (SELECT metadata, status, started_at FROM ai_calls WHERE user_id = ?"
    " ORDER BY started_at DESC LIMIT 500)"
)
_STATUS = {"streaming": "running", "failed": "error"}

# Runs belong to the agent of the assignment or trigger that started them; those of automations to nobody.
_RUNS = (
    "SELECT agent_id, COUNT(*) AS runs, SUM(status = 'success') AS succeeded, SUM(status = 'failed') AS failed"
    " FROM (SELECT a.agent_id, j.status FROM repos r JOIN assignments a ON a.repo_id = r.id"
    " JOIN job_runs j ON j.assignment_id = a.id WHERE r.user_id = :user AND j.created_at >= :since"
    " UNION ALL SELECT t.agent_id, j.status FROM triggers t JOIN job_runs j ON j.trigger_id = t.id"
    " WHERE t.user_id = :user AND j.created_at >= :since) GROUP BY agent_id"
)
_TOKENS = (
    "SELECT COALESCE(a.agent_id, t.agent_id) AS agent_id, SUM(c.total_tokens) AS tokens FROM ai_calls c"
    " JOIN job_runs j ON j.id = c.job_run_id LEFT JOIN assignments a ON a.id = j.assignment_id"
    " LEFT JOIN triggers t ON t.id = j.trigger_id WHERE c.user_id = :user AND c.job_run_id IS NOT NULL"
    " AND c.started_at >= :since AND COALESCE(a.agent_id, t.agent_id) IS NOT NULL GROUP BY 1"
    " HAVING SUM(c.total_tokens) > 0"
)


def _entry(
    agent_id: str, name: str, description: str | None, activity: dict[str, list[Any]]
) -> dict[str, Any]:
    calls = activity.get(agent_id, ())
    newest = calls[0] if calls else None
    return {
        "id": agent_id,
        "name": name,
        "description": description or "",
        "status": "idle" if newest is None else _STATUS.get(newest["status"], "idle"),
        "cycleCount": len(calls),
        "lastActivity": None if newest is None else iso_db(newest["started_at"]),
    }


async def roster(request: ApiRequest) -> Response:
    """Return the presets and the caller's agents with their recent activity.

    Presets of which the caller has a copy are left out. The activity is computed from the caller's
    latest 500 calls.
    """
    db = request.plane.db
    activity: dict[str, list[Any]] = {}
    for call in db.all(_LATEST_CALLS, (request.user_id,)):
        if isinstance(call["agent_id"], str):
            activity.setdefault(call["agent_id"], []).append(call)
    copies = forked(request)
    entries = [
        _entry(PREFIX + preset.name, preset.name, preset.description, activity)
        for preset in preset_agents.PRESETS
        if preset.name not in copies
    ]
    own = db.all("SELECT id, name, description FROM agents WHERE user_id = ?", (request.user_id,))
    entries += [_entry(row["id"], row["name"], row["description"], activity) for row in own]
    return json_response(entries)


async def summary(request: ApiRequest) -> Response:
    """Return each agent's runs and tokens of the last 24 hours, keyed by agent id.

    Agents without runs and tokens are left out.
    """
    values = {"user": request.user_id, "since": request.plane.clock.now_us() - DAY_US}
    found: dict[str, dict[str, Any]] = {}

    def entry(agent_id: str) -> dict[str, Any]:
        figures = ("runs24h", "succeeded", "failed", "suppressed", "tokens24h")
        return found.setdefault(agent_id, {"agentId": agent_id, **dict.fromkeys(figures, 0)})

    for row in request.plane.db.all(_RUNS, values):
        entry(row["agent_id"]).update(runs24h=row["runs"], succeeded=row["succeeded"], failed=row["failed"])
    for row in request.plane.db.all(_TOKENS, values):
        entry(row["agent_id"])["tokens24h"] = row["tokens"]
    return json_response(found)


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [
        route("/api/agents/roster/summary", PlainEndpoint(service, {"GET": MethodHandler(summary)})),
        route("/api/agents/roster", PlainEndpoint(service, {"GET": MethodHandler(roster)})),
    ]
