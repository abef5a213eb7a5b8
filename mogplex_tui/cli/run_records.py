"""Reads runs for a command: the list, and one run by its id or a prefix of it.

v1.md §7.5, §7.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotFound, NotSignedIn, Throttled
from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.api.route_access import Family
from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import error_message, with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_records import read_list_with_retries
from mogplex_tui.live import run_lookup
from mogplex_tui.live import run_row as make
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.names import read_hidden, read_names
from mogplex_tui.live.run_lookup import ids_of
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.live.runs import Runs
from mogplex_tui.operate.older_records import ListSearch, RunRows, SearchQuery
from mogplex_tui.operate.older_runs import OLDER_RUNS

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.list_command import ListNeeds
    from mogplex_tui.live.store import AnyRowSet
    from mogplex_tui.operate.kind_rows import ListedRow

_SHORTEST_PREFIX = 4
# A prefix of at least this length that matches a run known on this machine is not checked against the list.
_UNAMBIGUOUS_PREFIX = 8


class RunRecords:
    """The runs that a command reads.

    A v1 run and its call become one row if the credential can read both.
    """

    def __init__(self, command: CommandSession) -> None:
        self._session, self._output = command.session, command.output
        self.runs = Runs(command.session, reads_all=True)

    # The list ------------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> Mapping[str, RunRow]:
        """The runs that were read, by key."""
        return self.runs.set.rows

    @property
    def state(self) -> AnyRowSet:
        """The set of rows that were read, with their total and the state of each source."""
        return self.runs.set

    async def read_list(self, needs: ListNeeds) -> MogplexError | None:
        """Read the names of repositories and agents, and the list of runs.

        Reports and returns the error if a part of the list could not be read.
        """
        failed = (await read_names(self._session, Priority.TABLE)).repos
        if isinstance(failed, Throttled):
            if needs.is_filtered or self._session.target.session_cookie is None:
                # A filter would match ids instead of names. Without a cookie, which has no rate limit, the next
                # requests would be refused too.
                raise failed
            say(self._output.safe_text(f"Repositories are shown by ID: {error_message(failed)}"))
        # If names cannot be read, the rows show ids.
        missing = await self._read()
        if self._session.names.ids_to_look_up():
            await read_hidden(self._session, Priority.TABLE)
        if missing is None:
            await self.runs.details.fetch_lists()
        return missing

    async def _read(self) -> MogplexError | None:
        """Read the list; report and return the error if a part could not be read."""
        try:
            await read_list_with_retries(self.runs.fetch, self.state)
        except CLOSED:
            raise
        except MogplexError as error:
            if not self.rows:
                raise
            say(self._output.safe_text(f"The list is incomplete. {error_message(error)}"))
            return error
        return None

    def search(self, query: SearchQuery[ListedRow[RunRow]]) -> ListSearch[object] | None:
        """Return a search through older calls, None if the credential cannot read them."""
        if not self._session.may_request(Family.OBSERVABILITY):
            return None
        holder = RunRows(self.runs)
        return ListSearch(self._session, "runs", OLDER_RUNS, holder, SearchQuery[RunRow](*query))

    # One run -------------------------------------------------------------------------------------------------------

    async def find(self, text: str) -> RunRow:
        """Return the run with the given id, or with an id that begins with `text`.

        Raises CommandError for a text that is not an id or a prefix, or that does not match exactly
        one run, and MogplexError.
        """
        run_id = text.strip().lower()
        if is_uuid(run_id):
            return self._keep(await self._by_id(run_id))
        if not re.fullmatch(rf"[0-9a-f][0-9a-f-]{{{_SHORTEST_PREFIX - 1},34}}", run_id):
            raise CommandError(
                Exit.USAGE,
                f"{text!r} is not a run ID. Use an ID, or at least its first {_SHORTEST_PREFIX} characters.",
            )
        return self._keep(await self._by_prefix(run_id))

    async def _by_id(self, run_id: str) -> RunRow:
        try:
            return await with_retries(lambda: run_lookup.find_run(self.runs, run_id, completely=True))
        except (NotFound, NotSignedIn):
            # The list has jobs where calls are closed, and calls without events, which a lookup cannot find.
            await self._read()
            row = next((row for row in self.rows.values() if run_id in ids_of(row)), None)
            if row is None:
                raise
            return row

    async def _by_prefix(self, prefix: str) -> RunRow:
        known = [run for run in self._session.history.all() if run.run_id.startswith(prefix)]
        if len(known) == 1 and len(prefix) >= _UNAMBIGUOUS_PREFIX and self._session.target.token is not None:
            return await self._by_id(known[0].run_id)
        await self._read()
        rows = [row for row in self.rows.values() if any(row_id.startswith(prefix) for row_id in ids_of(row))]
        listed = {row.run_id for row in rows}
        unlisted = [run.run_id for run in known if run.run_id not in listed]
        if len(rows) + len(unlisted) > 1:
            ids = ", ".join(sorted([*(row.run_id or row.key for row in rows), *unlisted]))
            raise CommandError(Exit.USAGE, f"{prefix} is ambiguous; runs that begin with it: {ids}.")
        if rows:
            return rows[0]
        if unlisted:
            return await self._by_id(unlisted[0])
        raise CommandError(
            Exit.FAILED, f"No run in the list begins with {prefix}. A full ID finds older runs too."
        )

    async def reread(self, row: RunRow, priority: Priority) -> RunRow:
        """Read a run again from every route that returns it, and return its new row.

        The run's own record decides whether it has ended (v1.md §7.6).
        """
        session = self._session
        client, fresh = session.client.at(priority), row
        if row.source is RunSource.JOB and row.job_id and session.may_request(Family.OBSERVABILITY):
            return self._keep(run_lookup.job_row(self.runs, await client.observability.job(row.job_id)))
        if row.call_id and row.began and session.may_request(Family.OBSERVABILITY):
            try:
                fresh = await run_lookup.call_of(self.runs, row, priority) or row
            except CLOSED:
                if row.run_id is None or session.target.token is None:
                    raise
        self._keep(fresh)
        if fresh.run_id and session.target.token is not None:
            return self.runs.put_run(await client.runs.get(fresh.run_id))
        if row.automation_id and row.job_id:
            detail = await client.automations.run(row.automation_id, row.job_id)
            fresh = self.runs.enrich(make.from_job(detail, row.automation_id, row.who))
        return self._keep(fresh)

    async def learn_from_events(self, row: RunRow) -> RunRow:
        """Return a call's row with the run id and branches from the call's events.

        A row that already has both, or that is not a call, is returned unchanged.
        """
        if row.source is not RunSource.CALL or not run_lookup.lacks_events(row):
            return row
        events = self._session.client.at(Priority.ACTION).observability.call_events(row.call_id or row.key)
        fresh = row
        async with aclosing(events) as batches:
            async for batch in batches:
                # The first batch names the run and the branches; a long run has ten thousands of events.
                fresh = run_lookup.with_events(row, batch)
                break
        if fresh.run_id is not None and row.run_id is None:
            self._session.history.remember(KnownRun(fresh.run_id, row.call_id, row.repo, row.prompt))
        return self._keep(fresh)

    def _keep(self, row: RunRow) -> RunRow:
        self.runs.set.apply([(row.key, row)])
        return row
