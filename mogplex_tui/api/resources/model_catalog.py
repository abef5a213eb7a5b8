"""Models: the catalogue, the enabled models and the new models."""

from __future__ import annotations

import re

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.model_catalog import AvailableModel, CliModel, Model, ModelCatalog, NewModels
from mogplex_tui.api.resources.base import Resource, v1

_NEW = "/api/models/new-arrivals"
_ICON_NAME = re.compile(r"[a-z0-9]+(?:[a-z0-9_-]*[a-z0-9])?")


class ModelsResource(Resource):
    """Models, at `/api/models` and on the token API.

    Contract: identity.md §6, v1.md §3.
    """

    async def list(self) -> ModelCatalog:
        """Return the catalogue of models, sorted by provider, name and id.

        This client sorts the models, because the service returns them in no defined order.
        Contract: identity.md §6.2.
        """
        response = await self._get("/api/models", "the models")
        default = response.data.get("default_model") if isinstance(response.data, dict) else None
        return ModelCatalog(
            models=_sorted(response.rows(Model, "models")),
            catalog=_sorted(response.rows(Model, "catalog")),
            default_model=default if isinstance(default, str) else None,
            anonymous="default_model" not in response.data,
        )

    async def for_cli(self) -> Rows[CliModel]:
        """Return the models that the account can use, in the command line tool's format.

        In this format, prices are for a million tokens. Contract: identity.md §6.3.
        """
        return (await self._get("/api/models", "the models", format="cli")).rows(CliModel)

    async def set_enabled(self, model_id: str, enabled: bool) -> None:
        """Enable or disable a model for the account.

        Contract: identity.md §6.4.
        """
        if not model_id.strip():
            raise errors.InvalidInput("Name a model")
        body = {"model_id": model_id.strip(), "is_enabled": enabled}
        await self._change("PATCH", "/api/models", f"model {model_id.strip()}", body=body)

    async def available(self) -> Rows[AvailableModel]:
        """Return the models that the owner of the token can use, over the token API.

        Contract: v1.md §3.
        """
        return (await self._get(v1("/models"), "the models")).rows(AvailableModel, "models")

    async def new(self) -> NewModels:
        """Return the models that were added since the user last dismissed new models.

        If the account does not enable new models automatically, this request makes the service disable
        them, and none are returned. Contract: identity.md §6.8.
        """
        return (await self._get(_NEW, "the new models")).one(NewModels)

    async def dismiss_new(self) -> None:
        """Mark the new models as seen, so that `new` no longer returns them."""
        await self._change("POST", _NEW, "the new models", body={"action": "dismiss"})

    async def disable_new(self) -> None:
        """Disable the new models, and stop enabling future models automatically."""
        await self._change("POST", _NEW, "the new models", body={"action": "disable"})

    async def set_auto_enable(self, enabled: bool) -> None:
        """Set whether future models are enabled automatically."""
        await self._change("PATCH", _NEW, "the new models", body={"autoEnable": enabled})

    async def provider_icons(self) -> tuple[str, ...]:
        """Return the names of the providers that have an icon.

        The service caches the names for up to 300 seconds.
        """
        response = await self._get("/api/models/provider-icons", "the provider icons")
        names = response.at("providers")
        return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()

    def icon_url(self, provider: str, storage_url: str | None = None) -> str | None:
        """Return the URL of a provider's icon, or None if the provider's name is invalid.

        This method sends no request. `storage_url` is the address of the service's public storage; by
        default it is the address of the service. Contract: identity.md §6.9.
        """
        name = provider.strip().lower()
        if not _ICON_NAME.fullmatch(name):
            return None
        base = (storage_url or self._transport.target.base_url).rstrip("/")
        return f"{base}/storage/v1/object/public/provider-icons/{name}.png"


def _sorted(rows: Rows[Model]) -> Rows[Model]:
    return rows.sorted_by(lambda row: (row.provider, row.name, row.id))
