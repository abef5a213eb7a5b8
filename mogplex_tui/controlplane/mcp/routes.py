"""The plane as an MCP server (mcp.md)."""

from __future__ import annotations

from starlette.routing import Route

from ..http.endpoints import Service, route
from .endpoint import McpEndpoint


def routes(service: Service) -> list[Route]:
    """The one route of this theme."""
    return [route("/api/v1/mogplex/mcp", McpEndpoint(service))]
