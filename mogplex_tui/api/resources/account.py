"""The signed-in account and its settings."""

from __future__ import annotations

from mogplex_tui.api import errors
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.models.account import Settings, SettingsUpdate, User
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import ACCOUNT, CredentialKind
from mogplex_tui.api.transport import Request


class AccountResource(Resource):
    """The account, at `/api/auth/user`.

    Contract: identity.md §2.
    """

    async def user(self, *, credential: CredentialKind | None = None) -> User | None:
        """Return the signed-in account, or None if nobody is signed in.

        `credential` is the credential to send, the token or the session cookie; None means the one that
        other requests to this route use. If the service does not accept the credential, it answers with
        an empty account and not with 401. If it does so for a token of whose request limit at least half
        is used up, the token is tested with a v1 request. Raises SuspectedThrottle unless this test shows
        that the token is invalid.

        Contract: identity.md §2, auth.md §5.1.
        """
        request = Request("GET", ACCOUNT, "the account", credential=credential)
        response = await self._transport.request(request, self._priority)
        if response.at("user") is not None:
            return response.one(User, "user")
        budget = self._transport.budget
        if (
            response.info.credential is CredentialKind.TOKEN
            and self._transport.target.token_is_limited
            and budget.used() >= budget.limit_for(Priority.BACKGROUND)
        ):
            check = await self._transport.token_still_works(self._priority)
            if not isinstance(check, errors.NotSignedIn):
                raise errors.SuspectedThrottle(
                    "The service did not recognise the token, probably because its request limit is used up",
                    resource="the account",
                    retry_after=check.retry_after if check else None,
                )
        return None


class SettingsResource(Resource):
    """The settings of the account, at `/api/settings`.

    Contract: identity.md §3.
    """

    async def get(self) -> Settings:
        """Return the account's settings."""
        return (await self._get("/api/settings", "the settings")).one(Settings)

    async def update(self, *, theme: str | None = None, default_model: str | None = None) -> None:
        """Change the settings that are not None.

        Raises InvalidInput for an invalid value before sending, and BadRequest for a model that is not
        enabled.
        """
        update = SettingsUpdate(theme=theme, default_model=default_model)
        await self._change("PATCH", "/api/settings", "the settings", body=update.body())
