"""ASGI middleware that replaces texts or numbers in a plane's JSON responses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Names of fields that identify a record or hold its state; they are not changed.
_STRUCTURE = re.compile(
    r"(?:^|_)(?:id|ids|at|status|state|type|kind|source|cursor|scopes?|role|code|key|object|href|date|since|until)$"
)
# Names of objects whose keys the contract does not define.
_FREE = {"metadata", "payload", "config", "tool_input"}
_IDENTITY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d(?:T[\d:.+Z-]+)?", re.IGNORECASE)


def with_texts(value: Any, change: Callable[[str], str], name: str = "") -> Any:
    """Return a JSON value with free texts changed; ids, times and states stay."""
    if isinstance(value, dict):
        return {key: with_texts(item, change, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_texts(item, change, name) for item in value]
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if not isinstance(value, str) or _STRUCTURE.search(snake) or _IDENTITY.fullmatch(value):
        return value
    return change(value)


def with_numbers(value: Any, numbers: Iterator[float]) -> Any:
    """Return a JSON value with fractions replaced, and numbers added to free objects."""
    if isinstance(value, dict):
        found = {key: with_numbers(item, numbers) for key, item in value.items()}
        for name in _FREE & found.keys():
            if isinstance(found[name], dict):
                found[name] |= {"odd": next(numbers), "list": [next(numbers)]}
        return found
    if isinstance(value, list):
        return [with_numbers(item, numbers) for item in value]
    return next(numbers) if isinstance(value, float) else value


class Rewriting:
    """An ASGI application that changes the JSON responses of GET requests."""

    def __init__(self, app: ASGIApp, change: Callable[[Any], Any]) -> None:
        self._app, self._change = app, change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start: Message | None = None
        body = b""

        async def changing(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                if b"json" not in headers.get(b"content-type", b"") or b"content-encoding" in headers:
                    await send(message)
                else:
                    start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                body = json.dumps(self._change(json.loads(body))).encode()
                kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                length = (b"content-length", str(len(body)).encode())
                await send({**start, "headers": [*kept, length]})
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, changing)
