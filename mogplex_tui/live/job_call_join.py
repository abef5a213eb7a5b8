"""Join a job with its AI calls, so that the same work is listed only once.

A call names its job (`job_run_id`, runtime-model.md §2). If the credentials can list calls, the
rows are calls. If they open only v1, the rows are jobs; calls that were read earlier are then
replaced by the rows of their jobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.live.store import RowSet


class JobCallJoin:
    """Replaces calls in a row set with the rows of their jobs, and restores the calls."""

    def __init__(self, rows: RowSet[RunRow]) -> None:
        self._set = rows
        # Calls by the id of their job and their own key, and the calls that a job's row replaces now.
        self._calls: dict[str, dict[str, RunRow]] = {}
        self.replaced: dict[str, RunRow] = {}
        # The start of the oldest known call, and the time of the last read of calls.
        self._oldest: datetime | None = None
        self._read_at: datetime | None = None

    def collect(self, read_at: datetime | None) -> None:
        """Remember which calls in the row set belong to which job.

        `read_at` is the time of the last read of calls.
        """
        self._read_at = read_at
        for key, row in self._set.rows.items():
            if row.source is not RunSource.CALL:
                continue
            if row.job_id is not None:
                self._calls.setdefault(row.job_id, {})[key] = row
            if row.began is not None and (self._oldest is None or row.began < self._oldest):
                self._oldest = row.began

    def replace(self, job: RunRow) -> None:
        """Remove the calls of a job from the row set, because the job's row replaces them."""
        calls = {key: row for key, row in self._calls.get(job.key, {}).items() if key in self._set.rows}
        self.replaced |= calls
        self._set.drop(calls)

    def replace_all(self) -> None:
        """Remove the calls of all jobs in the row set."""
        for job in [row for row in self._set.rows.values() if row.source is RunSource.JOB]:
            self.replace(job)

    def restore(self) -> None:
        """Put removed calls that have ended back into the row set, and forget all calls.

        Live calls are not put back, because the next read adds them.
        """
        back = [
            (key, row) for key, row in self.replaced.items() if key not in self._set.rows and not row.live
        ]
        self._set.apply(back)
        self._calls, self.replaced, self._oldest = {}, {}, None

    def with_call_spend(self, job: RunRow) -> RunRow:
        """Return the row of a job with the tokens and cost of its calls.

        They are added only if all calls of the job must be known: the job ended before the last read of
        calls, and a call that is older than the job is known. Once added, they stay in the row of an
        ended job.
        """
        before = self._set.rows.get(job.key)
        if before is not None and before.ended_at is not None and before.ended_at == job.ended_at:
            job = job._replace(
                call_id=job.call_id or before.call_id,
                model=job.model or before.model,
                tokens=before.tokens if job.tokens is None else job.tokens,
                cost=before.cost if job.cost is None else job.cost,
                cost_source=before.cost_source if job.cost is None else job.cost_source,
            )
        calls = sorted(
            self._calls.get(job.key, {}).values(), key=lambda row: (row.began is not None, row.began)
        )
        if not calls:
            return job
        models = {row.model for row in calls}
        row = job._replace(call_id=calls[-1].call_id, model=models.pop() if len(models) == 1 else job.model)
        job_is_complete = (
            job.ended_at is not None
            and job.began is not None
            and self._read_at is not None
            and self._oldest is not None
            and job.ended_at <= self._read_at
            and self._oldest < job.began
        )
        return _with_spend(row, calls) if job_is_complete else row


def _with_spend(job: RunRow, calls: Iterable[RunRow]) -> RunRow:
    calls = list(calls)
    costs = [row.cost for row in calls if row.cost is not None]
    if job.cost is None and len(costs) == len(calls):
        billed = all(row.cost_source is Cost.KNOWN for row in calls)
        source = Cost.KNOWN if billed else Cost.ESTIMATED
        job = job._replace(cost=sum(costs, Decimal(0)), cost_source=source)
    counts = [row.tokens for row in calls if row.tokens is not None]
    if job.tokens is None and len(counts) == len(calls):
        job = job._replace(tokens=sum(counts))
    return job
