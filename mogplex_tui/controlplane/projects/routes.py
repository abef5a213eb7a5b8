"""Collect the routes of repositories, workspaces and GitHub (projects.md)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute

from ..http.endpoints import MethodHandler, PlainEndpoint, Service, V1Endpoint, route
from . import (
    github_import_routes,
    github_routes,
    launch_preset_routes,
    monorepo_routes,
    new_repo_routes,
    repo_library_routes,
    repo_override_routes,
    repo_routes,
    secret_routes,
    snapshot_routes,
    vercel_variable_routes,
    workspace_routes,
)

_GITHUB = "/api/github"

# Path below /api/repos/{id} and its methods.
_OF_REPO: dict[str, Mapping[str, MethodHandler]] = {
    "connections": {
        "GET": MethodHandler(repo_override_routes.list_connections),
        "POST": MethodHandler(repo_override_routes.override_connection),
        "DELETE": MethodHandler(repo_override_routes.delete_connection_override),
    },
    "models": {
        "GET": MethodHandler(repo_override_routes.list_models),
        "POST": MethodHandler(repo_override_routes.override_model),
    },
    "rules": repo_library_routes.handlers(repo_library_routes.RULES),
    "skills": repo_library_routes.handlers(repo_library_routes.SKILLS),
    "launch-presets": {
        "GET": MethodHandler(launch_preset_routes.list_presets, failure="Failed to load launch presets"),
        "POST": MethodHandler(launch_preset_routes.save_preset, failure="Failed to save launch preset"),
    },
    "launch-presets/{preset_id}": {
        "DELETE": MethodHandler(launch_preset_routes.delete_preset, failure="Failed to delete launch preset")
    },
    "monorepo": {"GET": MethodHandler(monorepo_routes.read_monorepo)},
    "subproject": {"POST": MethodHandler(repo_routes.create_subproject)},
    "secrets": {
        "GET": MethodHandler(secret_routes.list_secrets),
        "PUT": MethodHandler(secret_routes.put_secret),
        "DELETE": MethodHandler(secret_routes.delete_secret),
    },
    "snapshot": {
        "GET": MethodHandler(snapshot_routes.read_snapshot),
        "POST": MethodHandler(snapshot_routes.build_snapshot),
        "DELETE": MethodHandler(snapshot_routes.delete_snapshot),
    },
    "env-vars": {
        method: MethodHandler(vercel_variable_routes.refuse) for method in ("GET", "POST", "PATCH", "DELETE")
    },
}

_PLAIN: dict[str, Mapping[str, MethodHandler]] = {
    "/api/repos": {
        "GET": MethodHandler(repo_routes.list_repos),
        "POST": MethodHandler(repo_routes.create_repo),
        "PATCH": MethodHandler(repo_routes.update_repo),
        "DELETE": MethodHandler(repo_routes.delete_repo),
    },
    **{f"/api/repos/{{id}}/{path}": handlers for path, handlers in _OF_REPO.items()},
    "/api/workspaces": {
        "GET": MethodHandler(workspace_routes.list_workspaces),
        "POST": MethodHandler(workspace_routes.create_workspace),
    },
    "/api/workspaces/{id}": {
        "PATCH": MethodHandler(workspace_routes.update_workspace),
        "DELETE": MethodHandler(workspace_routes.delete_workspace),
    },
    "/api/workspaces/{id}/repos": {"POST": MethodHandler(new_repo_routes.create_repository)},
    f"{_GITHUB}/installations": {"GET": MethodHandler(github_routes.list_installations)},
    f"{_GITHUB}/installations/{{installation_id}}/org-members": {
        "GET": MethodHandler(github_routes.list_members)
    },
    f"{_GITHUB}/owners": {"GET": MethodHandler(github_routes.list_owners)},
    f"{_GITHUB}/repos": {"GET": MethodHandler(github_import_routes.sync_repos, failure="GITHUB_SYNC_ERROR")},
    f"{_GITHUB}/pulls": {"GET": MethodHandler(github_routes.list_pulls)},
}

_V1_ENV_VARS = {
    "GET": MethodHandler(vercel_variable_routes.v1_read, "read"),
    "POST": MethodHandler(vercel_variable_routes.v1_write, "write"),
    "DELETE": MethodHandler(vercel_variable_routes.v1_delete, "write"),
}


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    plain: list[BaseRoute] = [
        route(path, PlainEndpoint(service, handlers)) for path, handlers in _PLAIN.items()
    ]
    return [*plain, route("/api/v1/mogplex/repos/{id}/env-vars", V1Endpoint(service, _V1_ENV_VARS))]
