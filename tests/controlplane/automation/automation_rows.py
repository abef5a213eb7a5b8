"""Create rows of automations: assignments, triggers, job runs, dispatch events."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from mogplex_tui.controlplane.automation.jobs import node_writes
from mogplex_tui.controlplane.core.plane import Plane
from tests.controlplane.row_factory import RowFactory

INSTALLATION = 88


def installation(factory: RowFactory, number: int = INSTALLATION, user_id: str | None = None) -> int:
    """Insert a GitHub App installation with this number."""
    with factory.plane.db.transaction() as tx:
        tx.insert(
            "github_installations",
            id=tx.new_id(),
            user_id=user_id or factory.user,
            installation_id=number,
            account_login="acme",
            created_at=1,
        )
    return number


def assignment(factory: RowFactory, repo_id: str, agent_id: str, **columns: Any) -> str:
    columns = {"type": "cron", "cron_schedule": "0 6 * * 1", "created_at": factory.clock.us} | columns
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("assignments", id=row_id, repo_id=repo_id, agent_id=agent_id, **columns)
    return row_id


def trigger(factory: RowFactory, agent_id: str, user_id: str | None = None, **columns: Any) -> str:
    columns = {"event": "push", "installation_id": INSTALLATION, "created_at": factory.clock.us} | columns
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("triggers", id=row_id, user_id=user_id or factory.user, agent_id=agent_id, **columns)
    return row_id


def job_of(factory: RowFactory, parent: str, parent_id: str, **columns: Any) -> str:
    """Insert a job run of an assignment or trigger.

    `parent` is the column of the parent's id; the run is pending unless columns say otherwise.
    """
    columns = {"status": "pending", "metadata": "{}", "created_at": factory.clock.us} | columns
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("job_runs", id=row_id, **{parent: parent_id}, **columns)
    return row_id


def ledger_row(factory: RowFactory, outcome: str, **columns: Any) -> str:
    """Insert a dispatch event of the account."""
    columns = {
        "user_id": factory.user,
        "source_kind": "flow",
        "source_type": "push",
        "event_kind": "enqueue",
        "created_at": factory.clock.us,
    } | columns
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("automation_dispatch_events", id=row_id, outcome=outcome, **columns)
    return row_id


def control_approval(factory: RowFactory, **columns: Any) -> str:
    """Insert an approval that the orchestrator waits for."""
    columns = {
        "user_id": factory.user,
        "tool_name": "start_run",
        "tool_input": '{"repo":"acme/shop"}',
        "summary": "Start a fix run",
        "created_at": factory.clock.us,
    } | columns
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert("control_approvals", **{"id": row_id, "tool_call_id": row_id, **columns})
    return row_id


def node(node_id: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "position": {"x": 0, "y": 0}, "data": data}


def chain(*nodes: dict[str, Any], start: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a graph that goes from a start node through `nodes` to an end node."""
    every = [node("start", "start", **(start or {"event": "push"})), *nodes, node("end", "end")]
    edges = [{"source": first["id"], "target": second["id"]} for first, second in pairwise(every)]
    return {"nodes": every, "edges": edges}


def stored_graph(plane: Plane, flow_id: str) -> dict[str, Any]:
    """Return the stored draft of a flow."""
    found: dict[str, Any] = json.loads(
        plane.db.value("SELECT draft_graph FROM flows WHERE id = ?", (flow_id,))
    )
    return found


def insert_wait(factory: RowFactory, job: str, **columns: Any) -> str:
    """Insert a wait of a job run for a person."""
    about: dict[str, Any] = {"wait_kind": "manual_approval", "wait_config": {"kind": "manual_approval"}}
    about |= {"user_id": factory.user, "job_run_id": job, "node_id": "ask", "created_at": factory.clock.us}
    with factory.plane.db.transaction() as tx:
        return node_writes.insert_wait(tx, **(about | columns))


def insert_failed_job(factory: RowFactory, flow: str, **metadata: Any) -> str:
    """Insert a failed job run of a flow."""
    job = factory.job(flow, factory.repo(), start=True, **metadata)
    with factory.plane.db.transaction() as tx:
        tx.update("job_runs", job, status="failed", completed_at=factory.clock.us)
    return job


def insert_finding(factory: RowFactory, job: str, ordinal: int = 0, **columns: Any) -> str:
    """Insert a review finding of a job run."""
    about: dict[str, Any] = {"severity": "warning", "title": "T", "body": "B", "fingerprint": "f"}
    about |= {"user_id": factory.user, "created_at": factory.clock.us}
    with factory.plane.db.transaction() as tx:
        return node_writes.insert_finding(tx, job_run_id=job, ordinal=ordinal, **(about | columns))


def insert_control_event(factory: RowFactory, outcome: str = "failed", **columns: Any) -> str:
    """Insert a control event of the dispatch log; `about` is its metadata."""
    columns = {"event_kind": "control"} | columns
    return ledger_row(factory, outcome, metadata=json.dumps(columns.pop("about", {})), **columns)
