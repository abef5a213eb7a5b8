"""From what a person types for a run, a whole id or its beginning, to the run itself (v1.md §7.5, §7.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotFound, NotSignedIn
from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli.common import Stop
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.headless import patiently
from mogplex_tui.cli.listing import CLOSED, Listing, Wanted
from mogplex_tui.live import lookup
from mogplex_tui.live import rows as make
from mogplex_tui.live.history import Remembered
from mogplex_tui.live.rows import RunRow, Source
from mogplex_tui.live.runs import Runs
from mogplex_tui.operate.run_changes import ids_of

if TYPE_CHECKING:
    from mogplex_tui.api.models.calls import Call
    from mogplex_tui.live.session import Session

SHORTEST = 4
# So many runs are looked through for the beginning of an id.
LOOKED_THROUGH = 200
# A run and its call begin within this, so that the call is found by the run's time.
AROUND = timedelta(seconds=60)


class Finder:
    """Finds runs and reads them again, joining a v1 run with its call where both can be seen."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.runs = Runs(session)

    async def find(self, text: str) -> RunRow:
        """Return the run that an id or the unique beginning of one means.

        Raises Stop for text that is no id, for one that fits nothing or several runs, and the error tree.
        """
        asked = text.strip().lower()
        if is_uuid(asked):
            return self._keep(await self._by_id(asked))
        if not re.fullmatch(rf"[0-9a-f][0-9a-f-]{{{SHORTEST - 1},34}}", asked):
            raise Stop(
                Exit.USAGE,
                f"{text!r} is not a run: give its id, or at least the first {SHORTEST} characters of it.",
            )
        return self._keep(await self._by_beginning(asked))

    async def reread(self, row: RunRow, priority: Priority) -> RunRow:
        """Read a run again by every road that shows it; the run's own row decides when it is over (v1.md §7.6)."""
        client, fresh = self.session.client.at(priority), row
        if row.source is Source.JOB and row.job_id and self.session.open(Family.OBSERVABILITY):
            return self._keep(lookup.job_row(self.runs, await client.observability.job(row.job_id)))
        if row.call_id and row.began and self.session.open(Family.OBSERVABILITY):
            try:
                fresh = await self._call_of(row, priority) or row
            except CLOSED:
                if row.run_id is None or self.session.target.token is None:
                    raise
        self._keep(fresh)
        if fresh.run_id and self.session.target.token is not None:
            return self.runs.put_run(await client.runs.get(fresh.run_id))
        if row.automation_id and row.job_id:
            detail = await client.automations.run(row.automation_id, row.job_id)
            fresh = self.runs.dress(make.from_job(detail, row.automation_id, row.who))
        return self._keep(fresh)

    async def learn_from_events(self, row: RunRow) -> RunRow:
        """Return the row of a call with the id of its run and the branches, where only its events name them."""
        if row.source is not Source.CALL or not lookup.lacks_events(row):
            return row
        events = self.session.client.at(Priority.ACTION).observability.call_events(row.call_id or row.key)
        fresh = row
        async with aclosing(events) as batches:
            async for batch in batches:
                # The first batch names the run and the branches; a long run has tens of thousands of events.
                fresh = lookup.with_events(row, batch)
                break
        if fresh.run_id is not None and row.run_id is None:
            self.session.history.remember(Remembered(fresh.run_id, row.call_id, row.repo, row.prompt))
        return self._keep(fresh)

    def _keep(self, row: RunRow) -> RunRow:
        self.runs.set.apply([(row.key, row)])
        return row

    async def _by_id(self, asked: str) -> RunRow:
        known = self.session.history.by_call(asked)
        refusal: MogplexError | None = None
        if self.session.target.token is not None:
            try:
                return await self._run(known.run_id if known else asked)
            except (NotFound, NotSignedIn) as error:
                refusal = error
        found = await lookup.by_call_or_job(self.runs, asked, Priority.ACTION)
        if found is not None:
            return found
        for row in await self._rows():
            if asked in ids_of(row):
                return row
        raise refusal if isinstance(refusal, NotSignedIn) else lookup.unknown_id(self.session, asked)

    async def _by_beginning(self, asked: str) -> RunRow:
        kept = [run for run in self.session.history.all() if run.run_id.startswith(asked)]
        if len(kept) == 1 and len(asked) >= 8 and self.session.target.token is not None:
            return await self._run(kept[0].run_id)
        rows = [row for row in await self._rows() if any(each.startswith(asked) for each in ids_of(row))]
        listed = {row.run_id for row in rows}
        others = [run for run in kept if run.run_id not in listed]
        if len(rows) + len(others) > 1:
            which = ", ".join(
                sorted([*(row.run_id or row.key for row in rows), *(run.run_id for run in others)])
            )
            raise Stop(Exit.USAGE, f"{asked} is the beginning of several runs: {which}.")
        if rows:
            return rows[0]
        if others:
            return await self._by_id(others[0].run_id)
        raise Stop(
            Exit.FAILED, f"No run in the list begins with {asked}. A whole id is found even when it is old."
        )

    async def _rows(self) -> Iterable[RunRow]:
        return (await Listing(self.session, self.runs).read(Wanted(LOOKED_THROUGH))).rows

    async def _run(self, run_id: str) -> RunRow:
        client = self.session.client.at(Priority.ACTION)
        run = await patiently(lambda: client.runs.get(run_id))
        await self._learn_repo(run.repo_id)
        repo = self.session.names.repos.get(run.repo_id or "")
        self.session.history.remember(Remembered(run.run_id, run.ai_call_id, repo, None))
        row = self.runs.put_run(run, repo=repo)
        if row.call_id is None or not self.session.open(Family.OBSERVABILITY):
            return row
        try:
            call = await self._call_of(row, Priority.TABLE)
        except MogplexError:
            # The run is there; what its call would add, tokens and cost, stays unknown and is shown so.
            return row
        if call is None:
            return row
        self._keep(call)
        return self.runs.put_run(run, repo=repo)

    async def _learn_repo(self, repo_id: str | None) -> None:
        names = self.session.names.repos
        if repo_id is None or repo_id in names:
            return
        try:
            repos = await self.session.client.at(Priority.TABLE).repos.list(id=repo_id)
        except MogplexError:
            # An id instead of a name is enough to go on with.
            return
        names.update({repo.id: repo.full_name for repo in repos})

    async def _call_of(self, row: RunRow, priority: Priority) -> RunRow | None:
        """Return the row of a run's call; there is no route for one call, its time finds it (observability.md §2)."""
        if row.began is None:
            return None
        around = AROUND if row.source is Source.RUN else timedelta(0)
        page = await self.session.client.at(priority).observability.calls(
            since=row.began - around, until=row.began + around, limit=100
        )
        call: Call | None = next((call for call in page.calls if call.id == row.call_id), None)
        return None if call is None else self.runs.dress(make.from_call(call))
