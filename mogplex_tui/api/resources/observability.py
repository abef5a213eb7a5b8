"""Observability: stats, calls, events, tool calls, jobs (observability.md §1-§8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from mogplex_tui.api.jsonstream import ArrayDecoder, MalformedError
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.calls import Call, CallCancelled, CallPage, ToolCall
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
from mogplex_tui.api.models.ledger import FailureReport, LedgerEntry, LedgerPage
from mogplex_tui.api.models.stats import Stats
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id
from mogplex_tui.api.transport import Request

_ROOT = "/api/observability"
# One turn of the loop: so many events, or so many characters of JSON, whichever is less work.
_BATCH = 250
_TURN_CHARS = 96 * 1024


class ObservabilityResource(Resource):
    """`/api/observability/*`."""

    async def stats(self, since: datetime | None = None, until: datetime | None = None) -> Stats:
        """Return the stats; the windows differ by figure, see StatsSummary."""
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
        """Return one page of at most 100 calls, by default the newest first (§2)."""
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
        """Yield all events of a call in batches of at most 250, oldest first, while the answer arrives (§4).

        The answer has no limit: tens of thousands of events are decoded piece by piece, with a turn for the
        loop after each batch. An answer that is cut raises InvalidResponse after what was readable. Close the
        iterator when leaving early (`contextlib.aclosing`).
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
        """Return the tool calls of the 50 newest calls that have any (§5)."""
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
        """Return one page of at most 100 job runs, by default the newest first (§7.1)."""
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
        """Return one job run with its ledger, calls and findings (§7.2)."""
        record = path_id(job_id, "job")
        return (await self._get(f"{_ROOT}/jobs/{record}", f"job {short_id(record)}")).one(JobDetail, "run")

    async def cancel_call(self, call_id: str) -> CallCancelled:
        """Ask for the end of a call; Conflict when it is over already. It leaves a v1 run's row as it was
        (§3).
        """
        record = path_id(call_id, "call")
        return (await self._change("POST", f"{_ROOT}/calls/{record}/cancel", f"call {short_id(record)}")).one(
            CallCancelled
        )

    async def cancel_job(self, job_id: str) -> JobCancelled:
        """Cancel a job run and ask its calls to end; Conflict when it is over already (§7.3)."""
        record = path_id(job_id, "job")
        return (await self._change("POST", f"{_ROOT}/jobs/{record}/cancel", f"job {short_id(record)}")).one(
            JobCancelled
        )

    async def repair_job(self, job_id: str) -> JobRepaired:
        """Start a job that has been pending for two minutes; `started` tells whether it took (§7.4).

        BadRequest when it is not repairable, which it is not within two minutes of an attempt either.
        """
        record = path_id(job_id, "job")
        return (await self._change("POST", f"{_ROOT}/jobs/{record}/repair", f"job {short_id(record)}")).one(
            JobRepaired
        )

    async def requeue_job(self, job_id: str, version_mode: VersionMode | str | None = None) -> JobRequeued:
        """Run a failed job again as a new one; twice gives two (§7.5).

        Without a mode automations take their published version where it still fits. BadRequest unless it has failed;
        Conflict with code LATEST_PUBLISHED_VERSION_UNAVAILABLE when that version was asked for and there is none.
        """
        record = path_id(job_id, "job")
        body = None if version_mode is None else JobRequeue(version_mode=version_mode).set_fields()
        response = await self._change(
            "POST", f"{_ROOT}/jobs/{record}/requeue", f"job {short_id(record)}", body=body
        )
        return response.one(JobRequeued)

    async def file_issue(self, job_id: str, finding_id: str, draft: IssueDraft | None = None) -> FindingIssue:
        """Open a GitHub issue for a review's finding, or return the one it has (§7.6).

        Conflict when it is dismissed, being filed, without a repository or out of GitHub's reach.
        """
        job, finding = path_id(job_id, "job"), path_id(finding_id, "finding")
        response = await self._change(
            "POST",
            f"{_ROOT}/jobs/{job}/review-findings/{finding}/issue",
            f"finding {short_id(finding)}",
            body=None if draft is None else draft.wire(),
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
    ) -> LedgerPage:
        """Return one page of at most 100 ledger entries, the newest first; unknown words match nothing (§8.1)."""
        response = await self._get(
            f"{_ROOT}/automation-events",
            "the dispatch ledger",
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
        rows = response.rows(LedgerEntry, "events")
        return LedgerPage(rows, *_paging(response.data, rows.total))

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
        """Return the failures of automations with their sums; a provider is named by its key, in lower case (§8.3)."""
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


def _paging(data: object, came: int) -> tuple[int, int | None, int | None]:
    def number(key: str) -> int | None:
        value = data.get(key) if isinstance(data, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) and value < 2**63 else None

    total = number("total")
    return came if total is None else total, number("page"), number("limit")
