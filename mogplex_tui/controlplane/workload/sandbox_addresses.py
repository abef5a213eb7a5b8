"""Names and addresses that the sandbox provider gives (sandboxes.md §1.2)."""

from __future__ import annotations

import re

from .account import Repo

_MAX_NAME = 60


def vm_name(user_id: str, repo: Repo, branch: str) -> str:
    """The stable name of the VM for one working tree, at most 60 characters of `a-z0-9-`."""
    root = repo.root or "root"
    text = f"mogplex-{user_id[:6]}-{repo.id[:6]}-{branch}-{root}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_MAX_NAME].strip("-")


def preview_url(name: str) -> str:
    """Where the sandbox shows its dev server."""
    return f"https://{name[8:]}.preview.example.dev"


def runtime_of(repo_key: str) -> str:
    """The runtime image that fits a repository."""
    return "python3.13" if repo_key in ("search", "tide") else "node24"
