"""MCP servers, which provide tools to agents (library.md §9, v1.md §6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import PartialList, Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import messages, toggle_delete_actions
from mogplex_tui.operate.model import Change, Fact, Kind, Layout, RowPage, Source, column
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.mcp_servers import ConfiguredServer, McpServer
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class McpServerRow:
    """An MCP server, which provides tools to agents.

    `is_own` is false for a server that comes from the service's merged list.
    """

    id: str
    name: str
    enabled: bool
    transport: str
    place: str
    """The command, or the scheme and host of the address.

    The path and the query are left out, because they may hold a secret.
    """
    secret_names: tuple[str, ...]
    is_own: bool
    created_at: datetime | None = None
    updated_at: datetime | None = None


def _from_own(server: McpServer) -> McpServerRow:
    from mogplex_tui.live import redact

    place = " ".join([server.command, *server.args]) if server.command else server.location
    return McpServerRow(
        id=server.id,
        name=server.name,
        enabled=server.enabled,
        transport=server.transport,
        place=redact.text(place),
        secret_names=(*server.env_secret_names, *server.header_secret_names),
        is_own=True,
        created_at=server.created_at,
        updated_at=server.updated_at,
    )


def _from_merged(server: ConfiguredServer) -> McpServerRow:
    return McpServerRow(
        id=server.name,
        name=server.name,
        enabled=server.enabled,
        transport="stdio" if server.config.command else "http",
        place=server.config.location,
        secret_names=(*server.config.env, *server.config.http_headers),
        is_own=False,
    )


async def _read_own(client: ClientView, _: Session) -> RowPage[McpServerRow]:
    return page_of(await client.mcp_servers.list(), _from_own, lambda row: row.id, hide=("url",))


async def _read_merged(client: ClientView, _: Session) -> RowPage[McpServerRow]:
    return page_of(await client.mcp_servers.configured_by_token(), _from_merged, lambda row: row.id)


async def _set_enabled(change: Change[McpServerRow], enabled: bool) -> None:
    from mogplex_tui.api.models.mcp_servers import McpServerUpdate

    await change.client.mcp_servers.update(change.key, McpServerUpdate(enabled=enabled))


def _not_own_reason(row: McpServerRow) -> str | None:
    return None if row.is_own else messages.requirement_sentence(Requirement("changes of MCP servers"))


KIND = Kind[McpServerRow](
    name="mcp-servers",
    title="MCP servers",
    noun="MCP server",
    aliases=("mcp-server", "mcp"),
    contract="library.md §9, v1.md §6",
    sources=(
        Source(Family.MCP, _read_own, poll=120, poll_without_realtime=60),
        Source(
            Family.V1,
            _read_merged,
            poll=120,
            poll_without_realtime=60,
            notice=PartialList(
                "servers and connections together", Requirement("their ids, times and changes")
            ),
            hides=frozenset({"age"}),
        ),
    ),
    columns=(
        column(
            "enabled",
            "ON",
            lambda row: row.enabled,
            formats.switch(),
            Layout(5),
        ),
        column(
            "name",
            "SERVER",
            lambda row: row.name,
            formats.text(),
            Layout(22, min_width=12),
            is_text=True,
        ),
        column(
            "transport",
            "TRANSPORT",
            lambda row: row.transport,
            formats.text("dim"),
            Layout(9, priority=1),
            field="transport",
            is_text=True,
        ),
        column(
            "address",
            "ADDRESS",
            lambda row: row.place,
            formats.text(),
            Layout(50, flex=3, min_width=28, cut="middle"),
            is_text=True,
        ),
        column(
            "secrets",
            "SECRETS",
            lambda row: row.secret_names,
            formats.texts("dim"),
            Layout(24, priority=2, flex=1, min_width=14),
            is_text=True,
        ),
        column(
            "age", "AGE", lambda row: row.updated_at, formats.AGE, Layout(4, priority=1), field="updated_at"
        ),
    ),
    hidden_filters={"via": lambda row: row.transport, "place": lambda row: row.place},
    label=lambda row: row.name,
    default_sort="name",
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("enabled", lambda row: row.enabled),
            Fact("transport", lambda row: row.transport),
            Fact("address", lambda row: row.place),
        ),
        (Fact("secrets", lambda row: row.secret_names),),
        (Fact("created", lambda row: row.created_at), Fact("updated", lambda row: row.updated_at)),
    ),
    actions=(
        *toggle_delete_actions.enable_and_disable(
            McpServerRow,
            _set_enabled,
            lambda row: row.enabled,
            Family.MCP_RECORDS,
            enable_help="Allow agents to use the server's tools",
            disable_help="Stop agents from using the server's tools",
            unavailable_reason=_not_own_reason,
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.mcp_servers.delete(change.key),
            "Its secrets are deleted too; agents can no longer use its tools.",
            Family.MCP_RECORDS,
            unavailable_reason=_not_own_reason,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No MCP servers. Add MCP servers in the browser, under Settings; :connections shows services.",
    needs=Requirement("MCP servers"),
)
