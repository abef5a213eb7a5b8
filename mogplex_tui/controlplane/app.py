"""The plane as an ASGI application: its routes, and the 404 page (errors.md §1.5)."""

from __future__ import annotations

from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from .core.plane import Plane
from .http import realtime_routes
from .http.authentication import Authenticator
from .http.endpoints import Service
from .http.router import PlaneRouter
from .routes import (
    identity,
    library,
    machine,
    models,
    observability_calls,
    observability_jobs,
    observability_stats,
    profile,
    projects,
    routing,
    sandboxes,
    signin,
    tools,
    v1_automations,
    v1_catalogue,
    v1_runs,
    v1_sandboxes,
)

_NO_SUCH_PAGE = (
    "<!DOCTYPE html><html><head><title>404: This page could not be found.</title></head>"
    "<body><h1>404</h1><h2>This page could not be found.</h2></body></html>"
)


async def _no_such_page(scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse(_NO_SUCH_PAGE, 404)(scope, receive, send)


def service_of(plane: Plane) -> Service:
    """Return the plane with its authenticator and an id stream for HTTP requests."""
    settings = plane.settings
    auth = Authenticator(
        plane.db, plane.clock, settings.rate_limit, not plane.is_hosted, settings.bypass_secret
    )
    return Service(plane, auth, plane.ids.fork("http"))


def build_app(service: Service) -> PlaneRouter:
    """Return the application; a trailing slash makes a different path."""
    families = (
        v1_runs,
        observability_calls,
        observability_stats,
        observability_jobs,
        v1_automations,
        v1_sandboxes,
        v1_catalogue,
        profile,
        models,
        realtime_routes,
        identity,
        projects,
        library,
        tools,
        routing,
        sandboxes,
        signin,
        machine,
    )
    found = [entry for family in families for entry in family.routes(service)]
    return PlaneRouter(found, default=_no_such_page)
