"""Look up sandboxes and the data of their machines: name, repository, timeouts."""

from __future__ import annotations

import re

from ...db.database import Database, Row, Tx
from ..sandbox_serializers import DEFAULT_IDLE_MS, MAX_LIFETIME_MS
from .repo_contents import Repository

_MAX_NAME = 60

SELECT = (
    "SELECT s.*, p.full_name, p.default_branch, p.dev_port, p.runtime AS repo_runtime,"
    " p.github_installation_id, w.name AS workspace_name, w.sandbox_timeout_ms AS workspace_timeout_ms,"
    " w.sandbox_idle_timeout_ms AS workspace_idle_ms"
    " FROM sandboxes s LEFT JOIN repos p ON p.id = s.repo_id LEFT JOIN workspaces w ON w.id = p.workspace_id"
)


def sandbox(source: Database | Tx, record_id: str) -> Row | None:
    """Return a sandbox record with columns of its repository and project, or None.

    The caller must check the owner.
    """
    return source.one(f"{SELECT} WHERE s.id = ?", (record_id,))


def machine_name(user_id: str, team_id: str | None, repo_id: str, branch: str, root: str | None) -> str:
    """Return the name of a working tree's machine, which is the same at every boot.

    It has at most 60 characters of `a-z0-9-` (sandboxes.md §1.2).
    """
    team = "" if team_id is None else f"t{team_id[:6]}-"
    text = f"mogplex-{user_id[:6]}-{team}{repo_id[:6]}-{branch}-{root or 'root'}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_MAX_NAME].strip("-")


def preview_address(name: str) -> str:
    """Return the preview URL of a machine's dev server."""
    return f"https://{name[8:]}.preview.example.dev"


def repository(row: Row) -> Repository:
    """Return the repository of a sandbox; `row` must be a row of the query SELECT."""
    return Repository(
        row["full_name"] or "unknown/unknown",
        row["default_branch"] or "main",
        row["root_directory"],
        row["runtime"] or row["repo_runtime"] or "node24",
    )


def lifetime_ms(row: Row) -> int:
    """Return a sandbox's maximum lifetime in ms.

    It is the project's setting, raised to 10 minutes or lowered to MAX_LIFETIME_MS if necessary.
    The default is MAX_LIFETIME_MS (sandboxes.md §2.4).
    """
    set_to = row["workspace_timeout_ms"]
    return MAX_LIFETIME_MS if set_to is None else max(600_000, min(MAX_LIFETIME_MS, set_to))


def idle_ms(row: Row) -> int:
    """Return the time in ms after which an unused sandbox counts as idle.

    It is the project's setting, raised to five minutes or lowered to the sandbox's lifetime if
    necessary (projects.md §5).
    """
    set_to = row["workspace_idle_ms"]
    return min(lifetime_ms(row), max(300_000, DEFAULT_IDLE_MS if set_to is None else set_to))
