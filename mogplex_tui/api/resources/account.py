"""Account, settings and models (identity.md §2, §3, §6; v1.md §3)."""

from __future__ import annotations

from mogplex_tui.api import errors
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.models.account import Settings, SettingsUpdate, User
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.catalog import AvailableModel, Model, ModelCatalog
from mogplex_tui.api.resources.base import Resource, v1


class AccountResource(Resource):
    """`/api/auth/user`."""

    async def user(self) -> User | None:
        """Return the signed-in account, or None when the service sees nobody.

        The route never answers 401. A null for a limited token with a nearly full budget raises
        SuspectedThrottle when the token works elsewhere (auth.md §5.1).
        """
        answer = await self._get("/api/auth/user", "the account")
        if answer.at("user") is not None:
            return answer.one(User, "user")
        budget = self._transport.budget
        if self._transport.spends_budget("/api/auth/user") and budget.used() >= budget.room(
            Priority.BACKGROUND
        ):
            verdict = await self._transport.token_still_works()
            if not isinstance(verdict, errors.NotSignedIn):
                raise errors.SuspectedThrottle(
                    "The service did not recognise the token, probably because its request limit is used up",
                    resource="the account",
                    retry_after=verdict.retry_after if verdict else None,
                )
        return None


class SettingsResource(Resource):
    """`/api/settings`."""

    async def get(self) -> Settings:
        """Return the account's settings."""
        return (await self._get("/api/settings", "the settings")).one(Settings)

    async def update(self, *, theme: str | None = None, default_model: str | None = None) -> None:
        """Change what is given; raises InvalidInput before sending, BadRequest for a model that is not
        enabled.
        """
        update = SettingsUpdate(theme=theme, default_model=default_model)
        await self._change("PATCH", "/api/settings", "the settings", body=update.body())


class ModelsResource(Resource):
    """`/api/models` and the token API's `/models`."""

    async def list(self) -> ModelCatalog:
        """Return the catalogue, sorted by provider, name and id (the service leaves ties open; identity.md
        §6.2).
        """
        answer = await self._get("/api/models", "the models")
        default = answer.data.get("default_model") if isinstance(answer.data, dict) else None
        return ModelCatalog(
            models=_sorted(answer.rows(Model, "models")),
            catalog=_sorted(answer.rows(Model, "catalog")),
            default_model=default if isinstance(default, str) else None,
            anonymous="default_model" not in answer.data,
        )

    async def set_enabled(self, model_id: str, enabled: bool) -> None:
        """Enable or disable a model for the account (identity.md §6.4)."""
        if not model_id.strip():
            raise errors.InvalidInput("Name a model")
        body = {"model_id": model_id.strip(), "is_enabled": enabled}
        await self._change("PATCH", "/api/models", f"model {model_id.strip()}", body=body)

    async def available(self) -> Rows[AvailableModel]:
        """Return the models that the token's owner can use now, over the token API."""
        return (await self._get(v1("/models"), "the models")).rows(AvailableModel, "models")


def _sorted(rows: Rows[Model]) -> Rows[Model]:
    return Rows(sorted(rows, key=lambda row: (row.provider, row.name, row.id)), rows.bad)
