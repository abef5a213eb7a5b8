"""A simulated GitHub: accounts, repositories, pull requests and secrets.

Its data is in tables of its own. A function of this module takes the place of a request to
GitHub's API, and GithubError that of a response with an error status.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..db.database import Database, Row, Tx


class GithubError(Exception):
    """An error response of the simulated GitHub: the HTTP status and the text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Account(NamedTuple):
    """An account in which a user may create repositories (projects.md §7, owners)."""

    login: str
    personal: bool
    installation_id: int | None
    source: str


def remote(db: Database, repo: Row, *, manage: bool = False) -> Row:
    """Return the repository on GitHub that was imported as `repo`.

    Raises GithubError 404 if it does not exist or if the user who imported it has no access; an
    import checks neither. The user has access through an installation that covers the repository,
    as its owner or as a member of its organisation. Everybody has access to a public repository,
    unless `manage` is True.
    """
    owner, _, name = repo["full_name"].partition("/")
    row = db.one("SELECT * FROM github_remote_repos WHERE owner_login = ? AND name = ?", (owner, name))
    if row is None or not (
        _is_covered(repo, row) or _is_of_person(db, repo["user_id"], row) or not (manage or row["is_private"])
    ):
        raise GithubError(404, "Not Found")
    return row


def _is_covered(repo: Row, row: Row) -> bool:
    return row["installation_id"] is not None and repo["github_installation_id"] == row["installation_id"]


def _is_of_person(db: Database, user_id: str, row: Row) -> bool:
    login = db.value("SELECT github_username FROM profiles WHERE id = ?", (user_id,))
    if login is None or str(login).lower() == str(row["owner_login"]).lower():
        return login is not None
    member = (
        "SELECT 1 FROM github_org_members WHERE org_login = ? COLLATE NOCASE AND login = ? COLLATE NOCASE"
    )
    return db.one(member, (row["owner_login"], login)) is not None


def files(row: Row) -> dict[str, str]:
    """Return the files of a repository on GitHub, as a mapping of paths to texts."""
    found: dict[str, str] = json.loads(row["files"])
    return found


def of_installation(db: Database, installation_id: int) -> list[Row]:
    """Return an App installation's repositories, sorted by owner and name."""
    return db.all(
        "SELECT * FROM github_remote_repos WHERE installation_id = ? ORDER BY owner_login, name",
        (installation_id,),
    )


def installation(db: Database, installation_id: int) -> Row | None:
    """Return the account of an installation, or None if GitHub does not know it."""
    return db.one("SELECT * FROM github_accounts WHERE installation_id = ?", (installation_id,))


def with_app(db: Database, login: str) -> list[Row]:
    """Return the accounts of a user that have installed the GitHub App.

    These are the user's own account and those of the user's organisations.
    """
    return db.all(
        "SELECT * FROM github_accounts WHERE installation_id IS NOT NULL AND (login = :login OR login IN"
        " (SELECT org_login FROM github_org_members WHERE login = :login)) ORDER BY login",
        {"login": login},
    )


def of_person(db: Database, login: str) -> list[Row]:
    """Return the repositories of a user and of the user's organisations, at most 1000."""
    return db.all(
        "SELECT * FROM github_remote_repos WHERE owner_login = :login OR owner_login IN"
        " (SELECT org_login FROM github_org_members WHERE login = :login) ORDER BY owner_login, name LIMIT 1000",
        {"login": login},
    )


def accounts(db: Database, user_id: str, login: str | None) -> list[Account]:
    """Return the accounts in which a user may create repositories.

    The user's own account comes first, the others follow in the order of their logins. `login` is
    None if the user has not signed in to GitHub.
    """
    held = {
        str(row["account_login"]).lower(): row
        for row in db.all(
            "SELECT * FROM github_installations WHERE user_id = ? AND account_login IS NOT NULL", (user_id,)
        )
    }
    names: dict[str, tuple[str, bool, bool]] = {}
    if login is not None:
        names[login.lower()] = (login, True, True)
        for row in db.all("SELECT org_login FROM github_org_members WHERE login = ?", (login,)):
            names[row["org_login"].lower()] = (row["org_login"], False, True)
    for key, row in held.items():
        personal = (row["account_type"] or "").lower() == "user"
        names.setdefault(key, (row["account_login"], personal, False))
    result = []
    for key, (name, personal, signed_in) in names.items():
        installation = held[key]["installation_id"] if key in held else None
        both = "oauth+installation" if signed_in else "installation"
        source = "oauth" if installation is None else both
        result.append(Account(name, personal, installation, source))
    return sorted(result, key=lambda account: (not account.personal, account.login.lower()))


def create_repository(
    tx: Tx, account: Account, name: str, *, private: bool, description: str | None, at: int
) -> dict[str, Any]:
    """Create a repository with a README and return its row.

    Characters that GitHub does not allow in `name` are replaced. Raises GithubError: 422 if the
    account already has a repository with the name, 403 in an organization whose members may not
    create repositories.
    """
    repo_name = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:100]
    rules = tx.one("SELECT members_may_create FROM github_accounts WHERE login = ?", (account.login,))
    if rules is not None and not rules["members_may_create"] and not account.personal:
        raise GithubError(403, "Members of this organization may not create repositories.")
    taken = "SELECT 1 FROM github_remote_repos WHERE owner_login = ? AND name = ?"
    if tx.one(taken, (account.login, repo_name)) is not None:
        raise GithubError(422, "Repository creation failed: name already exists on this account")
    newest = tx.one("SELECT COALESCE(MAX(github_id), 800000000) AS id FROM github_remote_repos")
    columns: dict[str, Any] = {
        "github_id": (newest["id"] if newest is not None else 800_000_000) + 977,
        "owner_login": account.login,
        "name": repo_name,
        "default_branch": "main",
        "description": description,
        "is_private": int(private),
        "installation_id": account.installation_id,
        "files": json.dumps({"README.md": f"# {repo_name}\n"}),
        "created_at": at,
    }
    tx.insert("github_remote_repos", **columns)
    return columns


def open_pulls(db: Database, github_id: int, limit: int = 5) -> list[Row]:
    """Return the open pull requests of a repository, most recently updated first."""
    return db.all(
        "SELECT * FROM github_pulls WHERE github_id = ? AND state = 'open'"
        " ORDER BY updated_at DESC, number DESC LIMIT ?",
        (github_id, limit),
    )


def diff(db: Database, github_id: int, number: int) -> str | None:
    """Return the unified diff of an open or closed pull request.

    Returns None if the pull request does not exist or has no diff.
    """
    found: str | None = db.value(
        "SELECT diff FROM github_pulls WHERE github_id = ? AND number = ?", (github_id, number)
    )
    return found
