"""/api/cron: housekeeping that a scheduler starts (system.md §3).

The plane does the same work on its own timers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..core.plane import Plane
from ..db.clock import iso_app
from ..db.ids import Ids
from ..http.endpoints import ApiRequest, MethodHandler, Service, json_response, route
from ..http.signatures import MachineEndpoint
from . import lock_and_sandbox_cleanup, reapers

CronJob = Callable[[Plane, Ids, int], dict[str, Any]]

_LINK_STATUSES = ("valid", "missing_project", "auth_invalid", "inaccessible")


def sync_models(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:  # noqa: ARG001
    """Return the response of a model sync, which changes nothing.

    The plane's catalogue of models is fixed.
    """
    row = plane.db.only("SELECT COUNT(*), SUM(is_recommended) FROM models WHERE is_available = 1")
    return {
        "synced": row[0],
        "total_gateway": row[0],
        "recommended": row[1] or 0,
        "provider_icons_scheduled": 0,
    }


def reconcile_links(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    """Check the links of repositories to Vercel projects; return the response body.

    No request is sent to Vercel: a known status is kept, and any other becomes "valid".
    """
    ids_by_status: dict[str, list[str]] = {status: [] for status in _LINK_STATUSES}
    with plane.db.transaction(ids=ids) as tx:
        for row in tx.all(
            "SELECT id, user_id, vercel_link_status FROM repos WHERE vercel_project_id IS NOT NULL"
        ):
            stored = row["vercel_link_status"]
            status = stored if stored in ids_by_status else "valid"
            ids_by_status[status].append(row["id"])
            tx.update("repos", row["id"], vercel_link_status=status, vercel_link_checked_at=at)
            if status != stored:
                tx.record_change("repos", "UPDATE", row["user_id"], row["id"])
    processed = sum(len(rows) for rows in ids_by_status.values())
    counts = {status: len(rows) for status, rows in ids_by_status.items()}
    return {
        "message": f"Checked {processed} linked project(s)",
        "processed": processed,
        **counts,
        "failed": 0,
    }


def smoke(plane: Plane, at: int) -> dict[str, Any]:
    """Check the database, its schema and required tables; return the response body.

    Nothing is written.
    """
    sound = plane.db.value("PRAGMA quick_check(1)")
    checks = [
        _check("database", sound == "ok", str(sound)),
        _check(
            "schema",
            plane.db.meta("schema_version") is not None,
            f"version {plane.db.meta('schema_version')}",
        ),
    ]
    for table in ("profiles", "models"):
        count = plane.db.value(f"SELECT COUNT(*) FROM {table}")
        checks.append(_check(table, count > 0 or not plane.settings.seeded, f"{count} row(s)"))
    return {"ok": all(check["ok"] for check in checks), "checkedAt": iso_app(at), "checks": checks}


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}


async def run_smoke(request: ApiRequest) -> Response:
    """Return the result of the self test, with status 500 if a check fails."""
    body = smoke(request.plane, request.plane.clock.now_us())
    return json_response(body, 200 if body["ok"] else 500)


def _job_handler(duty: CronJob) -> MethodHandler:
    async def handler(request: ApiRequest) -> Response:
        return json_response(duty(request.plane, request.service.ids, request.plane.clock.now_us()))

    return MethodHandler(handler)


def _reap_zombies(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    return reapers.zombie_rows(plane, ids, at)


_CRON_JOBS: dict[str, CronJob] = {
    "sync-models": sync_models,
    "sandbox-reaper": lock_and_sandbox_cleanup.reap_sandboxes,
    "repair-jobs": reapers.repair_jobs,
    "reconcile-job-runs": reapers.reconcile_jobs,
    "zombie-row-reaper": _reap_zombies,
    "reconcile-vercel-links": reconcile_links,
}


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {name: _job_handler(duty) for name, duty in _CRON_JOBS.items()} | {
        "production-smoke": MethodHandler(run_smoke)
    }
    return [
        route(f"/api/cron/{name}", MachineEndpoint(service, {"GET": handler}))
        for name, handler in handlers.items()
    ]
