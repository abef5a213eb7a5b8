"""POST /api/workspaces/{id}/repos: create a repository on GitHub and import it.

projects.md §5.3.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from . import github, repo_writes
from .project_scope import github_token, text_or_none, writer
from .repo_serializers import bare_repo
from .workspace_routes import own_workspace

_STATUSES = {422: 409, 401: 403, 403: 403}


def _account(request: ApiRequest, wanted: Any) -> github.Account:
    login = request.plane.db.value("SELECT github_username FROM profiles WHERE id = ?", (request.user_id,))
    if not github_token(request.plane, request.user_id):
        raise refusal(400, "Connect GitHub account first")
    if login is None:
        raise refusal(400, "GitHub account details unavailable")
    name = (text_or_none(wanted) or login).lower()
    for account in github.accounts(request.plane.db, request.user_id, login):
        if account.login.lower() == name:
            return account
    raise refusal(400, "Selected GitHub account is unavailable")


async def create_repository(request: ApiRequest) -> Response:
    """Create a repository on GitHub, import it and return its row.

    It is private unless `visibility` in the body is `public`.
    """
    owner = writer(request)
    body = await body_of(request)
    workspace = own_workspace(request, owner)
    name = text_or_none(body.get("name"))
    if name is None or "/" in name:
        raise refusal(400, "Repository name is required")
    account = _account(request, body.get("owner_login"))
    now = request.plane.clock.now_us()
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            made = github.create_repository(
                tx,
                account,
                name,
                private=body.get("visibility") != "public",
                description=text_or_none(body.get("description")),
                at=now,
            )
            repo_id = repo_writes.insert_repo(
                tx,
                at=now,
                **owner.columns(),
                workspace_id=workspace["id"],
                github_id=made["github_id"],
                github_installation_id=made["installation_id"],
                full_name=f"{made['owner_login']}/{made['name']}",
                owner=made["owner_login"],
                name=made["name"],
                default_branch=made["default_branch"],
            )
    except github.GithubError as error:
        raise refusal(_STATUSES.get(error.status, 502), error.text) from None
    return json_response(bare_repo(request.plane.db.only("SELECT * FROM repos WHERE id = ?", (repo_id,))))
