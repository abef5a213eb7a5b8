"""Collect the routes of repositories, workspaces and GitHub (projects.md)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute

from ..http.endpoints import PlainEndpoint, Service, V1Endpoint, Verb, route
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
_OF_REPO: dict[str, Mapping[str, Verb]] = {
    "connections": {
        "GET": Verb(repo_override_routes.list_connections),
        "POST": Verb(repo_override_routes.override_connection),
        "DELETE": Verb(repo_override_routes.delete_connection_override),
    },
    "models": {
        "GET": Verb(repo_override_routes.list_models),
        "POST": Verb(repo_override_routes.override_model),
    },
    "rules": repo_library_routes.verbs(repo_library_routes.RULES),
    "skills": repo_library_routes.verbs(repo_library_routes.SKILLS),
    "launch-presets": {
        "GET": Verb(launch_preset_routes.list_presets, failure="Failed to load launch presets"),
        "POST": Verb(launch_preset_routes.save_preset, failure="Failed to save launch preset"),
    },
    "launch-presets/{preset_id}": {
        "DELETE": Verb(launch_preset_routes.delete_preset, failure="Failed to delete launch preset")
    },
    "monorepo": {"GET": Verb(monorepo_routes.read_monorepo)},
    "subproject": {"POST": Verb(repo_routes.create_subproject)},
    "secrets": {
        "GET": Verb(secret_routes.list_secrets),
        "PUT": Verb(secret_routes.put_secret),
        "DELETE": Verb(secret_routes.delete_secret),
    },
    "snapshot": {
        "GET": Verb(snapshot_routes.read_snapshot),
        "POST": Verb(snapshot_routes.build_snapshot),
        "DELETE": Verb(snapshot_routes.delete_snapshot),
    },
    "env-vars": {
        method: Verb(vercel_variable_routes.refuse) for method in ("GET", "POST", "PATCH", "DELETE")
    },
}

_PLAIN: dict[str, Mapping[str, Verb]] = {
    "/api/repos": {
        "GET": Verb(repo_routes.list_repos),
        "POST": Verb(repo_routes.create_repo),
        "PATCH": Verb(repo_routes.update_repo),
        "DELETE": Verb(repo_routes.delete_repo),
    },
    **{f"/api/repos/{{id}}/{path}": verbs for path, verbs in _OF_REPO.items()},
    "/api/workspaces": {
        "GET": Verb(workspace_routes.list_workspaces),
        "POST": Verb(workspace_routes.create_workspace),
    },
    "/api/workspaces/{id}": {
        "PATCH": Verb(workspace_routes.update_workspace),
        "DELETE": Verb(workspace_routes.delete_workspace),
    },
    "/api/workspaces/{id}/repos": {"POST": Verb(new_repo_routes.create_repository)},
    f"{_GITHUB}/installations": {"GET": Verb(github_routes.list_installations)},
    f"{_GITHUB}/installations/{{installation_id}}/org-members": {"GET": Verb(github_routes.list_members)},
    f"{_GITHUB}/owners": {"GET": Verb(github_routes.list_owners)},
    f"{_GITHUB}/repos": {"GET": Verb(github_import_routes.sync_repos, failure="GITHUB_SYNC_ERROR")},
    f"{_GITHUB}/pulls": {"GET": Verb(github_routes.list_pulls)},
}

_V1_ENV_VARS = {
    "GET": Verb(vercel_variable_routes.v1_read, "read"),
    "POST": Verb(vercel_variable_routes.v1_write, "write"),
    "DELETE": Verb(vercel_variable_routes.v1_delete, "write"),
}


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    plain: list[BaseRoute] = [route(path, PlainEndpoint(service, verbs)) for path, verbs in _PLAIN.items()]
    return [*plain, route("/api/v1/mogplex/repos/{id}/env-vars", V1Endpoint(service, _V1_ENV_VARS))]
