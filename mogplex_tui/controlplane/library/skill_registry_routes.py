"""Search public skills: /api/skills/registry and /api/skills/vercel-docs.

The service reads public web pages here. The plane sends no requests: its registry is a fixed
list of skills, and it has no documentation pages (library.md §6.2).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route

_SHELF = Path(__file__).with_name("skill_registry.json")
_CACHE = {"Cache-Control": "public, s-maxage=300, stale-while-revalidate=600"}


@cache
def _registry() -> list[dict[str, Any]]:
    """Return all skills of the registry, most installed first."""
    found: list[dict[str, Any]] = json.loads(_SHELF.read_text(encoding="utf-8"))
    return sorted(found, key=lambda skill: -int(skill["installs"]))


def _listed(skill: dict[str, Any]) -> dict[str, Any]:
    names = ("skillId", "name", "source", "installs", "description")
    return {"id": f"{skill['source']}/{skill['skillId']}", **{name: skill[name] for name in names}}


async def list_registry(request: ApiRequest) -> Response:
    """Return the registry's skills, most installed first.

    If the query contains `q`, only skills whose name, source or description contains it are
    returned.
    """
    q = request.query("q").strip().lower()
    found = [
        _listed(skill)
        for skill in _registry()
        if any(q in skill[name].lower() for name in ("name", "source", "description"))
    ]
    return json_response({"skills": found}, headers=_CACHE)


async def read_registry(request: ApiRequest) -> Response:
    """Return one skill with its text and the command to install it.

    Raises 404 for an unknown skill.
    """
    owner, repo, wanted = (request.http.path_params[name] for name in ("owner", "repo", "skill"))
    source = f"{owner}/{repo}"
    for skill in _registry():
        if (skill["source"], skill["skillId"]) == (source, wanted):
            names = ("name", "description", "installs", "source", "content")
            command = f"npx skills add {source} --skill {wanted}"
            detail = {name: skill[name] for name in names}
            return json_response({**detail, "installCommand": command, "audited": skill["audited"]})
    raise refusal(404, f"Skill not found: {source}/{wanted}")


async def list_pages(_: ApiRequest) -> Response:
    """Return an empty list: the plane has no Vercel documentation pages."""
    return json_response({"docs": []})


async def read_page(request: ApiRequest) -> Response:
    """Raise 404 for every path: the plane has no Vercel documentation pages."""
    raise refusal(404, f"Page not found: {request.http.path_params['path']}")


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""

    def reading(path: str, handler: Any) -> Route:
        return route(path, PlainEndpoint(service, {"GET": MethodHandler(handler)}))

    return [
        reading("/api/skills/registry", list_registry),
        reading("/api/skills/registry/{owner}/{repo}/{skill}", read_registry),
        reading("/api/skills/vercel-docs", list_pages),
        reading("/api/skills/vercel-docs/{path:path}", read_page),
    ]
