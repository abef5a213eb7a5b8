"""The list of runs, from whatever the credential reaches.

Where observability is open: the newest calls, every live one, and as many further pages as were scrolled to
(observability.md §2). Where only v1 is: the runs of every automation and the runs that this machine knows by id
(v1.md §5.3, §7.5), because v1 has no list of runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Absent, LoginRequired, NotAllowed, NotFound, NotSignedIn
from mogplex_tui.live import rows as make
from mogplex_tui.live.rows import ENDED_STATES, LIVE_STATES, RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import RowSet

if TYPE_CHECKING:
    from mogplex_tui.api.models.calls import Call, CallPage
    from mogplex_tui.live.session import Session

PAGE = 100
# Seconds between two reads of the same thing where there is no list.
AUTOMATIONS_EVERY, AUTOMATION_RUNS_EVERY, LIVE_RUN_EVERY = 300.0, 60.0, 5.0
# A run that ended is read once more after this: terminal is not always final (v1.md §7.6).
SETTLE = 5.0
FORGOTTEN = "The service no longer knows this run."


class Runs:
    """Keeps the set `runs` of the store."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.set: RowSet[RunRow] = session.store.set("runs")
        self.pages = 1
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
            gap=0.5,
            tables=frozenset({"ai_calls", "job_runs"}),
            metered=lambda: not self.listed or session.metered_off_v1(),
            freshness=self.set.freshness,
        )

    @property
    def listed(self) -> bool:
        """Whether the service lists calls to this credential."""
        return self.session.open(Family.OBSERVABILITY)

    @property
    def may_load_more(self) -> bool:
        """Whether the service has older calls than those on screen."""
        return self.listed and (self.set.total or 0) > len(self.set.rows)

    def load_more(self) -> None:
        """Ask for one more page of older calls."""
        if self.may_load_more and not self.feed.running:
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

    def _sentence(self) -> str:
        finding = self.session.access.reach(Family.OBSERVABILITY)
        return (
            f"{finding.reason} Shown: the runs of your automations, and runs started or opened from here. "
            "MOGPLEX_SESSION_COOKIE shows all; o opens any run by its id."
        )

    # Where observability is open -------------------------------------------------------------------------------

    async def _fetch_calls(self) -> bool:
        client = self.session.client.at(Priority.TABLE).observability
        first = await client.calls(page=1, limit=PAGE)
        self.set.total = first.total
        differed = self._put(first)
        live = {call.id for call in first.calls if call.status in LIVE_STATES}
        if first.total > len(first.calls):
            running = await client.calls(page=1, limit=PAGE, surface="live")
            differed |= self._put(running)
            live |= {call.id for call in running.calls}
        differed |= await self._fetch_gone(live)
        if self.pages > 1:
            page = await client.calls(page=self._page_turn, limit=PAGE)
            differed |= self._put(page)
            self._page_turn = self._page_turn + 1 if self._page_turn < self.pages else 2
        return differed

    async def _fetch_gone(self, live: set[str]) -> bool:
        """Read again what was live and is neither live nor on the first page any more: it has ended."""
        differed = False
        client = self.session.client.at(Priority.TABLE).observability
        for key, row in list(self.set.rows.items()):
            if row.live and key not in live and row.started_at and row.source is make.Source.CALL:
                # There is no route for one call; its own start instant finds it (observability.md §2).
                at = row.started_at
                differed |= self._put(await client.calls(since=at, until=at, limit=PAGE))
        return differed

    def _put(self, page: CallPage) -> bool:
        pairs = [(call.id, self.dress(make.from_call(call), call)) for call in page.calls]
        for number, bad in enumerate(page.calls.bad):
            raw = bad.raw if isinstance(bad.raw, dict) else {}
            key = str(raw.get("id") or f"unreadable-{page.page}-{number}")
            pairs.append((key, make.unreadable(key, bad.why)))
        change = self.set.apply(pairs)
        return bool(change.changed)

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
            repo=row.repo or names.repos.get(row.repo_id or "") or (known.repo if known else None),
            who=names.agents.get(str(agent), row.who) if agent else row.who,
            run_id=row.run_id or (known.run_id if known else None),
            prompt=row.prompt or (known.prompt if known else None),
        )

    # Where only v1 is open -------------------------------------------------------------------------------------

    async def _fetch_v1(self) -> bool:
        now = self.session.clock.monotonic()
        differed = False
        for remembered in self.session.history.all()[:PAGE]:
            row = next((row for row in self.set.rows.values() if row.run_id == remembered.run_id), None)
            if remembered.run_id in self._settled or self._due.get(remembered.run_id, 0.0) > now:
                continue
            differed |= await self.fetch_run(remembered.run_id, was=row)
        if self._due.get("automations", 0.0) <= now:
            page = await self.session.client.at(Priority.TABLE).automations.list()
            self._automations = {item.id: item.name or item.id for item in page.rows}
            self._due["automations"] = now + AUTOMATIONS_EVERY
        for automation_id, name in self._automations.items():
            if self._due.get(automation_id, 0.0) <= now:
                differed |= await self._fetch_automation(automation_id, name)
                self._due[automation_id] = now + AUTOMATION_RUNS_EVERY
        return differed

    async def _fetch_automation(self, automation_id: str, name: str) -> bool:
        runs = await self.session.client.at(Priority.TABLE).automations.runs(automation_id)
        pairs = [(run.id, self.dress(make.from_job(run, automation_id, name))) for run in runs]
        return bool(self.set.apply(pairs).changed)

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
        row = self.dress(make.from_run(run))
        if row.state in ENDED_STATES and was is not None and was.state == row.state:
            self._settled.add(run_id)
        self._due[run_id] = now + (SETTLE if row.state in ENDED_STATES else LIVE_RUN_EVERY)
        if row.key in self.set.rows and self.set.rows[row.key].source is make.Source.CALL:
            # The call's row knows more; only what the run knows better is taken over.
            row = replace(self.set.rows[row.key], run_id=row.run_id, branch=row.branch, external=True)
        return bool(self.set.apply([(row.key, row)]).changed)

    async def reread(self, row: RunRow) -> RunRow | None:
        """Read one row again, as after a cancel; return what it is now. Raises the error tree."""
        client = self.session.client.at(Priority.ACTION)
        if row.source is make.Source.CALL and row.started_at is not None:
            self._put(
                await client.observability.calls(since=row.started_at, until=row.started_at, limit=PAGE)
            )
        elif row.run_id is not None:
            fresh = self.dress(make.from_run(await client.runs.get(row.run_id)))
            self.set.apply([(fresh.key, fresh)])
        elif row.automation_id is not None:
            await self._fetch_automation(row.automation_id, self._automations.get(row.automation_id, ""))
        return self.set.rows.get(row.key)

    def mark(self, key: str, state: str) -> None:
        """Show a state at once, before the service has said it (design decision 6)."""
        row = self.set.rows.get(key)
        if row is not None:
            self.set.apply([(key, replace(row, state=state))])
