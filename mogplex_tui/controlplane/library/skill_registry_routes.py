"""/api/skills/registry and /api/skills/vercel-docs: skills to install.

The service reads public web pages here. The plane sends no requests: its registry is a fixed list of skills, and other
pages are missing (library.md §6.2).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..http.endpoints import Ask, PlainEndpoint, Service, Verb, answer, refusal, route

_SHELF = Path(__file__).with_name("skill_registry.json")
_CACHE = {"Cache-Control": "public, s-maxage=300, stale-while-revalidate=600"}


@cache
def _shelf() -> list[dict[str, Any]]:
    """Everything on the shelf, most installed first."""
    found: list[dict[str, Any]] = json.loads(_SHELF.read_text(encoding="utf-8"))
    return sorted(found, key=lambda skill: -int(skill["installs"]))


def _listed(skill: dict[str, Any]) -> dict[str, Any]:
    names = ("skillId", "name", "source", "installs", "description")
    return {"id": f"{skill['source']}/{skill['skillId']}", **{name: skill[name] for name in names}}


async def list_registry(ask: Ask) -> Response:
    """Return the skills that match `q`, or all, most installed first."""
    q = ask.query("q").strip().lower()
    found = [
        _listed(skill)
        for skill in _shelf()
        if any(q in skill[name].lower() for name in ("name", "source", "description"))
    ]
    return answer({"skills": found}, headers=_CACHE)


async def read_registry(ask: Ask) -> Response:
    """Return one skill with its text and install command. Raises 404."""
    owner, repo, wanted = (ask.request.path_params[name] for name in ("owner", "repo", "skill"))
    source = f"{owner}/{repo}"
    for skill in _shelf():
        if (skill["source"], skill["skillId"]) == (source, wanted):
            names = ("name", "description", "installs", "source", "content")
            command = f"npx skills add {source} --skill {wanted}"
            detail = {name: skill[name] for name in names}
            return answer({**detail, "installCommand": command, "audited": skill["audited"]})
    raise refusal(404, f"Skill not found: {source}/{wanted}")


async def list_pages(_: Ask) -> Response:
    """The pages of others that this plane can read: none."""
    return answer({"docs": []})


async def read_page(ask: Ask) -> Response:
    """Raise 404 for every path: the plane has no Vercel documentation pages."""
    raise refusal(404, f"Page not found: {ask.request.path_params['path']}")


def routes(service: Service) -> list[Route]:
    """The routes of the registry and of the pages."""

    def reading(path: str, handler: Any) -> Route:
        return route(path, PlainEndpoint(service, {"GET": Verb(handler)}))

    return [
        reading("/api/skills/registry", list_registry),
        reading("/api/skills/registry/{owner}/{repo}/{skill}", read_registry),
        reading("/api/skills/vercel-docs", list_pages),
        reading("/api/skills/vercel-docs/{path:path}", read_page),
    ]
