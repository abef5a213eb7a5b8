"""Validate the fields of a custom MCP server (library.md §9.2, §9.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..http import params
from ..http.endpoints import RefusedError, refusal

RESERVED = ("args", "command", "env", "http_headers", "url")

Secrets = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Server:
    """The fields of a custom MCP server.

    The fields that its transport (stdio or http) does not use are empty.
    """

    name: str
    enabled: bool
    transport: str
    command: str | None = None
    args: list[str] = field(default_factory=list)
    env_plain: dict[str, str] = field(default_factory=dict)
    env_secrets: dict[str, str] = field(default_factory=dict)
    url: str | None = None
    header_plain: dict[str, str] = field(default_factory=dict)
    header_secrets: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def refused(message: str, code: str = "INVALID_MCP_SERVER", status: int = 400) -> RefusedError:
    """Return the error about an MCP server that the caller of this function raises."""
    return refusal(status, message, code=code)


def body_object(body: Any) -> dict[str, Any]:
    """Return a JSON body that is an object. Raises RefusedError for any other value."""
    if not isinstance(body, dict):
        raise refused("request body must be an object")
    return body


def _name(value: Any) -> str:
    name = params.trim(value) if isinstance(value, str) else ""
    if not name:
        raise refused("name is required")
    if "__" in name:
        raise refused('name must not contain "__"', "INVALID_NAME")
    return name


def _enabled(value: Any) -> bool:
    if not isinstance(value, bool):
        raise refused("enabled must be a boolean")
    return value


def _transport(value: Any) -> str:
    if value not in ("stdio", "http"):
        raise refused("transport must be stdio or http", "INVALID_TRANSPORT")
    return str(value)


def _text(value: Any) -> str | None:
    """Return a text without white space at its ends, or None.

    None is returned for blank text and for a value that is not a text.
    """
    return (params.trim(value) or None) if isinstance(value, str) else None


def _args(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise refused("args must be an array")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise refused(f"args[{index}] must be a string")
    return value


def _entries(value: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise refused(f"{name} must be an object")
    entries = [(params.trim(key), item) for key, item in value.items()]
    if any(not key for key, _ in entries):
        raise refused(f"{name} contains an empty key")
    return entries


def _plain(value: Any, name: str) -> dict[str, str]:
    out = {}
    for key, item in _entries(value, name):
        if not isinstance(item, str):
            raise refused(f"{name}.{key} must be a string")
        out[key] = item
    return out


def _secrets(value: Any, name: str, may_remove: bool) -> Secrets:
    out: Secrets = {}
    for key, item in _entries(value, name):
        if may_remove and item is None:
            out[key] = None
            continue
        if not isinstance(item, str) or not params.trim(item):
            raise refused(f"{name}.{key} must be a non-empty string" + (" or null" if may_remove else ""))
        out[key] = item
    return out


def _extra(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refused("extra must be an object", "INVALID_EXTRA")
    for key in RESERVED:
        if key in value:
            raise refused(f"extra must not contain the reserved key {key}", "INVALID_EXTRA")
    return value


def _no_doubles(plain: Mapping[str, str], secrets: Mapping[str, str], what: str) -> None:
    for key in plain:
        if key in secrets:
            raise refused(f"{what} {key} is given both plain and secret", "INVALID_DUPLICATE_KEY")


def _checked(server: Server, given: Mapping[str, Any]) -> Server:
    """Return a server without the fields that its transport does not use.

    `given` is the request body. Raises RefusedError if a field that the transport requires is
    missing, if `given` contains a field of the other transport, or if a plain value and a secret
    have the same name.
    """
    _no_doubles(server.env_plain, server.env_secrets, "environment variable")
    _no_doubles(server.header_plain, server.header_secrets, "header")
    if server.transport == "stdio":
        if server.command is None:
            raise refused("command is required for stdio servers", "INVALID_TRANSPORT_FIELDS")
        if given.get("url") is not None:
            raise refused("stdio servers cannot include url", "INVALID_TRANSPORT_FIELDS")
        return replace(server, url=None, header_plain={}, header_secrets={})
    if server.url is None:
        raise refused("url is required for http servers", "INVALID_TRANSPORT_FIELDS")
    if given.get("command") is not None:
        raise refused("http servers cannot include command", "INVALID_TRANSPORT_FIELDS")
    return replace(server, command=None, args=[], env_plain={}, env_secrets={})


def created(body: dict[str, Any]) -> Server:
    """Return the server that a POST body describes.

    Raises RefusedError for invalid fields.
    """
    server = Server(
        name=_name(body.get("name")),
        enabled=_enabled(body.get("enabled", True)),
        transport=_transport(body.get("transport")),
    )
    return _checked(_with_fields(server, body, may_remove=False), body)


def changed(stored: Server, body: dict[str, Any]) -> Server:
    """Return a stored server with the changes of a PATCH body.

    Fields that the body does not contain keep their values. Secrets are merged by key; null
    removes a secret. A change of transport clears the fields of the previous transport. Raises
    RefusedError for invalid fields.
    """
    server = stored
    if "name" in body:
        server = replace(server, name=_name(body["name"]))
    if "enabled" in body:
        server = replace(server, enabled=_enabled(body["enabled"]))
    if "transport" in body:
        transport = _transport(body["transport"])
        if transport != server.transport:
            server = Server(server.name, server.enabled, transport, extra=server.extra)
    return _checked(_with_fields(server, body, may_remove=True), body)


def _with_fields(server: Server, body: dict[str, Any], may_remove: bool) -> Server:
    changes: dict[str, Any] = {}
    if "args" in body:
        changes["args"] = _args(body["args"])
    for name, column in (("envPlain", "env_plain"), ("headerPlain", "header_plain")):
        if name in body:
            changes[column] = _plain(body[name], name)
    for name, column in (("envSecrets", "env_secrets"), ("headerSecrets", "header_secrets")):
        if name in body:
            merged = {**getattr(server, column), **_secrets(body[name], name, may_remove)}
            changes[column] = {key: item for key, item in merged.items() if item is not None}
    if "extra" in body:
        changes["extra"] = _extra(body["extra"])
    if "command" in body:
        changes["command"] = _text(body["command"])
    if "url" in body:
        changes["url"] = _text(body["url"])
    return replace(server, **changes)
