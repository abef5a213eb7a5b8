"""Requests made from the OpenAPI document, one for each place that names a row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import httpx

from mogplex_tui.controlplane.openapi import document
from tests.controlplane.account_rows import MODEL

# What passes each handler's own checks, by the name of the field; other texts are the word "sample".
_SAMPLES: dict[str, Any] = {
    "model": MODEL,
    "model_id": MODEL,
    "modelId": MODEL,
    "category": "security",
    "nodeId": "agent-1",
    "email": "guest@example.dev",
    "emails": ["guest@example.dev"],
    "minutes": 5,
    "cmdId": "command",
    "channelId": "C9",
    "target": ["production"],
    "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}],
    "moves": [{"fromPath": "a.txt", "toPath": "b.txt"}],
    "tables": "ai_calls",
    "slug": "night-shift",
    "root_directory": "apps/web",
}


# What an operation needs beside its required fields before it looks at the rows; `@kind` is an own row's id.
_MORE: dict[str, dict[str, dict[str, Any]]] = {
    "PATCH /api/repos": {"body": {"is_favorite": True}},
    "POST /api/repos": {
        "body": {"full_name": "sample/new", "owner": "sample", "name": "new", "github_id": 7}
    },
    "POST /api/repos/{id}/rules": {"body": {"excluded": False}},
    "POST /api/repos/{id}/skills": {"body": {"excluded": False}},
    "POST /api/memories/actions": {"body": {"action": "checkpoint", "lane": "session"}},
    "POST /api/connections": {
        "body": {
            "scope": "project",
            "type": "mcp_server",
            "name": "sample",
            "auth_type": "none",
            "mcp_url": "https://93.184.216.34/mcp",
        }
    },
    "PATCH /api/integrations/slack/installations/{team_id}": {"body": {"repoAgentEnabled": False}},
    "PUT /api/assignments": {"body": {"enabled": False}},
    "PUT /api/triggers": {"body": {"enabled": False}},
    "POST /api/flows": {"header": {"x-mogplex-team-id": "@team"}},
    "PATCH /api/workspaces/{id}": {"body": {"description": "sample"}},
}


class RowReference(NamedTuple):
    """A field of an operation that names a row: its location, name and kind of row."""

    method: str
    path: str
    where: str
    name: str
    kind: str

    @property
    def key(self) -> str:
        """A name for tables of exceptions."""
        return f"{self.method} {self.path} {self.name}"


def sample(name: str, schema: dict[str, Any]) -> Any:
    """Return a value that the schema allows and the handler accepts."""
    if name in _SAMPLES:
        return _SAMPLES[name]
    if "enum" in schema:
        return schema["enum"][0]
    return {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}.get(
        schema.get("type", ""), "sample"
    )


def unknown_id(kind: str) -> Any:
    """Return an id of the kind's form that no row has."""
    if kind == "installation":
        return 424_242
    return "TNOBODY" if kind == "slack_team" else "5eed5eed-5eed-4eed-8eed-5eed5eed5eed"


@cache
def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return every operation of the plane as (method, path, description)."""
    return [
        (method.upper(), path, described)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
    ]


def fields(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """Yield every field of an operation as (where, name, schema, required)."""
    for one in described.get("parameters", ()):
        yield one["in"], one["name"], one["schema"], one["required"]
    for media in described.get("requestBody", {}).get("content", {}).values():
        for name, schema in media["schema"]["properties"].items():
            yield "body", name, schema, name in media["schema"].get("required", ())


@cache
def row_references() -> list[RowReference]:
    """Return every operation field that refers to a row (`x-row` in its schema)."""
    return [
        RowReference(method, path, where, name, schema["x-row"])
        for method, path, described in operations()
        for where, name, schema, _ in fields(described)
        if "x-row" in schema
    ]


def request(
    method: str, path: str, ids: dict[str, Any], named: RowReference | None = None, row: Any = None
) -> dict[str, Any]:
    """Return httpx arguments of a request with samples and own ids.

    `row` takes the place of the id in the field `named`.
    """
    (described,) = (one for verb, name, one in operations() if (verb, name) == (method, path))
    parts: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "body": {}}
    for where, name, schema, required in fields(described):
        if named is not None and (where, name) == (named.where, named.name):
            parts[where][name] = row
        elif required:
            parts[where][name] = ids[schema["x-row"]] if "x-row" in schema else sample(name, schema)
    for where, more in _MORE.get(f"{method} {path}", {}).items():
        for name, value in more.items():
            if named is None or (where, name) != (named.where, named.name):
                parts[where][name] = ids[value[1:]] if str(value).startswith("@") else value
    url = path
    for name, value in parts["path"].items():
        url = url.replace(f"{{{name}}}", str(value))
    headers = {name: str(value) for name, value in parts["header"].items()}
    made: dict[str, Any] = {"method": method, "url": url, "params": parts["query"], "headers": headers}
    media = next(iter(described.get("requestBody", {}).get("content", {})), None)
    if media == "application/json":
        made["json"] = parts["body"]
    elif media == "multipart/form-data":
        made["files"] = dict.fromkeys(parts["body"], ("icon.png", b"\x89PNG\r\n\x1a\n"))
    elif media is not None:
        made["data"] = parts["body"]
    return made


async def send(client: httpx.AsyncClient, made: dict[str, Any], most_lines: int = 0) -> tuple[int, str]:
    """Return the status and text of the answer.

    Of a stream that stays open the text is its first `most_lines` lines.
    """
    async with client.stream(**made) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            lines: list[str] = []
            async for line in answer.aiter_lines():
                if len(lines) >= most_lines:
                    break
                lines.append(line)
            return answer.status_code, "\n".join(lines)
        await answer.aread()
        return answer.status_code, answer.text
