"""An account with a row of every kind, for tests that look at all routes at once.

Every text of the account's rows begins with its name, so that a row of somebody else is found in any answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.db.clock import DAY_US, SECOND_US
from mogplex_tui.controlplane.http.authentication import SESSION_COOKIE, digest
from tests.controlplane.account_rows import MODEL, AccountRows


class Account(NamedTuple):
    """An account with rows; `ids` has one id of every kind in operations.txt."""

    user_id: str
    name: str
    token: str
    cookie: str
    ids: dict[str, Any]

    def headers(self) -> dict[str, str]:
        """Return headers with a token and a session, so that every user route is open."""
        return {"Authorization": f"Bearer {self.token}", "Cookie": self.cookie}


def create_full_account(plane: Plane, name: str, number: int) -> Account:
    """Create an account with a row of every kind.

    `number` is the id of its GitHub installation and must be unique.
    """
    now = plane.clock.now_us() - 60 * SECOND_US
    token, session = f"mog_{name}".ljust(28, "0"), f"session-of-{name}"
    with plane.db.transaction(announce=False) as tx:
        tx.execute(
            "INSERT OR IGNORE INTO models (id, provider, name, created_at) VALUES (?, 'acme', 'nova-1', 1)",
            (MODEL,),
        )
        user = tx.new_id()
        tx.insert(
            "profiles",
            id=user,
            email=f"{name}@example.dev",
            username=name,
            name=name,
            slug=name,
            default_model=MODEL,
            models_seen_at=now,
            created_at=now,
        )
        rows = AccountRows(tx, now, user, name, number)
        rows.put(
            "api_key",
            "user_api_keys",
            user_id=user,
            name=f"{name} key",
            token_hash=digest(token),
            token_prefix=token[:12],
        )
        tx.insert("sessions", token_hash=digest(session), user_id=user, expires_at=now + DAY_US)
        for theme in (rows.account, rows.project, rows.github, rows.library, rows.work, rows.calls):
            theme()
    return Account(user, name, token, f"{SESSION_COOKIE}={session}", rows.ids)
