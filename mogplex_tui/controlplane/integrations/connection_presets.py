"""Presets of connections: well-known services by name (library.md §8.3)."""

from __future__ import annotations

from typing import NamedTuple


class ConnectionPreset(NamedTuple):
    """A well-known service: its name, its MCP URL and how it authenticates.

    `url` None means that the user enters the URL. With `managed` a broker authenticates the user;
    with `registers` the service itself registers an OAuth client.
    """

    name: str
    url: str | None
    auth_type: str
    managed: bool = False
    registers: bool = False

    @property
    def needs_credential(self) -> bool:
        """Whether the user must enter a credential for this service."""
        return self.auth_type in ("bearer", "api_key")


PRESETS: dict[str, ConnectionPreset] = {
    "zapier": ConnectionPreset("Zapier", None, "none"),
    "notion": ConnectionPreset("Notion", "https://mcp.notion.com/mcp", "oauth", registers=True),
    "supabase": ConnectionPreset("Supabase", "https://mcp.supabase.com/mcp", "bearer"),
    "browserbase": ConnectionPreset("Browserbase", "https://mcp.browserbase.com/mcp", "api_key"),
    "sentry": ConnectionPreset("Sentry", "https://mcp.sentry.dev/mcp", "oauth", managed=True),
    "sanity": ConnectionPreset("Sanity CMS", "https://mcp.sanity.io", "bearer"),
    "linear": ConnectionPreset("Linear", "https://mcp.linear.app/mcp", "bearer"),
}
