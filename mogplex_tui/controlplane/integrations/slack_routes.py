"""Routes under /api/integrations/slack (library.md §14).

The plane has no Slack app: installing redirects to a "not configured" page, and no workspace
has a bot token.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..db.clock import iso_db
from ..db.database import Row
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    OpenEndpoint,
    PlainEndpoint,
    RefusedError,
    Service,
    json_response,
    refusal,
    route,
)

_PREFIX = "/api/integrations/slack"
_MAX_USERS = 100
_MAX_RUNS = 10_000
_NOT_CONFIGURED = "/settings?slack=not_configured"


def _installation(row: Row) -> dict[str, Any]:
    allowed = row["allowed_slack_user_ids"]
    return {
        "teamId": row["team_id"],
        "teamName": row["team_name"],
        "botUserId": row["bot_user_id"],
        "scopes": json.loads(row["scopes"]),
        "installedAt": iso_db(row["installed_at"]),
        "repoAgentEnabled": bool(row["repo_agent_enabled"]),
        "allowedSlackUserIds": None if allowed is None else json.loads(allowed),
        "monthlyRepoRunLimit": row["monthly_repo_run_limit"],
    }


def _link(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "channelId": row["channel_id"],
        "channelName": row["channel_name"],
        "repoId": row["repo_id"],
        "createdAt": iso_db(row["created_at"]),
    }


async def _body(request: ApiRequest) -> dict[str, Any] | None:
    """Return the JSON object in the body, or None if the body is anything else."""
    try:
        parsed = await params.json_body(request)
    except params.NotJsonError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _managed(request: ApiRequest) -> Row:
    """Return the caller's Slack workspace whose id is in the path.

    Raises RefusedError: 404 for an unknown workspace, 403 for a workspace of another user.
    """
    row = request.plane.db.one(
        "SELECT * FROM slack_installations WHERE team_id = ?", (request.http.path_params["team_id"],)
    )
    if row is None:
        raise refusal(404, "not_found")
    if row["user_id"] != request.user_id:
        raise refusal(403, "forbidden")
    return row


async def install(_: ApiRequest) -> Response:
    """Redirect to the page which says that the Slack app is not configured."""
    return RedirectResponse(_NOT_CONFIGURED, 302)


async def list_installations(request: ApiRequest) -> Response:
    """Return the caller's Slack workspaces, newest first."""
    rows = request.plane.db.all(
        "SELECT * FROM slack_installations WHERE user_id = ? ORDER BY installed_at DESC, rowid DESC",
        (request.user_id,),
    )
    return json_response({"installations": [_installation(row) for row in rows]})


async def change_policy(request: ApiRequest) -> Response:
    """Change a workspace's policy: whether, by whom and how often runs may be started."""
    body = await _body(request)
    if body is None:
        raise refusal(400, "Invalid body")
    columns = _policy(body)
    if not columns:
        raise refusal(400, "No supported field")
    mine = (request.http.path_params["team_id"], request.user_id)
    find = "SELECT * FROM slack_installations WHERE team_id = ? AND user_id = ?"
    row = request.plane.db.one(find, mine)
    if row is None:
        raise refusal(404, "not_found")
    with request.plane.db.transaction() as tx:
        tx.update("slack_installations", row["id"], **columns)
    return json_response({"installation": _installation(request.plane.db.only(find, mine))})


