"""The services that a connection can be made from by name (library.md §8.3)."""

from __future__ import annotations

from typing import NamedTuple


class ConnectionPreset(NamedTuple):
    """A known service: name, URL (None: the user enters it) and kind of auth.

    `managed` auth goes through a broker; `registers` means that an OAuth client is registered at the service itself.
    """

    name: str
    url: str | None
    auth_type: str
    managed: bool = False
    registers: bool = False

    @property
    def needs_credential(self) -> bool:
        """Whether the user has to give a credential."""
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
