"""/api/teams: create teams, and change their models, keys and owner.

identity.md §8.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import audit_log, provider_keys, slugs
from .provider_key_routes import key_object
from .session_required import key_of, provider_of, trimmed
from .team_access import auth_source, require_manager, require_member

_SLUG_PROBLEMS = {
    "invalid": (422, "Slug must be 1-39 lower-case letters, digits and single hyphens"),
    "reserved": (422, "Slug is reserved"),
    "taken": (409, "Slug already taken"),
}


async def create_team(request: ApiRequest) -> Response:
    """Create a team that the caller owns."""
    body = await body_of(request)
    name, slug = trimmed(body.get("name")), trimmed(body.get("slug")).lower()
    # No text of the database can hold the first.
    if "\0" in name or not 1 <= len(name) <= 80:
        raise refusal(422, "Team name must be 1-80 characters")
    problem = slugs.problem(request.plane.db, slug)
    if problem is not None:
        raise refusal(*_SLUG_PROBLEMS[problem])
    now = request.plane.clock.now_us()
    team = {"id": request.service.ids.uuid(), "slug": slug, "name": name}
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.insert("teams", **team, owner_user_id=request.user_id, created_at=now, updated_at=now)
        audit_log.record(
            tx,
            team["id"],
            "team.created",
            now,
            target=("team", team["id"]),
            payload={"name": name, "slug": slug},
            actor_user_id=request.user_id,
            auth_source=auth_source(request),
        )
    return json_response({"team": {"id": team["id"], "name": name, "slug": slug}}, 201)


async def check_slug(request: ApiRequest) -> Response:
    """Return whether a team slug is available, and the reason if it is not."""
    problem = slugs.problem(request.plane.db, params.trim(request.query("slug")).lower())
    return json_response({"available": True} if problem is None else {"available": False, "reason": problem})


async def read_models(request: ApiRequest) -> Response:
    """Return the ids of the models that the team allows; null if it allows all models."""
    here = require_member(request)
    listed = here.team["model_allowlist"]
    allowlist = None if listed is None else json.loads(listed)
    return json_response({"modelAllowlist": allowlist, "viewer": {"canManage": here.can_manage}})


def _allowlist(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refusal(422, "model_allowlist must be null or an array of model ids")
    return sorted({params.trim(item) for item in value})


async def patch_models(request: ApiRequest) -> Response:
    """Set the models that the team allows.

    An empty list allows no model, null allows all.
    """
    here = require_manager(request)
    body = await body_of(request)
    if "model_allowlist" not in body:
        raise refusal(422, "model_allowlist must be null or an array of model ids")
    allowlist = _allowlist(body["model_allowlist"])
    model_ids = {row["id"] for row in request.plane.db.all("SELECT id FROM models")}
    unknown = [model for model in allowlist or () if model not in model_ids]
    if unknown:
        raise refusal(422, f"Unknown model IDs: {', '.join(unknown)}")
    before = here.team["model_allowlist"]
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        stored = None if allowlist is None else json.dumps(allowlist)
        tx.update("teams", here.team_id, model_allowlist=stored, updated_at=here.now)
        change = {"before": None if before is None else json.loads(before), "after": allowlist}
        here.note(tx, "model_allowlist.changed", payload=change)
    return json_response({"ok": True})


async def list_keys(request: ApiRequest) -> Response:
    """List the team's provider keys, sorted by provider, without the secrets."""
    here = require_member(request)
    rows = provider_keys.stored(request.plane.db, provider_keys.of_team(here.team_id))
    return json_response({"keys": [key_object(row) for row in rows], "viewer": here.viewer()})


async def put_key(request: ApiRequest) -> Response:
    """Store or replace the team's key of one provider."""
    here = require_manager(request)
    body = await body_of(request)
    provider, key = provider_of(body), key_of(body)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        provider_keys.put(tx, provider_keys.of_team(here.team_id), provider, key, here.now)
        here.note(tx, "team_provider_key.updated", ("provider_key", provider), {"provider": provider})
    return json_response({"ok": True})


async def delete_key(request: ApiRequest) -> Response:
    """Delete the team's key of one provider; succeed if there is no such key."""
    here = require_manager(request)
    provider = provider_of(await body_of(request))
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        provider_keys.remove(tx, provider_keys.of_team(here.team_id), provider)
        here.note(tx, "team_provider_key.deleted", ("provider_key", provider), {"provider": provider})
    return json_response({"ok": True})


async def hand_over(request: ApiRequest) -> Response:
    """Make an admin the owner of the team, and make the previous owner an admin."""
    here = require_member(request)
    if here.role != "owner":
        raise refusal(403, "Forbidden")
    next_id = trimmed((await body_of(request)).get("next_owner_user_id")).lower()
    if not next_id:
        raise refusal(422, "next_owner_user_id is required")
    if next_id == here.user_id:
        raise refusal(422, "The team is yours already")
    role = request.plane.db.value(
        "SELECT role FROM team_members WHERE team_id = ? AND user_id = ?", (here.team_id, next_id)
    )
    if role is None:
        raise refusal(404, "Team member not found")
    if role != "admin":
        raise refusal(422, "Only an admin can become the owner")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        for user_id, given in ((next_id, "owner"), (here.user_id, "admin")):
            tx.execute(
                "UPDATE team_members SET role = ? WHERE team_id = ? AND user_id = ?",
                (given, here.team_id, user_id),
            )
        tx.update("teams", here.team_id, owner_user_id=next_id, updated_at=here.now)
        change = {"previous_owner_user_id": here.user_id, "next_owner_user_id": next_id}
        here.note(tx, "team.owner_transferred", ("user", next_id), change)
    return json_response({"ok": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    team = "/api/teams/{team_id}"
    keys = {
        "GET": MethodHandler(list_keys),
        "PUT": MethodHandler(put_key),
        "DELETE": MethodHandler(delete_key),
    }
    return [
        route("/api/teams", PlainEndpoint(service, {"POST": MethodHandler(create_team)})),
        route("/api/teams/slug-check", PlainEndpoint(service, {"GET": MethodHandler(check_slug)})),
        route(
            team + "/models",
            PlainEndpoint(service, {"GET": MethodHandler(read_models), "PATCH": MethodHandler(patch_models)}),
        ),
        route(team + "/keys", PlainEndpoint(service, keys)),
        route(team + "/ownership", PlainEndpoint(service, {"POST": MethodHandler(hand_over)})),
    ]
