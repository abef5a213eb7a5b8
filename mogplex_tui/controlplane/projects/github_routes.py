"""/api/github: installations, members, accounts, pull requests (projects.md §7)."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, json_response, refusal
from . import github
from .project_scope import github_token

_SETTINGS = "https://github.com/{where}settings/installations/{number}"


def _scope_label(row: Row) -> str:
    raw = row["target_type"] or row["account_type"]
    if not raw:
        return "Account"
    kind = raw.lower()
    return "Org" if "org" in kind else "User" if "user" in kind else str(raw)


def _manage_url(row: Row, label: str) -> str | None:
    if label == "Org" and row["account_login"]:
        where = f"organizations/{row['account_login']}/"
    elif label == "User":
        where = ""
    else:
        return None
    return _SETTINGS.format(where=where, number=row["installation_id"])


def _refresh(request: ApiRequest) -> None:
    """Update the caller's stored installations from the simulated GitHub.

    Missing metadata of stored installations is filled in. If the caller has no stored installation,
    those of the caller's account and organisations are stored (projects.md §7).
    """
    db = request.plane.db
    rows = db.all("SELECT * FROM github_installations WHERE user_id = ?", (request.user_id,))
    with db.transaction(ids=request.service.ids) as tx:
        for row in rows:
            installation = github.installation(db, row["installation_id"])
            if installation is None or (row["account_login"] and row["account_type"] and row["target_type"]):
                continue
            kind = {"account_type": installation["type"], "target_type": installation["type"]}
            tx.update("github_installations", row["id"], account_login=installation["login"], **kind)
            tx.record_change("github_installations", "UPDATE", request.user_id, row["id"])
        if not rows:
            login = db.value("SELECT github_username FROM profiles WHERE id = ?", (request.user_id,))
            for account in github.with_app(db, login or ""):
                row_id = tx.new_id()
                tx.insert(
                    "github_installations",
                    id=row_id,
                    user_id=request.user_id,
                    installation_id=account["installation_id"],
                    account_login=account["login"],
                    account_type=account["type"],
                    target_type=account["type"],
                    created_at=request.plane.clock.now_us(),
                )
                tx.record_change("github_installations", "INSERT", request.user_id, row_id)


async def list_installations(request: ApiRequest) -> Response:
    """Return the caller's installations with their repositories, newest first.

    The result does not depend on the active team.
    """
    _refresh(request)
    db, out = request.plane.db, []
    rows = db.all(
        "SELECT * FROM github_installations WHERE user_id = ? ORDER BY created_at DESC, installation_id DESC",
        (request.user_id,),
    )
    for row in rows:
        covered = db.all(
            "SELECT id, full_name FROM repos WHERE user_id = ? AND github_installation_id = ?"
            " ORDER BY full_name, root_directory",
            (request.user_id, row["installation_id"]),
        )
        label = _scope_label(row)
        out.append(
            {
                "id": row["id"],
                "installation_id": row["installation_id"],
                "account_login": row["account_login"],
                "account_type": row["account_type"],
                "target_type": row["target_type"],
                "repositories": [dict(repo) for repo in covered],
                "repository_count": len(covered),
                "synced_repo_count": len(covered),
                "scope_label": label,
                "manage_url": _manage_url(row, label),
            }
        )
    return json_response(out)


async def list_members(request: ApiRequest) -> Response:
    """Return the members of an organisation that has installed the App.

    The e-mail address of a member is null unless it is public.
    """
    text = request.path_id("installation_id")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise refusal(422, "installationId must be numeric")
    db = request.plane.db
    row = db.one(
        "SELECT * FROM github_installations WHERE user_id = ? AND installation_id = ?",
        (request.user_id, int(text)),
    )
    if row is None:
        raise refusal(404, "Installation not found")
    if "org" not in (row["target_type"] or row["account_type"] or "").lower():
        raise refusal(400, "Installation is not an organization")
    if not row["account_login"]:
        raise refusal(422, "Installation is missing org login")
    if json.loads(row["permissions"]).get("members") == "none":
        raise refusal(403, "The GitHub App needs the members permission; accept it again on GitHub")
    members = db.all(
        "SELECT login, email FROM github_org_members WHERE org_login = ? ORDER BY login LIMIT 1000",
        (row["account_login"],),
    )
    silent = sum(member["email"] is None for member in members)
    return json_response({"members": [dict(member) for member in members], "no_email_count": silent})


async def list_owners(request: ApiRequest) -> Response:
    """Return the accounts in which the caller may create repositories.

    The list is empty if the caller has not signed in to GitHub.
    """
    if not github_token(request.plane, request.user_id):
        return json_response([])
    login = request.plane.db.value("SELECT github_username FROM profiles WHERE id = ?", (request.user_id,))
    return json_response(
        [
            {
                "login": account.login,
                "kind": "personal" if account.personal else "org",
                "github_installation_id": account.installation_id,
                "scope_label": "Personal" if account.personal else "Org",
                "source": account.source,
            }
            for account in github.accounts(request.plane.db, request.user_id, login)
        ]
    )


async def list_pulls(request: ApiRequest) -> Response:
    """Return the open pull requests of a repository, and the diff of one pull request.

    The parameter `pr` selects the pull request whose diff is returned; the default is the first one
    in the list. If an error occurs, the list is empty and the diff is null (projects.md §7).
    """
    try:
        return json_response(_pulls(request))
    except (github.GithubError, ValueError):
        return json_response({"pulls": [], "diff": None})


def _pulls(request: ApiRequest) -> dict[str, Any]:
    repo = _visible_repo(request)
    if repo["github_installation_id"] is None and not github_token(request.plane, request.user_id):
        raise github.GithubError(401, "Requires authentication")
    number = params.leading_int(request.query("pr")) if request.query("pr") else None
    if request.query("pr") and number is None:
        raise ValueError(request.query("pr"))
    db = request.plane.db
    github_id = github.remote(db, repo)["github_id"]
    open_pulls = github.open_pulls(db, github_id)
    pulls = [
        {
            "number": pull["number"],
            "title": pull["title"],
            "state": pull["state"],
            "html_url": f"https://github.com/{repo['full_name']}/pull/{pull['number']}",
            "user": {"login": pull["author_login"]},
        }
        for pull in open_pulls
    ]
    if not pulls:
        return {"pulls": [], "diff": None}
    return {"pulls": pulls, "diff": github.diff(db, github_id, number or open_pulls[0]["number"])}


def _visible_repo(request: ApiRequest) -> Row:
    sql = "SELECT * FROM repos WHERE user_id = ? AND is_hidden = 0"
    values = [request.user_id]
    if request.query("repo_id"):
        sql += " AND id = ?"
        values.append(request.query("repo_id").lower())
    row = request.plane.db.one(sql + " ORDER BY full_name LIMIT 1", values)
    if row is None:
        raise ValueError("no such repository")
    return row
