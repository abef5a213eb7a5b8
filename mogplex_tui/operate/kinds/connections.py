"""Connections to services that agents may use (library.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import change_results, toggle_delete_actions
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.model import (
    Action,
    Change,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Result,
    RowPage,
    Source,
    column,
    fact,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.connections import Connection
    from mogplex_tui.live.session import Session

# An address may contain a secret, so only its scheme and host are shown.
_ADDRESSES = ("mcp_url", "base_url", "oauth_authorize_url", "oauth_token_url")


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection to a service; `place` is the host of its address.

    The full address is left out, because it may hold a secret.
    """

    id: str
    name: str
    description: str | None
    is_enabled: bool
    type: str
    place: str
    health: str
    last_test_error: str | None
    last_test_http_status: int | None
    last_test_tool_count: int | None
    last_tested_at: datetime | None
    auth_type: str | None
    needs_sign_in: bool
    oauth_scopes: str | None
    oauth_authorized_at: datetime | None
    oauth_token_expires_at: datetime | None
    scope: str
    source_preset: str | None
    repo_id: str | None
    repo_name: str | None = None

    @property
    def repo(self) -> str | None:
        """The name of the connection's repository, or its id if the name is not known."""
        return self.repo_name or self.repo_id

    @property
    def sign_in(self) -> str:
        """The word `missing` if the connection needs a sign-in, otherwise ""."""
        return "missing" if self.needs_sign_in else ""


def _row(connection: Connection) -> ConnectionRow:
    return ConnectionRow(
        id=connection.id,
        name=connection.name,
        description=connection.description,
        is_enabled=connection.is_enabled,
        type=connection.type,
        place=connection.origin.partition("://")[2],
        health="untested" if connection.health_status == "unknown" else connection.health_status,
        last_test_error=connection.last_test_error,
        last_test_http_status=connection.last_test_http_status,
        last_test_tool_count=connection.last_test_tool_count,
        last_tested_at=connection.last_tested_at,
        auth_type=connection.auth_type,
        needs_sign_in=connection.needs_sign_in,
        oauth_scopes=connection.oauth_scopes,
        oauth_authorized_at=connection.oauth_authorized_at,
        oauth_token_expires_at=connection.oauth_token_expires_at,
        scope=connection.scope,
        source_preset=connection.source_preset,
        repo_id=connection.repo_id,
    )


async def _read(client: ClientView, _: Session) -> RowPage[ConnectionRow]:
    return page_of(await client.connections.list(), _row, lambda row: row.id, hide=_ADDRESSES)


def _fill(session: Session) -> Callable[[ConnectionRow], ConnectionRow]:
    return lambda row: replace(row, repo_name=session.names.repo(row.repo_id))


async def _test(change: Change[ConnectionRow]) -> Result:
    return Result(*change_results.connection_test_result(await change.client.connections.test(change.key)))


KIND = Kind[ConnectionRow](
    name="connections",
    title="Connections",
    noun="connection",
    aliases=("connection", "conn", "cn"),
    contract="library.md §8",
    sources=(
        Source(
            Family.CONNECTIONS, _read, poll=120, poll_without_realtime=45, tables=frozenset({"connections"})
        ),
    ),
    join=Join(_fill, names=True),
    columns=(
        column("on", "ON", lambda row: row.is_enabled, formats.switch(), Layout(5), field="is_enabled"),
        column(
            "health",
            "HEALTH",
            lambda row: row.health,
            formats.state(),
            Layout(13),
            field="health_status",
            is_text=True,
        ),
        column(
            "name",
            "CONNECTION",
            lambda row: row.name,
            formats.text(),
            Layout(20, flex=1, min_width=12),
            is_text=True,
        ),
        column("type", "TYPE", lambda row: row.type, formats.text("dim"), Layout(11, 2), is_text=True),
        column(
            "host",
            "HOST",
            lambda row: row.place,
            formats.text("dim"),
            Layout(28, 2, flex=1, min_width=20, cut="middle"),
            is_text=True,
        ),
        column(
            "auth",
            "AUTH",
            lambda row: row.auth_type,
            formats.text("dim"),
            Layout(9, 3),
            field="auth_type",
            is_text=True,
        ),
        column(
            "signin",
            "SIGN-IN",
            lambda row: row.sign_in,
            formats.text("warn"),
            Layout(8, 1),
            field="sign_in",
            is_text=True,
        ),
        column(
            "scope",
            "SCOPE",
            lambda row: row.repo_name or row.scope,
            formats.text("dim"),
            Layout(14, 3, cut="middle"),
            is_text=True,
            filter_value=lambda row: tuple(filter(None, (row.repo_name, row.scope))),
        ),
        column(
            "tested",
            "TESTED",
            lambda row: row.last_tested_at,
            formats.AGE,
            Layout(6, 1),
            field="last_tested_at",
        ),
        formats.error_column(lambda row: row.last_test_error, "last_test_error"),
    ),
    hidden_filters={"place": lambda row: row.place, "for": lambda row: row.repo_name or row.scope},
    label=lambda row: row.name,
    default_sort="name",
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("description", lambda row: row.description),
            Fact("enabled", lambda row: row.is_enabled),
            Fact("type", lambda row: row.type),
            Fact("host", lambda row: row.place),
        ),
        (
            fact("health", lambda row: row.health, formats.state()),
            fact("last error", lambda row: row.last_test_error, formats.text("error")),
            Fact("HTTP status", lambda row: row.last_test_http_status),
            Fact("tools", lambda row: row.last_test_tool_count),
            Fact("tested", lambda row: row.last_tested_at),
        ),
        (
            Fact("auth", lambda row: row.auth_type),
            Fact("sign-in", lambda row: row.sign_in),
            Fact("scopes", lambda row: row.oauth_scopes),
        ),
        (
            Fact("authorized", lambda row: row.oauth_authorized_at),
            Fact("token expires", lambda row: row.oauth_token_expires_at),
        ),
        (
            Fact("scope", lambda row: row.scope),
            Fact("repo", lambda row: row.repo),
            Fact("preset", lambda row: row.source_preset),
        ),
    ),
    links=(Link("repo", "projects", lambda row: row.repo or "", key=lambda row: row.repo_id),),
    actions=(
        *toggle_delete_actions.enable_and_disable(
            ConnectionRow,
            lambda change, enabled: change.client.connections.set_enabled(change.key, enabled),
            lambda row: row.is_enabled,
            Family.CONNECTIONS,
            enable_help="Allow agents to use the connection",
            disable_help="Stop agents from using the connection",
        ),
        Action(
            "test",
            "v",
            "Test the connection",
            _test,
            help_has_title=True,
            in_progress="testing",
            families=(Family.CONNECTIONS,),
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.connections.delete(change.key),
            "Its credentials are deleted too; agents can no longer use the service.",
            Family.CONNECTIONS,
        ),
    ),
    empty="No connections. Create connections in the browser, under Connections.",
    needs=Requirement("connections"),
)
