"""Create rows of projects: workspaces, and a GitHub with repositories."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.controlplane.row_factory import RowFactory

TEAM_HEADER = "x-mogplex-team-id"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

MONOREPO = {
    "package.json": json.dumps({"workspaces": ["apps/*", "packages/**"]}),
    "turbo.json": "{}",
    "pnpm-workspace.yaml": "packages:\n  - tools/*\n",
    "apps/web/package.json": json.dumps({"name": "web", "dependencies": {"next": "16", "react": "19"}}),
    "apps/api/package.json": json.dumps({"devDependencies": {"hono": "4"}}),
    "apps/docs/README.md": "# Docs",
    "packages/ui/button/package.json": json.dumps({"name": "@acme/button"}),
    "tools/lint/package.json": "{}",
}


class ProjectRows:
    """Creates project rows beside those of RowFactory."""

    def __init__(self, factory: RowFactory) -> None:
        self.factory = factory
        self.db = factory.plane.db

    def insert(self, table: str, **columns: Any) -> None:
        """Insert a row into any table."""
        with self.db.transaction() as tx:
            tx.insert(table, **columns)

    def id(self) -> str:
        """Return a new id."""
        with self.db.transaction() as tx:
            return tx.new_id()

    def installation(self, number: int = 88, login: str | None = "acme", **columns: Any) -> str:
        """Insert an installation of the App that the account owns."""
        row_id = self.id()
        columns = {"user_id": self.factory.user, "account_type": "Organization", "created_at": 5} | columns
        self.insert("github_installations", id=row_id, installation_id=number, account_login=login, **columns)
        return row_id

    def remote(self, full_name: str = "acme/api", github_id: int = 4711, **columns: Any) -> int:
        """Insert a repository on GitHub."""
        owner, _, name = full_name.partition("/")
        columns = {"installation_id": 88, "created_at": 1} | columns
        self.insert("github_remote_repos", github_id=github_id, owner_login=owner, name=name, **columns)
        return github_id

    def member(self, org: str = "acme") -> None:
        """Make the account a member of an organization."""
        login = self.db.value("SELECT github_username FROM profiles WHERE id = ?", (self.factory.user,))
        self.insert("github_accounts", login=org, type="Organization")
        self.insert("github_org_members", org_login=org, login=login)

    def pull(self, github_id: int, number: int, **columns: Any) -> None:
        """Insert a pull request of a remote repository."""
        columns = {"title": f"Change {number}", "author_login": "kim", "updated_at": number} | columns
        self.insert("github_pulls", github_id=github_id, number=number, created_at=1, **columns)

    def no_github(self, **columns: Any) -> None:
        """Remove the account's GitHub sign-in."""
        with self.db.transaction() as tx:
            tx.update("profiles", self.factory.user, **({"github_oauth": 0} | columns))

    def team(self, role: str = "developer", owner: str | None = None) -> str:
        """Insert another user's team in which the account has a role."""
        team_id, boss = self.id(), owner or self.factory.profile("boss")
        self.insert(
            "teams", id=team_id, name="Acme", slug="acme-team", owner_user_id=boss, created_at=1, updated_at=1
        )
        self.insert(
            "team_members", id=self.id(), team_id=team_id, user_id=self.factory.user, role=role, joined_at=1
        )
        return team_id

    def client(self, base_url: str, user_id: str) -> httpx.AsyncClient:
        """Return a client of another account."""
        headers = {"Authorization": f"Bearer {self.factory.token(user_id)}"}
        return httpx.AsyncClient(base_url=base_url, headers=headers)


def insert_connection(projects: ProjectRows, name: str, at: int, **columns: Any) -> str:
    """Insert a connection of the account, by default an MCP server."""
    row_id = projects.id()
    columns = {
        "user_id": projects.factory.user,
        "type": "mcp_server",
        "mcp_url": "https://x.example",
    } | columns
    projects.insert("connections", id=row_id, name=name, created_at=at, updated_at=at, **columns)
    return row_id


def insert_rule(projects: ProjectRows, name: str, content: str = "", **columns: Any) -> str:
    row_id = projects.id()
    columns = {"user_id": projects.factory.user, "created_at": 1} | columns
    projects.insert("agent_rules", id=row_id, name=name, content=content, **columns)
    return row_id


def insert_skill(projects: ProjectRows, name: str, description: str | None = None) -> str:
    row_id = projects.id()
    about = {"user_id": projects.factory.user, "content": "# Steps", "created_at": 1, "updated_at": 1}
    projects.insert("skills", id=row_id, name=name, description=description, **about)
    return row_id
