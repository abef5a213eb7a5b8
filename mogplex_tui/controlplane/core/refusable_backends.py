"""Simulated requests from the plane to its backends, which fault rules can refuse.

The backends are the sandbox service and the background runtime. Neither exists here: each
function only asks whether a `--fault` rule refuses the request, given as method and path.
Requests to the sandbox service have the paths of the real service's routes; requests to the
background runtime have paths that the plane does not serve to clients.
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
    """Simulate looking up a sandbox at the sandbox service (`GET /api/sandbox/{id}`).

    Returns the refusal of the request, or None if the sandbox service can be reached. In the hosted
    profile every refusal has the same status and text.
    """
    refused = _asked(plane, "GET", f"/api/sandbox/{record_id}")
    if refused is not None and plane.is_hosted:
        return Refused(500, NO_SERVICE)
    return refused


def kill_command(plane: Plane, record_id: str) -> Refused | None:
    """Simulate killing a call's command (`POST /api/sandbox/{id}/exec/cancel`).

    Returns the refusal of the request, or None on success.
    """
    return _asked(plane, "POST", f"/api/sandbox/{record_id}/exec/cancel")


def queue_task(plane: Plane) -> Refused | None:
    """Simulate submitting a job or run to the background runtime.

    The request is `POST /runtime/tasks`. Returns its refusal, or None on success.
    """
    refused = _asked(plane, "POST", TASKS)
    return None if refused is None else Refused(refused.status, QUEUE_DOWN)


def stop_task(plane: Plane, runtime_run_id: str | None) -> Refused | None:
    """Simulate stopping a task of the background runtime.

    The request is `DELETE /runtime/tasks/{task id}`. Returns its refusal, or None if the task is
    stopped or if there is no task because `runtime_run_id` is None.
    """
    if runtime_run_id is None:
        return None
    refused = _asked(plane, "DELETE", f"{TASKS}/{runtime_run_id}")
    return None if refused is None else Refused(refused.status, STOP_FAILED)
