"""A client that validates every answer against the observed schemas."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx

from tests.contract.schemas import faults


class Checker:
    """A client that validates answers and remembers which schemas were met."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.met: set[str] = set()

    async def __call__(self, name: str, method: str, path: str, **request: Any) -> Any:
        answer = await self.client.request(method, path, **request)
        assert str(answer.status_code) == name.rpartition("_")[2], answer.text
        assert answer.headers["content-type"] == "application/json"
        found = faults(name, answer.json())
        assert not found, f"{method} {path}\n" + "\n".join(found[:10])
        self.met.add(name)
        return answer.json()


class Credentials(httpx.Auth):
    """The credential of a route in the hosted profile.

    The token on v1, the session elsewhere.
    """

    def __init__(self, token: str, cookie: str) -> None:
        self._token, self._cookie = token, cookie

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the credential to the request."""
        if request.url.path.startswith("/api/v1/"):
            request.headers["Authorization"] = f"Bearer {self._token}"
        else:
            request.headers["Cookie"] = self._cookie
        yield request
