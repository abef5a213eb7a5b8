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
    """Return the MCP annotations (hints) of a tool that changes data."""
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
    """One MCP tool: its published description, and the v1 request that it makes.

    `path` has argument names in braces. `query` maps arguments to query parameters, and `body`
    lists the arguments in the body. With `keyed` the request has an Idempotency-Key. If `wrap` is
    set, the response's data is put under this key. `say` is a function that returns the sentence
    of the result from the arguments and the response's data.
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

        If the tool uses idempotency keys and the caller gives none, a random key is sent, so that a
        repeated call is a new request.
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
    """Return a function for `Operation.say` that writes, for example, "Found 3 runs."

    It counts the rows that the data has under `key`. `one` and `many` are the singular and the
    plural of the noun.
    """

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        count = len(data.get(key) or ())
        return f"Found {count} {one if count == 1 else many}."

    return say


def sentence_of(sentence: str) -> Say:
    """Return a function for `Operation.say` that fills in the tool's arguments.

    It replaces each `{argument}` in `sentence` by the argument's value.
    """
    return lambda given, _: sentence.format_map(given)


def run(sentence: str) -> Say:
    """Return a function for `Operation.say` that fills in a run's id and status.

    It replaces `{id}` and `{status}` in `sentence` by those of the run in the data.
    """

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        found = data.get("run") or {}
        return sentence.format(id=found.get("runId") or found.get("jobRunId"), status=found.get("status"))

    return say


def automation(word: str) -> Say:
    """Return a function for `Operation.say` that names an automation after a verb.

    It writes, for example, "Created automation NAME (ID)." if `word` is "Created".
    """

    def say(_: dict[str, Any], data: dict[str, Any]) -> str:
        found = data.get("automation") or {}
        return f"{word} automation {found.get('name')} ({found.get('id')})."

    return say
