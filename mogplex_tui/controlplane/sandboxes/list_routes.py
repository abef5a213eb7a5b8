"""GET /api/sandbox: the list of sandboxes, and its short form for the CLI.

sandboxes.md §3.1.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..db.clock import iso_db
from ..db.database import Row
from ..http.endpoints import ApiRequest, json_response
from ..identity.active_team import team_scope
from .sandbox_serializers import record
from .states import PENDING, Change, apply_change
from .vm import sandbox_lookup

_MOST = 10_000
_CLI = ("creating", "installing", "running", "paused")


async def list_sandboxes(request: ApiRequest) -> Response:
    """Return the caller's sandboxes, newest first.

    Before that, sandboxes whose machine the provider has removed are set to stopped. With
    `format=cli` only booting, running and paused sandboxes are returned, in a short form.
    """
    team_id = team_scope(request)
    _stop_the_gone(request)
    rows = request.plane.db.all(
        f"{sandbox_lookup.SELECT} WHERE s.user_id = ? AND s.product_team_id IS ?"
        " ORDER BY s.created_at DESC, s.id LIMIT ?",
        (request.user_id, team_id, _MOST),
    )
    if request.query("format") == "cli":
        return json_response([_short(row) for row in rows if row["status"] in _CLI])
    return json_response(
        {"sandboxes": [record(row, timeout_ms=sandbox_lookup.lifetime_ms(row)) for row in rows]}
    )


def _stop_the_gone(request: ApiRequest) -> None:
    gone = request.plane.db.all(
        "SELECT id, sandbox_id FROM sandboxes WHERE user_id = ? AND provider_view IN ('gone', 'closing')"
        " AND status IN ('creating', 'installing', 'running')",
        (request.user_id,),
    )
    if not gone:
        return
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        for row in gone:
            apply_change(
                tx,
                row["id"],
                Change.VM_GONE,
                request.plane.clock.now_us(),
                vm=row["sandbox_id"],
                stop_reason="vm_gone",
            )
    for row in gone:
        request.plane.sandbox_tasks.kill(row["id"])


def _short(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "sandboxId": None if row["sandbox_id"] == PENDING else row["sandbox_id"],
        "repo": row["full_name"],
        "workspace": row["workspace_name"],
        "branch": row["working_branch"],
        "status": row["status"],
        "createdAt": iso_db(row["created_at"]),
        "url": row["preview_url"],
    }
