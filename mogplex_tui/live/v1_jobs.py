"""Read jobs of automations over v1: the newest of each automation, or one by id.

v1 has no list of jobs. It returns the newest 50 jobs of each automation ("runs"), without agents
and costs; jobs of assignments and triggers are not available (v1.md §5.3, §5.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import MogplexError, NotFound
from mogplex_tui.api.estimated_amount import Estimate

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.automations import AutomationRun, AutomationRunDetail, AutomationSummary
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.api.models.jobs import JobDetail

# Automations whose runs are read, one request each; more would use up most of a minute's budget.
MOST_AUTOMATIONS = 20

Attempt = Callable[[Callable[[], Awaitable["Rows[AutomationRun]"]]], Awaitable["Rows[AutomationRun]"]]


class AutomationRuns(NamedTuple):
    """The newest runs of one automation, or the error that prevented reading them."""

    automation: AutomationSummary
    runs: Rows[AutomationRun]
    error: MogplexError | None = None


class NewestJobs(NamedTuple):
    """The newest runs of each of the newest automations.

    `left_out` is the number of automations whose runs were not requested.
    """

    of_each: list[AutomationRuns]
    left_out: int = 0

    def rows(self) -> Rows[AutomationRun]:
        """Return the runs of all automations, newest first."""
        from mogplex_tui.api.models.base import Rows

        rows: Rows[AutomationRun] = Rows()
        for each in self.of_each:
            rows.extend(each.runs)
            rows.bad += each.runs.bad
        rows.sort(key=lambda run: run.created_at.timestamp() if run.created_at else 0.0, reverse=True)
        return rows

    def errors(self) -> list[MogplexError]:
        """Return the errors of automations whose runs could not be read."""
        return [each.error for each in self.of_each if each.error is not None]


async def _once(read: Callable[[], Awaitable[Rows[AutomationRun]]]) -> Rows[AutomationRun]:
    return await read()


async def newest(client: ClientView, attempt: Attempt = _once) -> NewestJobs:
    """Read the newest runs of each of the newest automations.

    For each automation, `attempt` is called with a function that reads its runs, so that the caller
    can retry the read. Raises MogplexError if the automations cannot be listed.
    """
    from mogplex_tui.api.models.base import Rows

    automations = (await client.automations.list()).rows

    async def read(automation: AutomationSummary) -> AutomationRuns:
        try:
            runs = await attempt(partial(client.automations.runs, automation.id))
        except NotFound:
            # Deleted since it was listed.
            return AutomationRuns(automation, Rows())
        except MogplexError as error:
            return AutomationRuns(automation, Rows(), error)
        return AutomationRuns(automation, runs)

    results = await asyncio.gather(*map(read, automations[:MOST_AUTOMATIONS]))
    return NewestJobs(results, max(0, len(automations) - MOST_AUTOMATIONS))


async def one(client: ClientView, job_id: str, automation_id: str | None = None) -> AutomationRunDetail:
    """Read one run of an automation by its id.

    If `automation_id` is None, the run is looked up in the newest automations. Raises MogplexError.
    """
    if automation_id:
        return await client.automations.run(automation_id, job_id)
    for automation in (await client.automations.list()).rows[:MOST_AUTOMATIONS]:
        try:
            return await client.automations.run(automation.id, job_id)
        except NotFound:
            continue
    raise NotFound(
        f"No run {job_id[:8]} of the newest {MOST_AUTOMATIONS} automations",
        advice="The token API shows runs of automations only; mogplex-tui login --session opens all jobs",
    )


def cost_of(job: JobDetail) -> Decimal | None:
    """Return the cost of a run, or None if it is unknown.

    This is the cost that the service reports. If it reports none, the result is the sum of the costs
    of the run's calls, or None if a call has no price.
    """
    costs = [call.cost_usd for call in job.ai_calls]
    known = [cost for cost in costs if cost is not None]
    if job.cost_usd is not None or not known or len(known) < len(costs) or job.ai_calls.bad:
        return job.cost_usd
    return Estimate(sum(known, Decimal(0)))
