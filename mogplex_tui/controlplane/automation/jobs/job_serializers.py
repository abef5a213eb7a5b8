"""JSON objects of job runs for lists and details, with their computed fields.

observability.md §7, v1.md §5.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...calls import call_serializers
from ...core.plane import Plane
from ...db import row_json
from ...db.clock import MINUTE_US
from ...db.database import Database, Row
from ..graphs import graph_lookups
from .dispatch_ledger import source_kind

REPAIRABLE_US = 2 * MINUTE_US

COLUMNS = (
    "j.id, j.assignment_id, j.trigger_id, j.flow_id, j.flow_version_id, j.runtime_provider,"
    " j.runtime_run_id, j.workflow_run_id, j.retry_of_job_run_id, j.status, j.created_at, j.started_at, j.completed_at,"
    " j.input_tokens, j.output_tokens, j.cost_usd, j.duration_ms, j.error, j.start_attempts,"
    " j.last_start_attempt_at, j.last_start_error, j.last_start_source, j.cancel_requested_at, j.cancelled_at,"
    " j.cancel_reason, j.cancel_error, j.metadata"
)
# A job run belongs to whoever owns its flow, trigger or assignment (observability.md §7.1).
_SCOPES = (
    "job_runs j JOIN flows f ON f.id = j.flow_id WHERE f.user_id = :user",
    "triggers t CROSS JOIN job_runs j ON j.trigger_id = t.id WHERE t.user_id = :user AND j.flow_id IS NULL",
    "repos r CROSS JOIN assignments a ON a.repo_id = r.id CROSS JOIN job_runs j ON j.assignment_id = a.id"
    " WHERE r.user_id = :user AND j.flow_id IS NULL AND j.trigger_id IS NULL",
)
NEWEST = 10_000

_INSTANTS = (
    "created_at",
    "started_at",
    "completed_at",
    "last_start_attempt_at",
    "cancel_requested_at",
    "cancelled_at",
)
_DISPATCH = "id, event_kind, outcome, reason, metadata, created_at"
_TRIGGER = "SELECT agent_id, event AS kind FROM triggers WHERE id = ?"
_ASSIGNMENT = "SELECT agent_id, type AS kind FROM assignments WHERE id = ?"
_LATEST_CALL = "id, job_run_id, status, model, total_tokens, tool_calls_count, started_at"


def own_jobs(columns: str) -> str:
    """Return an SQL query for the job runs of the user bound to `:user`.

    The query selects the newest 10,000 runs of flows, the newest 10,000 of triggers and the newest
    10,000 of assignments. `columns` refer to the table of job runs as `j`.
    """
    parts = (
        f"SELECT * FROM (SELECT {columns} FROM {scope} ORDER BY j.created_at DESC LIMIT {NEWEST})"
        for scope in _SCOPES
    )
    return " UNION ALL ".join(parts)


class Lookups:
    """A cache of the rows that the computed fields of job runs need.

    Each row is read from the database at most once.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._graphs: dict[str, str | None] = {}
        self._repos: dict[str, Row | None] = {}
        self._agents: dict[str, Row | None] = {}
        self._parents: dict[str, Row | None] = {}

    def graph(self, version_id: str | None) -> str | None:
        """Return the stored graph (JSON text) of a flow version, or None if unknown."""
        if version_id is None:
            return None
        if version_id not in self._graphs:
            self._graphs[version_id] = self._db.value(
                "SELECT graph FROM flow_versions WHERE id = ?", (version_id,)
            )
        return self._graphs[version_id]

    def repo(self, metadata: dict[str, Any]) -> dict[str, Any]:
        """Return the id and full name of the repository that a job's metadata names.

        The name in the metadata is used only if the repository has no row.
        """
        repo_id = metadata.get("repo_id")
        if repo_id is not None and repo_id not in self._repos:
            self._repos[repo_id] = self._db.one("SELECT id, full_name FROM repos WHERE id = ?", (repo_id,))
        row = self._repos.get(repo_id) if repo_id is not None else None
        if row is not None:
            return dict(row)
        return {"id": repo_id, "full_name": metadata.get("repo_full_name")}

    def parent(self, job: Row) -> Row | None:
        """Return the agent_id and kind of a job's trigger or assignment.

        `kind` is the trigger's event or the assignment's type. Returns None for a flow's job and for
        a job whose parent was deleted.
        """
        if job["flow_id"] is not None:
            return None
        for column, sql in (("trigger_id", _TRIGGER), ("assignment_id", _ASSIGNMENT)):
            parent_id = job[column]
            if parent_id is not None:
                if parent_id not in self._parents:
                    self._parents[parent_id] = self._db.one(sql, (parent_id,))
                return self._parents[parent_id]
        return None

    def agent(self, job: Row) -> dict[str, Any]:
        """Return the primary agent of a job's flow version, trigger or assignment.

        All fields are None if the job has no agent.
        """
        graph, parent = self.graph(job["flow_version_id"]), self.parent(job)
        ids = graph_lookups.agent_ids(graph) if graph else []
        if parent is not None:
            ids = [parent["agent_id"]]
        if ids:
            if ids[0] not in self._agents:
                self._agents[ids[0]] = self._db.one(
                    "SELECT id, name, slug FROM agents WHERE id = ?", (ids[0],)
                )
            row = self._agents[ids[0]]
            if row is not None:
                return dict(row)
        return {"id": None, "name": None, "slug": None}


