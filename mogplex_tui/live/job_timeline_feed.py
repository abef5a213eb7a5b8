"""Reads jobs with their steps, waits and calls for a timeline.

The routes of automations return steps and waits, the observability routes do not (v1.md §5.4,
observability.md §7.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import LoginRequired, NotAllowed, NotFound, NotSignedIn
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.run_row import LIVE_STATES
from mogplex_tui.live.scheduler import Feed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.automations import AutomationRun
    from mogplex_tui.api.models.jobs import JobDetail
    from mogplex_tui.live.session import Session

_TABLES = frozenset({"job_runs", "ai_calls", "ai_call_events"})
# Jobs of an automation that one request returns.
_MOST_JOBS = 50


async def read_job(client: ClientView, job_id: str, automation_id: str | None) -> JobDetail:
    """Read a job from the route that returns the most of it and is open.

    Raises MogplexError.
    """
    if automation_id is not None:
        routes = ((Family.FLOWS, client.flows), (Family.V1, client.automations))
        for family, resource in routes:
            if client.access.may_ask(family):
                try:
                    return await resource.run(automation_id, job_id)
                except (LoginRequired, NotAllowed, NotSignedIn, NotFound):
                    continue
    return await client.observability.job(job_id)


class JobFeed:
    """A job with its steps, waits and calls, and the feed that reads it."""

    def __init__(self, session: Session, job_id: str, automation_id: str | None) -> None:
        self._session, self.job_id, self._automation_id = session, job_id, automation_id
        # None until the job was read.
        self.job: JobDetail | None = None
        self.feed = Feed(
            f"job timeline:{job_id}:{id(self)}",
            self.fetch,
            Priority.BACKGROUND,
            every=30.0,
            poll_without_realtime=5.0,
            gap=1.0,
            tables=_TABLES,
            metered=session.metered_off_v1,
            idle=self._is_over,
        )

    async def fetch(self) -> bool:
        """Read the job once; return whether it has changed."""
        client = self._session.client.at(Priority.BACKGROUND)
        before, self.job = self.job, await read_job(client, self.job_id, self._automation_id)
        return self.job != before

    def _is_over(self) -> bool:
        return self.job is not None and self.job.status not in LIVE_STATES


class AutomationJobsFeed:
    """The newest jobs of an automation with their steps, and the feed that reads them."""

    def __init__(self, session: Session, automation_id: str) -> None:
        self._session, self.automation_id = session, automation_id
        # The newest job comes first; empty until the jobs were read.
        self.jobs: tuple[AutomationRun, ...] = ()
        self.feed = Feed(
            f"automation timeline:{automation_id}:{id(self)}",
            self.fetch,
            Priority.BACKGROUND,
            every=60.0,
            poll_without_realtime=15.0,
            gap=2.0,
            tables=_TABLES,
            metered=session.metered_off_v1,
        )

    async def fetch(self) -> bool:
        """Read the jobs once; return whether they have changed."""
        client = self._session.client.at(Priority.BACKGROUND)
        is_flow = client.access.may_ask(Family.FLOWS)
        routes = client.flows if is_flow else client.automations
        before = self.jobs
        self.jobs = tuple(await routes.runs(self.automation_id, _MOST_JOBS))
        return self.jobs != before
