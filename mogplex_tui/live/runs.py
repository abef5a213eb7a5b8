"""The list of runs, from whatever the credential reaches.

Where observability is open: the calls of the service (`live.call_pages`). Where only v1 is: the runs of every
automation and the runs that this machine knows by id (`live.v1_runs`), because v1 has no list of runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family, Reach
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import LoginRequired
from mogplex_tui.live import run_row as make
from mogplex_tui.live.call_pages import FORGOTTEN, CallPages
from mogplex_tui.live.freshness import CLOSED, SourceState
from mogplex_tui.live.job_call_join import JobCalls
from mogplex_tui.live.read_order import Turns
from mogplex_tui.live.reasons import Closed, ClosedList, Notice, PartialRuns, Requirement
from mogplex_tui.live.run_row import ENDED_STATES, RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import SESSION_EXPIRED, SIGN_IN_AGAIN
from mogplex_tui.live.store import RowSet
from mogplex_tui.live.v1_runs import OwnRuns

if TYPE_CHECKING:
    from mogplex_tui.api.models.runs import RunDetail
    from mogplex_tui.live.session import Session

UNSEEN = "What became of it cannot be seen now."


class Runs:
    """Keeps the set `runs` of the store.

    One that `reads_all` reads every run that is known by its id at once, as a command does; a console goes on reading.
    """

    def __init__(self, session: Session, *, reads_all: bool = False) -> None:
        self.session = session
        self.set: RowSet[RunRow] = session.store.set("runs")
        self.turns = Turns()
        self.calls = CallPages(
            session, self.set, self.dress, lambda: session.scheduler.refresh(self.feed), self.turns
        )
        self._job_calls = JobCalls(self.set)
        # When the calls were read last; None before, and where only the disk knows.
        self._calls_read_at: datetime | None = None
        self.own = OwnRuns(
            session,
            self.set,
            self._take_job,
            lambda run, turn: self.put_run(run, turn=turn),
            self.turns,
            reads_all=reads_all,
        )
        self.feed = Feed(
            "runs",
            self.fetch,
            Priority.TABLE,
            every=45.0,
            blind=6.0,
            gap=1.0,
            patience=2.0,
            tables=frozenset({"ai_calls", "job_runs"}),
            metered=lambda: not self.listed or session.metered_off_v1(),
            freshness=self.set.freshness,
            sources=self.set.sources,
        )
        session.names.changed.subscribe(self._name)

    def _name(self) -> None:
        """Name the rows that came before the names did."""
        names = self.session.names
        nameless = [
            row
            for row in self.set.rows.values()
            if (row.repo is None and names.repo(row.repo_id))
            or row.who != (names.agent(row.agent_id) or row.who)
        ]
        self.set.apply([(row.key, self.dress(row)) for row in nameless])

    @property
    def listed(self) -> bool:
        """Whether the service lists calls to this credential."""
        return self.session.open(Family.OBSERVABILITY)

    @property
    def may_load_more(self) -> bool:
        """Whether the service has older calls than those on screen."""
        return self.listed and self.calls.may_load_more

    def load_more(self) -> None:
        """Ask for one more page of older calls, unless one is on its way."""
        if self.listed:
            self.calls.load_more()

    async def fetch(self) -> bool:
        """Read the list once by the widest road that is open; return whether anything differed."""
        if self.listed:
            self._told_by(self.calls.sources)
            try:
                differed = await self.calls.read()
            except CLOSED:
                # The access map has learned it from this answer; v1 has its own word on the credential.
                if self.session.target.token is None or self.session.open(Family.OBSERVABILITY):
                    raise
            else:
                self._calls_read_at = self.session.clock.now()
                self.set.drop(self._of_v1_alone())
                self._job_calls.restore()
                self.set.notices = ()
                return differed
        if self.session.session_expired and self.session.target.token is None:
            # No other source is left: v1 takes tokens alone.
            raise LoginRequired(SESSION_EXPIRED, advice=SIGN_IN_AGAIN)
        self._told_by(self.own.sources)
        self._lose_sight()
        self.set.total = self.set.whole_since = None
        refused = False
        try:
            return await self.own.read()
        except CLOSED:
            refused = True
            raise
        finally:
            self.set.notices = self._notices(is_refused=refused)

    def _told_by(self, sources: Mapping[str, SourceState]) -> None:
        """Let the set be as fresh as these; what the other road failed on says nothing of it."""
        if self.set.sources.keys() != sources.keys():
            self.set.sources.clear()
            self.set.sources.update(sources)

    def _of_v1_alone(self) -> list[str]:
        """Return the rows that stood in for calls: jobs, which the calls tell of themselves, and what was not seen."""
        rows = self.set.rows.items()
        return [key for key, row in rows if row.source is make.RunSource.JOB or row.error == UNSEEN]

    def _lose_sight(self) -> None:
        """Call unknown what was live when the calls were closed, and which no other road tells of."""
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
        """Return the row of a job for the list; it replaces the calls of the job."""
        self._job_calls.replace(job)
        return self.dress(job)

    def join_kept(self) -> None:
        """Join jobs and calls of the last session, which were read at different times."""
        if not any(row.source is make.RunSource.JOB for row in self.set.rows.values()):
            # A session that listed jobs had lost sight of the calls before its end.
            self._calls_read_at = self.set.freshness.as_of_wall
        self._job_calls.collect(self._calls_read_at)
        self._job_calls.replace_all()

    @property
    def to_keep(self) -> dict[str, RunRow]:
        """The rows for the next session: those of the list, and the calls that jobs stand for in it."""
        return {**self._job_calls.replaced, **self.set.rows}

    def _notices(self, *, is_refused: bool) -> tuple[Notice, ...]:
        if self.session.refused:
            # The message in the place of the rows says it already.
            return ()
        finding = self.session.access.reach(Family.OBSERVABILITY)
        if finding.reach is not Reach.NEEDS_SESSION:
            cause = Closed(finding.reach, finding)
            return (ClosedList(cause) if is_refused else PartialRuns(cause),)
        cause = self.session.missing_session(Family.OBSERVABILITY)
        return (ClosedList(cause, Requirement("runs")) if is_refused else PartialRuns(cause),)

    def dress(self, row: RunRow) -> RunRow:
        """Add what this machine knows: names of ids, the prompt, a cancel that is under way, and what was spent before
        one.
        """
        names, history = self.session.names, self.session.history
        before = self.set.rows.get(row.key)
        if row.source is make.RunSource.RUN and before is not None and before.cancel_requested:
            row = row._replace(cancel_requested=True)
        if row.source is make.RunSource.JOB:
            row = self._job_calls.joined(row)
        known = history.get(row.run_id) or history.by_call(row.call_id)
        state = row.state
        if row.live and (row.cancel_requested or self.session.in_flight.is_sent("runs", row.key)):
            state = "cancelling"
        named = self._named(row)
        names.learn(row.repo_id, row.repo)
        return make.keeping_spend(row, before)._replace(
            state=state,
            queued=self.session.in_flight.queued_word("runs", row.key),
            repo=row.repo or names.repo(row.repo_id) or (known and known.repo) or named.repo,
            who=names.agent(row.agent_id) or named.who,
            branch=named.branch,
            base_branch=named.base_branch,
            run_id=row.run_id or (known.run_id if known else None),
            prompt=row.prompt or (known.prompt if known else None),
        )

    def _named(self, row: RunRow) -> RunRow:
        """Return the row with names that it had before: after a start the names come later than the rows, and a call
        that fails loses its branches (observability.md §9).
        """
        before = self.set.rows.get(row.key)
        if before is None:
            return row
        repo = before.repo if before.repo_id == row.repo_id else None
        who = before.who if row.agent_id and before.agent_id == row.agent_id else None
        return row._replace(
            repo=row.repo or repo,
            who=who or row.who,
            branch=row.branch or before.branch,
            base_branch=row.base_branch or before.base_branch,
        )

    def put_run(
        self, run: RunDetail, *, prompt: str | None = None, repo: str | None = None, turn: int | None = None
    ) -> RunRow:
        """Put a v1 run in the list and return its row. The row of its call, where there is one, knows more: only
        what the run knows better is taken over (v1.md §7.6). `turn` is the number of its reading: one that is too late
        changes nothing.
        """
        row = self.dress(make.from_run(run, prompt=prompt, repo=repo))
        known = self.set.rows.get(row.key)
        if known is not None and turn is not None and self.turns.overtaken(row.key, turn):
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
        """Read one row again, as after a cancel; return what it is now, None when the service has it no more.

        Raises the error tree.
        """
        turn = self.turns.ask()
        if row.source is make.RunSource.CALL and row.started_at is not None and self.listed:
            await self.calls.read_one(row, Priority.ACTION)
        elif row.run_id is not None:
            run = await self.session.client.at(Priority.ACTION).runs.get(row.run_id)
            self.turns.read_back(row.key, turn)
            return self.put_run(run, turn=turn)
        elif row.automation_id is not None:
            await self.own.fetch_of(row.automation_id, Priority.ACTION)
        now = self.set.rows.get(row.key)
        return None if now is not None and now.error == FORGOTTEN else now

    def note_cancel_request(self, key: str) -> RunRow | None:
        """Mark a live row as cancelling and return it; v1 does not report it."""
        row = self.set.rows.get(key)
        if row is None or row.state in ENDED_STATES:
            return row
        row = row._replace(cancel_requested=True, state="cancelling")
        self.set.apply([(key, row)])
        return row

    def mark(self, key: str, state: str) -> None:
        """Show a state at once, before the service has said it (design decision 6)."""
        row = self.set.rows.get(key)
        if row is not None:
            self.set.apply([(key, row._replace(state=state))])

    def show_queued(self, key: str, word: str | None) -> None:
        """Show that a change of a row waits for a rate limit, as `cancel 12s`; None ends that."""
        row = self.set.rows.get(key)
        if row is not None and row.queued != word:
            self.set.apply([(key, row._replace(queued=word))])
