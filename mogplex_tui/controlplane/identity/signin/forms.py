"""Check the origin of sign-in forms and read their fields."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from ...http import params
from ...http.authentication import SESSION_COOKIE, Caller
from ...http.endpoints import ApiRequest, OpenEndpoint, Service, refusal


class PageEndpoint(OpenEndpoint):
    """A path for browsers, where only the session cookie identifies the caller."""

    def authenticate(self, request: Request) -> Caller | None:
        """Return the owner of the session, or None without a valid session cookie."""
        return self.service.auth.session(request.cookies.get(SESSION_COOKIE))


def require_own_page(request: ApiRequest) -> None:
    """Raise RefusedError 403 for a form that a page of another site has sent."""
    host = request.http.headers.get("host", "")
    origin = request.http.headers.get("origin")
    if not _is_own_host(request.service, host) or (origin is not None and urlsplit(origin).netloc != host):
        raise refusal(403, "Forbidden")


def _is_own_host(service: Service, host: str) -> bool:
    """Return whether a Host header names this service.

    A foreign host name can point to this machine (DNS rebinding).
    """
    named = urlsplit(f"//{host}").hostname
    return named in ("localhost", "127.0.0.1", "::1") or host == urlsplit(service.origin).netloc


async def form_or_json(request: ApiRequest) -> dict[str, str]:
    """Return the text fields of a request body: a JSON object or a form.

    A body is a form unless its content type is JSON. Invalid JSON gives an empty result.
    """
    if "json" in request.http.headers.get("content-type", ""):
        try:
            body: Any = await params.json_object(request)
        except params.NotJsonError:
            return {}
        return {name: value for name, value in body.items() if isinstance(value, str)}
    raw = await request.http.body()
    fields: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True):
        fields.setdefault(name, value)
    return fields


def texts(column: str) -> list[str]:
    """Return the list of texts in a JSON column."""
    found: list[str] = json.loads(column)
    return found
