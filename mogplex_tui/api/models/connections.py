"""Connections to services that agents may use, and the results of testing them.

Contract: library.md §8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Flag, Inbound, Int64, OutboundSnake, Text, Time
from mogplex_tui.api.models.hidden_fields import Hidden
from mogplex_tui.api.models.mcp_servers import address_origin
from mogplex_tui.config.secret import Secret


class ConnectionType(StrEnum):
    """The kinds of services to which a connection can lead."""

    REST_API = "rest_api"
    MCP_SERVER = "mcp_server"


class AuthType(StrEnum):
    """The way in which a connection authenticates."""

    NONE = "none"
    API_KEY = "api_key"
    BEARER = "bearer"
    BASIC = "basic"
    OAUTH = "oauth"


class ConnectionHealth(StrEnum):
    """The known results of testing a connection.

    A result that is not listed here is kept as a plain string.
    """

    UNKNOWN = "unknown"
    TESTING = "testing"
    HEALTHY = "healthy"
    AUTH_FAILED = "auth_failed"
    UNREACHABLE = "unreachable"
    MISCONFIGURED = "misconfigured"
    ERROR = "error"


@dataclass(frozen=True)
class Preset:
    """A predefined service, and what a connection to it requires.

    Contract: library.md §8.3.
    """

    key: str
    name: str
    needs_url: bool = False
    needs_credential: bool = False
    oauth: bool = False
    managed: bool = False


PRESETS: tuple[Preset, ...] = (
    Preset("zapier", "Zapier", needs_url=True),
    Preset("notion", "Notion", oauth=True),
    Preset("supabase", "Supabase", needs_credential=True),
    Preset("browserbase", "Browserbase", needs_credential=True),
    Preset("sentry", "Sentry", oauth=True, managed=True),
    Preset("sanity", "Sanity CMS", needs_credential=True),
    Preset("linear", "Linear", needs_credential=True),
)
_BY_KEY = {preset.key: preset for preset in PRESETS}


class Connection(Inbound):
    """A connection to another service, without its credentials.

    `repr` does not show the address of an MCP server, because it may contain a key.
    """

    id: str
    name: Text = ""
    type: Text = ""
    base_url: str | None = Field(default=None, repr=False)
    auth_type: str | None = None
    auth_header: str | None = None
    mcp_transport: str | None = None
    mcp_url: Hidden | None = None
    description: str | None = None
    is_enabled: Flag = False
    health_status: Text = ""
    scope: Text = ""
    repo_id: str | None = None
    oauth_client_id: str | None = None
    oauth_authorize_url: str | None = Field(default=None, repr=False)
    oauth_token_url: str | None = Field(default=None, repr=False)
    oauth_scopes: str | None = None
    oauth_authorized_at: Time | None = None
    oauth_token_expires_at: Time | None = None
    source_preset: str | None = None
    last_tested_at: Time | None = None
    last_test_error: str | None = None
    last_test_http_status: Int64 | None = None
    last_test_tool_count: Int64 | None = None
    created_at: Time | None = None
    updated_at: Time | None = None

    @property
    def origin(self) -> str:
        """The scheme and host of the connection's address."""
        return address_origin(self.mcp_url.reveal() if self.mcp_url else self.base_url)

    @property
    def managed(self) -> bool:
        """Whether the user authorizes the connection at a broker between both services."""
        preset = _BY_KEY.get(self.source_preset or "")
        return preset is not None and preset.managed

    @property
    def needs_sign_in(self) -> bool:
        """Whether the user must still authorize the connection in a browser."""
        return self.auth_type == AuthType.OAUTH and self.oauth_authorized_at is None


class ConnectionTest(Inbound):
    """The result of testing a connection.

    A connection that does not work is a result, too; the request then raises no error. `superseded`
    is True if a newer test has replaced this result.
    """

    healthy: Flag = False
    status: Text = ""
    summary: Text = ""
    tested_at: Time | None = None
    error: str | None = None
    http_status: Int64 | None = None
    tool_count: Int64 | None = None
    persisted: bool = True
    superseded: Flag = False


