"""Cancel a job run and its calls, and start pending jobs in its place."""

from __future__ import annotations

from typing import NamedTuple

from ..core import refusable_backends
from ..core.plane import Plane
from ..db.database import Row
from ..db.ids import Ids
from ..runs.cancellation import CancelError
from .events import work_queue
from .jobs import cancel_and_release


class JobCancel(NamedTuple):
    """The result of cancelling a job.

    `asked` is the number of the job's calls that received a cancel request; `released` are the
    pending jobs that the installation tried to start afterwards.
    """

    calls_requested: int
    released: list[cancel_and_release.Released]


def cancel_job(plane: Plane, ids: Ids, job: Row) -> JobCancel:
    """Cancel a pending or running job (observability.md §7.3).

    `job` has id and owner_installation_id. Raises CancelError if the runtime does not stop the job;
    the job's status is then unchanged, and the cancel request stays recorded.
    """
    now = plane.clock.now_us()
    reason = "USER_REQUESTED"
    with plane.db.transaction(ids=ids) as tx:
        cancel_and_release.request_cancel(tx, job["id"], now, reason)
    with plane.db.transaction(ids=ids) as tx:
        asked = cancel_and_release.request_call_cancels(tx, job["id"], now)
    handle = plane.db.value("SELECT runtime_run_id FROM job_runs WHERE id = ?", (job["id"],))
    refused = refusable_backends.stop_task(plane, handle)
    if refused is not None:
        with plane.db.transaction(ids=ids) as tx:
            cancel_and_release.cancel_failed(tx, job["id"], plane.clock.now_us(), refused.text)
        # Its calls were asked to end all the same.
        _wake_calls(plane, asked)
        raise CancelError(500, "INTERNAL_ERROR", refused.text)
    with plane.db.transaction(ids=ids) as tx:
        cancel_and_release.finalize_cancel(tx, job["id"], plane.clock.now_us(), reason, len(asked))
    plane.callbacks.job_cancelled(job["id"])
    _wake_calls(plane, asked)
    released = work_queue.release(plane, ids, job["owner_installation_id"], plane.clock.now_us())
    return JobCancel(len(asked), released)


def _wake_calls(plane: Plane, asked: list[str]) -> None:
    for call_id in asked:
        plane.callbacks.must_cancel(call_id)
