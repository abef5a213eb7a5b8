"""GET /api/memories: list or search the memories of an account (library.md §10.1)."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from ..db.database import Row
from ..db.row_json import timed
from ..http.endpoints import ApiRequest, json_response, refusal
from ..identity.active_team import team_scope
from .memory_writes import LANES

COLUMNS = "id, lane, content, metadata, created_at, updated_at"
SCOPES = ("all", "personal", "team")

_LISTED = 50
_FOUND = 20
_NEWEST = " ORDER BY created_at DESC, rowid DESC"
_SPECIAL = re.compile(r"([\\%_])")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


class Filters:
    """An SQL query for a user's memories, built condition by condition."""

    def __init__(self, user_id: str) -> None:
        self.sql = f"SELECT {COLUMNS} FROM memories WHERE user_id = ?"
        self.values: list[Any] = [user_id]

    def add(self, condition: str, *values: Any) -> None:
        """Add a condition with its values to the query."""
        self.sql += f" AND {condition}"
        self.values += values

    def key(self, name: str, wanted: str) -> None:
        """Add the condition that the metadata key `name` has the value `wanted`.

        Adds nothing if `wanted` is empty.
        """
        if wanted:
            self.add(f"json_extract(metadata, '$.{name}') = ?", wanted)

    def rows(self, request: ApiRequest, limit: int | None) -> list[Row]:
        """Return the memories, newest first: at most `limit`, or all if it is None."""
        end = _NEWEST if limit is None else f"{_NEWEST} LIMIT {limit}"
        return request.plane.db.all(self.sql + end, self.values)


def memory(row: Row) -> dict[str, Any]:
    """Return the JSON object of a memory; `row` must contain the columns in COLUMNS."""
    return timed(row, "created_at", "updated_at", json_columns=("metadata",))


def scope_and_team(request: ApiRequest, given: Any) -> tuple[str, str | None]:
    """Return the resource scope and, for the scope `team`, the active team's id.

    Raises RefusedError: 400 for an unknown scope or for `team` without an active team, 403 for a team
    in which the caller may not use memories.
    """
    scope = given if given not in (None, "") else "all"
    if scope not in SCOPES:
        raise refusal(400, "Invalid memory scope")
    if scope != "team":
        return scope, None
    team = team_scope(request, "tools.memories")
    if team is None:
        raise refusal(400, "Team memory scope requires an active team")
    return scope, team


def _lane_filters(request: ApiRequest, lane: str, scope: str, team: str | None) -> Filters:
    """Return the query for the memories of one lane, filtered as the request says.

    The filters are the repository and the resource scope, and in the lane `session` also the
    workspace session and the conversation.
    """
    filters = Filters(request.user_id)
    filters.add("lane = ?", lane)
    filters.key("repo_id", request.query("repoId"))
    if lane == "session":
        filters.key("workspace_session_id", request.query("workspaceSessionId"))
        filters.key("conversation_id", request.query("conversationId"))
    if scope == "personal":
        filters.add("json_extract(metadata, '$.product_team_id') IS NULL")
    elif team is not None:
        filters.key("product_team_id", team)
    return filters


def _search(request: ApiRequest, filters: Filters, q: str) -> list[Row]:
    """Return the newest memories that contain the text `q`, ignoring case.

    % and _ in `q` are not wildcards.
    """
    # SQLite ignores case only in ASCII: LIKE compares the ASCII part, and the rest is compared below.
    pattern = _BEYOND_ASCII.sub("%", _SPECIAL.sub(r"\\\1", q))
    filters.add("content LIKE ? ESCAPE '\\'", f"%{pattern}%")
    if q.isascii():
        return filters.rows(request, _FOUND)
    folded = q.lower()
    return [row for row in filters.rows(request, None) if folded in row["content"].lower()][:_FOUND]


async def list_memories(request: ApiRequest) -> Response:
    """Return the caller's memories, newest first.

    The response is one array if the query contains a lane or a search text, or else an object with
    an array for each lane.
    """
    lane, q = request.query("lane"), request.query("q")
    if lane and lane not in LANES:
        raise refusal(400, "Invalid lane")
    scope, team = scope_and_team(request, request.query("resourceScope"))
    if q:
        if lane:
            filters = _lane_filters(request, lane, scope, team)
        else:
            # Without a lane the service ignores the scope and filters by repository only.
            filters = Filters(request.user_id)
            filters.key("repo_id", request.query("repoId"))
        return json_response([memory(row) for row in _search(request, filters, q)])

    def listed(name: str) -> list[dict[str, Any]]:
        return [memory(row) for row in _lane_filters(request, name, scope, team).rows(request, _LISTED)]

    return json_response(listed(lane) if lane else {name: listed(name) for name in LANES})
