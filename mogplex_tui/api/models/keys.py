"""API keys of the account and keys of model providers.

Contract: identity.md §4 and §5.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator

from mogplex_tui.api.models.base import Flag, Inbound, Outbound, OutboundSnake, Text, Time
from mogplex_tui.api.models.hidden_fields import Hidden, TypedKey
from mogplex_tui.api.models.model_catalog import Tags


class Scope(StrEnum):
    """The scopes that an API key can have.

    Only the routes of the token API check the scopes.
    """

    READ = "read"
    WRITE = "write"


class Provider(StrEnum):
    """The providers whose keys the service stores."""

    AI_GATEWAY = "ai_gateway"
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    OPENROUTER = "openrouter"


class ApiKey(Inbound):
    """An API key that is not revoked, without its token.

    If `last_used_at` is None, the time of the last use is unknown.
    Contract: identity.md §1.4 and §4.
    """

    id: str
    name: Text = ""
    prefix: Text = ""
    scopes: Tags = Field(default_factory=list)
    created_at: Time | None = None
    last_used_at: Time | None = None
    expires_at: Time | None = None

    def is_expired(self, now: datetime) -> bool:
        """Return whether the key has expired at the time `now`.

        The service also lists expired keys.
        """
        return self.expires_at is not None and self.expires_at < now


class CreatedKey(Inbound):
    """A new API key with its token; no later response contains the token."""

    id: str
    token: Hidden
    prefix: Text = ""
    scopes: Tags = Field(default_factory=list)
    expires_at: Time | None = None


class ApiKeyDraft(Outbound):
    """An API key to create, with a name, scopes and a lifetime in days.

    The name has 1 to 100 characters, and there is at least one scope. If `expires_in_days` is None,
    the key does not expire. The number of days is checked here, because for an invalid number the
    service would create a key that does not expire. Contract: identity.md §4.
    """

    name: str
    scopes: list[str] = Field(default_factory=lambda: [str(scope) for scope in Scope])
    expires_in_days: int | None = None

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not 1 <= len(value.strip()) <= 100:
            raise ValueError("Name is required (1-100 characters)")
        return value.strip()

    @field_validator("scopes")
    @classmethod
    def _check_scopes(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("scopes must include at least one entry")
        if any(scope not in tuple(Scope) for scope in value):
            raise ValueError("Invalid scope value. Allowed: read, write.")
        return list(dict.fromkeys(str(scope) for scope in value))

    @field_validator("expires_in_days")
    @classmethod
    def _check_days(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= 36_500:
            raise ValueError("A key ends after 1 to 36500 days, or never")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(by_alias=True, exclude_none=True)


class ProviderKey(Inbound):
    """A stored key of a model provider, without its value."""

    provider: str
    created_at: Time | None = None
    updated_at: Time | None = None


class ProviderName(OutboundSnake):
    """A request about the stored key of a model provider, to delete or to test it."""

    provider: str

    @field_validator("provider")
    @classmethod
    def _check_provider(cls, value: str) -> str:
        if value not in tuple(Provider):
            raise ValueError("Invalid provider")
        return str(value)


class ProviderKeyDraft(ProviderName):
    """The request to store a key of a model provider.

    The key is trimmed. It replaces a stored key of the same provider.
    """

    key: TypedKey

    def body(self) -> dict[str, Any]:
        """Return the JSON body, with the key in plain text."""
        return {"provider": self.provider, "key": self.key.reveal()}


class KeyTest(Inbound):
    """The result of testing the stored key of a model provider.

    `key_valid` is None if the service could not find out whether the key is valid.
    Contract: identity.md §5.
    """

    key_stored: Flag = False
    key_valid: bool | None = None
    key_error: str | None = None
    service: Text = ""
    harness: str | None = None
    package: str | None = None
    binary: str | None = None
