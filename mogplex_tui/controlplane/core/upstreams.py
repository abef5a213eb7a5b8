"""What the plane asks of those behind it: the sandbox service and the background runtime, which faults may refuse.

Nobody is there in truth. A request to them is a line that a rule of `--fault` can name, as if it were a route: the
lookup of a sandbox and the kill of a command by the routes that they go through on the real service, the background
runtime by one of its own, which answers nobody else.
"""

from __future__ import annotations

from typing import NamedTuple

from .plane import Plane

TASKS = "/runtime/tasks"
QUEUE_DOWN = "Runtime rejected the task: queue unavailable"
STOP_FAILED = "Runtime did not stop the task"
NO_SERVICE = "Sandbox service not configured on this server"


class Refused(NamedTuple):
    """The HTTP status and text of a request that came to nothing."""

    status: int
    text: str


def _asked(plane: Plane, method: str, path: str) -> Refused | None:
    found = None if plane.faults is None else plane.faults.refusal(method, path)
    return None if found is None else Refused(*found)


def reach_sandbox(plane: Plane, record_id: str) -> Refused | None:
    """Look a sandbox up (`GET /api/sandbox/{id}`); None when it is there.

    The hosted service has one answer to that, whatever went wrong (README).
    """
    refused = _asked(plane, "GET", f"/api/sandbox/{record_id}")
    if refused is not None and plane.is_hosted:
        return Refused(500, NO_SERVICE)
    return refused


def kill_command(plane: Plane, record_id: str) -> Refused | None:
    """Kill the command of a call in its sandbox (`POST /api/sandbox/{id}/exec/cancel`); None when it is dead."""
    return _asked(plane, "POST", f"/api/sandbox/{record_id}/exec/cancel")


def queue_task(plane: Plane) -> Refused | None:
    """Hand a job or a run to the background runtime (`POST /runtime/tasks`); None when it takes it."""
    refused = _asked(plane, "POST", TASKS)
    return None if refused is None else Refused(refused.status, QUEUE_DOWN)


def stop_task(plane: Plane, runtime_run_id: str | None) -> Refused | None:
    """Stop a task (`DELETE /runtime/tasks/{runtime run id}`); None when it is stopped, or was never handed over."""
    if runtime_run_id is None:
        return None
    refused = _asked(plane, "DELETE", f"{TASKS}/{runtime_run_id}")
    return None if refused is None else Refused(refused.status, STOP_FAILED)
