"""The list of runs, read from the best source that the credentials open.

If they open the observability routes, the rows are the service's calls (`live.call_pages`). If
they open only v1, the rows are the runs of every automation and the runs known on this machine
(`live.v1_runs`), because v1 has no list of runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import LoginRequired
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.live import run_row as make
from mogplex_tui.live.call_pages import FORGOTTEN, CallPages
from mogplex_tui.live.freshness import CLOSED, SourceState
from mogplex_tui.live.job_call_join import JobCallJoin
from mogplex_tui.live.older_run_pages import OlderRunPages
from mogplex_tui.live.read_order import ReadOrder
from mogplex_tui.live.reasons import Closed, ClosedList, Notice, PartialRuns, Requirement
from mogplex_tui.live.run_details import RunDetails
from mogplex_tui.live.run_row import ENDED_STATES, RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import SESSION_EXPIRED, SIGN_IN_AGAIN
from mogplex_tui.live.store import RowSet
from mogplex_tui.live.v1_runs import V1Runs

if TYPE_CHECKING:
    from mogplex_tui.api.models.runs import RunDetail
    from mogplex_tui.live.session import Session

UNSEEN = "What became of it cannot be seen now."


class Runs:
    """Reads runs into the store's row set `runs`.

    If `reads_all` is true, a single read covers every known run, as a command needs. Otherwise a few
    runs are read at a time, as for a console.
    """

    def __init__(self, session: Session, *, reads_all: bool = False) -> None:
        self.session = session
        self.set: RowSet[RunRow] = session.store.set("runs")
        self.read_order = ReadOrder()
        self.calls = CallPages(
            session, self.set, self.enrich, lambda: session.scheduler.refresh(self.feed), self.read_order
        )
        self.older = OlderRunPages(session, self.calls, self.set, lambda: self.listed)
        self.details = RunDetails(session, self.set, self.enrich)
        self._job_calls = JobCallJoin(self.set)
        # The time of the last read of calls; None before it, and if the rows come from the startup cache.
        self._calls_read_at: datetime | None = None
        self.own = V1Runs(
            session,
            self.set,
            self._take_job,
            lambda run, read_number: self.put_run(run, read_number=read_number),
            self.read_order,
            reads_all=reads_all,
        )
        self.feed = Feed(
            "runs",
            self.fetch,
            Priority.TABLE,
            every=45.0,
            poll_without_realtime=6.0,
            gap=1.0,
            tables=frozenset({"ai_calls", "job_runs"}),
            metered=lambda: not self.listed or session.metered_off_v1(),
            freshness=self.set.freshness,
            sources=self.set.sources,
        )
        session.names.changed.subscribe(self._update_names)

    def _update_names(self) -> None:
        """Update rows whose repository, agent or automation now has another known name."""
        names = self.session.names
        unnamed_rows = [
            row
            for row in self.set.rows.values()
            if (row.repo is None and names.repo(row.repo_id))
            or row.who != (names.agent(row.agent_id) or row.who)
            or row.automation != names.automations.get(row.flow_id or "", row.automation)
        ]
        self.set.apply([(row.key, self.enrich(row)) for row in unnamed_rows])

    @property
    def listed(self) -> bool:
        """Whether the current credentials can list the service's calls."""
        return self.session.may_request(Family.OBSERVABILITY)

    @property
    def may_load_more(self) -> bool:
        """Whether the service has older calls that are not loaded yet."""
        return self.listed and self.calls.may_load_more

    def load_more(self) -> None:
        """Request one more page of older calls, unless a requested page is pending."""
        if self.listed:
            self.calls.load_more()

    async def fetch(self) -> bool:
        """Read the list from the best open source; return whether any row changed.

        Raises MogplexError.
        """
        if self.listed:
            self._use_sources(self.calls.sources)
            try:
                differed = await self.calls.read()
            except CLOSED:
                # The access map has recorded this refusal; v1 may still accept the credential.
                if self.session.target.token is None or self.session.may_request(Family.OBSERVABILITY):
                    raise
            else:
                self._calls_read_at = self.session.clock.now()
                self.set.drop(self._keys_to_drop_for_calls())
                self._job_calls.restore()
                self.set.notices = ()
                return differed
        if self.session.session_expired and self.session.target.token is None:
            # No other source is left: v1 accepts only tokens.
            raise LoginRequired(SESSION_EXPIRED, advice=SIGN_IN_AGAIN)
        self._use_sources(self.own.sources)
        self._mark_live_calls_unknown()
        self.set.total = self.set.whole_since = None
        refused = False
        try:
            return await self.own.read()
        except CLOSED:
            refused = True
            raise
        finally:
            self.set.notices = self._notices(is_refused=refused)

    def _use_sources(self, sources: Mapping[str, SourceState]) -> None:
        """Make these sources the only ones that determine the row set's freshness."""
        if self.set.sources.keys() != sources.keys():
            self.set.sources.clear()
            self.set.sources.update(sources)

    def _keys_to_drop_for_calls(self) -> list[str]:
        """Return the keys of the rows to remove when calls can be listed again.

        They are the rows of jobs, which replaced the calls of the jobs, and the rows of calls whose
        state was set to unknown.
        """
        rows = self.set.rows.items()
        return [key for key, row in rows if row.source is make.RunSource.JOB or row.error == UNSEEN]

    def _mark_live_calls_unknown(self) -> None:
        """Set the state of live calls that no open source can read to unknown."""
        self._job_calls.collect(self._calls_read_at)
        known = self.session.history.get
        live = (
            (key, row) for key, row in self.set.rows.items() if row.live and row.source is make.RunSource.CALL
        )
        lost = [
            (key, row._replace(state="unknown", error=UNSEEN)) for key, row in live if not known(row.run_id)
        ]
        self.set.apply(lost)

    def _take_job(self, job: RunRow) -> RunRow:
        """Complete the row of a job for display, and remove the job's calls from the list."""
        self._job_calls.replace(job)
        return self.enrich(job)

    def join_cached(self) -> None:
        """Replace calls by their jobs in the rows loaded from the startup cache.

        The last session may have read calls and jobs at different times.
        """
        if not any(row.source is make.RunSource.JOB for row in self.set.rows.values()):
            # A session that listed jobs could not read calls at its end.
            self._calls_read_at = self.set.freshness.as_of_wall
        self._job_calls.collect(self._calls_read_at)
        self._job_calls.replace_all()

    @property
    def rows_to_cache(self) -> dict[str, RunRow]:
        """The rows to cache: those in the list, and the calls that jobs have replaced."""
        return {**self._job_calls.replaced, **self.set.rows}

    def _notices(self, *, is_refused: bool) -> tuple[Notice, ...]:
        if self.session.refused:
            # The message in place of the rows says it already.
            return ()
        finding = self.session.access.reach(Family.OBSERVABILITY)
        if finding.reach is not Reach.NEEDS_SESSION:
            cause = Closed(finding.reach, finding)
            return (ClosedList(cause) if is_refused else PartialRuns(cause),)
        cause = self.session.missing_session(Family.OBSERVABILITY)
        return (ClosedList(cause, Requirement("runs")) if is_refused else PartialRuns(cause),)

    def enrich(self, row: RunRow) -> RunRow:
        """Return a row completed with everything that the session knows about its run.

        These are names, the prompt, details from other routes, the tokens and cost from before a cancel,
        and the local state: a queued change, or `cancelling` while a cancel is being sent.
        """
        names, history = self.session.names, self.session.history
        row = self.details.with_details(row)
        before = self.set.rows.get(row.key)
        if row.source is make.RunSource.RUN and before is not None and before.cancel_requested:
            row = row._replace(cancel_requested=True)
        if row.source is make.RunSource.JOB:
            row = self._job_calls.with_call_spend(row)
        known = history.get(row.run_id) or history.by_call(row.call_id)
        state = row.state
        if row.live and (row.cancel_requested or self.session.in_flight.is_sent("runs", row.key)):
            state = "cancelling"
        named = self._named(row)
        names.learn(row.repo_id, row.repo)
        return make.keep_previous_spend(row, before)._replace(
            state=state,
            queued=self.session.in_flight.queued_word("runs", row.key),
            repo=row.repo or names.repo(row.repo_id) or (known and known.repo) or named.repo,
            who=names.agent(row.agent_id) or named.who,
            automation=names.automations.get(row.flow_id or "") or named.automation,
            branch=named.branch,
            base_branch=named.base_branch,
            run_id=row.run_id or (known.run_id if known else None),
            prompt=row.prompt or (known.prompt if known else None),
        )

    def _named(self, row: RunRow) -> RunRow:
        """Return a new row with names from its old row where the new row lacks them.

        At startup the names are read later than the rows, and a call that fails loses its branches
        (observability.md §9).
        """
        before = self.set.rows.get(row.key)
        if before is None:
            return row
        repo = before.repo if before.repo_id == row.repo_id else None
        agent_name = before.who if row.agent_id and before.agent_id == row.agent_id else None
        return row._replace(
            repo=row.repo or repo,
            who=agent_name or row.who,
            automation=before.automation if before.flow_id == row.flow_id else None,
            branch=row.branch or before.branch,
            base_branch=row.base_branch or before.base_branch,
        )

    def put_run(
        self,
        run: RunDetail,
        *,
        prompt: str | None = None,
        repo: str | None = None,
        read_number: int | None = None,
    ) -> RunRow:
        """Add a v1 run to the list and return its row.

        If the list has the row of the run's call, only fields for which v1 is the better source are
        copied to it (v1.md §7.6). `read_number` is the number of the read; an outdated read changes
        nothing.
        """
        row = self.enrich(make.from_run(run, prompt=prompt, repo=repo))
        known = self.set.rows.get(row.key)
        if (
            known is not None
            and read_number is not None
            and self.read_order.is_outdated(row.key, read_number)
        ):
            return known
        if known is not None and known.source is make.RunSource.CALL:
            over = row.state in ENDED_STATES and known.state not in ENDED_STATES
            row = known._replace(
                run_id=row.run_id,
                branch=row.branch or known.branch,
                base_branch=row.base_branch or known.base_branch,
                external=True,
                prompt=known.prompt or row.prompt,
                state=row.state if over or not self.listed else known.state,
                error=row.error or known.error,
                ended_at=known.ended_at or row.ended_at,
                duration_ms=known.duration_ms or row.duration_ms,
            )
        self.set.apply([(row.key, row)])
        return row

    async def reread(self, row: RunRow) -> RunRow | None:
        """Read one row again, for example after a cancel; return the current row.

        Returns None if the service no longer has the record. Raises MogplexError.
        """
        read_number = self.read_order.start_read()
        if row.source is make.RunSource.CALL and row.started_at is not None and self.listed:
            await self.calls.read_one(row, Priority.ACTION)
        elif row.run_id is not None:
            run = await self.session.client.at(Priority.ACTION).runs.get(row.run_id)
            self.read_order.record_reread(row.key, read_number)
            return self.put_run(run, read_number=read_number)
        elif row.automation_id is not None:
            await self.own.fetch_of(row.automation_id, Priority.ACTION)
        now = self.set.rows.get(row.key)
        return None if now is not None and now.error == FORGOTTEN else now

    def note_cancel_request(self, key: str) -> RunRow | None:
        """Set the state of a live row to `cancelling` and return the row.

        The console remembers the request because v1 does not report it. The row of an ended run is
        returned unchanged. Returns None if there is no row with this key.
        """
        row = self.set.rows.get(key)
        if row is None or row.state in ENDED_STATES:
            return row
        row = row._replace(cancel_requested=True, state="cancelling")
        self.set.apply([(key, row)])
        return row

    def mark(self, key: str, state: str) -> None:
        """Set the state of a row before the service reports it (optimistic update)."""
        row = self.set.rows.get(key)
        if row is not None:
            self.set.apply([(key, row._replace(state=state))])

    def show_queued(self, key: str, word: str | None) -> None:
        """Show a word for a queued change in a row, such as `cancel 12s`.

        If `word` is None, the word is removed.
        """
        row = self.set.rows.get(key)
        if row is not None and row.queued != word:
            self.set.apply([(key, row._replace(queued=word))])
