"""Environment variables of the Vercel project to which a repository is linked.

Contract: projects.md §4.9 and §6.
"""

import re
from typing import Any

from pydantic import Field, field_validator

from mogplex_tui.api.models.base import Count, Inbound, Int64, OutboundSnake, Text
from mogplex_tui.api.models.hidden_fields import Hidden
from mogplex_tui.api.models.model_catalog import Tags
from mogplex_tui.api.request_checks import utf16_length
from mogplex_tui.config.secret import Secret

TARGETS = ("production", "preview", "development")
TYPES = ("encrypted", "plain", "sensitive")

_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class VercelVariable(Inbound):
    """An environment variable of a Vercel project.

    `repr` does not show its value, and the token API does not return it. `updated_at` is in
    milliseconds since 1970.
    """

    id: str | None = None
    key: str
    value: Hidden | None = None
    target: Tags = Field(default_factory=list)
    type: Text = ""
    updated_at: Int64 | None = None


class StoredVariable(Inbound):
    """The id and the name of a variable that was just created."""

    id: str
    key: Text = ""


class VariableWritten(Inbound):
    """The result of setting a variable; `action` is created or updated."""

    action: Text = ""
    key: Text = ""
    updated_count: Count = None


class VariableDeleted(Inbound):
    """The result of deleting a variable: the number of its entries that were deleted."""

    key: Text = ""
    deleted_count: Count = None


def _key(value: str) -> str:
    key = value.strip()
    if not 1 <= utf16_length(key) <= 256:
        raise ValueError("A variable's name has 1 to 256 characters")
    return key


class VariableKey(OutboundSnake):
    """The request to delete the variable with the name `key`."""

    key: str

    @field_validator("key")
    @classmethod
    def _check_key(cls, value: str) -> str:
        return _key(value)


class VariableDraft(OutboundSnake):
    """A variable to set; its value has at most 65,536 characters.

    If `target` is None, the variable is set for all targets (environments).
    """

    key: str
    value: Hidden
    target: list[str] | None = None
    type: str | None = None

    @field_validator("key")
    @classmethod
    def _check_key(cls, value: str) -> str:
        if not _KEY.fullmatch(_key(value)):
            raise ValueError(
                "key must contain only letters, digits, and underscores and not start with a digit"
            )
        return _key(value)

    @field_validator("value")
    @classmethod
    def _check_value(cls, value: Secret) -> Secret:
        if utf16_length(value.reveal()) > 65_536:
            raise ValueError("A variable's value has at most 65536 characters")
        return value

    @field_validator("target")
    @classmethod
    def _check_target(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and (not value or any(target not in TARGETS for target in value)):
            raise ValueError(f"The targets are some of {', '.join(TARGETS)}")
        return value

    @field_validator("type")
    @classmethod
    def _check_type(cls, value: str | None) -> str | None:
        if value is not None and value not in TYPES:
            raise ValueError(f"The type is one of {', '.join(TYPES)}")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body, with the value in plain text."""
        return self.model_dump(exclude={"value"}, exclude_none=True) | {"value": self.value.reveal()}
