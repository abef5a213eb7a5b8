"""Check the origin of sign-in forms and read their fields."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from ...http import params
from ...http.authentication import SESSION_COOKIE, Caller
from ...http.endpoints import Ask, OpenEndpoint, Service, refusal


class PageEndpoint(OpenEndpoint):
    """A path for browsers: only the session cookie says who asks."""

    def enter(self, request: Request) -> Caller | None:
        """The session's owner, or None."""
        return self.service.auth.session(request.cookies.get(SESSION_COOKIE))


def require_own_page(ask: Ask) -> None:
    """Raise the 403 for a form that was not on a page of this service."""
    host = ask.request.headers.get("host", "")
    origin = ask.request.headers.get("origin")
    if not _is_own_host(ask.service, host) or (origin is not None and urlsplit(origin).netloc != host):
        raise refusal(403, "Forbidden")


def _is_own_host(service: Service, host: str) -> bool:
    """Return whether the request names this service, not a rebound host name."""
    named = urlsplit(f"//{host}").hostname
    return named in ("localhost", "127.0.0.1", "::1") or host == urlsplit(service.origin).netloc


async def form_or_json(ask: Ask) -> dict[str, str]:
    """The texts of a form or of a JSON object; none for a body that is neither."""
    if "json" in ask.request.headers.get("content-type", ""):
        try:
            body: Any = await params.json_object(ask)
        except params.NotJsonError:
            return {}
        return {name: value for name, value in body.items() if isinstance(value, str)}
    raw = await ask.request.body()
    fields: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True):
        fields.setdefault(name, value)
    return fields


def texts(column: str) -> list[str]:
    """A stored JSON list of texts."""
    found: list[str] = json.loads(column)
    return found
