"""Validate and normalise run requests, and hash them for idempotency.

v1.md §7.2, §7.3, §9.1, §9.2.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

HARNESSES = ("codex", "claude-code")
MAX_PROMPT = 100_000

_BRANCH = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)
_ENCODED_PARENT = re.compile(r"%2e(%2e)?", re.IGNORECASE)
_SPACES = " \t\n\r\v\f\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"


class InvalidRunError(Exception):
    """Raised for an invalid field of a run request.

    The text of the exception is the message of the error response.
    """


class RunRequest(NamedTuple):
    """A validated run request with its defaults filled in.

    `request_hash` is a hash of all other fields; idempotency checks compare it to find out whether
    two requests are equal.
    """

    repo_id: str
    prompt: str
    harness: str
    base_branch: str
    working_branch: str
    create_branch: bool
    root_directory: str | None
    conversation_id: str | None
    workspace_session_id: str | None
    mode: str | None
    request_hash: str


def is_branch(name: str) -> bool:
    """Return whether the service accepts a branch name (v1.md §9.1)."""
    return (
        _BRANCH.fullmatch(name) is not None
        and name not in ("@", "HEAD")
        and not name.startswith("/")
        and not name.endswith(("/", ".", ".lock"))
        and not any(bad in name for bad in ("..", "//", "@{"))
    )


def root_directory(value: Any) -> str | None:
    """Return a normalised root directory, or None for the repository's top directory.

    Raises InvalidRunError (v1.md §9.2).
    """
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value:
        raise InvalidRunError("Invalid root directory")
    text = re.sub(r"/+", "/", value.strip(_SPACES))
    while text.startswith(("./", "/")):
        text = text.removeprefix("./").removeprefix("/")
    text = text.removesuffix("/")
    segments = text.split("/")
    if ".." in segments or any(_ENCODED_PARENT.fullmatch(segment) for segment in segments):
        raise InvalidRunError("Invalid root directory")
    return None if text in ("", ".") else text


def _optional(value: Any) -> str | None:
    text = value.strip(_SPACES) if isinstance(value, str) else ""
    return text or None


def _branch(value: Any, default: str, message: str) -> str:
    name = _optional(value) or default
    if not is_branch(name):
        raise InvalidRunError(message)
    return name


def _prompt(value: Any) -> str:
    prompt = _optional(value)
    if prompt is None:
        raise InvalidRunError("Prompt is required")
    # The service counts UTF-16 units.
    if len(prompt.encode("utf-16-le")) // 2 > MAX_PROMPT:
        raise InvalidRunError("Prompt is too long")
    return prompt


def canonical(value: Mapping[str, Any]) -> str:
    """Return a value as canonical JSON: sorted keys, no spaces, nulls kept.

    v1.md §7.3.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def normalise(
    body: Mapping[str, Any],
    idempotency_key: str,
    repo_id: str,
    default_branch: str | None,
    repo_root: str | None,
) -> RunRequest:
    """Validate the body of a run request and fill in its defaults.

    The fields are checked in the order of the service, so that the same field is reported first.
    `default_branch` and `repo_root` are the repository's current settings. Raises InvalidRunError.
    """
    prompt = _prompt(body.get("prompt"))
    harness = _optional(body.get("harness")) or "codex"
    if harness not in HARNESSES:
        raise InvalidRunError("Invalid harness")
    base = _branch(body.get("baseBranch"), default_branch or "main", "Invalid base branch")
    root = root_directory(body["rootDirectory"]) if "rootDirectory" in body else repo_root
    create = body.get("createBranch") is True
    fields: dict[str, Any] = {
        "repoId": repo_id,
        "prompt": prompt,
        "harness": harness,
        "baseBranch": base,
        "createBranch": create,
        "rootDirectory": root,
        "conversationId": _optional(body.get("conversationId")),
        "workspaceSessionId": _optional(body.get("workspaceSessionId")),
        "mode": _optional(body.get("mode")),
    }
    generated = base
    if create:
        pre = _sha256(canonical(fields))
        generated = f"mogplex/external/{_sha256(idempotency_key)[:8]}-{pre[:8]}"
    working = _branch(body.get("workingBranch"), generated, "Invalid working branch")
    if create and working == base:
        raise InvalidRunError("Working branch must differ from base branch when createBranch is true")
    return RunRequest(
        repo_id,
        prompt,
        harness,
        base,
        working,
        create,
        root,
        fields["conversationId"],
        fields["workspaceSessionId"],
        fields["mode"],
        _sha256(canonical({**fields, "workingBranch": working})),
    )
