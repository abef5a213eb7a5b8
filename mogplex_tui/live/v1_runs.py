"""Read runs over v1: those of every automation and those known on this machine.

v1.md §5.3, §7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import NotFound
from mogplex_tui.live import run_row as make
from mogplex_tui.live.call_pages import FORGOTTEN, PAGE
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.run_row import ENDED_STATES, RunRow

if TYPE_CHECKING:
    from mogplex_tui.api.models.runs import RunDetail
    from mogplex_tui.live.known_runs import KnownRun
    from mogplex_tui.live.read_order import ReadOrder
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet

# Seconds between two reads of the same thing.
AUTOMATIONS_EVERY, AUTOMATION_RUNS_EVERY, LIVE_RUN_EVERY = 300.0, 60.0, 5.0
# Seconds after which a run that ended is read once more: terminal is not always final (v1.md §7.6).
SETTLE = 5.0
# Known runs to read in one go; the budget has to last for the rest of the screen.
RUNS_A_READ = 8
# Requests in parallel in a command, which reads all known runs.
_AT_ONCE = 4
# A run that ended this long ago does not change any more.
FINAL_AFTER = timedelta(seconds=60)


def final_answer(run: RunDetail, now: datetime) -> dict[str, object] | None:
    """Return the JSON to store for a run that can no longer change, otherwise None."""
    if run.status not in ENDED_STATES or run.updated_at is None or now - run.updated_at < FINAL_AFTER:
        return None
    return run.model_dump(mode="json", by_alias=True)


def final_run(known: KnownRun) -> RunDetail | None:
    """Return a run from its stored JSON, or None if none is stored.

    JSON is stored only for a run that can no longer change.
    """
    if known.final is None:
        return None
    from pydantic import ValidationError

    from mogplex_tui.api.models.runs import RunDetail

    try:
        run = RunDetail.model_validate(known.final)
    except ValidationError:
        # The file is damaged or of another version.
        return None
    return run if run.run_id == known.run_id and run.status in ENDED_STATES else None


class V1Runs:
    """Reads runs over v1 into a row set.

    `enrich` completes a row for display; `put` stores a run that was read.
    """

    def __init__(
        self,
        session: Session,
        rows: RowSet[RunRow],
        enrich: Callable[[RunRow], RunRow],
        put: Callable[[RunDetail, int], RunRow],
        read_order: ReadOrder,
        *,
        reads_all: bool,
    ) -> None:
        self._session, self._set, self._enrich, self._put, self._read_order = (
            session,
            rows,
            enrich,
            put,
            read_order,
        )
        self._runs_a_read, self._at_once = (PAGE, _AT_ONCE) if reads_all else (RUNS_A_READ, 1)
        self._by_id = SourceState(Subject("runs started or opened from here"))
        self._names = SourceState(
            Subject("runs of automations that were not known before"), freshness=Freshness(every=inf)
        )
        self._of_each = SourceState(
            Subject("runs of automations"), freshness=Freshness(every=AUTOMATION_RUNS_EVERY)
        )
        self.sources = {"by id": self._by_id, "automations": self._names, "of each": self._of_each}
        self._automations: dict[str, str] = {}
        self._listed_at = -inf
        # When the runs of an automation were read, when a run is due, and which runs have ended for good.
        self._read_at: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._settled: set[str] = set()
        # Answers about runs that have ended for good, to be stored after the read.
        self._finals: dict[str, dict[str, object]] = {}

    async def read(self) -> bool:
        """Read the runs that are due; return whether any row changed.

        Raises MogplexError if no row would be up to date, or if an error concerns the whole service or
        the budget. Other errors are recorded in the source that failed.
        """
        differed = await self._read_by_id()
        await self._list_automations()
        differed |= await self._read_of_each()
        failing = [source for source in self.sources.values() if source.failing]
        old = frozenset[str]().union(*(source.keys or () for source in failing))
        if failing and self._set.rows.keys() <= old and failing[0].freshness.error is not None:
            raise failing[0].freshness.error
        return differed

    async def _read_by_id(self) -> bool:
        now = self._session.clock.monotonic()
        shown = {row.run_id: row for row in self._set.rows.values() if row.run_id}
        remembered = self._session.history.all()[:PAGE]
        differed = self._put_finals(remembered)
        known = [each.run_id for each in remembered]
        due = [id for id in known if id not in self._settled and self._due.get(id, 0.0) <= now]
        # Ended runs are read once more; live runs and runs that were never read come first.
        due.sort(key=lambda run_id: run_id in self._due and not (run_id in shown and shown[run_id].live))

        async def read(run_id: str) -> bool:
            return await self.fetch_run(run_id, was=shown.get(run_id))

        differed |= await self._by_id.read_each(
            self._session.clock, due[: self._runs_a_read], read, at_once=self._at_once
        )
        self._session.history.store_final(self._finals)
        self._finals.clear()
        self._by_id.keys = frozenset(shown[run_id].key for run_id in self._by_id.left if run_id in shown)
        return differed

    def _put_finals(self, remembered: list[KnownRun]) -> bool:
        """Add known runs that can no longer change, from their stored JSON.

        Returns whether any row changed.
        """
        differed = False
        for known in remembered:
            if known.run_id in self._settled or known.run_id in self._due:
                continue
            run = final_run(known)
            if run is not None:
                key = run.ai_call_id or run.run_id
                before = self._set.rows.get(key)
                differed |= self._put(run, self._read_order.start_read()) != before
                self._settled.add(known.run_id)
        return differed

    async def _list_automations(self) -> None:
        with self._names.record_errors(self._session.clock):
            now = self._session.clock.monotonic()
            if self._listed_at + AUTOMATIONS_EVERY <= now:
                page = await self._session.client.at(Priority.TABLE).automations.list()
                self._automations = {item.id: item.name or item.id for item in page.rows}
                self._listed_at = now

    async def _read_of_each(self) -> bool:
        now, clock = self._session.clock.monotonic(), self._session.clock
        read_at = {name: self._read_at.get(name, -inf) for name in self._automations}
        due = [name for name, at in read_at.items() if at + AUTOMATION_RUNS_EVERY <= now]

        async def read(automation_id: str) -> bool:
            differed = await self.fetch_of(automation_id, Priority.TABLE)
            self._read_at[automation_id] = now
            return differed

        before = self._of_each.freshness.as_of
        differed = await self._of_each.read_each(clock, due, read, at_once=self._at_once)
        left, fresh = set(self._of_each.left), self._of_each.freshness
        self._of_each.keys = frozenset(
            key for key, row in self._set.rows.items() if row.automation_id in left
        )
        # As old as the automation that was read longest ago.
        fresh.as_of = min(
            (at for name in self._automations if (at := self._read_at.get(name))), default=before
        )
        return differed

    async def fetch_of(self, automation_id: str, priority: Priority) -> bool:
        """Read the runs of one automation; return whether any row changed.

        An automation that no longer exists is forgotten. Raises MogplexError.
        """
        name, read_number = self._automations.get(automation_id), self._read_order.start_read()
        try:
            runs = await self._session.client.at(priority).automations.runs(automation_id)
        except NotFound:
            # Deleted since it was listed; the others are read all the same.
            self._automations.pop(automation_id, None)
            return False
        pairs = [(run.id, self._enrich(make.from_job(run, automation_id, name))) for run in runs]
        if priority is Priority.ACTION:
            for key, _ in pairs:
                self._read_order.record_reread(key, read_number)
        pairs += make.unreadable_rows(runs.bad, automation_id)
        return bool(self._set.apply(self._read_order.without_outdated(pairs, read_number)).changed)

    async def fetch_run(self, run_id: str, *, was: RunRow | None = None) -> bool:
        """Read one v1 run by its id; return whether its row changed.

        If the run no longer exists, its row gets the state `unknown`. Raises MogplexError for other
        errors.
        """
        now, read_number = self._session.clock.monotonic(), self._read_order.start_read()
        try:
            run = await self._session.client.at(Priority.TABLE).runs.get(run_id)
        except NotFound:
            self._settled.add(run_id)
            if was is None:
                return False
            return bool(self._set.apply([(was.key, was._replace(state="unknown", error=FORGOTTEN))]).changed)
        ended = run.status in ENDED_STATES
        if ended and was is not None and was.state == run.status and run_id in self._due:
            self._settled.add(run_id)
        final = final_answer(run, self._session.clock.now())
        if final is not None:
            self._finals[run_id] = final
        self._due[run_id] = now + (SETTLE if ended else LIVE_RUN_EVERY)
        before = None if was is None else self._set.rows.get(was.key)
        return self._put(run, read_number) != before
