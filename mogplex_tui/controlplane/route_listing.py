"""List the plane's routes: one entry for each method of each path."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from starlette.routing import BaseRoute, Route, Router

from .app import build_app, service_of
from .core.plane import Settings
from .database_setup import prepare
from .http.endpoints import Endpoint, MethodHandler

_PACKAGE = __name__.rpartition(".")[0] + "."


class Entry(NamedTuple):
    """One method of one path ("/api/repos/{id}"), with its endpoint and handler.

    `handler` is None if the endpoint has no list of handlers by method (mcp.md §1).
    """

    method: str
    path: str
    endpoint: Endpoint
    handler: MethodHandler | None

    @property
    def module(self) -> str:
        """The handler's file relative to the plane's package ("library/rule_routes.py")."""
        found: Any = type(self.endpoint) if self.handler is None else _innermost(self.handler.handle)
        name: str = found.__module__
        return name.removeprefix(_PACKAGE).replace(".", "/") + ".py"


def _innermost(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind partial applications and wrappers."""
    while True:
        inner = getattr(handler, "__wrapped__", None) or getattr(handler, "func", None)
        if inner is None:
            return handler
        handler = inner


def entries(routes: Iterable[BaseRoute]) -> list[Entry]:
    """Return an entry for each method of each route, in the router's order."""
    found = []
    for route in routes:
        if isinstance(route, Route) and isinstance(route.endpoint, Endpoint):
            endpoint = route.endpoint
            found += [
                Entry(method, route.path, endpoint, endpoint.handlers.get(method))
                for method in endpoint.methods
            ]
    return found


def unserved_router() -> Router:
    """Return the router of the `documented` profile, for listing its routes.

    It cannot handle requests, because its database is already closed.
    """
    with tempfile.TemporaryDirectory(prefix="mogplex-routes-") as scratch:
        plane = prepare(Settings(speed=0, seeded=False), Path(scratch) / "plane.db")
        try:
            return build_app(service_of(plane))
        finally:
            plane.db.close()
