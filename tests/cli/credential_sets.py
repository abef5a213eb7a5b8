"""Sets of credentials that a user can sign in with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.cli.support import CommandRunner


class Credentials(NamedTuple):
    """The credentials of a user, and whether the service is behind the hosted edge.

    The edge keeps most unversioned routes for sessions.
    """

    token: bool
    cookie: bool
    hosted: bool
    scopes: tuple[str, ...] = ("read", "write")

    @property
    def lists_hidden(self) -> bool:
        return self.cookie or not self.hosted


CREDENTIAL_SETS = {
    "token": Credentials(token=True, cookie=False, hosted=True),
    "read-only-token": Credentials(token=True, cookie=False, hosted=True, scopes=("read",)),
    "token-and-cookie": Credentials(token=True, cookie=True, hosted=True),
    "read-only-token-and-cookie": Credentials(token=True, cookie=True, hosted=True, scopes=("read",)),
    "cookie": Credentials(token=False, cookie=True, hosted=True),
    "token-everywhere": Credentials(token=True, cookie=False, hosted=False),
}
UseCredentials = Callable[[Credentials], CommandRunner]
