"""Filter and list job runs (observability.md §7.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..automation.graphs import graph_lookups
from ..automation.jobs.job_serializers import COLUMNS, REPAIRABLE_US, own_jobs
from ..core.plane import Plane
from .call_queries import CallPage, instant

_ORDERS = {
    "created_at": "created_at",
    "status": "status",
    "duration_ms": "COALESCE(duration_ms, 0)",
    "start_attempts": "start_attempts",
    "started_at": "COALESCE(started_at, created_at)",
    "completed_at": "COALESCE(completed_at, 0)",
}
_SOURCE_KIND = (
    "CASE WHEN retry_of_job_run_id IS NOT NULL THEN 'manual_retry' WHEN flow_id IS NOT NULL THEN 'flow'"
    " WHEN trigger_id IS NOT NULL THEN 'trigger' ELSE 'assignment' END"
)
_SOURCE_TYPE = (
    "COALESCE(CASE WHEN flow_id IS NULL THEN COALESCE((SELECT event FROM triggers WHERE id = trigger_id),"
    " (SELECT type FROM assignments WHERE id = assignment_id)) END,"
    " json_extract(metadata, '$.source_type'), (SELECT json_extract(n.value, '$.data.event')"
    " FROM flow_versions v, json_each(v.graph, '$.nodes') n"
    " WHERE v.id = flow_version_id AND json_extract(n.value, '$.type') = 'start'), 'unknown')"
)


def find_jobs(plane: Plane, user_id: str, query: Callable[[str], str], page: int, limit: int) -> CallPage:
    """Return one page of the user's jobs that match the query parameters.

    Jobs come from flows, triggers and assignments; only the newest 10,000 from each of the three
    are considered. Jobs with equal sort values are ordered newest first. Raises BadInstantError.
    """
    clauses: list[str] = ["1"]
    values: dict[str, Any] = {"user": user_id}
    for name, expression in (
        ("status", "status"),
        ("source_kind", _SOURCE_KIND),
        ("source_type", _SOURCE_TYPE),
        ("repo_id", "json_extract(metadata, '$.repo_id')"),
    ):
        if query(name):
            clauses.append(f"{expression} = :{name}")
            values[name] = query(name)
    _add_agent(plane, user_id, query("agent_id"), clauses, values)
    if query("only_repairable") == "true":
        clauses.append("status = 'pending' AND COALESCE(last_start_attempt_at, created_at) <= :repairable")
        values["repairable"] = plane.clock.now_us() - REPAIRABLE_US
    if query("only_retried") == "true":
        clauses.append("retry_of_job_run_id IS NOT NULL")
    for name, comparison in (("from", ">="), ("to", "<=")):
        bound = instant(query(name))
        if bound is not None:
            clauses.append(f"created_at {comparison} :{name}")
            values[name] = bound
    condition = f"FROM ({own_jobs(COLUMNS)}) WHERE {' AND '.join(clauses)}"
    total = plane.db.value(f"SELECT COUNT(*) {condition}", values)
    way = "ASC" if query("order") == "asc" else "DESC"
    order = f"{_ORDERS.get(query('sort'), 'created_at')} {way}, created_at DESC"
    values |= {"limit": limit, "offset": (page - 1) * limit}
    rows = plane.db.all(f"SELECT * {condition} ORDER BY {order} LIMIT :limit OFFSET :offset", values)
    return CallPage(rows, int(total))


def _add_agent(plane: Plane, user_id: str, agent_id: str, clauses: list[str], values: dict[str, Any]) -> None:
    """Add the condition that a job uses the agent, unless `agent_id` is empty.

    A job uses an agent in its flow's graph, or as the agent of its trigger or assignment.
    """
    if not agent_id:
        return
    versions = plane.db.all(
        "SELECT v.id, v.graph FROM flow_versions v JOIN flows f ON f.id = v.flow_id WHERE f.user_id = ?",
        (user_id,),
    )
    ids = [row["id"] for row in versions if agent_id in graph_lookups.agent_ids(row["graph"])]
    names = {f"version{index}": version_id for index, version_id in enumerate(ids)}
    clauses.append(
        f"(flow_version_id IN ({', '.join(f':{name}' for name in names)}) OR flow_id IS NULL AND COALESCE("
        "(SELECT agent_id FROM triggers WHERE id = trigger_id),"
        " (SELECT agent_id FROM assignments WHERE id = assignment_id)) = :agent)"
    )
    values |= names | {"agent": agent_id}
