"""Normalise the writable fields of a repository (projects.md §3.3)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..http import params
from .project_scope import number, text_or_none, timeout_ms, truthy

RUNTIMES = ("node22", "node24", "python3.13")
LINK_RESET: dict[str, Any] = {
    "vercel_link_status": "unknown",
    "vercel_link_checked_at": None,
    "vercel_link_error_code": None,
    "vercel_link_message": None,
}
# Touching one of these makes the link unknown again.
LINKED = ("sandbox_billing_mode_override", "vercel_project_id", "vercel_team_id")

_DOUBLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_SINGLE = {"\\": "\\", "'": "'"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def root_directory(value: Any) -> str | None:
    """Return a relative path without `./` and extra slashes; None for the root."""
    if not isinstance(value, str):
        return None
    text = params.trim(value)
    while text.startswith(("./", "/")):
        text = text.removeprefix("./").removeprefix("/")
    text = re.sub(r"/+", "/", text).removesuffix("/")
    return None if text in ("", ".") else text


def default_branch(value: Any) -> str:
    """Return the name of the default branch, `main` for a blank value."""
    return text_or_none(value) or "main"


def dev_port(value: Any) -> int:
    """Return the port of the development server.

    It is 3000 if the value is not a number or is less than 1.
    """
    found = number(value)
    return 3000 if found is None or found < 1 else math.floor(found)


def _dev_port_auto(value: Any) -> bool:
    return {"true": True, "false": False}.get(value, True) if isinstance(value, str) else value is not False


def _repo_timeout(value: Any) -> int | None:
    blank = value is None or (isinstance(value, str) and not params.trim(value))
    return None if blank else timeout_ms(value)


def _env_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value)
    quoted = params.trim(text)
    if len(quoted) < 2 or quoted[0] != quoted[-1] or quoted[0] not in "\"'":
        return text
    known = _DOUBLE if quoted[0] == '"' else _SINGLE
    return _ESCAPE.sub(lambda match: known.get(match[1], match[0]), quoted[1:-1])


def env_vars(value: Any) -> str:
    """Return environment variables as JSON text for a column.

    Names are trimmed. Values are converted to texts, and quotes around a value are removed. The
    result is "{}" if `value` is not an object.
    """
    if not isinstance(value, dict):
        return "{}"
    found = {params.trim(key): _env_value(inner) for key, inner in value.items() if params.trim(key)}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _one_of(options: tuple[str, ...], otherwise: str | None) -> Callable[[Any], str | None]:
    return lambda value: value if isinstance(value, str) and value in options else otherwise


_COMMON: dict[str, Callable[[Any], Any]] = {
    "default_branch": default_branch,
    "root_directory": root_directory,
    "install_command": text_or_none,
    "dev_command": text_or_none,
    "dev_port": dev_port,
    "dev_port_auto": _dev_port_auto,
    "sandbox_timeout_ms": _repo_timeout,
    "runtime": _one_of(RUNTIMES, None),
    "env_sync_mode": _one_of(("sandbox-and-preview",), "sandbox-only"),
    "sandbox_env_vars": env_vars,
    "sandbox_billing_mode_override": _one_of(("platform",), None),
    "is_favorite": truthy,
}
_CREATE = _COMMON | {
    "sandbox_billing_target": _one_of(("team",), "personal"),
    "vercel_project_id": text_or_none,
    "vercel_team_id": text_or_none,
}
_UPDATE: dict[str, Callable[[Any], Any]] = _COMMON | {
    "is_hidden": truthy,
    "sandbox_billing_target": lambda _: "personal",
    "vercel_project_id": lambda _: None,
    "vercel_team_id": lambda _: None,
}


def _written(body: Mapping[str, Any], fields: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: read(body[name]) for name, read in fields.items() if name in body}


def for_create(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a new repository from a request body.

    Fields that the body does not contain get the database's defaults.
    """
    return {"default_branch": "main", **_written(body, _CREATE)}


def for_update(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a request body changes.

    If the body changes the link to a Vercel project, the stored status of the link is reset
    (projects.md §3.5).
    """
    changes = _written(body, _UPDATE)
    if any(name in body for name in LINKED):
        changes |= LINK_RESET
    return changes
