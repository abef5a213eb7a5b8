"""Disabled routes for the variables of a linked Vercel project.

projects.md §4.9, §6; v1.md §1.1.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from ..http import params
from ..http.endpoints import ApiRequest, bad_request, refusal, v1_refusal
from .project_scope import own_repo

_OFF = "Vercel project environment variables require an API-capable Vercel integration and are not available."
_TARGETS = ("production", "preview", "development")
_TYPES = ("encrypted", "plain", "sensitive")
_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_KEY_RULE = "key must contain only letters, digits, and underscores and not start with a digit"
_MAX_KEY = 256
_MAX_VALUE = 65_536


async def refuse(request: ApiRequest) -> Response:
    """Raise 404 if the repository is not the caller's, and 501 otherwise."""
    own_repo(request, "NOT_FOUND")
    raise refusal(501, "VERCEL_INTEGRATION_REQUIRED", message=_OFF)


def _off() -> Exception:
    return v1_refusal(501, "SERVICE_UNAVAILABLE", _OFF)


async def v1_read(_: ApiRequest) -> Response:
    """Raise 501 for every repository, even an unknown one."""
    raise _off()


async def v1_write(request: ApiRequest) -> Response:
    """Raise 400 for an invalid body, and 501 for a valid one."""
    body = await _object(request)
    found = _key_issues(body)
    found += _value_issues(body)
    found += _target_issues(body)
    if "type" in body:
        found += _option_issues("type", body["type"], _TYPES)
    _refuse(body, found, ("key", "value", "target", "type"))
    raise _off()


async def v1_delete(request: ApiRequest) -> Response:
    """Raise 400 for an invalid body, and 501 for a valid one."""
    body = await _object(request)
    _refuse(body, _key_issues(body, pattern=False), ("key",))
    raise _off()


def _kind(value: Any) -> str:
    kinds = ((bool, "boolean"), (int | float, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _typed(path: str, expected: str, value: Any) -> str:
    return f"{path}: Expected {expected}, received {_kind(value)}"


async def _object(request: ApiRequest) -> dict[str, Any]:
    try:
        body = await params.json_body(request)
    except params.NotJsonError:
        raise bad_request("Invalid JSON body") from None
    if not isinstance(body, dict):
        raise bad_request(_typed("body", "object", body))
    return body


def _refuse(body: dict[str, Any], found: list[str], keys: tuple[str, ...]) -> None:
    unknown = [name for name in body if name not in keys]
    if unknown:
        found.append(f"body: Unrecognized key(s) in object: {', '.join(repr(name) for name in unknown)}")
    if found:
        raise bad_request("; ".join(found))


def _key_issues(body: dict[str, Any], pattern: bool = True) -> list[str]:
    if "key" not in body:
        return ["key: Required"]
    if not isinstance(body["key"], str):
        return [_typed("key", "string", body["key"])]
    key, found = params.trim(body["key"]), []
    if not key:
        found.append("key: String must contain at least 1 character(s)")
    if len(key) > _MAX_KEY:
        found.append(f"key: String must contain at most {_MAX_KEY} character(s)")
    if pattern and _KEY.fullmatch(key) is None:
        found.append(f"key: {_KEY_RULE}")
    return found


def _value_issues(body: dict[str, Any]) -> list[str]:
    if "value" not in body:
        return ["value: Required"]
    value = body["value"]
    if not isinstance(value, str):
        return [_typed("value", "string", value)]
    too_long = len(value) > _MAX_VALUE
    return [f"value: String must contain at most {_MAX_VALUE} character(s)"] if too_long else []


def _target_issues(body: dict[str, Any]) -> list[str]:
    if "target" not in body:
        return []
    target = body["target"]
    if not isinstance(target, list):
        return [_typed("target", "array", target)]
    if not target:
        return ["target: Array must contain at least 1 element(s)"]
    return [
        issue
        for index, value in enumerate(target)
        for issue in _option_issues(f"target.{index}", value, _TARGETS)
    ]


def _option_issues(path: str, value: Any, options: tuple[str, ...]) -> list[str]:
    if isinstance(value, str) and value in options:
        return []
    expected = " | ".join(f"'{option}'" for option in options)
    if not isinstance(value, str):
        return [_typed(path, expected, value)]
    return [f"{path}: Invalid enum value. Expected {expected}, received '{value}'"]
