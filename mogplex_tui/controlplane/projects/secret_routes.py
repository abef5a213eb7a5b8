"""GitHub Actions secrets, of which only the names can be read (projects.md §4.7)."""

from __future__ import annotations

import re

from starlette.responses import Response

from ..db.clock import SECOND_US, iso_db
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from . import github
from .project_scope import github_token, own_repo


def _remote_id(request: ApiRequest) -> int:
    """Return GitHub's id of the repository whose row id is in the path.

    Raises RefusedError: 400 if the caller has no access to GitHub, 404 for an unknown repository,
    502 if GitHub does not find the repository.
    """
    repo = own_repo(request, "NOT_FOUND")
    if repo["github_installation_id"] is None and not github_token(request.plane, request.user_id):
        raise refusal(400, "NO_GITHUB_TOKEN")
    try:
        found: int = github.remote(request.plane.db, repo, manage=True)["github_id"]
    except github.GithubError as error:
        raise refusal(502, "GITHUB_API_ERROR", detail=error.text) from None
    return found


def _instant(us: int) -> str:
    """Return a time as GitHub writes it: whole seconds with the suffix Z."""
    return iso_db(us // SECOND_US * SECOND_US).replace("+00:00", "Z")


async def list_secrets(request: ApiRequest) -> Response:
    """Return the names and times of the repository's secrets, at most 100.

    The times are those of creation and of the last update.
    """
    rows = request.plane.db.all(
        "SELECT name, created_at, updated_at FROM github_secrets WHERE github_id = ? ORDER BY name LIMIT 100",
        (_remote_id(request),),
    )
    return json_response(
        [
            {
                "name": row["name"],
                "created_at": _instant(row["created_at"]),
                "updated_at": _instant(row["updated_at"]),
            }
            for row in rows
        ]
    )


async def put_secret(request: ApiRequest) -> Response:
    """Create or update a secret; the value is not stored.

    In the name, letters become upper case, and characters other than letters, digits and
    underscores become underscores.
    """
    github_id = _remote_id(request)
    body = await body_of(request)
    name, value = body.get("name"), body.get("value")
    if not isinstance(name, str) or not params.trim(name) or not isinstance(value, str) or not value:
        raise refusal(400, "name and value are required")
    normal = re.sub(r"[^0-9A-Z_]", "_", params.trim(name).upper())
    now = request.plane.clock.now_us()
    with request.plane.db.transaction() as tx:
        tx.execute(
            "INSERT INTO github_secrets (github_id, name, created_at, updated_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (github_id, name) DO UPDATE SET updated_at = excluded.updated_at",
            (github_id, normal, now, now),
        )
    return json_response({"ok": True, "name": normal})


async def delete_secret(request: ApiRequest) -> Response:
    """Delete the secret with exactly this name; succeed if it does not exist."""
    github_id = _remote_id(request)
    name = (await body_of(request)).get("name")
    if not isinstance(name, str) or not name:
        raise refusal(400, "name is required")
    with request.plane.db.transaction() as tx:
        tx.execute("DELETE FROM github_secrets WHERE github_id = ? AND name = ?", (github_id, name))
    return json_response({"ok": True})
