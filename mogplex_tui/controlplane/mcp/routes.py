"""Collect the routes of the MCP server (mcp.md)."""

from __future__ import annotations

from starlette.routing import Route

from ..http.endpoints import Service, route
from .endpoint import McpEndpoint


def routes(service: Service) -> list[Route]:
    """Return the routes of this package."""
    return [route("/api/v1/mogplex/mcp", McpEndpoint(service))]
