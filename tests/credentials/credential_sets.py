"""Seeded planes with and without the hosted edge, and the sets of credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from mogplex_tui.controlplane.server import PlaneServer
from tests.pilot.hosted import HostedEdge
from tests.pilot.kinds.kind_screens import SEEDED, running_plane


class Credentials(StrEnum):
    """The credentials of a context, and the service they are used with.

    auth.md §3, §4.
    """

    TOKEN = "token"
    READ_ONLY = "read-only token"
    BOTH = "token and cookie"
    READ_ONLY_BOTH = "read-only token and cookie"
    COOKIE = "cookie"
    # The token alone, on a service without the edge, which accepts tokens on every route.
    EVERYWHERE = "token accepted everywhere"


# Without the read-only tokens, which differ in what they may change, and the service that accepts tokens everywhere.
USUAL = (Credentials.BOTH, Credentials.TOKEN, Credentials.COOKIE)


class CredentialValues(NamedTuple):
    """The token and the cookie of a set of credentials."""

    token: str | None
    cookie: str | None


class Services:
    """Two planes with the same records, one of them behind the hosted edge."""

    def __init__(
        self, hosted: HostedEdge, documented: HostedEdge, planes: dict[HostedEdge, PlaneServer]
    ) -> None:
        self._hosted, self._documented, self._planes = hosted, documented, planes

    def edge_of(self, credentials: Credentials) -> HostedEdge:
        """Return the edge for a set of credentials, which records its requests."""
        return self._documented if credentials is Credentials.EVERYWHERE else self._hosted

    def server_of(self, credentials: Credentials) -> PlaneServer:
        """Return the plane that a set of credentials talks to."""
        return self._planes[self.edge_of(credentials)]

    def values_of(self, credentials: Credentials) -> CredentialValues:
        """Return the values of a set of credentials."""
        server = self.server_of(credentials)
        return {
            Credentials.TOKEN: CredentialValues(server.token, None),
            Credentials.READ_ONLY: CredentialValues(server.read_only_token, None),
            Credentials.BOTH: CredentialValues(server.token, server.session_cookie),
            Credentials.READ_ONLY_BOTH: CredentialValues(server.read_only_token, server.session_cookie),
            Credentials.COOKIE: CredentialValues(None, server.session_cookie),
            Credentials.EVERYWHERE: CredentialValues(server.token, None),
        }[credentials]


@asynccontextmanager
async def services(seeded_database: Path, directory: Path) -> AsyncIterator[Services]:
    """Run two copies of the seeded plane, in which nothing changes by itself."""
    directories = directory / "hosted", directory / "documented"
    for each in directories:
        each.mkdir()
    async with (
        running_plane(SEEDED, seeded_database, directories[0]) as first,
        running_plane(SEEDED, seeded_database, directories[1]) as second,
        HostedEdge(first.plane) as hosted,
        HostedEdge(second.plane, profile="documented") as documented,
    ):
        yield Services(hosted, documented, {hosted: first, documented: second})
