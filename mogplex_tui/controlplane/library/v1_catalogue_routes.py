"""/api/v1/mogplex/repos, /agents and /models (v1.md §1 to §3)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..http import params
from ..http.endpoints import Ask, Service, V1Endpoint, Verb, data, route
from ..identity import model_catalogue
from . import preset_agents

_REPOS = (
    "SELECT id, full_name, github_installation_id AS installation_id,"
    " coalesce(default_branch, 'main') AS default_branch, root_directory"
    " FROM repos WHERE user_id = ? AND is_hidden = 0"
)


async def list_repos(ask: Ask) -> Response:
    """Return the caller's repositories, sorted by name.

    With `id` in the query only that one; otherwise `q` filters them, with the wildcards % and _.
    """
    limit = params.clamped(ask.query("limit"), 100, 1, 200)
    wanted, q = ask.query("id"), params.trim(ask.query("q"))
    sql, values = _REPOS, [ask.user_id]
    if wanted:
        sql += " AND id = ?"
        values.append(wanted.lower())
    elif q:
        sql += " AND full_name LIKE ?"
        values.append(f"%{q}%")
    rows = ask.plane.db.all(sql + " ORDER BY full_name LIMIT ?", (*values, limit))
    return data({"repos": [dict(row) for row in rows]})


async def list_agents(ask: Ask) -> Response:
    """Return the presets, then up to 200 agents of the caller.

    Presets of which the caller has a copy are left out.
    """
    db = ask.plane.db
    own = db.all(
        "SELECT id, name, slug, model, description, category, source_template FROM agents"
        " WHERE user_id = ? ORDER BY name LIMIT 200",
        (ask.user_id,),
    )
    stored = db.value("SELECT default_model FROM profiles WHERE id = ?", (ask.user_id,))
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
    return data({"agents": agents})


async def list_models(ask: Ask) -> Response:
    """Return the models that the caller can use now, sorted by provider."""
    profile = ask.plane.db.one("SELECT * FROM profiles WHERE id = ?", (ask.user_id,))
    rows = [] if profile is None else model_catalogue.offered_now(ask.plane.db, profile)
    return data({"models": [model_catalogue.v1_model(row) for row in rows]})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/v1/mogplex"
    return [
        route(
            prefix + "/repos",
            V1Endpoint(service, {"GET": Verb(list_repos, failure="Failed to list repos")}),
        ),
        route(
            prefix + "/agents",
            V1Endpoint(service, {"GET": Verb(list_agents, "read", "Failed to list agents")}),
        ),
        route(
            prefix + "/models",
            V1Endpoint(service, {"GET": Verb(list_models, "read", "Failed to list models")}),
        ),
    ]
