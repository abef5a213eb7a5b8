"""API keys and provider keys of the account (identity.md §4, §5)."""

from __future__ import annotations

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.keys import (
    ApiKey,
    ApiKeyDraft,
    KeyVerdict,
    MintedKey,
    ProviderKey,
    ProviderKeyDraft,
    ProviderName,
)
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id
from mogplex_tui.config.secret import Secret

_API_KEYS = "/api/settings/api-keys"
_KEYS = "/api/settings/keys"


class ApiKeysResource(Resource):
    """`/api/settings/api-keys`; the hosted service opens it to a browser session alone."""

    async def list(self) -> Rows[ApiKey]:
        """Return the keys that are not revoked, the newest first; expired ones are among them."""
        return (await self._get(_API_KEYS, "the API keys")).rows(ApiKey, "keys")

    async def mint(self, draft: ApiKeyDraft) -> MintedKey:
        """Make a key; what comes back is the only place where its token can ever be read."""
        response = await self._change("POST", _API_KEYS, "the new API key", body=draft.body())
        return response.one(MintedKey)

    async def revoke(self, key_id: str) -> None:
        """Revoke a key for good; one that is gone already is no error.

        Some services fail on a key that is not there: then the list is read to see whether it is (identity.md §4).
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
    """`/api/settings/keys`; values go in and never come out. Hosted: browser session alone."""

    async def list(self) -> Rows[ProviderKey]:
        """Return the providers that have a key, by name."""
        return (await self._get(_KEYS, "the provider keys")).rows(ProviderKey, "keys")

    async def put(self, provider: str, key: Secret | str) -> None:
        """Store the key of a provider, or replace it; raises InvalidInput for an unknown provider or no key."""
        draft = ProviderKeyDraft(provider=provider, key=Secret(key))
        await self._change("PUT", _KEYS, f"the key of {draft.provider}", body=draft.body())

    async def delete(self, provider: str) -> None:
        """Forget the key of a provider, there or not."""
        named = ProviderName(provider=provider)
        await self._change("DELETE", _KEYS, f"the key of {named.provider}", body=named.set_fields())

    async def verify(self, provider: str) -> KeyVerdict:
        """Let the service try the stored key at its provider; takes as long as the provider does."""
        named = ProviderName(provider=provider)
        response = await self._change(
            "POST",
            f"{_KEYS}/verify",
            f"the check of the key of {named.provider}",
            body=named.set_fields(),
            extra_wait=30,
        )
        return response.one(KeyVerdict)
