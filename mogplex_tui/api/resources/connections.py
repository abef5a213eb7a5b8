"""Connections of the account (library.md §8)."""

from __future__ import annotations

from urllib.parse import urlencode

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.connections import Connection, ConnectionDraft, ConnectionTest, PresetDraft
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id

_ROOT = "/api/connections"
# Two requests of 10 s each for a REST service, a connect and a list for an MCP server (library.md §8.4).
_PROBE = 45.0


class ConnectionsResource(Resource):
    """`/api/connections`; the hosted service opens it to a browser session alone."""

    async def list(self) -> Rows[Connection]:
        """Return all connections of every scope, the oldest first; no credentials."""
        return (await self._get(_ROOT, "the connections")).rows(Connection, "connections")

    async def create(self, draft: PresetDraft | ConnectionDraft) -> Connection:
        """Add a connection (§8.3).

        Raises Conflict (PRESET_ALREADY_CONNECTED, the connection in `extra`), BadRequest beyond 5 MCP connections and
        for an address that is not public, NotFound for the repository, Unavailable without encryption.
        """
        response = await self._change("POST", _ROOT, "the new connection", body=draft.body())
        return response.one(Connection, "connection")

    async def set_enabled(self, connection_id: str, enabled: bool) -> None:
        """Switch a connection on or off: all else takes a new one. NotAllowed for one that is not there (§8.2)."""
        record = path_id(connection_id, "connection")
        body = {"id": record, "is_enabled": enabled}
        await self._change("PATCH", _ROOT, f"connection {short_id(record)}", body=body)

    async def delete(self, connection_id: str) -> None:
        """Remove a connection; NotAllowed for one that is not there (§8.2)."""
        record = path_id(connection_id, "connection")
        await self._change("DELETE", _ROOT, f"connection {short_id(record)}", body={"id": record})

    async def test(self, connection_id: str) -> ConnectionTest:
        """Have a connection tried; what does not work there is a finding, not an error (§8.4)."""
        record = path_id(connection_id, "connection")
        response = await self._change(
            "POST", f"{_ROOT}/{record}/test", f"the test of connection {short_id(record)}", extra_wait=_PROBE
        )
        return response.one(ConnectionTest)

    def sign_in_address(self, connection: Connection) -> str:
        """Return the address to open in a browser that is signed in to the service; nothing is asked (§8.5).

        Whoever opens it watches the list until `oauth_authorized_at` is set.
        """
        record = path_id(connection.id, "connection")
        way = "managed-auth" if connection.managed else "oauth"
        return f"{self._transport.target.base_url}{_ROOT}/{way}?{urlencode({'connectionId': record})}"
