"""Build the plane's ASGI application: routes and the 404 page (errors.md §1.5)."""

from __future__ import annotations

from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from .automation import routes as automation_routes
from .conversations import routes as conversations_routes
from .core.plane import Plane
from .http import realtime_routes
from .http.authentication import Authenticator
from .http.endpoints import Service
from .http.router import PlaneRouter
from .identity import routes as identity_routes
from .integrations import routes as integrations_routes
from .library import routes as library_routes
from .maintenance import routes as maintenance_routes
from .mcp import routes as mcp_routes
from .observability import routes as observability_routes
from .projects import routes as projects_routes
from .runs import v1_run_routes
from .sandboxes import routes as sandboxes_routes

_NO_SUCH_PAGE = (
    "<!DOCTYPE html><html><head><title>404: This page could not be found.</title></head>"
    "<body><h1>404</h1><h2>This page could not be found.</h2></body></html>"
)


async def _no_such_page(scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse(_NO_SUCH_PAGE, 404)(scope, receive, send)


def service_of(plane: Plane) -> Service:
    """Return the object that all request handlers share.

    It holds the plane, the authenticator and the source of ids.
    """
    settings = plane.settings
    auth = Authenticator(
        plane.db, plane.clock, settings.rate_limit, not plane.is_hosted, settings.bypass_secret
    )
    return Service(plane, auth, plane.ids.fork("http"))


def build_app(service: Service) -> PlaneRouter:
    """Return the router of all routes.

    A request whose path has an extra trailing slash does not match a route.
    """
    domains = (
        v1_run_routes,
        observability_routes,
        automation_routes,
        sandboxes_routes,
        library_routes,
        identity_routes,
        projects_routes,
        integrations_routes,
        conversations_routes,
        mcp_routes,
        maintenance_routes,
        realtime_routes,
    )
    routes = [entry for domain in domains for entry in domain.routes(service)]
    return PlaneRouter(routes, default=_no_such_page)
