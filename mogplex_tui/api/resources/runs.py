"""Runs over the token API (v1.md §7-§9)."""

from __future__ import annotations

from mogplex_tui.api.errors import BadRequest, NotAllowed
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.models.runs import HORIZON, RunCancelled, RunDetail, RunEvents, RunStart, StartedRun
from mogplex_tui.api.request_rules import idempotency_key as checked_key
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.safe_text import short_id


class RunsResource(Resource):
    """`/runs`: there is no list (v1.md §0)."""

    async def start(self, run: RunStart, idempotency_key: str) -> StartedRun:
        """Start a run; the same key with the same request gives the same run again, `replayed`.

        Raises IdempotencyConflict for a key of another request, Throttled for the quota of 10 a minute, 30 an
        hour, 150 a day, and Unavailable also for a repository that is unknown (auth.md §7).
        """
        headers = {"Idempotency-Key": checked_key(idempotency_key)}
        response = await self._change("POST", v1("/runs"), "the new run", body=run.body(), headers=headers)
        return response.one(StartedRun)

    async def may_write(self) -> bool:
        """Return whether the token may write, found out without changing anything.

        A start without its key is refused after the scope check and before the quota (v1.md §7.2, auth.md §7): 400
        means that the scope is there, 403 that it is not. The access map learns it either way.
        """
        try:
            await self._change("POST", v1("/runs"), "the write scope", body={})
        except NotAllowed:
            return False
        except BadRequest:
            return True
        return True

    async def get(self, run_id: str) -> RunDetail:
        """Return one run."""
        record = path_id(run_id, "run")
        return (await self._get(v1(f"/runs/{record}"), f"run {short_id(record)}")).one(RunDetail, "run")

    async def events(self, run_id: str, limit: int = HORIZON) -> RunEvents:
        """Return the run and its oldest events, at most 200; `at_horizon` when `limit` of them came."""
        record = path_id(run_id, "run")
        response = await self._get(
            v1(f"/runs/{record}/events"), f"the events of run {short_id(record)}", limit=limit
        )
        events = response.rows(Event, "events")
        return RunEvents(response.one(RunDetail, "run"), events, events.total >= max(1, min(limit, HORIZON)))

    async def cancel(self, run_id: str) -> RunCancelled:
        """Ask for the end of a run, always at ACTION priority; repeating it is harmless (v1.md §9)."""
        record = path_id(run_id, "run")
        return (await self._change("POST", v1(f"/runs/{record}/cancel"), f"run {short_id(record)}")).one(
            RunCancelled
        )
