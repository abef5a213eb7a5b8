"""All routes of MCP servers, connections and Slack (library.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import connection_oauth_routes, connection_routes, mcp_server_routes, slack_routes

_THEMES = (mcp_server_routes, connection_oauth_routes, connection_routes, slack_routes)


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
