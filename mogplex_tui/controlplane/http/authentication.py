"""Authenticate requests: tokens, sessions, scopes and the request limit.

auth.md §2, §5, §6, §11.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ..db.clock import MINUTE_US, Clock
from ..db.database import Database

TOKEN_PREFIX = "mog_"  # noqa: S105 (a public marker, not a secret)
SESSION_COOKIE = "better-auth.session_token"
BYPASS_HEADER = "x-mogplex-e2e-auth"

_USES_HELD_S = 1.0


class Refusal(StrEnum):
    """The reason why a bearer token is rejected."""

    UNKNOWN = "unknown"
    OVER_LIMIT = "over_limit"


class Caller(NamedTuple):
    """An authenticated user.

    For a token, `key_id` and `scopes` are those of the token; for an OAuth token, `key_id` is the id
    of its client. For a session, `key_id` is None and `scopes` is empty.
    """

    user_id: str
    key_id: str | None
    scopes: tuple[str, ...]


def digest(secret: str) -> str:
    """Return the SHA-256 under which a token or session value is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class RateLimit:
    """A limit of `budget` accepted requests per key in any 60 seconds.

    There is no limit if `budget` is None (auth.md §6).
    """

    def __init__(self, budget: int | None, clock: Clock) -> None:
        self.budget = budget
        self._clock = clock
        self._accepted: dict[str, deque[int]] = {}

    def accept(self, key_id: str) -> bool:
        """Count one request of a key and return True, or False if the limit is reached.

        A refused request is not counted.
        """
        if self.budget is None:
            return True
        now = self._clock.now_us()
        window = self._accepted.setdefault(key_id, deque())
        while window and now - window[0] >= MINUTE_US:
            window.popleft()
        if len(window) >= self.budget:
            return False
        window.append(now)
        return True


class KeyUses:
    """Buffer of the API keys' last-used times, written to the database in batches.

    A batch is written one second after its first time was added, and before `last_used_at` is read. A
    transaction for each request would cost as much as all the rest of a short read. If the process is
    killed, the times of at most a second are lost.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._held: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, key_id: str, at: int) -> None:
        """Record that a key was used at `at` (µs). Needs a running event loop."""
        self._held[key_id] = at
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_USES_HELD_S, self.write)

    def write(self) -> None:
        """Write the buffered times to the database.

        Must be called before `last_used_at` is read.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._held:
            return
        held, self._held = self._held, {}
        with self._db.transaction() as tx:
            for key_id, at in held.items():
                tx.update("user_api_keys", key_id, last_used_at=at)


class Authenticator:
    """Authenticates requests with the credentials that are stored in the database."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        budget: int | None,
        marks_use: bool = True,
        bypass_secret: str | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._marks_use = marks_use
        self._bypass_secret = bypass_secret
        self.limit = RateLimit(budget, clock)
        self.uses = KeyUses(db)

    def token(self, plaintext: str) -> Caller | Refusal:
        """Return the owner of a bearer token, or the reason to reject the token.

        The token is a personal access token or an OAuth access token (auth.md §5.2). Validity is checked
        before the limit (auth.md §6). An accepted use updates the key's `last_used_at` (identity.md §1.4),
        except on the hosted service, which never writes it.
        """
        if not plaintext.startswith(TOKEN_PREFIX):
            return self._oauth(plaintext)
        row = self._db.one(
            "SELECT id, user_id, scopes, expires_at FROM user_api_keys"
            " WHERE token_hash = ? AND revoked_at IS NULL",
            (digest(plaintext),),
        )
        now = self._clock.now_us()
        if row is None or (row["expires_at"] is not None and row["expires_at"] < now):
            return Refusal.UNKNOWN
        if not self.limit.accept(row["id"]):
            return Refusal.OVER_LIMIT
        if self._marks_use:
            self.uses.note(row["id"], now)
        return Caller(row["user_id"], row["id"], tuple(json.loads(row["scopes"])))

    def _oauth(self, plaintext: str) -> Caller | Refusal:
        """Return the owner of an OAuth access token, or the reason to reject the token.

        The token must have the scope `read` or `write`. OAuth tokens have no request limit (auth.md §6).
        """
        row = self._db.one(
            "SELECT t.user_id, t.client_id, t.scopes, t.access_expires_at FROM oauth_tokens t"
            " JOIN profiles p ON p.id = t.user_id WHERE t.access_token = ?",
            (plaintext,),
        )
        if row is None or row["access_expires_at"] < self._clock.now_us():
            return Refusal.UNKNOWN
        scopes = tuple(scope for scope in row["scopes"].split() if scope in ("read", "write"))
        return Caller(row["user_id"], row["client_id"], scopes) if scopes else Refusal.UNKNOWN

    def session(self, cookie: str | None) -> Caller | None:
        """Return the owner of a session cookie's value, or None if it is not valid."""
        if not cookie:
            return None
        row = self._db.one("SELECT user_id, expires_at FROM sessions WHERE token_hash = ?", (digest(cookie),))
        if row is None or row["expires_at"] < self._clock.now_us():
            return None
        return Caller(row["user_id"], None, ())

    def from_test_headers(self, headers: Mapping[str, str]) -> Caller | None:
        """Return the user whom the test headers name, or None without valid test headers.

        The headers must contain the bypass secret of the settings (auth.md §1).
        """
        given = headers.get(BYPASS_HEADER, "")
        if self._bypass_secret is None or not hmac.compare_digest(
            given.encode("utf-8", "surrogateescape"), self._bypass_secret.encode()
        ):
            return None
        user_id = headers.get("x-mogplex-e2e-user-id") or headers.get("x-delegated-user-id")
        known = self._db.value("SELECT id FROM profiles WHERE id = ?", (user_id,))
        return None if known is None else Caller(known, None, ())

    def unversioned(
        self, authorization: str, cookie: str | None, headers: Mapping[str, str] | None = None
    ) -> Caller | None:
        """Return the caller of an unversioned request, or None without valid credentials.

        The personal access token is tried first, then the test headers, then the session cookie. A token
        that is invalid or over its limit is no error: the next credential is tried (auth.md §5.1).
        """
        if authorization.startswith(f"Bearer {TOKEN_PREFIX}"):
            caller = self.token(authorization[len("Bearer ") :])
            if isinstance(caller, Caller):
                return caller
        return self.from_test_headers(headers or {}) or self.session(cookie)
