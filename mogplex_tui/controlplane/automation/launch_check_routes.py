"""/api/automations: check harnesses and sandbox launches (routing.md §4)."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from ..identity import model_catalogue
from ..identity.active_team import team_scope

# The provider whose key a coding CLI runs on, and its name in a sentence.
_PROVIDERS = {"claude-code": ("anthropic", "an Anthropic"), "codex": ("openai", "an OpenAI")}
_PLATFORM_PROJECT = "prj_hosted_sandboxes"
_DENIED = "Your team role does not allow this sandbox operation (tools.bash)."


def _profile(request: ApiRequest) -> Row:
    return request.plane.db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))


async def harnesses(request: ApiRequest) -> Response:
    """Return for each harness whether it can be used and who pays for its model calls.

    `billingSource` names the account's gateway key, its provider key, or the platform's key.
    """
    profile = _profile(request)
    keys = model_catalogue.reach(request.plane.db, profile).keys
    found: dict[str, Any] = {"mogplex": {"available": True, "billingSource": "mogplex", "reason": None}}
    for name, (provider, words) in _PROVIDERS.items():
        source = None
        if "ai_gateway" in keys:
            source = "user_ai_gateway"
        elif provider in keys:
            source = "direct_provider"
        elif profile["allow_platform_ai"]:
            source = "platform_ai_gateway"
        reason = None if source else f"Add {words} key"
        found[name] = {"available": source is not None, "billingSource": source, "reason": reason}
    return json_response({"harnesses": found})


async def sandbox_test(request: ApiRequest) -> Response:
    """Check whether a sandbox could be launched for a repository.

    If the repository or the account does not allow a launch, the response is a 200 with `ok: false`.
    """
    team_id = team_scope(request, "tools.bash", _DENIED)
    try:
        body = await params.json_object(request)
    except params.NotJsonError:
        body = {}
    repo_id = body.get("repoId")
    if not isinstance(repo_id, str) or not params.trim(repo_id):
        raise refusal(400, "repoId is required")
    owner, owner_id = ("user_id", request.user_id) if team_id is None else ("product_team_id", team_id)
    repo = request.plane.db.one(
        f"SELECT * FROM repos WHERE id = ? AND {owner} = ?", (params.trim(repo_id).lower(), owner_id)
    )
    if repo is None:
        raise refusal(404, "Repo not found")
    repo_json = {"id": repo["id"], "full_name": repo["full_name"]}
    count = len(json.loads(repo["sandbox_env_vars"]))
    env = {
        "configured": count > 0,
        "count": count,
        "mode": repo["env_sync_mode"],
        "source": "repo" if count else "none",
        "warning": None,
    }
    if repo["github_installation_id"] is None:
        error = "GitHub access is not available for this repository"
        return json_response({"ok": False, "error": error, "repo": repo_json, "env": env})
    if not _profile(request)["allow_platform_sandbox"]:
        error = "Sandboxes on the platform's own project are not available for this account"
        return json_response({"ok": False, "error": error, "repo": repo_json, "env": env})
    sandbox = {
        "billingSource": "platform",
        "credentialSource": "platform",
        "projectId": _PLATFORM_PROJECT,
        "teamId": None,
    }
    return json_response({"ok": True, "repo": repo_json, "env": env, "sandbox": sandbox})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [
        route("/api/automations/harnesses", PlainEndpoint(service, {"GET": MethodHandler(harnesses)})),
        route("/api/automations/sandbox-test", PlainEndpoint(service, {"POST": MethodHandler(sandbox_test)})),
    ]
