"""Mogplex's own MCP server: its description, its operations and their results.

Contract: mcp.md.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import (
    Flag,
    Inbound,
    Int64,
    JsonObject,
    Outbound,
    Rows,
    Text,
    empty_rows,
    nested,
)


class Implementation(Inbound):
    """The name and the version of an MCP server's software."""

    name: Text = ""
    version: Text = ""


class ServerInfo(Inbound):
    """The MCP server's response to `initialize`.

    The server ignores the protocol version that the client requests.
    """

    protocol_version: Text = ""
    capabilities: JsonObject = Field(default_factory=dict)
    server_info: Implementation = Field(default_factory=Implementation)
    instructions: Text = ""


class ToolAnnotations(Inbound):
    """The MCP hints about an operation, such as whether it only reads data.

    A hint that the server does not give is None.
    """

    read_only: bool | None = Field(default=None, validation_alias="readOnlyHint")
    destructive: bool | None = Field(default=None, validation_alias="destructiveHint")
    idempotent: bool | None = Field(default=None, validation_alias="idempotentHint")
    open_world: bool | None = Field(default=None, validation_alias="openWorldHint")


def _hints(value: object) -> object:
    return value if isinstance(value, dict) else {}


class McpTool(Inbound):
    """One operation of the MCP server.

    `input_schema` does not list all limits that the service checks. Contract: mcp.md §4.
    """

    name: str
    title: Text = ""
    description: Text = ""
    input_schema: JsonObject = Field(default_factory=dict)
    annotations: Annotated[ToolAnnotations, BeforeValidator(_hints)] = Field(default_factory=ToolAnnotations)


class ContentPart(Inbound):
    """A part of the human-readable result of an operation.

    The wording of the text may change between versions of the service.
    """

    type: Text = ""
    text: Text = ""


class ToolRefusal(Inbound):
    """The reason why an operation was refused.

    `status` is the HTTP status with which the token API refused it, or None if the MCP server
    itself refused it.
    """

    code: Text = ""
    status: Int64 | None = None
    message: Text = ""
    suggestion: Text = ""


class ToolResult(Inbound):
    """The result of calling an operation.

    `structured_content` holds the data, or, if `is_error` is True, the reason for the refusal.
    """

    content: Annotated[Rows[ContentPart], nested(ContentPart)] = empty_rows()
    structured_content: JsonObject = Field(default_factory=dict)
    is_error: Flag = False

    @property
    def text(self) -> str:
        """The result as human-readable text."""
        return "\n".join(part.text for part in self.content if part.text)

    @property
    def refusal(self) -> ToolRefusal | None:
        """The reason why the operation was refused, or None for a success."""
        if not self.is_error:
            return None
        refusal = self.structured_content.get("error")
        return (
            ToolRefusal.model_validate(refusal)
            if isinstance(refusal, dict)
            else ToolRefusal(message=self.text)
        )


class ToolCall(Outbound):
    """The request to call one operation; the service checks the arguments."""

    name: Annotated[
        str, field_validators.text("tools/call requires params.name"), field_validators.json_value()
    ]
    arguments: Annotated[dict[str, Any] | None, field_validators.json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the parameters of the call as JSON."""
        return self.model_dump(exclude_none=True)
