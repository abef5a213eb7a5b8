"""The bearer token with which the service's own workers call the sandbox routes.

auth.md §1.
"""

from __future__ import annotations

import hashlib
import hmac

from ..core.plane import Plane
from .authentication import Caller

USER_HEADER = "x-delegated-user-id"


def internal_secret(plane: Plane) -> str:
    """Return the bearer token of the plane's own workers: 40 hex digits.

    It is derived from the secret in the database. Raises LookupError if the database has none yet.
    """
    secret = plane.db.meta("secret")
    if secret is None:
        raise LookupError("the plane has no credentials yet")
    return hashlib.shake_256(f"{secret}/internal".encode()).hexdigest(20)


def delegated_user(plane: Plane, authorization: str, user_id: str | None) -> Caller | None:
    """Return the user for whom one of the plane's workers sends a request.

    Returns None if `authorization` does not contain the workers' bearer token, or if the user is
    unknown.
    """
    if not user_id or not authorization.startswith("Bearer "):
        return None
    given = authorization[len("Bearer ") :].encode("utf-8", "replace")
    if not hmac.compare_digest(given, internal_secret(plane).encode()):
        return None
    row = plane.db.one("SELECT id FROM profiles WHERE id = ?", (user_id.strip().lower(),))
    return None if row is None else Caller(row["id"], None, ())
