"""Keep the events of one run up to date.

They are read from the observability routes if the credentials open these, otherwise from v1
(observability.md §4, v1.md §8).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Absent, LoginRequired, NotAllowed, NotSignedIn
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.run_event_tail import BatchResult, EventTail
from mogplex_tui.live.run_lookup import job_row, lacks_events, with_events
from mogplex_tui.live.run_row import ENDED_STATES, RunRow, RunSource, from_job
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.signals import Signal

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.session import Session

# Seconds after a run has ended during which its last events may still arrive (v1.md §10).
LATE_FOR = 5.0


class RunEventsFeed:
    """The tail of one run's events, and the feed that reads them."""

    def __init__(self, session: Session, runs: Runs, row: RunRow) -> None:
        self.session, self.runs, self.key = session, runs, row.key
        self._last = row
        self.tail = EventTail()
        # Signalled with the effect of each batch, many times during one long read.
        self.added: Signal[[BatchResult]] = Signal()
        # When the end was first seen, and whether it was read once more after the last events had time to arrive.
        self._ended_at: float | None = None
        self._settled = False
        self.feed = Feed(
            # A feed for this tail alone: another tail of the same run has its own lines to fill.
            f"run:{row.key}:{id(self)}",
            self.fetch,
            Priority.TAIL,
            every=15.0,
            poll_without_realtime=3.0,
            gap=0.25,
            tables=frozenset(
                {"ai_call_events", "job_runs"} if row.source is RunSource.JOB else {"ai_call_events"}
            ),
            metered=lambda: not (self.reads_call_events or self.reads_job) or session.metered_off_v1(),
            idle=self._over,
        )

    @property
    def row(self) -> RunRow:
        """The run's current row, or its last known row if the list has dropped it."""
        self._last = self.runs.set.rows.get(self.key, self._last)
        return self._last

    @property
    def reads_call_events(self) -> bool:
        """Whether events are read from the call-events route, which lacks the run's state."""
        row = self.row
        is_call = row.call_id is not None and row.source is not RunSource.JOB
        return is_call and self.session.may_request(Family.OBSERVABILITY)

    @property
    def reads_job(self) -> bool:
        """Whether events are read from the job route, which also returns the job's state."""
        row = self.row
        return (
            row.source is RunSource.JOB
            and row.job_id is not None
            and self.session.may_request(Family.OBSERVABILITY)
        )

    @property
    def is_unreachable(self) -> bool:
        """Whether events cannot be read: no route is open, or the run's id is unknown."""
        row = self.row
        return (
            not (self.reads_call_events or self.reads_job)
            and row.run_id is None
            and row.automation_id is None
        )

    def _over(self) -> bool:
        return self.row.state in ENDED_STATES and self._settled

    async def fetch(self) -> bool:
        """Read the events once; return whether there were new ones."""
        before, begun = self.tail.events, self.session.scheduler.now()
        row = self.row
        if self.reads_call_events or self.reads_job:
            try:
                await (
                    self._fetch_job(row.job_id or "")
                    if self.reads_job
                    else self._fetch_call_events(row.call_id or "")
                )
            except (LoginRequired, NotAllowed, NotSignedIn, Absent):
                if self.session.target.token is None or (row.run_id is None and row.automation_id is None):
                    raise
                await self._fetch_v1(row)
        else:
            await self._fetch_v1(row)
        # An end is not always final: a cancelled run may stream again (v1.md §7.6).
        if self.row.state not in ENDED_STATES:
            self._ended_at, self._settled = None, False
        elif self._ended_at is None:
            self._ended_at = self.session.scheduler.now()
        else:
            self._settled = begun >= self._ended_at + LATE_FOR
        return self.tail.events != before

    async def _fetch_call_events(self, call_id: str) -> None:
        async with aclosing(
            self.session.client.at(Priority.TAIL).observability.call_events(call_id)
        ) as batches:
            async for batch in batches:
                self._learn(batch)
                self._add(batch)
        self.tail.at_horizon = False

    async def _fetch_job(self, job_id: str) -> None:
        detail = await self.session.client.at(Priority.TAIL).observability.job(job_id)
        for call in detail.ai_calls:
            self._add(call.events)
        self._keep(job_row(self.runs, detail))

    async def _fetch_v1(self, row: RunRow) -> None:
        client, read_number = self.session.client.at(Priority.TAIL), self.runs.read_order.start_read()
        if row.run_id is not None:
            answer = await client.runs.events(row.run_id)
            self.tail.at_horizon = answer.is_truncated
            self._add(answer.events)
            self.runs.put_run(answer.run, read_number=read_number)
        elif row.automation_id is not None and row.job_id is not None:
            detail = await client.automations.run(row.automation_id, row.job_id)
            for call in detail.ai_calls:
                self._add(call.events)
            fresh = self.runs.enrich(from_job(detail, row.automation_id, row.who))
            if not self.runs.read_order.is_outdated(fresh.key, read_number):
                self._keep(fresh)

    def _add(self, batch: Rows[Event]) -> None:
        for added in (self.tail.add(batch), self.tail.add_bad(batch.bad)):
            if added:
                self.added(added)

    def _learn(self, batch: Sequence[Event]) -> None:
        """Copy the run id and the branches from events to the row of a call.

        With the run id in the row, cancelling the call also ends the run.
        """
        row = self.row
        if not lacks_events(row):
            return
        fresh = with_events(row, batch)
        if fresh.run_id is not None and row.run_id is None:
            self.session.history.remember(KnownRun(fresh.run_id, row.call_id, row.repo, row.prompt))
            fresh = self.runs.enrich(fresh)
        if fresh != row:
            self._keep(fresh)

    def _keep(self, row: RunRow) -> None:
        """Store a new row of the run in the list of runs.

        While the list shows calls, the row of a job is stored only if the list already has it.
        """
        self._last = row
        if row.key in self.runs.set.rows or row.source is not RunSource.JOB or not self.runs.listed:
            self.runs.set.apply([(row.key, row)])
