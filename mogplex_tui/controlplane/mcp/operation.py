"""An MCP tool: its published schema and its v1 request (mcp.md §3, §4)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from .argument_shapes import Shape

# A sentence for people about checked arguments and the data that came back.
Say = Callable[[dict[str, Any], dict[str, Any]], str]

READ = {"readOnlyHint": True, "openWorldHint": False}


def writes(destructive: bool = False, idempotent: bool = False) -> dict[str, bool]:
    """Return the hints that an MCP client gets for a tool that changes something."""
    return {
        "readOnlyHint": False,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": False,
    }


class V1Call(NamedTuple):
    """One request to a v1 route.

    `path` includes the query; `body` is JSON data, or None for a request without body.
    """

    method: str
    path: str
    body: dict[str, Any] | None
    headers: dict[str, str]


class Operation(NamedTuple):
    """One MCP tool: what is published about it, and the v1 request that it makes.

    `path` has argument names in braces. `query` maps arguments to query parameters, `body` lists the
    arguments in the body. With `keyed` the request has an Idempotency-Key. `wrap` is a key under which
    the response's data is put. `say` returns the sentence of the result from arguments and data.
    """

    name: str
    title: str
    description: str
    arguments: Shape
    hints: Mapping[str, bool]
    method: str
    path: str
    say: Say
    query: Mapping[str, str] = {}
    body: tuple[str, ...] = ()
    keyed: bool = False
    wrap: str | None = None

    def published(self) -> dict[str, Any]:
        """Return the tool's entry in the response to tools/list."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.arguments.schema(),
            "annotations": dict(self.hints),
        }

    def call(self, given: dict[str, Any]) -> V1Call:
        """Return the v1 request for valid arguments.

        If the caller gives no idempotency key, each call gets a new one: a retry is then a new request.
        """
        path = self.path.format_map({name: quote(str(value), safe="") for name, value in given.items()})
        asked = {param: given[name] for name, param in self.query.items() if name in given}
        if asked:
            path += "?" + urlencode(asked)
        headers = {}
        if self.keyed:
            headers["Idempotency-Key"] = given.get("idempotencyKey") or f"mcp:{uuid.uuid4()}"
        body = {name: given[name] for name in self.body if name in given} if self.body else None
        return V1Call(self.method, path, body, headers)


def counted(key: str, one: str, many: str) -> Say:
    """Return a function for `say` that tells how many rows the data has under `key`."""

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        count = len(data.get(key) or ())
        return f"Found {count} {one if count == 1 else many}."

    return say


def sentence_of(sentence: str) -> Say:
    """Return a function for `say` that fills arguments into the braces of a sentence."""
    return lambda given, _: sentence.format_map(given)


def run(sentence: str) -> Say:
    """Return a function for `say` that fills a run's {id} and {status} into a text."""

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        found = data.get("run") or {}
        return sentence.format(id=found.get("runId") or found.get("jobRunId"), status=found.get("status"))

    return say


def automation(word: str) -> Say:
    """Return a function for `say` that names the automation in the data after `word`."""

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        found = data.get("automation") or {}
        return f"{word} automation {found.get('name')} ({found.get('id')})."

    return say
