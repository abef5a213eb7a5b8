"""The list of runs, from whatever the credential reaches.

Where observability is open: the newest calls, every live one, and as many further pages as were scrolled to
(observability.md §2). Where only v1 is: the runs of every automation and the runs that this machine knows by id
(v1.md §5.3, §7.5), because v1 has no list of runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family, Reach
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Absent, LoginRequired, NotAllowed, NotFound, NotSignedIn
from mogplex_tui.live import rows as make
from mogplex_tui.live.rows import ENDED_STATES, LIVE_STATES, RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import RowSet

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.calls import Call, CallPage
    from mogplex_tui.api.models.runs import RunDetail
    from mogplex_tui.live.session import Session

PAGE = 100
# Seconds between two reads of the same thing where there is no list.
AUTOMATIONS_EVERY, AUTOMATION_RUNS_EVERY, LIVE_RUN_EVERY = 300.0, 60.0, 5.0
# A run that ended is read once more after this: terminal is not always final (v1.md §7.6).
SETTLE = 5.0
# Of the runs known by id, so many are read in one go; the budget has to last for the rest of the screen.
RUNS_A_READ = 8
FORGOTTEN = "The service no longer knows this run."


class Runs:
    """Keeps the set `runs` of the store."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.set: RowSet[RunRow] = session.store.set("runs")
        self.pages = 1
        self._pages_read = 1
        self._page_turn = 1
        self._automations: dict[str, str] = {}
        self._due: dict[str, float] = {}
        self._settled: set[str] = set()
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
        )

        session.names.changed.subscribe(self._name)

    def _name(self) -> None:
        """Name the rows that came before the names did."""
        names = self.session.names.repos
        nameless = [row for row in self.set.rows.values() if row.repo is None and row.repo_id in names]
        self.set.apply([(row.key, self.dress(row)) for row in nameless])

    @property
    def listed(self) -> bool:
        """Whether the service lists calls to this credential."""
        return self.session.open(Family.OBSERVABILITY)

    @property
    def may_load_more(self) -> bool:
        """Whether the service has older calls than those on screen."""
        return self.listed and (self.set.total or 0) > len(self.set.rows)

    def load_more(self) -> None:
        """Ask for one more page of older calls, unless one is on its way."""
        if self.may_load_more and self._pages_read >= self.pages:
            self.pages += 1
            self._page_turn = self.pages
            self.session.scheduler.refresh(self.feed)

    async def fetch(self) -> bool:
        """Read the list once by the widest road that is open; return whether anything differed."""
        if self.listed:
            try:
                differed = await self._fetch_calls()
            except (LoginRequired, NotAllowed, NotSignedIn, Absent):
                # The access map has learned it from this answer; v1 has its own word on the credential.
                if self.session.target.token is None or self.session.open(Family.OBSERVABILITY):
                    raise
            else:
                self.set.notice = None
                return differed
        self.set.notice = self._sentence()
        self.set.total = None
        return await self._fetch_v1()

    def _sentence(self) -> str | None:
        if self.session.refused:
            # What stands where the rows would be says it already.
            return None
        finding = self.session.access.reach(Family.OBSERVABILITY)
        shown = "You see the runs of your automations, and runs started or opened from here"
        if finding.reach is Reach.NEEDS_SESSION:
            return (
                f"{shown}: this service shows the rest only to a browser session (MOGPLEX_SESSION_COOKIE). "
                "o opens any run by its id."
            )
        return f"{shown}. {finding.reason} o opens any run by its id."

    # Where observability is open -------------------------------------------------------------------------------

    async def _fetch_calls(self) -> bool:
        client = self.session.client.at(Priority.TABLE).observability
        first = await client.calls(page=1, limit=PAGE)
        self.set.total = first.total
        differed, _ = self._put(first)
        live = {call.id for call in first.calls if call.status in LIVE_STATES}
        if first.total > len(first.calls):
            running = await client.calls(page=1, limit=PAGE, surface="live")
            differed |= self._put(running)[0]
            live |= {call.id for call in running.calls}
        differed |= await self._fetch_gone(live)
        if self.pages > 1:
            turn = self._page_turn
            differed |= self._put(await client.calls(page=turn, limit=PAGE))[0]
            self._pages_read = max(self._pages_read, turn)
            if self._page_turn == turn:
                # Nobody asked for another page meanwhile.
                self._page_turn = turn + 1 if turn < self.pages else 2
        return differed

    async def _fetch_gone(self, live: set[str]) -> bool:
        """Read again what was live and is neither live nor on the first page any more: it has ended."""
        differed = False
        for key, row in list(self.set.rows.items()):
            if row.live and key not in live and row.started_at and row.source is make.Source.CALL:
                differed |= await self._fetch_call(row, Priority.TABLE)
        return differed

    async def _fetch_call(self, row: RunRow, priority: Priority) -> bool:
        """Read one call: there is no route for it, but its own start instant finds it (observability.md §2)."""
        at = row.started_at
        page = await self.session.client.at(priority).observability.calls(since=at, until=at, limit=PAGE)
        differed, found = self._put(page)
        if row.key not in found:
            gone = replace(self.set.rows.get(row.key, row), state="unknown", error=FORGOTTEN)
            differed |= bool(self.set.apply([(row.key, gone)]).changed)
        return differed

    def _put(self, page: CallPage) -> tuple[bool, set[str]]:
        """Take in a page; return whether anything differed, and the keys that it held."""
        pairs = [(call.id, self.dress(make.from_call(call), call)) for call in page.calls]
        pairs += _marked(page.calls.bad, f"page-{page.page}")
        return bool(self.set.apply(pairs).changed), {key for key, _ in pairs}

    def dress(self, row: RunRow, call: Call | None = None) -> RunRow:
        """Add what this machine knows: names of ids, the prompt, and a cancel that is under way."""
        names, history = self.session.names, self.session.history
        known = history.get(row.run_id) or history.by_call(row.call_id)
        agent = (call.metadata or {}).get("agent_id") if call else None
        state = row.state
        if row.live and (row.cancel_requested or row.key in self.session.cancelling):
            state = "cancelling"
        return replace(
            row,
            state=state,
            repo=row.repo or names.repos.get(row.repo_id or "") or (known and known.repo) or self._named(row),
            who=names.agents.get(str(agent), row.who) if agent else row.who,
            run_id=row.run_id or (known.run_id if known else None),
            prompt=row.prompt or (known.prompt if known else None),
        )

    def _named(self, row: RunRow) -> str | None:
        """Return the name that the row's repository had before: after a start the names come later than the rows."""
        before = self.set.rows.get(row.key)
        return before.repo if before is not None and before.repo_id == row.repo_id else None

    # Where only v1 is open -------------------------------------------------------------------------------------

    async def _fetch_v1(self) -> bool:
        now = self.session.clock.monotonic()
        differed = False
        shown = {row.run_id: row for row in self.set.rows.values() if row.run_id}
        due = [
            known.run_id
            for known in self.session.history.all()[:PAGE]
            if known.run_id not in self._settled and self._due.get(known.run_id, 0.0) <= now
        ]
        # What is over is read once more to be sure; it waits for what is live or was never read.
        due.sort(key=lambda run_id: run_id in self._due and not (run_id in shown and shown[run_id].live))
        for run_id in due[:RUNS_A_READ]:
            differed |= await self.fetch_run(run_id, was=shown.get(run_id))
        if self._due.get("automations", 0.0) <= now:
            page = await self.session.client.at(Priority.TABLE).automations.list()
            self._automations = {item.id: item.name or item.id for item in page.rows}
            self._due["automations"] = now + AUTOMATIONS_EVERY
        for automation_id in list(self._automations):
            if self._due.get(automation_id, 0.0) <= now:
                differed |= await self._fetch_automation(automation_id, Priority.TABLE)
                self._due[automation_id] = now + AUTOMATION_RUNS_EVERY
        return differed

    async def _fetch_automation(self, automation_id: str, priority: Priority) -> bool:
        name = self._automations.get(automation_id)
        try:
            runs = await self.session.client.at(priority).automations.runs(automation_id)
        except NotFound:
            # Deleted since it was listed; the others are read all the same.
            self._automations.pop(automation_id, None)
            return False
        pairs = [(run.id, self.dress(make.from_job(run, automation_id, name))) for run in runs]
        return bool(self.set.apply([*pairs, *_marked(runs.bad, automation_id)]).changed)

    async def fetch_run(self, run_id: str, *, was: RunRow | None = None) -> bool:
        """Read one v1 run by its id and put it in the list. Raises the error tree, save for a run that is gone."""
        now = self.session.clock.monotonic()
        try:
            run = await self.session.client.at(Priority.TABLE).runs.get(run_id)
        except NotFound:
            self._settled.add(run_id)
            if was is None:
                return False
            return bool(self.set.apply([(was.key, replace(was, state="unknown", error=FORGOTTEN))]).changed)
        ended = run.status in ENDED_STATES
        if ended and was is not None and was.state == run.status and run_id in self._due:
            self._settled.add(run_id)
        self._due[run_id] = now + (SETTLE if ended else LIVE_RUN_EVERY)
        return self.put_run(run) != was

    def put_run(self, run: RunDetail, *, prompt: str | None = None, repo: str | None = None) -> RunRow:
        """Put a v1 run in the list and return its row. The row of its call, where there is one, knows more: only
        what the run knows better is taken over (v1.md §7.6).
        """
        row = self.dress(make.from_run(run, prompt=prompt, repo=repo))
        known = self.set.rows.get(row.key)
        if known is not None and known.source is make.Source.CALL:
            over = row.state in ENDED_STATES and known.state not in ENDED_STATES
            row = replace(
                known,
                run_id=row.run_id,
                branch=row.branch or known.branch,
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
        if row.source is make.Source.CALL and row.started_at is not None and self.listed:
            await self._fetch_call(row, Priority.ACTION)
        elif row.run_id is not None:
            return self.put_run(await self.session.client.at(Priority.ACTION).runs.get(row.run_id))
        elif row.automation_id is not None:
            await self._fetch_automation(row.automation_id, Priority.ACTION)
        now = self.set.rows.get(row.key)
        return None if now is not None and now.error == FORGOTTEN else now

    def mark(self, key: str, state: str) -> None:
        """Show a state at once, before the service has said it (design decision 6)."""
        row = self.set.rows.get(key)
        if row is not None:
            self.set.apply([(key, replace(row, state=state))])


def _marked(bad: Iterable[BadRow], place: str) -> list[tuple[str, RunRow]]:
    """Return the marked rows of records that did not parse, under their own ids where they have any."""
    pairs = []
    for number, row in enumerate(bad):
        given = row.raw.get("id") if isinstance(row.raw, dict) else None
        key = given if isinstance(given, str) and given else f"unreadable-{place}-{number}"
        pairs.append((key, make.unreadable(key, row.why, row.raw)))
    return pairs
