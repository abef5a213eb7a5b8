"""Connections of the account to other services."""

from __future__ import annotations

from urllib.parse import urlencode

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.connections import Connection, ConnectionDraft, ConnectionTest, PresetDraft
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id

_ROOT = "/api/connections"
# Seconds. The service sends two requests of 10 s each to a REST service or an MCP server (library.md §8.4).
_TEST_EXTRA_WAIT = 45.0


class ConnectionsResource(Resource):
    """Connections, at `/api/connections`.

    The hosted service accepts only a session cookie on these routes. Contract: library.md §8.
    """

    async def list(self) -> Rows[Connection]:
        """Return all global and repository connections, the oldest first.

        The connections contain no credentials.
        """
        return (await self._get(_ROOT, "the connections")).rows(Connection, "connections")

    async def create(self, draft: PresetDraft | ConnectionDraft) -> Connection:
        """Add a connection and return it.

        Raises Conflict with code PRESET_ALREADY_CONNECTED if a connection of this preset exists (it is
        in `extra` of the error), BadRequest for more than 5 MCP connections or for an address that is
        not public, NotFound for an unknown repository, and Unavailable if the service cannot encrypt
        the credentials.

        Contract: library.md §8.3.
        """
        response = await self._change("POST", _ROOT, "the new connection", body=draft.body())
        return response.one(Connection, "connection")

    async def set_enabled(self, connection_id: str, enabled: bool) -> None:
        """Enable or disable a connection; nothing else about it can be changed.

        Raises NotAllowed if there is no such connection. Contract: library.md §8.2.
        """
        record = path_id(connection_id, "connection")
        body = {"id": record, "is_enabled": enabled}
        await self._change("PATCH", _ROOT, f"connection {short_id(record)}", body=body)

    async def delete(self, connection_id: str) -> None:
        """Delete a connection.

        Raises NotAllowed if there is no such connection. Contract: library.md §8.2.
        """
        record = path_id(connection_id, "connection")
        await self._change("DELETE", _ROOT, f"connection {short_id(record)}", body={"id": record})

    async def test(self, connection_id: str) -> ConnectionTest:
        """Make the service test a connection, and return the result.

        If the connection does not work, the result says so; no error is raised.
        Contract: library.md §8.4.
        """
        record = path_id(connection_id, "connection")
        response = await self._change(
            "POST",
            f"{_ROOT}/{record}/test",
            f"the test of connection {short_id(record)}",
            extra_wait=_TEST_EXTRA_WAIT,
        )
        return response.one(ConnectionTest)

    def sign_in_address(self, connection: Connection) -> str:
        """Return the URL at which a user authorizes a connection in a browser.

        The browser must be signed in to the service. This method sends no request. To find out whether
        the user has authorized the connection, read the list until `oauth_authorized_at` is set.
        Contract: library.md §8.5.
        """
        record = path_id(connection.id, "connection")
        way = "managed-auth" if connection.managed else "oauth"
        return f"{self._transport.target.base_url}{_ROOT}/{way}?{urlencode({'connectionId': record})}"
