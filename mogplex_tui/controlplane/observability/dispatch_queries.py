"""Query the dispatch ledger and the repositories and agents of its events.

observability.md §8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..automation.graphs import graph_lookups
from ..core.plane import Plane
from ..db import row_json
from ..db.database import Row
from .call_queries import CallPage, instant

_COLUMNS = (
    "e.id, e.user_id, e.job_run_id, e.assignment_id, e.trigger_id, e.flow_id, e.flow_version_id, e.repo_id,"
    " e.installation_id, e.source_kind, e.source_type, e.event_kind, e.outcome, e.reason, e.metadata, e.created_at,"
    " r.full_name, COALESCE(t.agent_id, a.agent_id) AS parent_agent_id"
)
_TABLES = (
    "automation_dispatch_events e LEFT JOIN repos r ON r.id = e.repo_id"
    " LEFT JOIN triggers t ON t.id = e.trigger_id LEFT JOIN assignments a ON a.id = e.assignment_id"
)
# An old row of a flow may be marked as a trigger's.
_SOURCE_KIND = (
    "CASE WHEN e.source_kind = 'trigger' AND e.flow_id IS NOT NULL THEN 'flow' ELSE e.source_kind END"
)
_EXACT = {
    "outcome": "e.outcome",
    "reason": "e.reason",
    "repo_id": "e.repo_id",
    "source_type": "e.source_type",
    "source_kind": _SOURCE_KIND,
}
_AGENT = "COALESCE(t.agent_id, a.agent_id) = :agent"


def find_events(plane: Plane, user_id: str, query: Callable[[str], str], page: int, limit: int) -> CallPage:
    """Return one page of the user's dispatch events, newest first.

    Raises BadInstantError for an invalid time.
    """
    clauses: list[str] = ["e.user_id = :user"]
    values: dict[str, Any] = {"user": user_id}
    for name, expression in _EXACT.items():
        if query(name):
            clauses.append(f"{expression} = :{name}")
            values[name] = query(name)
    if query("agent_id"):
        versions = _versions_of(plane, user_id, query("agent_id"))
        names = {f"version{index}": version_id for index, version_id in enumerate(versions)}
        clauses.append(f"(e.flow_version_id IN ({', '.join(f':{name}' for name in names)}) OR {_AGENT})")
        values |= names | {"agent": query("agent_id")}
    _add_bounds(query, clauses, values)
    condition = f"FROM {_TABLES} WHERE {' AND '.join(clauses)}"
    total = plane.db.value(f"SELECT COUNT(*) {condition}", values)
    rows = plane.db.all(
        f"SELECT {_COLUMNS} {condition} ORDER BY e.created_at DESC, e.id DESC LIMIT :limit OFFSET :offset",
        values | {"limit": limit, "offset": (page - 1) * limit},
    )
    return CallPage(rows, int(total))


def control_events(plane: Plane, user_id: str, query: Callable[[str], str], newest: int) -> list[Row]:
    """Return the user's newest dispatch events that record the end of a run.

    These are `control` events with the outcome completed or failed. At most `newest` of them, from
    the time range of the parameters `from` and `to`, are returned. Raises BadInstantError for an
    invalid time.
    """
    clauses = [
        "e.user_id = :user",
        "e.event_kind = 'control'",
        "e.outcome IN ('completed', 'failed')",
    ]
    values: dict[str, Any] = {"user": user_id, "newest": newest}
    _add_bounds(query, clauses, values)
    return plane.db.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {' AND '.join(clauses)}"
        " ORDER BY e.created_at DESC, e.id DESC LIMIT :newest",
        values,
    )


def _add_bounds(query: Callable[[str], str], clauses: list[str], values: dict[str, Any]) -> None:
    for name, comparison in (("from", ">="), ("to", "<=")):
        bound = instant(query(name))
        if bound is not None:
            clauses.append(f"e.created_at {comparison} :{name}")
            values[name] = bound


def _versions_of(plane: Plane, user_id: str, agent_id: str) -> list[str]:
    """Return the ids of the user's flow versions whose graph uses the agent."""
    rows = plane.db.all(
        "SELECT v.id, v.graph FROM flow_versions v JOIN flows f ON f.id = v.flow_id WHERE f.user_id = ?",
        (user_id,),
    )
    return [row["id"] for row in rows if agent_id in graph_lookups.agent_ids(row["graph"])]


class Agents:
    """A lookup of dispatch events' agents, which reads each agent only once."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._of_version: dict[str, str | None] = {}
        self._rows: dict[str, Row | None] = {}

    def of(self, event: Row) -> Row | None:
        """Return the agent that an event is about, or None.

        It is the first agent in the graph of the event's flow version, or else the agent of the event's
        trigger or assignment.
        """
        agent_id, version_id = event["parent_agent_id"], event["flow_version_id"]
        if version_id is not None:
            if version_id not in self._of_version:
                graph = self._plane.db.value("SELECT graph FROM flow_versions WHERE id = ?", (version_id,))
                ids = graph_lookups.agent_ids(graph) if graph else []
                self._of_version[version_id] = ids[0] if ids else None
            agent_id = self._of_version[version_id]
        if agent_id is None:
            return None
        if agent_id not in self._rows:
            self._rows[agent_id] = self._plane.db.one(
                "SELECT id, name, slug, model FROM agents WHERE id = ?", (agent_id,)
            )
        return self._rows[agent_id]


def source_kind(event: Row) -> str:
    """Return what caused a dispatch event, for example "trigger" or "flow".

    The stored kind "trigger" is returned as "flow" if the event has a flow.
    """
    flow = event["source_kind"] == "trigger" and event["flow_id"] is not None
    return "flow" if flow else str(event["source_kind"])


def events_json(plane: Plane, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return dispatch events as JSON objects."""
    agents = Agents(plane)
    out = []
    for row in rows:
        event = row_json.timed(row, "created_at", json_columns=("metadata",))
        agent = agents.of(row)
        del event["parent_agent_id"]
        event["source_kind"] = source_kind(row)
        event["repo"] = {"id": row["repo_id"], "full_name": event.pop("full_name")}
        event["agent"] = {name: None if agent is None else agent[name] for name in ("id", "name", "slug")}
        out.append(event)
    return out
