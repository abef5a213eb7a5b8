"""The first check of requests on the hosted service, before any handler runs.

Requests are passed on, redirected or refused. auth.md §3, §4.
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..faults.error_envelopes import is_v1, login
from ..http.authentication import SESSION_COOKIE, TOKEN_PREFIX
from ..http.endpoints import Service, json_response
from ..http.worker_credentials import USER_HEADER, delegated_user

ASSETS = (".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp")
# Public paths. A text is a path with everything below it; one that ends in `*` is a prefix.
PUBLIC = (
    "/api/auth/*",
    "/api/oauth/decision",
    "/api/v1/mogplex/mcp",
    "/api/webhooks/*",
    "/api/cli/latest*",
    "/.well-known/*",
    "/cli-auth*",
    "/storage/v1/object/public/*",
    "/login",
    "/",
)
MACHINE = ("/api/cron/*", "/api/agent/review", "/api/jobs/process")
# Paths on which a personal access token is accepted (auth.md §4).
FOR_TOKENS = (
    "/api/settings",
    "/api/models",
    "/api/mcp-servers",
    "/api/sandbox",
    "/api/sandbox/*",
    "/api/cli/inference/chat/completions",
    "/api/cli/openai/chat/completions",
)

_BEARER = re.compile(r"Bearer (.+)", re.DOTALL)


def is_one_of(path: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a path matches a pattern; a final `*` stands for any text."""
    return any(path.startswith(p[:-1]) if p.endswith("*") else path == p for p in patterns)


class HostedGate:
    """ASGI middleware that checks every request in the order of auth.md §3."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, redirect it, or refuse it."""
        sent_away = self._decide(Request(scope)) if scope["type"] == "http" else None
        await (sent_away or self._app)(scope, receive, send)

    def _decide(self, request: Request) -> Response | None:
        path, query = request.url.path, request.url.query
        if len(path) > 1 and path.endswith("/"):
            return _redirect(path.rstrip("/") or "/", query)
        if path.endswith(ASSETS):
            return None
        home = urlsplit(self._service.origin)
        if request.headers.get("host") == f"www.{home.netloc}":
            return _redirect(f"{self._service.origin}{path}", query)
        authorization = request.headers.get("authorization", "")
        if self._bypassed(request) or is_one_of(path, PUBLIC):
            return None
        below_sandbox = path == "/api/sandbox" or path.startswith("/api/sandbox/")
        if below_sandbox and delegated_user(
            self._service.plane, authorization, request.headers.get(USER_HEADER)
        ):
            return None
        if is_one_of(path, MACHINE):
            return self._machine(authorization)
        if self._credential_passes(path, authorization, request.cookies.get(SESSION_COOKIE)):
            return None
        referrer = urlsplit(request.headers.get("referer", ""))
        return login(path, query, expired=(referrer.scheme, referrer.netloc) == (home.scheme, home.netloc))

    def _credential_passes(self, path: str, authorization: str, cookie: str | None) -> bool:
        """Return whether a request's bearer token or session cookie lets it pass.

        A session must be valid, whereas only the format of a token is checked here.
        """
        bearer = _BEARER.match(authorization)
        if bearer is not None:
            if is_v1(path):
                return True
            if bearer[1].startswith(TOKEN_PREFIX) and is_one_of(path, FOR_TOKENS):
                return True
        return self._service.auth.session(cookie) is not None

    def _bypassed(self, request: Request) -> bool:
        secret = self._service.plane.settings.bypass_secret
        return secret is not None and _same(request.headers.get("x-mogplex-e2e-auth", ""), secret)

    def _machine(self, authorization: str) -> Response | None:
        secret = self._service.plane.settings.cron_secret
        if not secret:
            return json_response({"error": "CRON_SECRET_NOT_CONFIGURED"}, 503)
        if not _same(authorization, f"Bearer {secret}"):
            return json_response({"error": "Unauthorized"}, 401)
        return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _redirect(where: str, query: str) -> Response:
    # A path that starts with several slashes would name another host.
    where = where if "://" in where else "/" + where.lstrip("/")
    return RedirectResponse(f"{where}?{query}" if query else where, 308)
