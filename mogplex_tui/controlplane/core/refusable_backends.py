"""Requests to services behind the plane, which faults may refuse.

They are the sandbox service and the background runtime. Neither exists here: a request to them is only a line that a
`--fault` rule can name as if it were a route. The lookup of a sandbox and the kill of a command have the routes of the
real service, the background runtime has one of its own that answers no client.
"""

from __future__ import annotations

from typing import NamedTuple

from .plane import Plane

TASKS = "/runtime/tasks"
QUEUE_DOWN = "Runtime rejected the task: queue unavailable"
STOP_FAILED = "Runtime did not stop the task"
NO_SERVICE = "Sandbox service not configured on this server"


class Refused(NamedTuple):
    """The HTTP status and text of a refused request."""

    status: int
    text: str


def _asked(plane: Plane, method: str, path: str) -> Refused | None:
    found = None if plane.faults is None else plane.faults.refusal(method, path)
    return None if found is None else Refused(*found)


def reach_sandbox(plane: Plane, record_id: str) -> Refused | None:
    """Look a sandbox up (`GET /api/sandbox/{id}`); None if it was reached.

    The hosted service has one answer to this, whatever the cause.
    """
    refused = _asked(plane, "GET", f"/api/sandbox/{record_id}")
    if refused is not None and plane.is_hosted:
        return Refused(500, NO_SERVICE)
    return refused


def kill_command(plane: Plane, record_id: str) -> Refused | None:
    """Kill a call's command (`POST /api/sandbox/{id}/exec/cancel`); None on success."""
    return _asked(plane, "POST", f"/api/sandbox/{record_id}/exec/cancel")


def queue_task(plane: Plane) -> Refused | None:
    """Hand a job or run to the background runtime (`POST /runtime/tasks`).

    Returns None on success.
    """
    refused = _asked(plane, "POST", TASKS)
    return None if refused is None else Refused(refused.status, QUEUE_DOWN)


def stop_task(plane: Plane, runtime_run_id: str | None) -> Refused | None:
    """Stop a task (`DELETE /runtime/tasks/{runtime run id}`).

    Returns None if it is stopped or was never handed over.
    """
    if runtime_run_id is None:
        return None
    refused = _asked(plane, "DELETE", f"{TASKS}/{runtime_run_id}")
    return None if refused is None else Refused(refused.status, STOP_FAILED)
