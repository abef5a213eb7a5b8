"""MCP servers that the account has configured."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import BadRow, Rows, validation_message
from mogplex_tui.api.models.mcp_servers import ConfiguredServer, McpServer, McpServerDraft, McpServerUpdate
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id

_ROOT = "/api/mcp-servers"


class McpServersResource(Resource):
    """The account's MCP servers, at `/api/mcp-servers` and on the token API.

    Contract: library.md §9, v1.md §6.
    """

    async def list(self) -> Rows[McpServer]:
        """Return the account's own MCP servers, the newest first, without secrets."""
        return (await self._get(_ROOT, "the MCP servers")).rows(McpServer, "servers")

    async def configured(self) -> Rows[ConfiguredServer]:
        """Return the MCP servers, with secrets, in the format for coding CLIs.

        The account's own servers come first, then its MCP connections. Contract: library.md §9.1.
        """
        return _configured(await self._get(_ROOT, "the MCP servers", format="cli"), None)

    async def configured_by_token(self) -> Rows[ConfiguredServer]:
        """Return the same servers as `configured`, read over the token API.

        Contract: v1.md §6.
        """
        return _configured(await self._get(v1("/mcp/servers"), "the MCP servers"), "servers")

    async def get(self, server_id: str) -> McpServer:
        """Return one of the account's own servers, without secrets.

        Raises NotFound if there is no such server. The hosted service accepts only a session cookie on
        this route.
        """
        record = path_id(server_id, "server")
        return (await self._get(f"{_ROOT}/{record}", f"MCP server {short_id(record)}")).one(
            McpServer, "server"
        )

    async def create(self, draft: McpServerDraft) -> McpServer:
        """Add a server and return it.

        Raises Conflict with code DUPLICATE_NAME if the account has a server with the same name.
        Contract: library.md §9.2.
        """
        return (await self._change("POST", _ROOT, "the new MCP server", body=draft.body())).one(
            McpServer, "server"
        )

    async def update(self, server_id: str, change: McpServerUpdate) -> McpServer:
        """Change a server and return it.

        Secrets are merged by name: secrets that are not in the change keep their values. Other fields
        in the change are replaced. Raises NotFound if there is no such server.
        Contract: library.md §9.3.
        """
        record = path_id(server_id, "server")
        response = await self._change(
            "PATCH", f"{_ROOT}/{record}", f"MCP server {short_id(record)}", body=change.body()
        )
        return response.one(McpServer, "server")

    async def delete(self, server_id: str) -> None:
        """Delete a server with its secrets; do nothing if there is no such server.

        The hosted service answers 404 even if it has just deleted the server. After a 404 this method
        therefore reads the list of servers, and raises NotFound only if the server may still exist.
        Contract: library.md §9.3.
        """
        record = path_id(server_id, "server")
        try:
            await self._change("DELETE", f"{_ROOT}/{record}", f"MCP server {short_id(record)}")
        except errors.NotFound:
            servers = await self.list()
            if servers.bad or any(server.id == record for server in servers):
                raise


def _configured(response: JsonResponse, key: str | None) -> Rows[ConfiguredServer]:
    """Parse a list of servers, without storing its JSON, which contains secrets.

    `key` is the field of the response that contains the list, or None if the response is the list.
    """
    items = response.at(key)
    if not isinstance(items, list):
        raise invalid_response(response.info, "has no list of servers")
    rows: Rows[ConfiguredServer] = Rows()
    for item in items:
        try:
            rows.append(ConfiguredServer.model_validate(item))
        except ValidationError as error:
            rows.bad.append(BadRow(_only_name(item), validation_message(error)))
    return rows


def _only_name(item: Any) -> dict[str, str]:
    name = item.get("name") if isinstance(item, dict) else None
    return {"name": name if isinstance(name, str) else ""}
