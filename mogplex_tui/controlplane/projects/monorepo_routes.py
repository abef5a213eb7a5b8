"""GET /api/repos/{id}/monorepo: the packages of a repository (projects.md §4.5)."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.responses import Response

from ..http.endpoints import ApiRequest, json_response, refusal
from . import github, repo_writes
from .project_scope import github_token, own_repo

_MARKERS = ("pnpm-workspace.yaml", "turbo.json", "lerna.json", "nx.json", "rush.json")
_PLACES = ("apps", "packages", "services", "libs", "tools")
# What a package depends on, and the framework that this means; the first that is found counts.
_FRAMEWORKS = {
    "next": "next",
    "nuxt": "nuxt",
    "@sveltejs/kit": "sveltekit",
    "astro": "astro",
    "@remix-run/react": "remix",
    "vite": "vite",
    "react": "react",
    "vue": "vue",
    "@angular/core": "angular",
    "solid-js": "solid",
    "gatsby": "gatsby",
    "@docusaurus/core": "docusaurus",
    "express": "express",
    "fastify": "fastify",
    "hono": "hono",
}
_LISTED = re.compile(r"""^\s*-\s*["']?([^"'#\s]+)["']?\s*$""", re.MULTILINE)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _globs(files: dict[str, str]) -> list[str]:
    declared = _object(files.get("package.json")).get("workspaces")
    if isinstance(declared, dict):
        declared = declared.get("packages")
    if isinstance(declared, list) and declared:
        return [str(glob) for glob in declared]
    listed = _LISTED.findall(files.get("pnpm-workspace.yaml", ""))
    return listed or [f"{place}/*" for place in _PLACES]


def _matches(glob: str, path: str) -> bool:
    parts = [
        re.escape(part).replace(r"\*\*", ".+").replace(r"\*", "[^/]+") for part in glob.strip("/").split("/")
    ]
    return re.fullmatch("/".join(parts), path) is not None


def packages(files: dict[str, str]) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the file that marks a monorepo, and the packages sorted by path.

    The result is None and an empty list if the files are not those of a monorepo.
    """
    marker = next((name for name in _MARKERS if name in files), None)
    if marker is None:
        return None, []
    globs = _globs(files)
    result = []
    for file in sorted(files):
        path = file.removesuffix("/package.json")
        if path == file or not any(_matches(glob, path) for glob in globs if not glob.startswith("!")):
            continue
        manifest = _object(files[file])
        needs = {**_section(manifest, "dependencies"), **_section(manifest, "devDependencies")}
        framework = next((name for package, name in _FRAMEWORKS.items() if package in needs), None)
        name = manifest.get("name")
        result.append(
            {
                "path": path,
                "name": name if isinstance(name, str) and name else path.rpartition("/")[2],
                "hasPackageJson": True,
                "framework": framework,
            }
        )
    return marker, result


def _section(about: dict[str, Any], name: str) -> dict[str, Any]:
    section = about.get(name)
    return section if isinstance(section, dict) else {}


async def read_monorepo(request: ApiRequest) -> Response:
    """Return the packages of a repository, and which of them are sub-projects.

    When packages are first found, the repository is stored as a monorepo.
    """
    db, repo = request.plane.db, own_repo(request)
    if not github_token(request.plane, request.user_id):
        raise refusal(400, "GitHub token required")
    try:
        files = github.files(github.remote(db, repo))
    except github.GithubError:
        files = {}
    marker, package_list = packages(files)
    if marker is None:
        return json_response({"is_monorepo": False, "workspaces": []})
    if not repo["is_monorepo"]:
        with db.transaction() as tx:
            repo_writes.update_repo(tx, repo, is_monorepo=1)
    spaces = {
        row["root_directory"]
        for row in db.all(
            "SELECT root_directory FROM repos WHERE user_id = ? AND full_name = ? AND root_directory IS NOT NULL",
            (request.user_id, repo["full_name"]),
        )
    }
    rows = [{**package, "has_space": package["path"] in spaces} for package in package_list]
    return json_response({"is_monorepo": True, "marker": marker, "workspaces": rows})
