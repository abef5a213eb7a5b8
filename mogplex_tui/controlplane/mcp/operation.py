"""One MCP operation: its published schema and its v1 request (mcp.md §3, §4)."""

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
    """The hints of an operation that changes something."""
    return {
        "readOnlyHint": False,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": False,
    }


class V1Call(NamedTuple):
    """One request to a v1 route: path with query, JSON body or None, and headers."""

    method: str
    path: str
    body: dict[str, Any] | None
    headers: dict[str, str]


class Operation(NamedTuple):
    """One operation: how it is published, and the v1 call that its arguments make.

    `path` has argument names in braces; `query` and `body` say which arguments go where, `keyed` that the call has an
    Idempotency-Key; `wrap` puts the data under a key; `say` is a sentence about arguments and data.
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
        """The entry of tools/list."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.arguments.schema(),
            "annotations": dict(self.hints),
        }

    def call(self, given: dict[str, Any]) -> V1Call:
        """Return the v1 request of valid arguments.

        Without an idempotency key of the caller a retry is a new request.
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
    """A sentence that says how many rows the data has under `key`."""

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        count = len(data.get(key) or ())
        return f"Found {count} {one if count == 1 else many}."

    return say


def sentence_of(sentence: str) -> Say:
    """A sentence with arguments in braces."""
    return lambda given, _: sentence.format_map(given)


def run(sentence: str) -> Say:
    """A sentence about a run, with {id} and {status}."""

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        found = data.get("run") or {}
        return sentence.format(id=found.get("runId") or found.get("jobRunId"), status=found.get("status"))

    return say


def automation(word: str) -> Say:
    """A sentence about the automation in the data, beginning with `word`."""

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        found = data.get("automation") or {}
        return f"{word} automation {found.get('name')} ({found.get('id')})."

    return say
