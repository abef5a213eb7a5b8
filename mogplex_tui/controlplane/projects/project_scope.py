"""The owner of the projects in a request, and validation of values in its body.

projects.md §2.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..core.plane import Plane
from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, RefusedError, refusal
from ..identity.active_team import team_scope

WRITE = "projects.write"

MAX_TIMEOUT_MS = 18_000_000
MIN_TIMEOUT_MS = 600_000


class Owner(NamedTuple):
    """The owner of projects: a user, or the team `team_id` if it is not None.

    For a team, `user_id` is the member who makes the request.
    """

    user_id: str
    team_id: str | None = None

    @property
    def where(self) -> str:
        """An SQL condition for rows of this owner; its one parameter is `value`."""
        if self.team_id is None:
            return "owner_type = 'user' AND owner_user_id = ? AND product_team_id IS NULL"
        return "owner_type = 'team' AND product_team_id = ?"

    @property
    def value(self) -> str:
        """The id of the owner, for the parameter of `where`."""
        return self.user_id if self.team_id is None else self.team_id

    def columns(self) -> dict[str, Any]:
        """Return the columns that store the owner in a new row."""
        return {
            "user_id": self.user_id,
            "owner_type": "user" if self.team_id is None else "team",
            "owner_user_id": self.user_id if self.team_id is None else None,
            "product_team_id": self.team_id,
            "created_by_user_id": self.user_id,
        }


def reader(request: ApiRequest) -> Owner:
    """Return the owner whose projects the request reads: the user or the active team.

    Raises RefusedError 403 if the user is not a member of the active team.
    """
    return Owner(request.user_id, team_scope(request))


def writer(request: ApiRequest) -> Owner:
    """Return the owner whose projects the request changes: the user or active team.

    Raises RefusedError 403 if the user's role in the team lacks `projects.write`.
    """
    return Owner(request.user_id, team_scope(request, WRITE))


def own_repo(request: ApiRequest, missing: str = "Repo not found") -> Row:
    """Return the repository whose id is in the path, if the caller imported it.

    Raises RefusedError 404 with the text `missing` for other repositories (projects.md §4).
    """
    row = request.plane.db.one(
        "SELECT * FROM repos WHERE id = ? AND user_id = ?", (request.path_id("id"), request.user_id)
    )
    if row is None:
        raise refusal(404, missing)
    return row


def bad_uuid(text: str) -> RefusedError:
    """Return the 500 error for an id that is not a UUID (identity.md §1.6).

    Its text is that of the service's database.
    """
    return refusal(500, f'invalid input syntax for type uuid: "{text}"')


def text_or_none(value: Any) -> str | None:
    """Return a text without white space at its ends, or None.

    None is returned for blank text and for a value that is not a text.
    """
    return (params.trim(value) or None) if isinstance(value, str) else None


def truthy(value: Any) -> bool:
    """Return whether JavaScript treats a JSON value as true.

    All objects and arrays are true, even empty ones.
    """
    return isinstance(value, list | dict) or bool(value)


def number(value: Any) -> float | None:
    """Return a JSON value as JavaScript's Number() converts it.

    Null and blank text are converted to 0. Returns None if the result is not a finite number.
    """
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value) if abs(value) < 1e300 else None
    if not isinstance(value, str):
        return None
    text = params.trim(value)
    try:
        found = float(text) if text and "_" not in text else 0.0 if not text else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def timeout_ms(value: Any) -> int:
    """Return a sandbox's lifetime in ms, from 600,000 to 18,000,000.

    A value that is not a number gives 18,000,000 (projects.md §5.2).
    """
    found = number(value)
    if found is None:
        return MAX_TIMEOUT_MS
    return max(MIN_TIMEOUT_MS, min(MAX_TIMEOUT_MS, math.floor(found)))


def github_token(plane: Plane, user_id: str) -> bool:
    """Return whether the user has signed in to GitHub."""
    return bool(plane.db.value("SELECT github_oauth FROM profiles WHERE id = ?", (user_id,)))
