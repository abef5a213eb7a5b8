"""The owner of a request's projects, and checks of body values (projects.md §2)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..core.plane import Plane
from ..db.database import Row
from ..http import params
from ..http.endpoints import Ask, RefusedError, refusal
from ..identity.active_team import team_scope

WRITE = "projects.write"

MAX_TIMEOUT_MS = 18_000_000
MIN_TIMEOUT_MS = 600_000


class Owner(NamedTuple):
    """The owner of projects: a person, or a team that a person acts for (`team_id`)."""

    user_id: str
    team_id: str | None = None

    @property
    def where(self) -> str:
        """A condition on the owner columns with one parameter, `value`."""
        if self.team_id is None:
            return "owner_type = 'user' AND owner_user_id = ? AND product_team_id IS NULL"
        return "owner_type = 'team' AND product_team_id = ?"

    @property
    def value(self) -> str:
        """The id that `where` compares with."""
        return self.user_id if self.team_id is None else self.team_id

    def columns(self) -> dict[str, Any]:
        """The owner columns of a new row."""
        return {
            "user_id": self.user_id,
            "owner_type": "user" if self.team_id is None else "team",
            "owner_user_id": self.user_id if self.team_id is None else None,
            "product_team_id": self.team_id,
            "created_by_user_id": self.user_id,
        }


def reader(ask: Ask) -> Owner:
    """Return the owner whose projects are read. Raises the 403 without membership."""
    return Owner(ask.user_id, team_scope(ask))


def writer(ask: Ask) -> Owner:
    """Return the owner whose projects are changed. Raises the 403.

    A team requires `projects.write`.
    """
    return Owner(ask.user_id, team_scope(ask, WRITE))


def own_repo(ask: Ask, missing: str = "Repo not found") -> Row:
    """Return the importer's repository of the path. Raises 404 with `missing`.

    projects.md §4.
    """
    row = ask.plane.db.one(
        "SELECT * FROM repos WHERE id = ? AND user_id = ?", (ask.path_id("id"), ask.user_id)
    )
    if row is None:
        raise refusal(404, missing)
    return row


def bad_uuid(text: str) -> RefusedError:
    """Return the database's 500 for an id that is no UUID (identity.md §1.6)."""
    return refusal(500, f'invalid input syntax for type uuid: "{text}"')


def text_or_none(value: Any) -> str | None:
    """A trimmed text, or None for a blank one and for anything else."""
    return (params.trim(value) or None) if isinstance(value, str) else None


def truthy(value: Any) -> bool:
    """Return whether JavaScript treats a JSON value as true; objects always are."""
    return isinstance(value, list | dict) or bool(value)


def number(value: Any) -> float | None:
    """Return a JSON value as JavaScript's Number() does: null and blank are 0.

    None if it is no finite number.
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
    """Return a sandbox's lifetime in ms from 600,000 to 18,000,000, the default.

    projects.md §5.2.
    """
    found = number(value)
    if found is None:
        return MAX_TIMEOUT_MS
    return max(MIN_TIMEOUT_MS, min(MAX_TIMEOUT_MS, math.floor(found)))


def github_token(plane: Plane, user_id: str) -> bool:
    """Whether the person's own GitHub sign-in can be used."""
    return bool(plane.db.value("SELECT github_oauth FROM profiles WHERE id = ?", (user_id,)))
