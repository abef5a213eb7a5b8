"""Refuse cross-site requests and DNS rebinding against a plane on this machine."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..faults.error_envelopes import worded
from .endpoints import Service

# Routes open to pages of any origin, or with a rule of their own (mcp.md §1, auth.md §8).
_MCP = "/api/v1/mogplex/mcp"
_OPEN = "/.well-known/"
_OAUTH = "/api/auth/mcp/"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::\d*)?", re.ASCII)


class SiteGuard:
    """ASGI middleware that refuses requests sent by pages of other sites.

    The plane signs a browser in without a password, and its cookie is valid for all ports. A page of
    another site can send requests in two ways. It can use a host name that points to this machine (DNS
    rebinding); this is refused only if the plane listens on a loopback address, because the names of
    any other address are not known. Or it can post to the plane; this is refused because the browser
    sends the page's `Origin`.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        settings = service.plane.settings
        self._app = app
        self._own_host = urlsplit(service.origin).netloc
        self._on_loopback = settings.host == "localhost" or _is_loopback(settings.host)
        self._listed = frozenset(
            origin.strip() for origin in settings.mcp_origins.split(",") if origin.strip()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with an error."""
        refused = self._refused(scope) if scope["type"] == "http" else None
        await (refused or self._app)(scope, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        hosts = headers.getlist("host")
        if len(hosts) != 1 and (hosts or scope["http_version"] != "1.0"):
            return Response("A request names one host.", 400, media_type="text/plain")
        host = hosts[0] if hosts else self._own_host
        if self._on_loopback and not self._is_own(host):
            return worded(path, 403, "FORBIDDEN", "Forbidden host")
        if not all(self._is_allowed(origin, host, path) for origin in headers.getlist("origin")):
            return worded(path, 403, "FORBIDDEN", "Forbidden origin")
        return None

    def _is_own(self, host: str) -> bool:
        """Return whether a Host header names this machine.

        IP addresses are accepted, because DNS rebinding needs a name.
        """
        if host in (self._own_host, f"www.{self._own_host}"):
            return True
        found = _HOST.fullmatch(host)
        name = "" if found is None else found[1].strip("[]").lower()
        return name == "localhost" or name.endswith(".localhost") or _is_address(name)

    def _is_allowed(self, origin: str, host: str, path: str) -> bool:
        if path == _MCP or path.startswith(_OPEN) or origin in (f"http://{host}", f"https://{host}"):
            return True
        return path.startswith(_OAUTH) and origin in self._listed


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ip_address(name).is_loopback
