"""Runs of coding CLIs, over the token API."""

from __future__ import annotations

from mogplex_tui.api.errors import BadRequest, NotAllowed
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.models.runs import (
    MAX_RUN_EVENTS,
    RunCancelled,
    RunDetail,
    RunEvents,
    RunStart,
    StartedRun,
)
from mogplex_tui.api.request_checks import idempotency_key as checked_key
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.safe_text import short_id


class RunsResource(Resource):
    """Runs of coding CLIs, on the token API at `/runs`.

    The token API cannot list runs. Contract: v1.md §7 to §9.
    """

    async def start(self, run: RunStart, idempotency_key: str) -> StartedRun:
        """Start a run and return it.

        A request with a key that an earlier, equal request has used returns the run of that request,
        with `replayed` True. Raises IdempotencyConflict if the earlier request was different, Throttled
        if a limit is used up (10 runs a minute, 30 an hour, 150 a day), and Unavailable, which may also
        mean that the repository is unknown.

        Contract: v1.md §7, auth.md §7.
        """
        headers = {"Idempotency-Key": checked_key(idempotency_key)}
        response = await self._change("POST", v1("/runs"), "the new run", body=run.body(), headers=headers)
        return response.one(StartedRun)

    async def has_write_scope(self) -> bool:
        """Return whether the token has the write scope, without changing anything.

        Sends a request to start a run, but without an idempotency key. The service refuses it before
        counting it against the quota: with 400 if the token has the scope, with 403 if not. The access
        map records which of them it was.

        Contract: v1.md §7.2, auth.md §7.
        """
        try:
            await self._change("POST", v1("/runs"), "the write scope", body={})
        except NotAllowed:
            return False
        except BadRequest:
            return True
        return True

    async def get(self, run_id: str) -> RunDetail:
        """Return one run.

        Raises NotFound if there is no such run.
        """
        record = path_id(run_id, "run")
        return (await self._get(v1(f"/runs/{record}"), f"run {short_id(record)}")).one(RunDetail, "run")

    async def events(self, run_id: str, limit: int = MAX_RUN_EVENTS) -> RunEvents:
        """Return a run and its oldest events, at most 200.

        `is_truncated` is True if the service returned `limit` events, so that there may be more. Raises
        NotFound if there is no such run.
        """
        record = path_id(run_id, "run")
        response = await self._get(
            v1(f"/runs/{record}/events"), f"the events of run {short_id(record)}", limit=limit
        )
        events = response.rows(Event, "events")
        return RunEvents(
            response.one(RunDetail, "run"), events, events.total >= max(1, min(limit, MAX_RUN_EVENTS))
        )

    async def cancel(self, run_id: str) -> RunCancelled:
        """Ask the service to cancel a run, and return its confirmation.

        The request can be repeated safely. Raises NotFound if there is no such run, and Conflict if the
        service could not reach the sandbox of the run. Contract: v1.md §9.
        """
        record = path_id(run_id, "run")
        return (await self._change("POST", v1(f"/runs/{record}/cancel"), f"run {short_id(record)}")).one(
            RunCancelled
        )
