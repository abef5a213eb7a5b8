"""Metadata, request hash and first event of runs started through the v1 API."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any, NamedTuple

from .account import Repo
from .call_plan import Step
from .call_planner import Branches

HARNESSES = ("codex", "claude-code", "claude-code")


class SandboxRef(NamedTuple):
    """The record id, VM name and branch of a sandbox, for the metadata of its runs."""

    id: str
    name: str
    branch: str


def request_hash(rng: Random) -> str:
    """Return a random text in the form of a request hash (SHA-256 in hexadecimal).

    No request of a client has this hash.
    """
    return hashlib.sha256(rng.randbytes(16)).hexdigest()


def external_metadata(
    repo: Repo, harness: str, key: str, digest: str, branches: Branches, box: SandboxRef | None
) -> dict[str, Any]:
    """Return the metadata of an external run and its call (v1.md §7.4)."""
    return {
        "source": "external-api",
        "external_request_id": key,
        "request_hash": digest,
        "harness_id": harness,
        "repo_id": repo.id,
        "repo": repo.full_name,
        "base_branch": branches.base,
        "working_branch": branches.working,
        "root_directory": repo.root,
        "sandbox_record_id": None if box is None else box.id,
        "sandbox_id": None if box is None else box.name,
    }


def attached(metadata: dict[str, Any], mode: str | None = None) -> dict[str, Any]:
    """Return a call's metadata with the changes that the coding CLI's start makes.

    v1.md §7.4.
    """
    spelled = (mode or "").upper()
    extra = {
        "harness_mode": spelled if spelled in ("SAFE", "YOLO") else "AUTO",
        "product_team_id": None,
        "ai_billing_source": "platform",
        "prepared": False,
    }
    return {**metadata, "source": "cli", **extra}


def accepted_step(run_id: str, harness: str, branch: str) -> Step:
    """Return the first event of an external run (v1.md §8.1)."""
    payload = {"external_run_id": run_id, "harness_id": harness, "working_branch": branch}
    return Step(0.0, "started", "External Mogplex run accepted", payload)