def record(plane: Plane, lookups: Lookups, row: Row) -> dict[str, Any]:
    """Return the JSON object of a job run with its computed fields.

    `latest_ai_call` and `latest_dispatch_event` are None; callers that need them add them.
    """
    out = row_json.timed(row, *_INSTANTS, json_columns=("metadata",))
    metadata = out["metadata"] or {}
    graph = None if metadata.get("source_type") else lookups.graph(row["flow_version_id"])
    parent = lookups.parent(row)
    anchor = row["last_start_attempt_at"] or row["created_at"]
    live = row["status"] in ("pending", "running")
    out |= {
        "source_kind": source_kind(row),
        "source_type": (None if parent is None else parent["kind"])
        or metadata.get("source_type")
        or (graph_lookups.start_event(graph) if graph else None)
        or "unknown",
        "repo": lookups.repo(metadata),
        "agent": lookups.agent(row),
        "latest_ai_call": None,
        "latest_dispatch_event": None,
        "repairable": row["status"] == "pending" and plane.clock.now_us() - anchor >= REPAIRABLE_US,
        "requeueable": row["status"] == "failed",
        "cancelable": live and row["cancel_requested_at"] is None and row["cancelled_at"] is None,
    }
    return out


def dispatch_event(row: Row) -> dict[str, Any]:
    """Return the JSON object of a dispatch event."""
    return row_json.timed(row, "created_at", json_columns=("metadata",))


def latest_call(db: Database, job_id: str) -> dict[str, Any] | None:
    """Return the main fields of a job's newest call, or None if it has no calls."""
    row = db.one(
        f"SELECT {_LATEST_CALL} FROM ai_calls WHERE job_run_id = ? ORDER BY started_at DESC LIMIT 1",
        (job_id,),
    )
    return None if row is None else row_json.timed(row, "started_at")


def latest_dispatch(db: Database, job_id: str) -> dict[str, Any] | None:
    """Return the newest dispatch event of a job as JSON, or None if it has no events."""
    row = db.one(
        f"SELECT {_DISPATCH} FROM automation_dispatch_events WHERE job_run_id = ?"
        " ORDER BY created_at DESC, rowid DESC LIMIT 1",
        (job_id,),
    )
    return None if row is None else dispatch_event(row)


def dispatch_events(db: Database, job_id: str) -> list[dict[str, Any]]:
    """Return the dispatch events of a job as JSON, oldest first."""
    rows = db.all(
        f"SELECT {_DISPATCH} FROM automation_dispatch_events WHERE job_run_id = ? ORDER BY created_at, rowid",
        (job_id,),
    )
    return [dispatch_event(row) for row in rows]


def calls_with_events(db: Database, job_id: str) -> list[dict[str, Any]]:
    """Return the calls of a job with their events, both oldest first."""
    rows = db.all(
        f"SELECT {call_serializers.CALL_COLUMNS} FROM ai_calls WHERE job_run_id = ? ORDER BY started_at, rowid",
        (job_id,),
    )
    calls = [call_serializers.call(row) for row in rows]
    for call in calls:
        events = db.all(
            f"SELECT {call_serializers.EVENT_COLUMNS} FROM ai_call_events"
            " WHERE ai_call_id = ? ORDER BY created_at, seq",
            (call["id"],),
        )
        call["events"] = [call_serializers.event(event) for event in events]
    return calls


def findings(db: Database, job_id: str) -> list[dict[str, Any]]:
    """Return the review findings of a job, sorted by ordinal."""
    rows = db.all(
        "SELECT * FROM review_findings WHERE job_run_id = ? ORDER BY ordinal, created_at", (job_id,)
    )
    return [row_json.timed(row, "dismissed_at", "created_at", "updated_at") for row in rows]


def node_runs(db: Database, job_ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the node runs of several jobs by job id, oldest first."""
    ids = list(job_ids)
    out: dict[str, list[dict[str, Any]]] = {job_id: [] for job_id in ids}
    marks = ", ".join("?" * len(ids))
    rows = db.all(
        f"SELECT * FROM flow_node_runs WHERE job_run_id IN ({marks}) ORDER BY created_at, rowid", ids
    )
    for row in rows:
        node = row_json.timed(row, "started_at", "completed_at", "created_at", json_columns=("output",))
        out[row["job_run_id"]].append(node)
    return out


def waits(db: Database, job_id: str) -> list[dict[str, Any]]:
    """Return the waits of a job, oldest first."""
    rows = db.all("SELECT * FROM flow_waits WHERE job_run_id = ? ORDER BY created_at, rowid", (job_id,))
    instants = ("expires_at", "created_at", "resumed_at")
    return [row_json.timed(row, *instants, json_columns=("wait_config", "resume_payload")) for row in rows]


def active_waits(db: Database, job_id: str) -> int:
    """Return how many of a job's waits have the status `waiting`."""
    return int(
        db.value("SELECT COUNT(*) FROM flow_waits WHERE job_run_id = ? AND status = 'waiting'", (job_id,))
    )
