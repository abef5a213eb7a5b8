"""Two accounts with rows of every kind on one plane, to test their isolation."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.http.authentication import KeyUses
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.database_snapshot import DatabaseSnapshot
from tests.controlplane.full_account import Account, create_full_account
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.operation_requests import RowReference, request, send

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)|\b\d{16}\b")
# Made anew by every request that makes one.
SECRET = re.compile(r"whsec_[\w-]+|mog_\w+")

Change = tuple[str, str]


class TwoAccounts:
    """Two accounts with rows of every kind on one plane, and its first state."""

    def __init__(self, server: PlaneServer, me: httpx.AsyncClient, they: httpx.AsyncClient) -> None:
        self.server = server
        self.me, self.they = me, they
        self.theirs = create_full_account(server.plane, "zebra", 880_001)
        self.mine = create_full_account(server.plane, "heron", 990_002)
        self.snapshot = DatabaseSnapshot(server.path)
        self.before = self.snapshot.dump()
        me.headers.update(self.mine.headers())
        they.headers.update(self.theirs.headers())
        self.known = {
            str(one) for who in (self.mine, self.theirs) for one in (who.user_id, *who.ids.values())
        }

    def plain(self, text: str, row: Any = None) -> str:
        """Return the text without the named row, instants, secrets and new ids."""
        if row is not None:
            text = text.replace(str(row), "THE-ROW")
        text = SECRET.sub("SECRET", MOMENT.sub("MOMENT", text))
        return UUID.sub(lambda match: match[0] if match[0] in self.known else "NEW", text)

    async def send(self, place: RowReference, row: Any) -> tuple[tuple[int, str], list[Change]]:
        """Send my request that names this row; returns its plain answer and its changes."""
        self.snapshot.restore()
        status, text = await send(self.me, request(place.method, place.path, self.mine.ids, place, row))
        dump = self.snapshot.dump()
        changed = [
            (table, row)
            for table in dump
            if dump[table] != self.before[table]
            for row in set(dump[table]) ^ set(self.before[table])
        ]
        return (status, self.plain(text, row)), changed

    def marks(self, who: Account) -> list[str]:
        """Return texts of which every row of this account contains at least one."""
        return [who.name, who.name.upper(), who.user_id, *(str(one) for one in who.ids.values())]

    def effect(self, changed: list[Change]) -> list[Change]:
        """Return the changes without what is new each time."""
        return sorted((table, self.plain(row)) for table, row in changed)


def row_has(marks: list[str], row: str) -> bool:
    """Return whether a text contains any of these marks."""
    return any(mark in row for mark in marks)


@asynccontextmanager
async def two_accounts(profile: str = "documented") -> AsyncIterator[TwoAccounts]:
    """Serve a plane with both accounts and a client for each."""
    # When a key was last used is written a moment later, into whichever comparison is made then.
    with patch.object(KeyUses, "note", lambda *_: None):
        async with (
            PlaneServer(
                Settings(speed=0, seeded=False, rate_limit=None, profile=profile), clock=ManualClock()
            ) as server,
            httpx.AsyncClient(base_url=server.base_url, verify=False, timeout=10) as me,
            httpx.AsyncClient(base_url=server.base_url, verify=False, timeout=10) as they,
        ):
            made = TwoAccounts(server, me, they)
            yield made
            made.snapshot.close()
