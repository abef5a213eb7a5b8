"""Read details of runs that the list of calls does not contain, in the background.

The list replaces the errors of failed calls by sentences (observability.md §9), has no titles of
pull requests, and shows a run as pending whose sandbox did not boot (v1.md §7.6). The missing
details are read from the routes for jobs, failures of automations, v1 runs and sandboxes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Final

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotFound
from mogplex_tui.api.route_access import Family
from mogplex_tui.live import run_row as make
from mogplex_tui.live.failure_class import FailureClass, failure_class
from mogplex_tui.live.freshness import CLOSED, OF_ONE_ROUTE
from mogplex_tui.live.run_lookup import with_events
from mogplex_tui.live.run_row import ENDED_STATES, RunRow, RunSource
from mogplex_tui.live.scheduler import Feed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowChanges, RowSet

_RUNS_A_READ: Final = 4
"""The runs to read in one go; the budget has to last for the rest of the screen."""
_METERED_DELAY: Final = 30.0
"""The seconds by which a console with a token alone reads its lists first."""
_MOST_RUNS: Final = 40
"""The newest failed runs that are read by themselves."""
_BOOTS_WITHIN: Final = timedelta(minutes=2)
"""The time after which a pending run is read by itself: its sandbox may have failed to boot."""
_NO_MACHINE: Final = (None, "pending")
_PAGE: Final = 100


class RunDetails:
    """Details from other routes for the runs in the list; each record is read once.

    `enrich` completes a row for display; it also calls `with_details`, which adds these details.
    """

    def __init__(self, session: Session, rows: RowSet[RunRow], enrich: Callable[[RunRow], RunRow]) -> None:
        self._session, self._set, self._enrich = session, rows, enrich
        self._titles: dict[str, str] = {}
        self._failures: dict[str, tuple[FailureClass | None, str | None]] = {}
        # The rows of v1 runs by the key of the call's row, and the errors of broken sandboxes by their id.
        self._runs: dict[str, RunRow] = {}
        self._broken: dict[str, str] = {}
        # What was asked for, whether or not the service had it.
        self._asked_titles: set[str] = set()
        self._asked_failures: set[str] = set()
        self._asked_runs: set[str] = set()
        self._asked_sandboxes: set[str] = set()
        # When the run of a pending call was read last.
        self._tried_at: dict[str, float] = {}
        self.feed = Feed(
            "run details",
            self.fetch,
            Priority.BACKGROUND,
            every=60.0,
            poll_without_realtime=60.0,
            metered=session.metered_off_v1,
            metered_delay=_METERED_DELAY,
            idle=lambda: not any(map(self._is_wanted, self._set.rows.values())),
        )
        rows.changes.subscribe(self._rows_changed)

    def with_details(self, row: RunRow) -> RunRow:
        """Return a row with its title and the cause of its failure, if they are known."""
        if row.title is None and row.job_id in self._titles:
            row = row._replace(title=self._titles[row.job_id])
        run = self._runs.get(row.key)
        if run is not None:
            over = row.live and run.state in ENDED_STATES
            row = row._replace(
                run_id=row.run_id or run.run_id,
                branch=row.branch or run.branch,
                base_branch=row.base_branch or run.base_branch,
                state=run.state if over else row.state,
                ended_at=row.ended_at or run.ended_at,
                duration_ms=row.duration_ms or run.duration_ms,
                error=row.error or run.error,
            )
        if row.state != "failed":
            return row
        known_class, cause = self._failures.get(row.job_id or "", (None, None))
        cause = cause or (run.error if run is not None else None)
        if row.sandbox_id in self._broken and row.sandbox_name in _NO_MACHINE:
            known_class, cause = FailureClass.SANDBOX, self._broken[row.sandbox_id] or cause
        return row._replace(
            failure_class=known_class or row.failure_class, cause=make.without_secrets(cause) or row.cause
        )

    # Reading ---------------------------------------------------------------------------------------------------

    async def fetch(self) -> bool:
        """Read details that rows in the list lack; return whether any row changed.

        If the requests count against a token's budget, only one record or list is read at a time.
        Raises MogplexError.
        """
        if self._session.metered_off_v1():
            return await self._fetch_one()
        client = self._session.client.at(Priority.BACKGROUND)
        await self._read_once(client, self._read_titles, self._lacks_title, self._asked_titles, _job_id)
        await self._read_once(client, self._read_failures, self._lacks_failure, self._asked_failures, _job_id)
        has_room = self._has_room
        for row in self._lacking_runs()[: _RUNS_A_READ if has_room else 0]:
            await self._try_run(client, row)
        # A run that was read may turn out to have failed for its sandbox.
        differed = self._update_rows()
        await self._read_once(
            client, self._read_sandboxes, self._lacks_sandbox, self._asked_sandboxes, _sandbox_id
        )
        differed |= self._update_rows()
        if has_room and any(map(self._is_wanted, self._set.rows.values())):
            self._session.scheduler.refresh(self.feed)
        return differed

    async def fetch_lists(self) -> None:
        """Read the titles and causes of failures that rows lack, for a command.

        Single runs are not read. Errors are ignored: the rows then have fewer details.
        """
        client = self._session.client.at(Priority.TABLE)
        with contextlib.suppress(MogplexError):
            await self._read_once(client, self._read_titles, self._lacks_title, self._asked_titles, _job_id)
            await self._read_once(
                client, self._read_failures, self._lacks_failure, self._asked_failures, _job_id
            )
        self._update_rows()

    async def _fetch_one(self) -> bool:
        """Read one list or run with details that rows lack; return whether a row changed."""
        client = self._session.client.at(Priority.BACKGROUND)
        rows = self._set.rows.values()
        if not self._has_room:
            return False
        if any(map(self._lacks_failure, rows)):
            await self._read_once(
                client, self._read_failures, self._lacks_failure, self._asked_failures, _job_id
            )
        elif lacking := self._lacking_runs():
            await self._try_run(client, lacking[0])
        elif any(map(self._lacks_sandbox, rows)):
            await self._read_once(
                client, self._read_sandboxes, self._lacks_sandbox, self._asked_sandboxes, _sandbox_id
            )
        else:
            await self._read_once(client, self._read_titles, self._lacks_title, self._asked_titles, _job_id)
        return self._update_rows()

    @property
    def _has_room(self) -> bool:
        """Whether less than a quarter of the token's budget is used.

        Reading v1 runs always counts against that budget.
        """
        budget = self._session.budget
        return budget.used() < budget.limit // 4

    def _lacking_runs(self) -> list[RunRow]:
        return sorted(filter(self._lacks_run, self._set.rows.values()), key=_began, reverse=True)

    async def _try_run(self, client: ClientView, row: RunRow) -> None:
        try:
            await self._read_run(client, row)
        except (*CLOSED, *OF_ONE_ROUTE, NotFound):
            self._asked_runs.add(row.key)

    def _update_rows(self) -> bool:
        """Add the details known so far to all rows; return whether any row changed."""
        return bool(
            self._set.apply([(row.key, self._enrich(row)) for row in self._set.rows.values()]).changed
        )

    async def _read_once(
        self,
        client: ClientView,
        read: Callable[[ClientView], Awaitable[None]],
        lacks: Callable[[RunRow], bool],
        asked: set[str],
        id_of: Callable[[RunRow], str | None],
    ) -> None:
        """Read a list if rows lack its details, and do not read it for these rows again.

        `lacks` returns whether a row lacks the details, and `id_of` its id in the list. The ids of the
        rows are added to `asked`, even if the credentials do not open the list.
        """
        ids = {record_id for row in self._set.rows.values() if lacks(row) and (record_id := id_of(row))}
        if ids:
            with contextlib.suppress(*CLOSED):
                await read(client)
            asked |= ids

    async def _read_titles(self, client: ClientView) -> None:
        for job in (await client.observability.jobs(limit=_PAGE)).jobs:
            title = make.from_job(job, None, None).title
            if title:
                self._titles[job.id] = title

    async def _read_failures(self, client: ClientView) -> None:
        for record in (await client.observability.automation_failures(limit=_PAGE)).records:
            if record.job_run_id:
                facts = record.diagnostics
                known = (failure_class(facts.failure_class), facts.failure_message)
                self._failures.setdefault(record.job_run_id, known)

    async def _read_sandboxes(self, client: ClientView) -> None:
        may_list = self._session.may_request(Family.SANDBOX)
        boxes = await (client.sandboxes.records() if may_list else client.sandboxes.list(status="error"))
        self._broken.update({box.id: box.error or "" for box in boxes if box.status == "error"})

    async def _read_run(self, client: ClientView, row: RunRow) -> None:
        """Read the v1 run of a call; the run's id is in the first events of the call."""
        self._tried_at[row.key] = self._session.clock.monotonic()
        if row.run_id is None and row.call_id is not None:
            events = client.observability.call_events(row.call_id)
            async with contextlib.aclosing(events):
                async for batch in events:
                    row = with_events(row, batch)
                    break
        if row.run_id is not None:
            self._runs[row.key] = make.from_run(await client.runs.get(row.run_id))
        if row.state in ENDED_STATES or (row.key in self._runs and not self._runs[row.key].live):
            self._asked_runs.add(row.key)

    # What is lacking -------------------------------------------------------------------------------------------

    def _rows_changed(self, change: RowChanges) -> None:
        rows, feed = self._set.rows, self.feed
        if feed.asked or feed.running or feed.troubled:
            return
        if self._session.metered_off_v1():
            # It is read at its pace, not at once.
            self._session.scheduler.recheck()
            return
        if any(self._is_wanted(rows[key]) for key in change.changed if key in rows):
            self._session.scheduler.refresh(self.feed)

    def _is_wanted(self, row: RunRow) -> bool:
        lacks: Iterable[Callable[[RunRow], bool]] = (
            self._lacks_title,
            self._lacks_failure,
            self._lacks_sandbox,
            self._lacks_run,
        )
        return any(lack(row) for lack in lacks)

    def _lacks_title(self, row: RunRow) -> bool:
        number = row.pull_number or row.issue_number
        is_unknown = row.title is None and row.job_id is not None and row.job_id not in self._asked_titles
        return is_unknown and number is not None and self._session.may_request(Family.OBSERVABILITY)

    def _lacks_failure(self, row: RunRow) -> bool:
        is_unknown = row.job_id is not None and row.job_id not in self._asked_failures
        return is_unknown and row.state == "failed" and self._session.may_request(Family.OBSERVABILITY)

    def _lacks_sandbox(self, row: RunRow) -> bool:
        if row.state != "failed" or row.sandbox_id is None or row.sandbox_id in self._asked_sandboxes:
            return False
        is_open = self._session.may_request(Family.SANDBOX) or self._session.may_request(Family.V1)
        return row.sandbox_name in _NO_MACHINE and is_open

    def _lacks_run(self, row: RunRow) -> bool:
        """Return whether to read the v1 run of a call, which may explain its failure.

        The run is read for a failed call, and for a call that has been pending unusually long: its
        sandbox may have failed to boot.
        """
        if row.source is not RunSource.CALL or not row.external or row.key in self._asked_runs:
            return False
        if len(self._asked_runs) >= _MOST_RUNS or not self._session.may_request(Family.V1):
            return False
        if row.state != "pending":
            return row.state == "failed"
        clock = self._session.clock
        is_due = clock.monotonic() - self._tried_at.get(row.key, -inf) >= self.feed.every
        return is_due and row.began is not None and clock.now() - row.began > _BOOTS_WITHIN


def _job_id(row: RunRow) -> str | None:
    return row.job_id


def _sandbox_id(row: RunRow) -> str | None:
    return row.sandbox_id


def _began(row: RunRow) -> float:
    return 0.0 if row.began is None else row.began.timestamp()
