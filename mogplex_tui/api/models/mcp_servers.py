"""MCP servers of the account, and the list of servers for command line tools.

Contract: library.md §9, v1.md §6.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Flag, Inbound, JsonObject, Outbound, Text, Time
from mogplex_tui.api.models.hidden_fields import Hidden, HiddenMap, revealed
from mogplex_tui.config.secret import Secret

_RESERVED = ("args", "command", "env", "http_headers", "url")


def _names(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _texts(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(key): item for key, item in pairs if isinstance(item, str)}


def address_origin(url: str | None) -> str:
    """Return the scheme, host and port of a URL, or "" if the URL has no host.

    The rest of the URL is left out, because it may contain secrets.
    """
    try:
        parts = urlsplit(url or "")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""


Names = Annotated[list[str], PlainValidator(_names)]
"""A list of texts; other items are left out."""
Plain = Annotated[dict[str, str], PlainValidator(_texts)]
"""A dict of texts that are not secret; other values are left out."""


class ServerTransport(StrEnum):
    """The ways to reach an MCP server.

    STDIO means a command to start, HTTP an address to connect to.
    """

    STDIO = "stdio"
    HTTP = "http"


class McpServer(Inbound):
    """An MCP server that the account has configured.

    For secret variables and headers the service returns only the names, not the values.
    """

    id: str
    name: Text = ""
    enabled: Flag = False
    transport: Text = ""
    command: str | None = None
    args: Names = Field(default_factory=list)
    env_plain: Plain = Field(default_factory=dict)
    env_secret_names: Names = Field(default_factory=list)
    url: str | None = Field(default=None, repr=False)
    header_plain: Plain = Field(default_factory=dict)
    header_secret_names: Names = Field(default_factory=list)
    extra: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None
    updated_at: Time | None = None

    @property
    def location(self) -> str:
        """The command of the server, or else the scheme and host of its address."""
        return self.command or address_origin(self.url)


class ServerConfig(Inbound):
    """The command or the address of an MCP server, with its secrets.

    `repr` shows neither the secrets nor the address, which may contain a key.
    """

    command: str | None = None
    args: Names = Field(default_factory=list)
    env: HiddenMap = Field(default_factory=dict)
    url: Hidden | None = None
    http_headers: HiddenMap = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _sort(cls, value: object) -> object:
        if not isinstance(value, dict) or "extra" in value:
            return value
        more = {key: item for key, item in value.items() if key not in _RESERVED}
        return {key: item for key, item in value.items() if key in _RESERVED} | {"extra": more}

    @property
    def location(self) -> str:
        """The command of the server, or else the scheme and host of its address."""
        return self.command or address_origin(self.url.reveal() if self.url else None)


class ConfiguredServer(Inbound):
    """One MCP server in the list that coding CLIs are configured with.

    The list contains all servers that the account has configured, even disabled ones, and the MCP
    connections of the account that work.
    """

    name: Text = ""
    enabled: Flag = False
    config: Annotated[ServerConfig, BeforeValidator(lambda value: {} if value is None else value)] = Field(
        default_factory=ServerConfig
    )


def _keyed(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")
    entries = {str(key).strip(): item for key, item in value.items()}
    if "" in entries:
        raise ValueError(f"{name} contains an empty key")
    return entries


def _checked_plain(name: str) -> PlainValidator:
    def check(value: object) -> dict[str, str]:
        entries = _keyed(name, value)
        for key, item in entries.items():
            if not isinstance(item, str):
                raise ValueError(f"{name}.{key} must be a string")
        return entries

    return PlainValidator(check)


def _checked_secrets(name: str, may_remove: bool) -> PlainValidator:
    def check(value: object) -> dict[str, Secret | None]:
        ready: dict[str, Secret | None] = {}
        for key, item in _keyed(name, value).items():
            text = item.reveal() if isinstance(item, Secret) else item
            if text is None and may_remove:
                ready[key] = None
                continue
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name}.{key} must be a non-empty string" + " or null" * may_remove)
            ready[key] = Secret(text)
        return ready

    return PlainValidator(check)


def _checked_name(value: object) -> object:
    if isinstance(value, str) and "__" in value:
        raise ValueError('name must not contain "__"')
    return value


def _checked_extra(value: object) -> object:
    if isinstance(value, dict):
        for key in _RESERVED:
            if key in value:
                raise ValueError(f"extra must not contain {key}")
    return value


Name = Annotated[
    str,
    BeforeValidator(_checked_name),
    field_validators.text("name is required"),
    field_validators.json_value(),
]
_Transport = field_validators.one_of(tuple(ServerTransport), "transport must be stdio or http")
Extra = Annotated[dict[str, Any], BeforeValidator(_checked_extra), field_validators.json_value()]


class _Server(Outbound):
    """Base class of the requests that add or change an MCP server."""

    def body(self) -> dict[str, Any]:
        """Return the JSON body with the fields that were set; secrets are in plain text."""
        body = self.set_fields()
        for name in ("envSecrets", "headerSecrets"):
            if name in body:
                kept = {key: item for key, item in body[name].items() if item is not None}
                body[name] = {**dict.fromkeys(body[name]), **revealed(kept)}
        return body


def _refuse_duplicates(plain: dict[str, str], secret: dict[str, Secret] | dict[str, Secret | None]) -> None:
    for key in plain:
        if secret.get(key) is not None:
            raise ValueError(f"{key} is given both plain and secret")


class McpServerDraft(_Server):
    """An MCP server to add.

    It has either a command and environment variables or an address and HTTP headers.
    Contract: library.md §9.2.
    """

    name: Name
    transport: Annotated[str, _Transport]
    enabled: bool = True
    command: Annotated[str | None, field_validators.text("command is required for stdio servers")] = None
    args: Annotated[list[str], field_validators.json_value()] = Field(default_factory=list)
    env_plain: Annotated[dict[str, str], _checked_plain("envPlain")] = Field(default_factory=dict)
    env_secrets: Annotated[dict[str, Secret], _checked_secrets("envSecrets", False)] = Field(
        default_factory=dict
    )
    url: Annotated[str | None, field_validators.text("url is required for http servers")] = Field(
        default=None, repr=False
    )
    header_plain: Annotated[dict[str, str], _checked_plain("headerPlain")] = Field(default_factory=dict)
    header_secrets: Annotated[dict[str, Secret], _checked_secrets("headerSecrets", False)] = Field(
        default_factory=dict
    )
    extra: Extra = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_transport(self) -> McpServerDraft:
        _refuse_duplicates(self.env_plain, self.env_secrets)
        _refuse_duplicates(self.header_plain, self.header_secrets)
        if self.transport == ServerTransport.STDIO:
            if self.command is None:
                raise ValueError("command is required for stdio servers")
            if self.url is not None:
                raise ValueError("stdio servers cannot include url")
        else:
            if self.url is None:
                raise ValueError("url is required for http servers")
            if self.command is not None:
                raise ValueError("http servers cannot include command")
        return self


class McpServerUpdate(_Server):
    """A change of an MCP server; fields that are not set keep their values.

    Secrets are merged by name: a text sets a secret, None removes it. A change of the transport
    removes all fields of the old transport and requires the command or the address of the new one.
    Contract: library.md §9.3.
    """

    name: Name | None = None
    transport: Annotated[str | None, _Transport] = None
    enabled: bool | None = None
    command: Annotated[str | None, field_validators.text("command is required for stdio servers")] = None
    args: Annotated[list[str], field_validators.json_value()] = Field(default_factory=list)
    env_plain: Annotated[dict[str, str], _checked_plain("envPlain")] = Field(default_factory=dict)
    env_secrets: Annotated[dict[str, Secret | None], _checked_secrets("envSecrets", True)] = Field(
        default_factory=dict
    )
    url: Annotated[str | None, field_validators.text("url is required for http servers")] = Field(
        default=None, repr=False
    )
    header_plain: Annotated[dict[str, str], _checked_plain("headerPlain")] = Field(default_factory=dict)
    header_secrets: Annotated[dict[str, Secret | None], _checked_secrets("headerSecrets", True)] = Field(
        default_factory=dict
    )
    extra: Extra = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_change(self) -> McpServerUpdate:
        field_validators.require_a_change(self.model_fields_set)
        for name in ("name", "transport", "enabled"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be cleared")
        _refuse_duplicates(self.env_plain, self.env_secrets)
        _refuse_duplicates(self.header_plain, self.header_secrets)
        if self.transport == ServerTransport.STDIO and self.url is not None:
            raise ValueError("stdio servers cannot include url")
        if self.transport == ServerTransport.HTTP and self.command is not None:
            raise ValueError("http servers cannot include command")
        return self