def _policy(body: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "repoAgentEnabled" in body:
        if not isinstance(body["repoAgentEnabled"], bool):
            raise refusal(400, "repoAgentEnabled must be a boolean")
        columns["repo_agent_enabled"] = int(body["repoAgentEnabled"])
    if "allowedSlackUserIds" in body:
        columns["allowed_slack_user_ids"] = _users(body["allowedSlackUserIds"])
    if "monthlyRepoRunLimit" in body:
        limit = body["monthlyRepoRunLimit"]
        whole = isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= _MAX_RUNS
        if limit is not None and not whole:
            raise refusal(400, f"monthlyRepoRunLimit must be null or an integer from 1 to {_MAX_RUNS}")
        columns["monthly_repo_run_limit"] = limit
    return columns


def _users(value: Any) -> str | None:
    """Return the list of Slack users who may start runs, as JSON text.

    The ids are trimmed; blank and repeated ids are left out. None is returned for null, which
    allows all Slack users that have an account. Raises RefusedError 400 for other values.
    """
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refusal(400, "allowedSlackUserIds must be null or an array of strings")
    if len(value) > _MAX_USERS:
        raise refusal(400, f"allowedSlackUserIds can hold at most {_MAX_USERS} users")
    return json.dumps([name for name in dict.fromkeys(params.trim(item) for item in value) if name])


async def uninstall(request: ApiRequest) -> Response:
    """Delete one of the caller's workspaces and its links to repositories.

    The response is a success even if the caller has no such workspace.
    """
    with request.plane.db.transaction() as tx:
        tx.execute(
            "DELETE FROM slack_installations WHERE team_id = ? AND user_id = ?",
            (request.http.path_params["team_id"], request.user_id),
        )
    return json_response({"ok": True})


async def list_channels(request: ApiRequest) -> Response:
    """Answer 500, because listing a workspace's channels requires a bot token."""
    _managed(request)
    raise refusal(500, "no_bot_token")


async def list_links(request: ApiRequest) -> Response:
    """Return the workspace's links between channels and repositories, newest first."""
    rows = request.plane.db.all(
        "SELECT * FROM slack_channel_links WHERE slack_installation_id = ?"
        " ORDER BY created_at DESC, rowid DESC",
        (_managed(request)["id"],),
    )
    return json_response({"links": [_link(row) for row in rows]})


async def add_link(request: ApiRequest) -> Response:
    """Link a channel to one of the caller's repositories.

    The response is 409 if the channel is already linked.
    """
    body = await _body(request) or {}
    channel_id, repo_id = body.get("channelId"), body.get("repoId")
    if not isinstance(channel_id, str) or not channel_id or not isinstance(repo_id, str) or not repo_id:
        raise refusal(400, "channelId and repoId are required")
    installation = _managed(request)
    db = request.plane.db
    repo = db.one("SELECT id FROM repos WHERE id = ? AND user_id = ?", (repo_id.lower(), request.user_id))
    if repo is None:
        raise refusal(404, "repo_not_found")
    name = body.get("channelName")
    try:
        with db.transaction(ids=request.service.ids) as tx:
            link_id = tx.new_id()
            tx.insert(
                "slack_channel_links",
                id=link_id,
                slack_installation_id=installation["id"],
                channel_id=channel_id,
                channel_name=name if isinstance(name, str) and name else None,
                repo_id=repo["id"],
                created_by=request.user_id,
                created_at=request.plane.clock.now_us(),
            )
    except sqlite3.IntegrityError:
        raise _linked_already() from None
    return json_response(
        {"link": _link(db.only("SELECT * FROM slack_channel_links WHERE id = ?", (link_id,)))}
    )


def _linked_already() -> RefusedError:
    return refusal(409, "Channel already linked")


async def remove_link(request: ApiRequest) -> Response:
    """Delete a link between a channel and a repository.

    The response is a success even if the workspace has no such link.
    """
    installation = _managed(request)
    with request.plane.db.transaction() as tx:
        tx.execute(
            "DELETE FROM slack_channel_links WHERE id = ? AND slack_installation_id = ?",
            (request.path_id("link_id"), installation["id"]),
        )
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    one = f"{_PREFIX}/installations/{{team_id}}"
    themes: tuple[tuple[str, dict[str, MethodHandler]], ...] = (
        (f"{_PREFIX}/install", {"GET": MethodHandler(install)}),
        (f"{_PREFIX}/installations", {"GET": MethodHandler(list_installations)}),
        (one, {"PATCH": MethodHandler(change_policy), "DELETE": MethodHandler(uninstall)}),
        (f"{one}/channels", {"GET": MethodHandler(list_channels)}),
        (f"{one}/links", {"GET": MethodHandler(list_links), "POST": MethodHandler(add_link)}),
        (f"{one}/links/{{link_id}}", {"DELETE": MethodHandler(remove_link)}),
    )
    found = [route(path, PlainEndpoint(service, handlers)) for path, handlers in themes]
    return [route(f"{_PREFIX}/callback", OpenEndpoint(service, {"GET": MethodHandler(install)})), *found]
