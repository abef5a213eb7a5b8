"""/api/triggers: events of an installation that start an agent (routing.md §2)."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row, Tx
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from .run_summaries import summaries

EVENTS = ("mention", "pr_opened", "issue_opened", "pr_comment", "issue_comment", "push", "ci_failure")
_OWN = (
    "SELECT t.*, a.name AS agent_name, a.slug AS agent_slug, a.model AS agent_model"
    " FROM triggers t JOIN agents a ON a.id = t.agent_id WHERE t.user_id = ?"
)
# What the database says about an event outside its list, and about a row that is not there.
_BAD_EVENT = 'new row for relation "triggers" violates check constraint "triggers_event_check"'
_NO_ROW = "Cannot coerce the result to a single JSON object"


def trigger(row: Row) -> dict[str, Any]:
    """Return the JSON object of a trigger with its agent, without run summaries."""
    return {
        "id": row["id"],
        "user_id": row["user_id"],
        "installation_id": row["installation_id"],
        "agent_id": row["agent_id"],
        "event": row["event"],
        "is_default": bool(row["is_default"]),
        "enabled": bool(row["enabled"]),
        "created_at": iso_db(row["created_at"]),
        "agents": {
            "id": row["agent_id"],
            "name": row["agent_name"],
            "slug": row["agent_slug"],
            "model": row["agent_model"],
        },
    }


def slug_of(name: str) -> str:
    """Return the slug that is derived from an agent's name.

    Letters are made lower case, and other characters except digits are replaced by dashes; a dash at
    the start or the end is removed (routing.md §2).
    """
    dashed = re.sub(r"[^0-9a-z]+", "-", name.lower())
    return dashed.removeprefix("-").removesuffix("-")


async def list_triggers(request: ApiRequest) -> Response:
    """List the caller's triggers with a summary of their runs, newest first."""
    rows = request.plane.db.all(f"{_OWN} ORDER BY t.created_at DESC, t.rowid DESC", (request.user_id,))
    about = summaries(request.plane, "trigger_id", [row["id"] for row in rows])
    return json_response([trigger(row) | about[row["id"]] for row in rows])


def _own_agent(request: ApiRequest, value: Any) -> Row:
    if not isinstance(value, str) or not params.trim(value):
        raise refusal(400, "agent_id is required")
    row = request.plane.db.one(
        "SELECT id, name, slug FROM agents WHERE id = ? AND user_id = ?",
        (params.trim(value).lower(), request.user_id),
    )
    if row is None:
        raise refusal(404, "Agent not found")
    return row


def _set_slug(tx: Tx, request: ApiRequest, agent: Row) -> None:
    """Set the slug of an agent that has none to a slug made from its name.

    The agent stays without a slug if another agent of the caller has the same one.
    """
    slug = slug_of(agent["name"])
    taken = tx.one("SELECT 1 FROM agents WHERE user_id = ? AND slug = ?", (request.user_id, slug))
    if agent["slug"] is None and slug and taken is None:
        tx.update("agents", agent["id"], slug=slug)
        tx.record_change("agents", "UPDATE", request.user_id, agent["id"])


async def create_trigger(request: ApiRequest) -> Response:
    """Create a trigger: it starts an agent at an event of an installation.

    The installation and the agent must belong to the caller.
    """
    body = await body_of(request)
    if not all(body.get(name) for name in ("installation_id", "agent_id", "event")):
        raise refusal(400, "Missing required fields")
    installation = request.plane.db.one(
        "SELECT installation_id FROM github_installations WHERE installation_id = ? AND user_id = ?",
        (_number(body["installation_id"]), request.user_id),
    )
    if installation is None:
        raise refusal(404, "Installation not found")
    agent = _own_agent(request, body["agent_id"])
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        _set_slug(tx, request, agent)
        if body["event"] not in EVENTS:
            raise refusal(500, _BAD_EVENT)
        row_id = tx.new_id()
        tx.insert(
            "triggers",
            id=row_id,
            user_id=request.user_id,
            agent_id=agent["id"],
            installation_id=installation["installation_id"],
            event=body["event"],
            is_default=int(body.get("is_default") is True),
            created_at=request.plane.clock.now_us(),
        )
        tx.record_change("triggers", "INSERT", request.user_id, row_id)
    return json_response(
        trigger(request.plane.db.only(f"{_OWN} AND t.id = ?", (request.user_id, row_id))), 201
    )


def _number(value: Any) -> int | None:
    """Return an installation id from an integer or numeric string, else None."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if abs(number) < 2**63 else None


async def edit_trigger(request: ApiRequest) -> Response:
    """Update a trigger; responds 500 for an unknown id (§2)."""
    body = await body_of(request)
    row_id = body.get("id")
    if not row_id:
        raise refusal(400, "Missing trigger id")
    agent = _own_agent(request, body["agent_id"]) if "agent_id" in body else None
    row = request.plane.db.one(f"{_OWN} AND t.id = ?", (request.user_id, str(row_id).lower()))
    if row is None:
        raise refusal(500, _NO_ROW)
    changes: dict[str, Any] = {}
    for name in ("enabled", "is_default"):
        if isinstance(body.get(name), bool):
            changes[name] = int(body[name])
    if "event" in body:
        if body["event"] not in EVENTS:
            raise refusal(500, _BAD_EVENT)
        changes["event"] = body["event"]
    if agent is not None:
        changes["agent_id"] = agent["id"]
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        if agent is not None:
            _set_slug(tx, request, agent)
        if changes:
            tx.update("triggers", row["id"], **changes)
            tx.record_change("triggers", "UPDATE", request.user_id, row["id"])
    return json_response(trigger(request.plane.db.only(f"{_OWN} AND t.id = ?", (request.user_id, row["id"]))))


async def delete_trigger(request: ApiRequest) -> Response:
    """Delete a trigger but not its job runs; deleting an unknown one succeeds."""
    row_id = params.trim(request.query("id")).lower()
    if not row_id:
        raise refusal(400, "Missing id")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        mine = tx.one("SELECT id FROM triggers WHERE id = ? AND user_id = ?", (row_id, request.user_id))
        if mine is not None:
            for job in tx.all("SELECT id FROM job_runs WHERE trigger_id = ?", (row_id,)):
                tx.record_change("job_runs", "UPDATE", None, job["id"])
            tx.execute("DELETE FROM triggers WHERE id = ?", (row_id,))
            tx.record_change("triggers", "DELETE", request.user_id, row_id)
    return json_response({"ok": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_triggers, failure="Failed to load triggers"),
        "POST": MethodHandler(create_trigger),
        "PUT": MethodHandler(edit_trigger),
        "DELETE": MethodHandler(delete_trigger),
    }
    return [route("/api/triggers", PlainEndpoint(service, handlers))]