def _credential(value: object) -> Secret | None:
    text = value.reveal() if isinstance(value, Secret) else value
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    if not isinstance(text, str):
        raise ValueError("credentials must be a text")
    return Secret(text.strip())


Credential = Annotated[Secret | None, PlainValidator(_credential)]
"""A credential that a person typed, trimmed; None if it is blank."""


def _checked_url(name: str, value: str | None) -> None:
    text = value or ""
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise ValueError(f"{name} must be a valid URL") from None
    if not parts.scheme or (parts.scheme in ("http", "https") and not host):
        raise ValueError(f"{name} must be a valid URL")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{name} must use http or https")


class _ScopedConnection(OutboundSnake):
    """Base class of connections to create, for all repositories or for one.

    `scope` is global (all repositories) or project (the repository `repo_id`).
    """

    scope: Annotated[
        str, field_validators.one_of(("global", "project"), "scope must be global or project")
    ] = "global"
    repo_id: Annotated[str | None, field_validators.uuid("The repository id is not a UUID")] = None
    description: Annotated[str | None, field_validators.text()] = None

    @model_validator(mode="after")
    def _check_scope(self) -> _ScopedConnection:
        if self.scope == "project" and self.repo_id is None:
            raise ValueError("repo_id is required for a project connection")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body with the credential in plain text.

        `repo_id` is left out if the scope is global.
        """
        body = self.model_dump(exclude_none=True)
        for name in ("credentials", "mcp_url"):
            if isinstance(body.get(name), Secret):
                body[name] = body[name].reveal()
        if self.scope == "global":
            body.pop("repo_id", None)
        return body


class PresetDraft(_ScopedConnection):
    """A connection to create to one of the services in PRESETS.

    The preset says whether an address or a credential is required.
    """

    source_preset: str
    credentials: Credential = None
    mcp_url: Credential = None

    @model_validator(mode="after")
    def _check_preset(self) -> PresetDraft:
        preset = _BY_KEY.get(self.source_preset)
        if preset is None:
            raise ValueError("Unknown connection preset")
        if preset.needs_url:
            if self.mcp_url is None:
                raise ValueError("mcp_url is required")
            _checked_url("mcp_url", self.mcp_url.reveal())
        if preset.needs_credential and self.credentials is None:
            raise ValueError("credentials is required")
        return self


class ConnectionDraft(_ScopedConnection):
    """A connection to create to a service that has no preset.

    For OAuth, `credentials` is the client secret.
    """

    type: Annotated[
        str, field_validators.one_of(tuple(ConnectionType), "type must be rest_api or mcp_server")
    ]
    name: Annotated[str, field_validators.text("Connection name is required"), field_validators.json_value()]
    auth_type: Annotated[str, field_validators.one_of(tuple(AuthType), "Unsupported auth type")] = (
        AuthType.NONE
    )
    auth_header: Annotated[str | None, field_validators.text()] = None
    base_url: Annotated[str | None, field_validators.text()] = None
    mcp_url: Credential = None
    mcp_transport: Annotated[
        str | None, field_validators.one_of(("http", "sse"), "mcp_transport must be http or sse")
    ] = None
    credentials: Credential = None
    oauth_client_id: Annotated[str | None, field_validators.text("oauth_client_id is required")] = None
    oauth_authorize_url: Annotated[str | None, field_validators.text()] = None
    oauth_token_url: Annotated[str | None, field_validators.text()] = None
    oauth_scopes: Annotated[str | None, field_validators.text()] = None

    @model_validator(mode="after")
    def _check_connection(self) -> ConnectionDraft:
        if self.type == ConnectionType.REST_API:
            _checked_url("base_url", self.base_url)
        else:
            _checked_url("mcp_url", self.mcp_url.reveal() if self.mcp_url else None)
        if self.auth_type == AuthType.OAUTH:
            if self.oauth_client_id is None:
                raise ValueError("oauth_client_id is required")
            _checked_url("oauth_authorize_url", self.oauth_authorize_url)
            _checked_url("oauth_token_url", self.oauth_token_url)
            if self.credentials is None:
                raise ValueError("OAuth client secret is required")
        elif self.auth_type != AuthType.NONE and self.credentials is None:
            raise ValueError("credentials are required for this auth type")
        return self
