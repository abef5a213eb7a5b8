"""Repositories, workspaces and GitHub (projects.md)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute

from ...http.endpoints import PlainEndpoint, Service, V1Endpoint, Verb, route
from . import (
    env_vars,
    github_routes,
    github_sync,
    launch_presets,
    library,
    monorepo,
    new_repo,
    overrides,
    repos,
    secrets,
    snapshot,
    workspaces,
)

_GITHUB = "/api/github"

# Path below /api/repos/{id} and its methods.
_OF_REPO: dict[str, Mapping[str, Verb]] = {
    "connections": {
        "GET": Verb(overrides.list_connections),
        "POST": Verb(overrides.override_connection),
        "DELETE": Verb(overrides.delete_connection_override),
    },
    "models": {"GET": Verb(overrides.list_models), "POST": Verb(overrides.override_model)},
    "rules": library.verbs(library.RULES),
    "skills": library.verbs(library.SKILLS),
    "launch-presets": {
        "GET": Verb(launch_presets.list_presets, failure="Failed to load launch presets"),
        "POST": Verb(launch_presets.save_preset, failure="Failed to save launch preset"),
    },
    "launch-presets/{preset_id}": {
        "DELETE": Verb(launch_presets.delete_preset, failure="Failed to delete launch preset")
    },
    "monorepo": {"GET": Verb(monorepo.read_monorepo)},
    "subproject": {"POST": Verb(repos.create_subproject)},
    "secrets": {
        "GET": Verb(secrets.list_secrets),
        "PUT": Verb(secrets.put_secret),
        "DELETE": Verb(secrets.delete_secret),
    },
    "snapshot": {
        "GET": Verb(snapshot.read_snapshot),
        "POST": Verb(snapshot.build_snapshot),
        "DELETE": Verb(snapshot.delete_snapshot),
    },
    "env-vars": {method: Verb(env_vars.refuse) for method in ("GET", "POST", "PATCH", "DELETE")},
}

_PLAIN: dict[str, Mapping[str, Verb]] = {
    "/api/repos": {
        "GET": Verb(repos.list_repos),
        "POST": Verb(repos.create_repo),
        "PATCH": Verb(repos.update_repo),
        "DELETE": Verb(repos.delete_repo),
    },
    **{f"/api/repos/{{id}}/{path}": verbs for path, verbs in _OF_REPO.items()},
    "/api/workspaces": {"GET": Verb(workspaces.list_workspaces), "POST": Verb(workspaces.create_workspace)},
    "/api/workspaces/{id}": {
        "PATCH": Verb(workspaces.update_workspace),
        "DELETE": Verb(workspaces.delete_workspace),
    },
    "/api/workspaces/{id}/repos": {"POST": Verb(new_repo.create_repository)},
    f"{_GITHUB}/installations": {"GET": Verb(github_routes.list_installations)},
    f"{_GITHUB}/installations/{{installation_id}}/org-members": {"GET": Verb(github_routes.list_members)},
    f"{_GITHUB}/owners": {"GET": Verb(github_routes.list_owners)},
    f"{_GITHUB}/repos": {"GET": Verb(github_sync.sync_repos, failure="GITHUB_SYNC_ERROR")},
    f"{_GITHUB}/pulls": {"GET": Verb(github_routes.list_pulls)},
}

_V1_ENV_VARS = {
    "GET": Verb(env_vars.v1_read, "read"),
    "POST": Verb(env_vars.v1_write, "write"),
    "DELETE": Verb(env_vars.v1_delete, "write"),
}


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    plain: list[BaseRoute] = [route(path, PlainEndpoint(service, verbs)) for path, verbs in _PLAIN.items()]
    return [*plain, route("/api/v1/mogplex/repos/{id}/env-vars", V1Endpoint(service, _V1_ENV_VARS))]
