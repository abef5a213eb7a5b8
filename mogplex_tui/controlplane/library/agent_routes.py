"""/api/agents: built-in presets and the account's own agents (library.md §1)."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import iso_app
from ..db.database import Row
from ..db.row_json import timed
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from ..identity import model_catalogue
from ..identity.active_team import active_team
from . import agent_writes as writes
from . import preset_agents, request_fields

_COLUMNS = "id, user_id, name, slug, model, system_prompt, description, category, source_template, created_at"
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_NO_AGENT = "Agent not found"
_EPOCH = iso_app(0)


def preset_model(request: ApiRequest) -> str:
    """Return the id of the model that built-in agents use.

    It is the caller's default model, or the static default if the caller has no usable model.
    """
    profile = request.plane.db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    # A caller who is not a member of the active team can use none of its models, and gets the static one.
    return (
        model_catalogue.models_default(request.plane.db, profile, active_team(request))
        or model_catalogue.STATIC_DEFAULT
    )


def forked(request: ApiRequest) -> set[str]:
    """Return the names of the presets that the caller has copied."""
    rows = request.plane.db.all(
        "SELECT DISTINCT source_template FROM agents WHERE user_id = ? AND source_template IS NOT NULL",
        (request.user_id,),
    )
    return {row["source_template"] for row in rows}


def _preset(preset: preset_agents.Preset, user_id: str, model: str, has_fork: bool) -> dict[str, Any]:
    return {
        "id": writes.PREFIX + preset.name,
        "user_id": user_id,
        "name": preset.name,
        "model": model,
        "system_prompt": preset_agents.prompt(preset),
        "description": preset.description,
        "category": preset.category,
        "source_template": preset.name,
        "created_at": _EPOCH,
        "is_preset": True,
        "has_fork": has_fork,
    }


def _agent(row: Row) -> dict[str, Any]:
    return timed(row, "created_at")


async def list_agents(request: ApiRequest) -> Response:
    """Return all presets in their fixed order, then up to 200 agents of the caller."""
    model, copies = preset_model(request), forked(request)
    rows = request.plane.db.all(
        f"SELECT {_COLUMNS} FROM agents WHERE user_id = ? LIMIT 200", (request.user_id,)
    )
    built_in = [
        _preset(preset, request.user_id, model, preset.name in copies) for preset in preset_agents.PRESETS
    ]
    return json_response([*built_in, *(_agent(row) for row in rows)])


def _trimmed(value: Any) -> str:
    """Return a text without white space at its ends, or "" if the value is no text."""
    return params.trim(value) if isinstance(value, str) else ""


def _checked(request: ApiRequest, body: dict[str, Any], whole: bool) -> dict[str, Any]:
    """Return the columns of an agent from a request body.

    With `whole` the body must contain name, category and model. Raises RefusedError 400 for the
    first invalid value; values are checked in the order of library.md §1.3.
    """

    def is_required(column: str) -> bool:
        return whole or column in body

    name, category, model = (_trimmed(body.get(column)) for column in ("name", "category", "model"))
    description, prompt = body.get("description"), body.get("system_prompt")
    checks = (
        (is_required("name") and not name, "Name is required"),
        (request_fields.length(name) > 60, "Name must be 60 characters or less"),
        (
            isinstance(description, str) and request_fields.length(description) > 200,
            "Description must be 200 characters or less",
        ),
        (is_required("category") and not category, "Category is required"),
        (category and not _CATEGORY.fullmatch(category), "Invalid category"),
        (isinstance(prompt, str) and request_fields.length(prompt) > 50_000, "System prompt is too long"),
        (is_required("model") and not model, "Model is required"),
        (category and not _is_category(request, category), "Invalid category"),
    )
    for refused, text in checks:
        if refused:
            raise refusal(400, text)
    given = {
        "name": name,
        "model": model,
        "category": category,
        "description": request_fields.as_text(description),
        "system_prompt": request_fields.as_text(prompt),
    }
    return {column: value for column, value in given.items() if column in body}


def _is_category(request: ApiRequest, slug: str) -> bool:
    return slug in preset_agents.CATEGORIES or (
        request.plane.db.one(
            "SELECT 1 FROM agent_categories WHERE user_id = ? AND slug = ?", (request.user_id, slug)
        )
        is not None
    )


def _stored(request: ApiRequest, agent_id: str) -> Response:
    row = request.plane.db.only(f"SELECT {_COLUMNS} FROM agents WHERE id = ?", (agent_id,))
    return json_response(_agent(row))


async def create_agent(request: ApiRequest) -> Response:
    """Create an agent and return it.

    If the body contains `source_template`, the agent is stored as a copy of that preset. Raises the
    400s of library.md §1.3.
    """
    body = await request_fields.lenient_body(request)
    columns = _checked(request, body, whole=True)
    template = body.get("source_template")
    agent_id = request.service.ids.uuid()
    with request.plane.db.transaction() as tx:
        writes.insert_agent(
            tx,
            id=agent_id,
            user_id=request.user_id,
            at=request.plane.clock.now_us(),
            source_template=template if isinstance(template, str) and template else None,
            **columns,
        )
    return _stored(request, agent_id)


async def change_agent(request: ApiRequest) -> Response:
    """Change fields of one of the caller's agents and return it.

    Raises 404 for an unknown agent, and the 400s of library.md §1.3.
    """
    body = await request_fields.lenient_body(request)
    agent_id = body.get("id")
    if not isinstance(agent_id, str) or not params.trim(agent_id):
        raise refusal(400, "Invalid agent id")
    columns = _checked(request, body, whole=False)
    row = request_fields.owned(request, "agents", params.trim(agent_id), _NO_AGENT)
    if columns:
        with request.plane.db.transaction() as tx:
            writes.update_agent(tx, row["id"], request.user_id, **columns)
    return _stored(request, row["id"])


async def delete_agent(request: ApiRequest) -> Response:
    """Delete an agent with its assignments and triggers; succeed if it does not exist."""
    agent_id = request_fields.id_to_delete(request, _NO_AGENT)
    with request.plane.db.transaction() as tx:
        writes.delete_agent(tx, agent_id, request.user_id)
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_agents),
        "POST": MethodHandler(create_agent),
        "PUT": MethodHandler(change_agent),
        "DELETE": MethodHandler(delete_agent),
    }
    return [route("/api/agents", PlainEndpoint(service, handlers))]
