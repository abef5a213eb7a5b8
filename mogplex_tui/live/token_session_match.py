"""Find out whether a token and a session cookie belong to the same account.

auth.md §1, identity.md §2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.response_errors import CredentialKind

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.account import User


class AccountComparison(NamedTuple):
    """The names of a token's and a cookie's accounts, and whether they are the same.

    A name is None if it is unknown; `same` is None if the accounts cannot be compared.
    """

    token: str | None
    cookie: str | None
    same: bool | None

    def describe(self) -> str:
        """Return a sentence with the names of two different accounts."""
        return (
            f"The token belongs to {self.token or 'another account'},"
            f" the browser session to {self.cookie or 'another account'}."
        )


def name_of(user: User) -> str:
    """Return a label for an account: its email address, its name or its id.

    The first of these that is known is returned.
    """
    return user.email or user.username or user.name or user.id


async def compare(client: ClientView, by_cookie: User) -> AccountComparison:
    """Compare the account of the token with the known account of the session cookie.

    If the token opens unversioned routes, the service returns its account. An OAuth token opens only
    v1, where no route names the caller. The accounts are then compared by their repositories: v1
    lists only those of the caller, so if it lacks a repository of the cookie's account, the token
    belongs to another account. If a request fails, `same` is None in the result.
    """
    name = name_of(by_cookie)
    try:
        if not client.target.token_opens_unversioned_routes:
            return AccountComparison(None, name, await _same_repos(client, by_cookie.id))
        by_token = await client.account.user(credential=CredentialKind.TOKEN)
    except MogplexError:
        return AccountComparison(None, name, None)
    if by_token is None:
        return AccountComparison(None, name, None)
    return AccountComparison(name_of(by_token), name, by_token.id == by_cookie.id)


async def _same_repos(client: ClientView, user_id: str) -> bool | None:
    try:
        # A list in the scope of a team also has repositories of other members.
        repos = await client.imported_repos.list()
    except MogplexError:
        return None
    owned = next((repo.id for repo in repos if repo.user_id == user_id), None)
    return None if owned is None else bool(await client.repos.list(id=owned, limit=1))
