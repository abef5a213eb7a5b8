"""Generate an OpenAPI 3.1 document from the plane's router and operations.txt."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .http.authentication import SESSION_COOKIE
from .http.endpoints import PlainEndpoint, V1Endpoint
from .http.signatures import MachineEndpoint, SenderEndpoint
from .identity.session_required import SessionEndpoint
from .identity.signin.forms import PageEndpoint
from .route_listing import Entry, entries, unserved_router
from .sandboxes.sandbox_endpoint import SandboxEndpoint

_OPERATIONS = Path(__file__).with_name("operations.txt")
_PARAMETER = re.compile(r"\{([^}:]*)(?::[^}]*)?\}")
_NO_BODY = frozenset({"GET", "HEAD", "OPTIONS"})

_SIMPLE: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "any": {},
    "uuid": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "object": {"type": "object"},
    "array": {"type": "array", "items": {}},
    "texts": {"type": "array", "items": {"type": "string"}},
}
# Rows whose id is no UUID.
_ID: dict[str, dict[str, Any]] = {
    "installation": {"type": "integer"},
    "conversation": {"type": "string"},
    "invitation": {"type": "string"},
    "slack_team": {"type": "string"},
}
_Need = dict[str, list[str]]
_BEARER: _Need = {"bearer": []}
_COOKIE: _Need = {"session": []}
_SCHEDULER: _Need = {"scheduler": []}


class DeclaredOperation(NamedTuple):
    """The parameters and success statuses of one operation in operations.txt.

    Parameters are pairs of name and type. `success` maps statuses to media types; `-` stands for
    a response without a body.
    """

    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: list[tuple[str, str]]
    media: str
    success: dict[str, str]


def unnamed(path: str) -> str:
    """Return a route's path with `{}` in place of every parameter."""
    return _PARAMETER.sub("{}", path)


def _pair(word: str) -> tuple[str, str]:
    name, _, kind = word.partition(":")
    if not kind and name.endswith("!"):
        return name[:-1], "text!"
    return name, kind or "text"


def _taken(words: list[str]) -> DeclaredOperation:
    taken = DeclaredOperation([], [], [], "application/json", {})
    for word in words:
        if word == "[form]":
            taken = taken._replace(media="application/x-www-form-urlencoded")
        elif word == "[upload]":
            taken = taken._replace(media="multipart/form-data")
        elif word.startswith(">"):
            status, _, media = word[1:].partition(":")
            taken.success[status] = media or "application/json"
        elif word.startswith("?"):
            taken.query.append(_pair(word[1:]))
        elif word.startswith("^"):
            taken.headers.append(_pair(word[1:]))
        else:
            taken.body.append(_pair(word))
    return taken


@cache
def declared() -> tuple[dict[tuple[str, str], DeclaredOperation], dict[str, str]]:
    """Parse operations.txt and return its operations and the types of ids in paths.

    Operations are keyed by method and path. The second mapping goes from a path to the type of
    row that its last parameter identifies, for example "run".
    """
    operations: dict[tuple[str, str], DeclaredOperation] = {}
    rows: dict[str, str] = {}
    for line in _OPERATIONS.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "row":
            rows[words[1]] = words[2]
        else:
            operations[words[0], words[1]] = _taken(words[2:])
    return operations, rows


def _schema(kind: str) -> tuple[dict[str, Any], bool]:
    """Return the JSON schema of a type in operations.txt, and whether it is required.

    A type is required if it ends with "!".
    """
    word = kind.removesuffix("!")
    if word.startswith("@"):
        found = {**_ID.get(word[1:], _SIMPLE["uuid"]), "x-row": word[1:]}
    elif word in _SIMPLE:
        found = dict(_SIMPLE[word])
    else:
        found = {"type": "string", "enum": word.split(",")}
    return found, kind.endswith("!")


