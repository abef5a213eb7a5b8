"""The credential with which the service's workers use the sandbox routes.

auth.md §1.
"""

from __future__ import annotations

import hashlib
import hmac

from ..core.plane import Plane
from .authentication import Caller

USER_HEADER = "x-delegated-user-id"


def internal_secret(plane: Plane) -> str:
    """Return the plane's internal bearer: 40 hex digits from the stored secret.

    Raises LookupError if the file has no secret yet.
    """
    secret = plane.db.meta("secret")
    if secret is None:
        raise LookupError("the plane has no credentials yet")
    return hashlib.shake_256(f"{secret}/internal".encode()).hexdigest(20)


def delegated(plane: Plane, authorization: str, user_id: str | None) -> Caller | None:
    """Return the profile that an internal caller acts for, or None if invalid."""
    if not user_id or not authorization.startswith("Bearer "):
        return None
    given = authorization[len("Bearer ") :].encode("utf-8", "replace")
    if not hmac.compare_digest(given, internal_secret(plane).encode()):
        return None
    row = plane.db.one("SELECT id FROM profiles WHERE id = ?", (user_id.strip().lower(),))
    return None if row is None else Caller(row["id"], None, ())
