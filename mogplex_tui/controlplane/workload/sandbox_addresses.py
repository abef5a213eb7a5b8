"""Names and URLs in the form that the sandbox provider uses (sandboxes.md §1.2)."""

from __future__ import annotations

import re

from .account import Repo

_MAX_NAME = 60


def vm_name(user_id: str, repo: Repo, branch: str) -> str:
    """Return the VM name for a user, repository and branch.

    It consists of at most 60 characters from `a-z0-9-`. Equal arguments give equal names.
    """
    root = repo.root or "root"
    text = f"mogplex-{user_id[:6]}-{repo.id[:6]}-{branch}-{root}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_MAX_NAME].strip("-")


def preview_url(name: str) -> str:
    """Return the URL of a sandbox's dev server."""
    return f"https://{name[8:]}.preview.example.dev"


def runtime_of(repo_key: str) -> str:
    """Return the name of the runtime image for a repository, such as "node24"."""
    return "python3.13" if repo_key in ("search", "tide") else "node24"
