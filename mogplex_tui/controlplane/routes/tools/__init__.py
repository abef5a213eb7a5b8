"""MCP servers, connections, chat, Slack and the MCP endpoint (library.md, mcp.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import chat, connection_oauth, connections, mcp, mcp_servers, slack

_THEMES = (mcp_servers, connection_oauth, connections, slack, mcp, chat)


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
