"""API keys and provider keys of the account."""

from __future__ import annotations

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.keys import (
    ApiKey,
    ApiKeyDraft,
    CreatedKey,
    KeyTest,
    ProviderKey,
    ProviderKeyDraft,
    ProviderName,
)
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id
from mogplex_tui.config.secret import Secret

_API_KEYS = "/api/settings/api-keys"
_KEYS = "/api/settings/keys"


class ApiKeysResource(Resource):
    """API keys of the account, at `/api/settings/api-keys`.

    The hosted service accepts only a session cookie on these routes. Contract: identity.md §4.
    """

    async def list(self) -> Rows[ApiKey]:
        """Return the API keys that are not revoked, the newest first.

        Expired keys are included.
        """
        return (await self._get(_API_KEYS, "the API keys")).rows(ApiKey, "keys")

    async def create(self, draft: ApiKeyDraft) -> CreatedKey:
        """Create an API key and return it with its token, which cannot be read again."""
        response = await self._change("POST", _API_KEYS, "the new API key", body=draft.body())
        return response.one(CreatedKey)

    async def revoke(self, key_id: str) -> None:
        """Revoke an API key permanently.

        Does nothing if the key is revoked already or does not exist. Some services answer 500 for a key
        that does not exist. After a 500 this method therefore reads the list of keys, and raises the
        error only if the key may still exist. Contract: identity.md §4.
        """
        record = path_id(key_id, "API key")
        try:
            await self._change("DELETE", f"{_API_KEYS}/{record}", f"API key {short_id(record)}")
        except errors.NotFound:
            return
        except errors.ServiceFailed:
            keys = await self.list()
            if keys.bad or any(key.id == record for key in keys):
                raise


class ProviderKeysResource(Resource):
    """Keys of model providers, at `/api/settings/keys`; their values cannot be read.

    The hosted service accepts only a session cookie on these routes. Contract: identity.md §5.
    """

    async def list(self) -> Rows[ProviderKey]:
        """Return the stored keys without their values, sorted by provider."""
        return (await self._get(_KEYS, "the provider keys")).rows(ProviderKey, "keys")

    async def put(self, provider: str, key: Secret | str) -> None:
        """Set or replace the key of a provider.

        Raises InvalidInput for an unknown provider and for an empty key.
        """
        draft = ProviderKeyDraft(provider=provider, key=Secret(key))
        await self._change("PUT", _KEYS, f"the key of {draft.provider}", body=draft.body())

    async def delete(self, provider: str) -> None:
        """Delete the stored key of a provider; do nothing if no key is stored."""
        named = ProviderName(provider=provider)
        await self._change("DELETE", _KEYS, f"the key of {named.provider}", body=named.set_fields())

    async def verify(self, provider: str) -> KeyTest:
        """Make the service test the stored key at its provider, and return the result.

        The response comes only after the provider has answered.
        """
        named = ProviderName(provider=provider)
        response = await self._change(
            "POST",
            f"{_KEYS}/verify",
            f"the check of the key of {named.provider}",
            body=named.set_fields(),
            extra_wait=30,
        )
        return response.one(KeyTest)
