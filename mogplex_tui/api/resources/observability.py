"""Statistics, calls, events, tool calls, jobs and the dispatch log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from mogplex_tui.api.jsonstream import ArrayDecoder, MalformedError
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.calls import Call, CallCancelled, CallPage, ToolCall
from mogplex_tui.api.models.dispatch_and_failures import DispatchLogEntry, DispatchLogPage, FailureReport
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.models.job_actions import (
    FindingIssue,
    IssueDraft,
    JobRepaired,
    JobRequeue,
    JobRequeued,
    VersionMode,
)
from mogplex_tui.api.models.jobs import Job, JobCancelled, JobDetail, JobPage
from mogplex_tui.api.models.stats import Stats
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id
from mogplex_tui.api.transport import Request

_ROOT = "/api/observability"
# Events in one batch, and characters of JSON in it, whichever limit is reached first.
_BATCH = 250
_TURN_CHARS = 96 * 1024


class ObservabilityResource(Resource):
    """Statistics, calls, jobs and the dispatch log, at `/api/observability`.

    Contract: observability.md.
    """

    async def stats(self, since: datetime | None = None, until: datetime | None = None) -> Stats:
        """Return statistics on the time from `since` to `until`.

        Not all figures cover this time: see StatsSummary. Contract: observability.md §1.
        """
        return (await self._get(f"{_ROOT}/stats", "the stats", since=since, until=until)).one(Stats)

    async def calls(
        self,
        page: int = 1,
        limit: int = 100,
        sort: str | None = None,
        order: str | None = None,
        surface: str | None = None,
        status: str | None = None,
        type: str | None = None,
        model: str | None = None,
        repo_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        q: str | None = None,
        live_only: bool = False,
    ) -> CallPage:
        """Return one page of at most 100 calls, by default the newest first.

        Contract: observability.md §2.
        """
        response = await self._get(
            f"{_ROOT}/calls",
            "the calls",
            page=page,
            limit=limit,
            sort=sort,
            order=order,
            surface=surface,
            status=status,
            type=type,
            model=model,
            repo_id=path_id(repo_id, "repository") if repo_id else None,
            since=since,
            until=until,
            q=q,
            live_only=True if live_only else None,
        )
        rows = response.rows(Call, "calls")
        return CallPage(rows, *_paging(response.data, rows.total))

    async def call_events(self, call_id: str) -> AsyncGenerator[Rows[Event]]:
        """Yield all events of a call while they arrive, the oldest first.

        They are yielded in batches of at most 250. The response has no limit and may hold tens of
        thousands of events, so it is decoded piece by piece, and other tasks can run after each batch. A
        response that is cut off raises InvalidResponse after the last readable event. Raises NotFound if
        there is no such call. A caller that stops early must close the iterator (`contextlib.aclosing`).

        Contract: observability.md §4.
        """
        record = path_id(call_id, "call")
        request = Request(
            "GET",
            f"{_ROOT}/call-events",
            f"the events of call {short_id(record)}",
            params={"ai_call_id": record},
        )
        decoder = ArrayDecoder("events")
        async with self._transport.stream(request, self._priority) as (info, chunks):
            try:
                async for chunk in chunks:
                    decoder.feed(chunk)
                    while items := decoder.take(_BATCH, _TURN_CHARS):
                        yield parse_rows(Event, items)
                        await asyncio.sleep(0)
                decoder.end()
                while items := decoder.take(_BATCH, _TURN_CHARS):
                    yield parse_rows(Event, items)
                    await asyncio.sleep(0)
            except MalformedError as error:
                raise invalid_response(info, f"cannot be read to its end: {error}") from None

    async def tool_calls(self) -> Rows[ToolCall]:
        """Return the tool calls of the 50 newest AI calls that have used tools.

        Contract: observability.md §5.
        """
        return (await self._get(f"{_ROOT}/tool-calls", "the tool calls")).rows(ToolCall, None)

    async def jobs(
        self,
        page: int = 1,
        limit: int = 100,
        status: str | None = None,
        sort: str | None = None,
        order: str | None = None,
        source_kind: str | None = None,
        source_type: str | None = None,
        repo_id: str | None = None,
        agent_id: str | None = None,
        only_repairable: bool = False,
        only_retried: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> JobPage:
        """Return one page of at most 100 jobs, by default the newest first.

        Contract: observability.md §7.1.
        """
        response = await self._get(
            f"{_ROOT}/jobs",
            "the jobs",
            page=page,
            limit=limit,
            status=status,
            sort=sort,
            order=order,
            source_kind=source_kind,
            source_type=source_type,
            repo_id=repo_id,
            agent_id=agent_id,
            only_repairable=True if only_repairable else None,
            only_retried=True if only_retried else None,
            since=since,
            until=until,
        )
        rows = response.rows(Job, "jobs")
        return JobPage(rows, *_paging(response.data, rows.total))

    async def job(self, job_id: str) -> JobDetail:
        """Return one job with its dispatch log, calls and findings.

        Raises NotFound if there is no such job. Contract: observability.md §7.2.
        """
        record = path_id(job_id, "job")
        return (await self._get(f"{_ROOT}/jobs/{record}", f"job {short_id(record)}")).one(JobDetail, "run")

    async def cancel_call(self, call_id: str) -> CallCancelled:
        """Ask the service to cancel a call, and return its confirmation.

        If the call belongs to a run of the token API, the record of the run does not change. Raises
        Conflict if the call has ended, and NotFound if there is no such call.
        Contract: observability.md §3.
        """
        record = path_id(call_id, "call")
        return (await self._change("POST", f"{_ROOT}/calls/{record}/cancel", f"call {short_id(record)}")).one(
            CallCancelled
        )

    async def cancel_job(self, job_id: str) -> JobCancelled:
        """Cancel a job and its calls, and return the service's confirmation.

        Raises Conflict if the job has ended, and NotFound if there is no such job.
        Contract: observability.md §7.3.
        """
        record = path_id(job_id, "job")
        return (await self._change("POST", f"{_ROOT}/jobs/{record}/cancel", f"job {short_id(record)}")).one(
            JobCancelled
        )

    async def repair_job(self, job_id: str) -> JobRepaired:
        """Try again to start a job that is still pending, and return the result.

        The job must have been pending for two minutes. `started` in the result is True if the job was
        started. Raises BadRequest if the job cannot be repaired, for instance within two minutes of the
        last attempt. Contract: observability.md §7.4.
        """
        record = path_id(job_id, "job")
        return (await self._change("POST", f"{_ROOT}/jobs/{record}/repair", f"job {short_id(record)}")).one(
            JobRepaired
        )

    async def requeue_job(self, job_id: str, version_mode: VersionMode | str | None = None) -> JobRequeued:
        """Run a failed job again as a new job, and return the new job.

        Repeating the request creates another job. If `version_mode` is None, an automation runs its
        published version, provided that this version still fits the job. Raises BadRequest if the job
        has not failed, and Conflict with code LATEST_PUBLISHED_VERSION_UNAVAILABLE if the published
        version was requested but none exists. Contract: observability.md §7.5.
        """
        record = path_id(job_id, "job")
        body = None if version_mode is None else JobRequeue(version_mode=version_mode).set_fields()
        response = await self._change(
            "POST", f"{_ROOT}/jobs/{record}/requeue", f"job {short_id(record)}", body=body
        )
        return response.one(JobRequeued)

    async def file_issue(self, job_id: str, finding_id: str, draft: IssueDraft | None = None) -> FindingIssue:
        """Open a GitHub issue for a finding of a review, or return the existing issue.

        Raises Conflict if the finding was dismissed or has no repository, if another request is already
        opening the issue, or if GitHub does not accept the issue. Contract: observability.md §7.6.
        """
        job, finding = path_id(job_id, "job"), path_id(finding_id, "finding")
        response = await self._change(
            "POST",
            f"{_ROOT}/jobs/{job}/review-findings/{finding}/issue",
            f"finding {short_id(finding)}",
            body=None if draft is None else draft.json_body(),
        )
        return response.one(FindingIssue)

    async def automation_events(
        self,
        page: int = 1,
        limit: int = 100,
        outcome: str | None = None,
        reason: str | None = None,
        repo_id: str | None = None,
        source_type: str | None = None,
        source_kind: str | None = None,
        agent_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> DispatchLogPage:
        """Return one page of at most 100 entries of the dispatch log, the newest first.

        A filter with an unknown value gives an empty page. Contract: observability.md §8.1.
        """
        response = await self._get(
            f"{_ROOT}/automation-events",
            "the dispatch log",
            page=page,
            limit=limit,
            outcome=outcome,
            reason=reason,
            repo_id=path_id(repo_id, "repository") if repo_id else None,
            source_type=source_type,
            source_kind=source_kind,
            agent_id=agent_id,
            since=since,
            until=until,
        )
        rows = response.rows(DispatchLogEntry, "events")
        return DispatchLogPage(rows, *_paging(response.data, rows.total))

    async def automation_failures(
        self,
        page: int = 1,
        limit: int = 100,
        failure_class: str | None = None,
        source_type: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> FailureReport:
        """Return one page of failed runs of automations, with counts of all failures.

        `provider` is the key of a provider, in lower case. Contract: observability.md §8.3.
        """
        response = await self._get(
            f"{_ROOT}/automation-failures",
            "the failures",
            page=page,
            limit=limit,
            failure_class=failure_class,
            source_type=source_type,
            provider=provider,
            model=model,
            since=since,
            until=until,
        )
        return response.one(FailureReport)


def _paging(data: object, row_count: int) -> tuple[int, int | None, int | None]:
    def number(key: str) -> int | None:
        value = data.get(key) if isinstance(data, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) and value < 2**63 else None

    total = number("total")
    return row_count if total is None else total, number("page"), number("limit")
