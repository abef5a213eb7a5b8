"""Joins a job with its calls, so that work that both describe is listed once.

Calls name their job (`job_run_id`, runtime-model.md §2). Where calls are listed they are the rows of the list; where
only v1 is open, the runs of automations are, and calls that were read before would stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.live.store import RowSet


class JobCalls:
    """Replaces the calls of jobs in a set of rows by the rows of those jobs, and puts the calls back."""

    def __init__(self, rows: RowSet[RunRow]) -> None:
        self._set = rows
        # Calls by the id of their job and their own key, and those of them that a job's row replaces now.
        self._calls: dict[str, dict[str, RunRow]] = {}
        self.replaced: dict[str, RunRow] = {}
        # The start of the oldest call that is known, and when the calls were read last.
        self._oldest: datetime | None = None
        self._read_at: datetime | None = None

    def collect(self, read_at: datetime | None) -> None:
        """Take in the calls of the set that belong to a job, as they were last read."""
        self._read_at = read_at
        for key, row in self._set.rows.items():
            if row.source is not RunSource.CALL:
                continue
            if row.job_id is not None:
                self._calls.setdefault(row.job_id, {})[key] = row
            if row.began is not None and (self._oldest is None or row.began < self._oldest):
                self._oldest = row.began

    def replace(self, job: RunRow) -> None:
        """Take the calls of a job out of the set."""
        calls = {key: row for key, row in self._calls.get(job.key, {}).items() if key in self._set.rows}
        self.replaced |= calls
        self._set.drop(calls)

    def replace_all(self) -> None:
        """Take the calls of every job out of the set whose row is there."""
        for job in [row for row in self._set.rows.values() if row.source is RunSource.JOB]:
            self.replace(job)

    def restore(self) -> None:
        """Put the ended calls back; the next read of the service adds the live ones."""
        back = [
            (key, row) for key, row in self.replaced.items() if key not in self._set.rows and not row.live
        ]
        self._set.apply(back)
        self._calls, self.replaced, self._oldest = {}, {}, None

    def joined(self, job: RunRow) -> RunRow:
        """Return the row of a job, completed from its calls.

        Tokens and cost are added only where all calls of the job are known: where it had ended before the calls were
        read last, and older calls than its own are known. What was added once stays with a job that has ended.
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
        whole = (
            job.ended_at is not None
            and job.began is not None
            and self._read_at is not None
            and self._oldest is not None
            and job.ended_at <= self._read_at
            and self._oldest < job.began
        )
        return _with_spend(row, calls) if whole else row


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
