"""People with sessions and tokens, and their teams."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any, Self

import httpx

from mogplex_tui.controlplane.db.clock import DAY_US
from mogplex_tui.controlplane.http.authentication import SESSION_COOKIE, digest
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory


class Person:
    """An account with two clients: `browser` has a session, `token` an access token."""

    def __init__(self, user_id: str, browser: httpx.AsyncClient, token: httpx.AsyncClient) -> None:
        self.id = user_id
        self.browser = browser
        self.token = token


class People:
    """Creates people and teams in one plane; closes their clients at the end."""

    def __init__(self, server: PlaneServer, factory: RowFactory) -> None:
        self.server = server
        self.factory = factory
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._stack.aclose()

    async def _client(self, **headers: str) -> httpx.AsyncClient:
        opened = httpx.AsyncClient(base_url=self.server.base_url, headers=headers)
        return await self._stack.enter_async_context(opened)

    async def owner(self) -> Person:
        """Return the account that the plane was created with."""
        browser = await self._client(Cookie=self.server.session_cookie)
        return Person(
            self.factory.user, browser, await self._client(Authorization=f"Bearer {self.server.token}")
        )

    async def new(self, name: str) -> Person:
        """Create another person, `<name>@example.dev`."""
        user_id = self.factory.profile(name)
        secret = f"session-of-{user_id}"
        with self.factory.plane.db.transaction() as tx:
            tx.insert(
                "sessions",
                token_hash=digest(secret),
                user_id=user_id,
                expires_at=self.factory.clock.us + DAY_US,
            )
        token = self.factory.token(user_id)
        browser = await self._client(Cookie=f"{SESSION_COOKIE}={secret}")
        return Person(user_id, browser, await self._client(Authorization=f"Bearer {token}"))

    def team(self, owner: Person, slug: str = "night-shift", **columns: Any) -> str:
        """Insert a team with its owner."""
        with self.factory.plane.db.transaction() as tx:
            team_id = tx.new_id()
            tx.insert(
                "teams",
                id=team_id,
                name=columns.pop("name", "Night Shift"),
                slug=slug,
                owner_user_id=owner.id,
                created_at=self.factory.clock.us,
                updated_at=self.factory.clock.us,
                **columns,
            )
        return team_id

    def join(self, team_id: str, person: Person, role: str) -> None:
        """Insert a team member, a second after the previous one."""
        self.factory.clock.advance(1)
        with self.factory.plane.db.transaction() as tx:
            tx.insert(
                "team_members",
                id=tx.new_id(),
                team_id=team_id,
                user_id=person.id,
                role=role,
                joined_at=self.factory.clock.us,
            )

    def events(self, team_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the actions and payloads of the team's audit log, oldest first."""
        rows = self.factory.plane.db.all(
            "SELECT action, payload FROM team_audit_events WHERE team_id = ? ORDER BY created_at, rowid",
            (team_id,),
        )
        return [(row["action"], json.loads(row["payload"])) for row in rows]


def refused(response: httpx.Response) -> tuple[int, str]:
    """Return the status and error of a refusal."""
    return response.status_code, response.json()["error"]
