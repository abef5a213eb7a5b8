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
    """A name and a version."""

    name: Text = ""
    version: Text = ""


class ServerInfo(Inbound):
    """The server's response to `initialize`. Its protocol version is always the same."""

    protocol_version: Text = ""
    capabilities: JsonObject = Field(default_factory=dict)
    server_info: Implementation = Field(default_factory=Implementation)
    instructions: Text = ""


class ToolAnnotations(Inbound):
    """Hints about an operation; None if the server gives none."""

    read_only: bool | None = Field(default=None, validation_alias="readOnlyHint")
    destructive: bool | None = Field(default=None, validation_alias="destructiveHint")
    idempotent: bool | None = Field(default=None, validation_alias="idempotentHint")
    open_world: bool | None = Field(default=None, validation_alias="openWorldHint")


def _hints(value: object) -> object:
    return value if isinstance(value, dict) else {}


class McpTool(Inbound):
    """One operation. Its schema has fewer limits than the service.

    Contract: mcp.md §4.
    """

    name: str
    title: Text = ""
    description: Text = ""
    input_schema: JsonObject = Field(default_factory=dict)
    annotations: Annotated[ToolAnnotations, BeforeValidator(_hints)] = Field(default_factory=ToolAnnotations)


class ContentPart(Inbound):
    """A part of a result for people. Its wording may change."""

    type: Text = ""
    text: Text = ""


class ToolRefusal(Inbound):
    """Refusal of an operation. `status` is None if the token API did not refuse it."""

    code: Text = ""
    status: Int64 | None = None
    message: Text = ""
    suggestion: Text = ""


class ToolResult(Inbound):
    """The result of an operation: `structured_content`, or a refusal if `is_error`."""

    content: Annotated[Rows[ContentPart], nested(ContentPart)] = empty_rows()
    structured_content: JsonObject = Field(default_factory=dict)
    is_error: Flag = False

    @property
    def text(self) -> str:
        """The text for people."""
        return "\n".join(part.text for part in self.content if part.text)

    @property
    def refusal(self) -> ToolRefusal | None:
        """The refusal of the token API, or None for a success."""
        if not self.is_error:
            return None
        refusal = self.structured_content.get("error")
        return (
            ToolRefusal.model_validate(refusal)
            if isinstance(refusal, dict)
            else ToolRefusal(message=self.text)
        )


class ToolCall(Outbound):
    """A call of one operation. The service checks the arguments."""

    name: Annotated[
        str, field_validators.text("tools/call requires params.name"), field_validators.json_value()
    ]
    arguments: Annotated[dict[str, Any] | None, field_validators.json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the parameters of the call."""
        return self.model_dump(exclude_none=True)
