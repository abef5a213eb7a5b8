"""/api/v1/mogplex/repos, /agents and /models (v1.md §1 to §3)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, Service, V1Endpoint, route, v1_response
from ..identity import model_catalogue
from . import preset_agents

_REPOS = (
    "SELECT id, full_name, github_installation_id AS installation_id,"
    " coalesce(default_branch, 'main') AS default_branch, root_directory"
    " FROM repos WHERE user_id = ? AND is_hidden = 0"
)


async def list_repos(request: ApiRequest) -> Response:
    """Return the caller's repositories, sorted by name.

    With `id` in the query only the repository with this id is returned. Otherwise `q` filters by
    name, with the wildcards % and _.
    """
    limit = params.clamped(request.query("limit"), 100, 1, 200)
    wanted, q = request.query("id"), params.trim(request.query("q"))
    sql, values = _REPOS, [request.user_id]
    if wanted:
        sql += " AND id = ?"
        values.append(wanted.lower())
    elif q:
        sql += " AND full_name LIKE ?"
        values.append(f"%{q}%")
    rows = request.plane.db.all(sql + " ORDER BY full_name LIMIT ?", (*values, limit))
    return v1_response({"repos": [dict(row) for row in rows]})


async def list_agents(request: ApiRequest) -> Response:
    """Return the presets, then up to 200 agents of the caller.

    Presets of which the caller has a copy are left out.
    """
    db = request.plane.db
    own = db.all(
        "SELECT id, name, slug, model, description, category, source_template FROM agents"
        " WHERE user_id = ? ORDER BY name LIMIT 200",
        (request.user_id,),
    )
    stored = db.value("SELECT default_model FROM profiles WHERE id = ?", (request.user_id,))
    forked = {row["source_template"] for row in own}
    agents = [
        {
            "id": f"preset:{preset.name}",
            "name": preset.name,
            "slug": None,
            "model": stored or model_catalogue.STATIC_DEFAULT,
            "description": preset.description,
            "category": preset.category,
            "preset": True,
        }
        for preset in preset_agents.PRESETS
        if preset.name not in forked
    ]
    for row in own:
        agent = {**dict(row), "preset": False}
        del agent["source_template"]
        agents.append(agent)
    return v1_response({"agents": agents})


async def list_models(request: ApiRequest) -> Response:
    """Return the models that the caller can use now, sorted by provider."""
    profile = request.plane.db.one("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    rows = [] if profile is None else model_catalogue.offered_now(request.plane.db, profile)
    return v1_response({"models": [model_catalogue.v1_model(row) for row in rows]})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/v1/mogplex"
    return [
        route(
            prefix + "/repos",
            V1Endpoint(service, {"GET": MethodHandler(list_repos, failure="Failed to list repos")}),
        ),
        route(
            prefix + "/agents",
            V1Endpoint(service, {"GET": MethodHandler(list_agents, "read", "Failed to list agents")}),
        ),
        route(
            prefix + "/models",
            V1Endpoint(service, {"GET": MethodHandler(list_models, "read", "Failed to list models")}),
        ),
    ]