def _parameter(where: str, name: str, kind: str) -> dict[str, Any]:
    schema, required = _schema(kind)
    return {"name": name, "in": where, "required": required, "schema": schema}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    """Return the OpenAPI objects of a path's parameters.

    A parameter that is the id of a row also states the row's type.
    """
    rows, found = declared()[1], []
    for match in _PARAMETER.finditer(path):
        kind = rows.get(unnamed(path[: match.end()]), "-")
        found.append(_parameter("path", match[1], "text!" if kind == "-" else f"@{kind}!"))
    return found


def _body(taken: DeclaredOperation) -> dict[str, Any] | None:
    if not taken.body:
        return None
    properties, required = {}, []
    for name, kind in taken.body:
        properties[name], needed = _schema(kind)
        required += [name] if needed else []
    if taken.media == "multipart/form-data":
        properties = {name: {"type": "string", "format": "binary"} for name in properties}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {taken.media: {"schema": schema}}}


def _security(entry: Entry) -> list[_Need]:
    endpoint = entry.endpoint
    if isinstance(endpoint, V1Endpoint):
        return [_BEARER]
    if isinstance(endpoint, SessionEndpoint):
        return [_COOKIE]
    if isinstance(endpoint, PlainEndpoint | SandboxEndpoint):
        return [_BEARER, _COOKIE]
    if isinstance(endpoint, MachineEndpoint):
        return [_SCHEDULER]
    if isinstance(endpoint, PageEndpoint):
        return [{}, _COOKIE]
    return [{}] if isinstance(endpoint, SenderEndpoint) else [{}, _BEARER, _COOKIE]


def _responses(entry: Entry, taken: DeclaredOperation) -> dict[str, Any]:
    json: dict[str, Any] = {"content": {"application/json": {"schema": {}}}}
    found: dict[str, Any] = {}
    for status, media in (taken.success or {"200": "application/json"}).items():
        content: dict[str, Any] = {} if media == "-" else {"content": {media: {"schema": {}}}}
        found[status] = {"description": "Success", **content}
    security = _security(entry)
    if {} not in security:
        found["401"] = {"description": "Nobody, or nobody known", **json}
    if isinstance(entry.endpoint, V1Endpoint):
        found["429"] = {"description": "Over the limit of the token; Retry-After tells the seconds", **json}
        if entry.handler is not None and entry.handler.scope is not None:
            found["403"] = {"description": f"The token lacks the scope {entry.handler.scope}", **json}
    found["default"] = {"description": "A refusal", **json}
    return found


def _operation(entry: Entry) -> dict[str, Any]:
    taken = declared()[0].get((entry.method, unnamed(entry.path))) or _taken([])
    parameters = _path_parameters(entry.path)
    parameters += [_parameter("query", name, kind) for name, kind in taken.query]
    parameters += [_parameter("header", name, kind) for name, kind in taken.headers]
    body = _body(taken)
    words = re.sub(r"\W+", "_", f"{entry.method.lower()} {entry.path}").strip("_")
    operation: dict[str, Any] = {
        "operationId": words,
        "tags": [entry.module.removeprefix("routes/").removesuffix(".py").partition("/")[0]],
        "security": _security(entry),
        "responses": _responses(entry, taken),
    }
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = body
    return operation


def document(version: str = "1") -> dict[str, Any]:
    """Return the OpenAPI document of the plane's `documented` profile.

    The document is generated from the code; no plane needs to be running.
    """
    paths: dict[str, dict[str, Any]] = {}
    for entry in entries(unserved_router().routes):
        path = _PARAMETER.sub(r"{\1}", entry.path)
        paths.setdefault(path, {})[entry.method.lower()] = _operation(entry)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Embedded Mogplex control plane", "version": version},
        "servers": [
            {"url": "http://127.0.0.1", "description": "Loopback; the port is the one it was started on"}
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token (mog_…)"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
                "scheduler": {"type": "http", "scheme": "bearer", "description": "CRON_SECRET"},
            }
        },
    }
