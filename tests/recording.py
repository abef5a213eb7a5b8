"""An HTTP proxy before a plane that records requests and JSON keys of responses."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.support import Seen, http, serving


@dataclass
class Recorded:
    """The proxy's address, the requests, and the JSON keys of responses in snake_case."""

    base_url: str = ""
    asked: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """Begin anew."""
        self.asked.clear()
        self.keys.clear()


def snake(name: str) -> str:
    """Return a key in snake_case, whether it came so or in camelCase."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def keys_in(value: Any) -> Iterator[str]:
    """Return every key of a JSON value, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield snake(key)
            yield from keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner)


@asynccontextmanager
async def recording(plane_url: str) -> AsyncIterator[Recorded]:
    """Pass every request on to the plane and remember the keys of its answers."""
    recorded = Recorded()
    async with httpx.AsyncClient(base_url=plane_url) as behind:

        async def answer(seen: Seen, _: asyncio.StreamWriter) -> bytes:
            kept = {key: value for key, value in seen.headers.items() if key not in ("host", "connection")}
            path = f"{seen.path}?{seen.query}" if seen.query else seen.path
            recorded.asked.append(f"{seen.method} {path}")
            found = await behind.request(seen.method, path, headers=kept, content=seen.body)
            if found.headers.get("content-type", "").startswith("application/json"):
                recorded.keys.update(keys_in(json.loads(found.content)))
            more = {"Location": found.headers["location"]} if "location" in found.headers else {}
            return http(found.status_code, found.content, found.headers.get("content-type", ""), **more)

        async with serving(answer) as service:
            recorded.base_url = service.base_url
            yield recorded
