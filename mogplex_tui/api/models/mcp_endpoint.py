"""Mogplex as an MCP server: what it says of itself, its operations, and what a call of one gives (mcp.md)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models import checks
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
    """A name and a version."""

    name: Text = ""
    version: Text = ""


class ServerInfo(Inbound):
    """What the endpoint answers to `initialize`: its protocol version whatever was asked for."""

    protocol_version: Text = ""
    capabilities: JsonObject = Field(default_factory=dict)
    server_info: Implementation = Field(default_factory=Implementation)
    instructions: Text = ""


class ToolAnnotations(Inbound):
    """What an operation says about itself; None where it says nothing."""

    read_only: bool | None = Field(default=None, validation_alias="readOnlyHint")
    destructive: bool | None = Field(default=None, validation_alias="destructiveHint")
    idempotent: bool | None = Field(default=None, validation_alias="idempotentHint")
    open_world: bool | None = Field(default=None, validation_alias="openWorldHint")


def _hints(value: object) -> object:
    return value if isinstance(value, dict) else {}


class McpTool(Inbound):
    """One operation; its schema tells fewer limits than the service has (mcp.md §4)."""

    name: str
    title: Text = ""
    description: Text = ""
    input_schema: JsonObject = Field(default_factory=dict)
    annotations: Annotated[ToolAnnotations, BeforeValidator(_hints)] = Field(default_factory=ToolAnnotations)


class ContentPart(Inbound):
    """A piece of a result for people; its words may change."""

    type: Text = ""
    text: Text = ""


class ToolRefusal(Inbound):
    """Why the token API refused what an operation asked of it; `status` None when it was not the API."""

    code: Text = ""
    status: Int64 | None = None
    message: Text = ""
    suggestion: Text = ""


class ToolResult(Inbound):
    """What an operation gave: `structured_content` is what to read; with `is_error` it was refused."""

    content: Annotated[Rows[ContentPart], nested(ContentPart)] = empty_rows()
    structured_content: JsonObject = Field(default_factory=dict)
    is_error: Flag = False

    @property
    def text(self) -> str:
        """The sentence for people."""
        return "\n".join(part.text for part in self.content if part.text)

    @property
    def refusal(self) -> ToolRefusal | None:
        """The refusal of the token API, or None for a success."""
        if not self.is_error:
            return None
        told = self.structured_content.get("error")
        return ToolRefusal.model_validate(told) if isinstance(told, dict) else ToolRefusal(message=self.text)


class ToolCall(Outbound):
    """One operation to call; the service checks the arguments by its own schema."""

    name: Annotated[str, checks.text("tools/call requires params.name"), checks.json_value()]
    arguments: Annotated[dict[str, Any] | None, checks.json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the parameters of the call."""
        return self.model_dump(exclude_none=True)
