"""Names and URLs of the sandbox provider (sandboxes.md §1.2)."""

from __future__ import annotations

import re

from .account import Repo

_MAX_NAME = 60


def vm_name(user_id: str, repo: Repo, branch: str) -> str:
    """Return the stable VM name of a working tree: at most 60 of `a-z0-9-`."""
    root = repo.root or "root"
    text = f"mogplex-{user_id[:6]}-{repo.id[:6]}-{branch}-{root}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_MAX_NAME].strip("-")


def preview_url(name: str) -> str:
    """Return the preview URL of a sandbox's dev server."""
    return f"https://{name[8:]}.preview.example.dev"


def runtime_of(repo_key: str) -> str:
    """Return the runtime image for a repository."""
    return "python3.13" if repo_key in ("search", "tide") else "node24"
