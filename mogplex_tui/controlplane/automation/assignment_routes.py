"""/api/assignments: agents assigned to repositories (routing.md §1).

An assignment lets an agent do one kind of work in one repository.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from ..identity import model_catalogue
from ..library.own_agents import own_agent
from .run_summaries import summaries

TYPES = ("pr_review", "cron_refactor", "cron", "push_review", "issue_triage", "ci_failure")
_LIMIT = 500
_OWN = "FROM assignments a JOIN repos r ON r.id = a.repo_id WHERE r.user_id = ?"


def assignment(row: Row) -> dict[str, Any]:
    """Return the JSON object of an assignment row, without the summary of its runs."""
    out = {
        name: row[name]
        for name in ("id", "repo_id", "agent_id", "type", "cron_schedule", "skill_id", "enabled")
    }
    return out | {"enabled": bool(row["enabled"]), "created_at": iso_db(row["created_at"])}


async def list_assignments(request: ApiRequest) -> Response:
    """Return up to 500 assignments of the caller's repositories.

    Each assignment includes the summary of its job runs.
    """
    rows = request.plane.db.all(f"SELECT a.* {_OWN} LIMIT ?", (request.user_id, _LIMIT))
    about = summaries(request.plane, "assignment_id", [row["id"] for row in rows])
    return json_response([assignment(row) | about[row["id"]] for row in rows])


async def create_assignment(request: ApiRequest) -> Response:
    """Assign an agent to a repository for one kind of work.

    The body is `{repo_id, agent_id, type, cron_schedule?, skill_id?, enabled?}`; the response is a 201
    with the row. An agent preset is copied to the caller's agents first.
    """
    body = await body_of(request)
    repo_id, agent_id, kind = (body.get(name) for name in ("repo_id", "agent_id", "type"))
    if not (repo_id and agent_id and kind):
        raise refusal(400, "Missing required fields")
    if kind not in TYPES:
        raise refusal(400, "Invalid type")
    repo = request.plane.db.one(
        "SELECT id FROM repos WHERE id = ? AND user_id = ?", (str(repo_id).lower(), request.user_id)
    )
    if repo is None:
        raise refusal(404, "Repo not found")
    profile = request.plane.db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    model, now = model_catalogue.settings_default(request.plane.db, profile), request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        own = own_agent(tx, request.user_id, str(agent_id), model, now)
        if own is None:
            raise refusal(404, "Agent not found")
        row_id = tx.new_id()
        tx.insert(
            "assignments",
            id=row_id,
            repo_id=repo["id"],
            agent_id=own,
            type=kind,
            cron_schedule=body["cron_schedule"] if isinstance(body.get("cron_schedule"), str) else None,
            skill_id=body["skill_id"] if isinstance(body.get("skill_id"), str) else None,
            enabled=int(body.get("enabled") is not False),
            created_at=now,
        )
        tx.record_change("assignments", "INSERT", None, row_id)
    return json_response(assignment(_row(request, row_id)), 201)


def _row(request: ApiRequest, row_id: str) -> Row:
    row = request.plane.db.one(f"SELECT a.* {_OWN} AND a.id = ?", (request.user_id, row_id.lower()))
    if row is None:
        raise refusal(404, "Not found")
    return row


async def edit_assignment(request: ApiRequest) -> Response:
    """Update the valid fields of an assignment and ignore the others.

    Returns the row without the summary of its runs (routing.md §1.3).
    """
    body = await body_of(request)
    row_id = body.get("id")
    if not row_id:
        raise refusal(400, "Missing id")
    changes: dict[str, Any] = {}
    if isinstance(body.get("enabled"), bool):
        changes["enabled"] = int(body["enabled"])
    if isinstance(body.get("cron_schedule"), str):
        changes["cron_schedule"] = body["cron_schedule"]
    if body.get("type") in TYPES:
        changes["type"] = body["type"]
    if "skill_id" in body and (body["skill_id"] is None or isinstance(body["skill_id"], str)):
        changes["skill_id"] = body["skill_id"]
    if not changes:
        raise refusal(400, "No valid fields to update")
    row = _row(request, str(row_id))
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.update("assignments", row["id"], **changes)
        tx.record_change("assignments", "UPDATE", None, row["id"])
    return json_response(assignment(_row(request, row["id"])))


async def delete_assignment(request: ApiRequest) -> Response:
    """Delete an assignment and its job runs (§1.4)."""
    row_id = params.trim(request.query("id"))
    if not row_id:
        raise refusal(400, "Missing id")
    row = _row(request, row_id)
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            for job in tx.all("SELECT id FROM job_runs WHERE assignment_id = ?", (row["id"],)):
                tx.record_change("job_runs", "DELETE", None, job["id"])
            tx.execute("DELETE FROM assignments WHERE id = ?", (row["id"],))
            tx.record_change("assignments", "DELETE", None, row["id"])
    except sqlite3.Error as error:
        raise refusal(500, str(error)) from None
    return json_response({"ok": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_assignments, failure="Failed to load assignments"),
        "POST": MethodHandler(create_assignment),
        "PUT": MethodHandler(edit_assignment),
        "DELETE": MethodHandler(delete_assignment),
    }
    return [route("/api/assignments", PlainEndpoint(service, handlers))]
