"""Reads the records of a kind for a command, and finds a record by id or name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Generic

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotFound
from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.api.retry import retry_delay
from mogplex_tui.api.route_access import Family
from mogplex_tui.cli.command_context import CommandError, code_of, say
from mogplex_tui.cli.command_session import pause, with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.names import read_hidden, read_names
from mogplex_tui.live.runs import Runs
from mogplex_tui.operate import kind_rows, messages
from mogplex_tui.operate.kind_rows import name_of, new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import HiddenRows, Kind, Parameter, Row
from mogplex_tui.operate.older_records import CollectionRows, ListSearch, SearchQuery

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.list_command import ListNeeds
    from mogplex_tui.live.reasons import Subject
    from mogplex_tui.live.store import AnyRowSet
    from mogplex_tui.operate.kind_rows import ListedRow

# The minimum length of a prefix that names a record.
_SHORTEST_PREFIX = 4
# Seconds before a second attempt to read a part of a list.
_PART_RETRY_SECONDS = 1.0


class KindRecords(Generic[Row]):
    """The records of one kind that a command reads."""

    def __init__(self, kind: Kind[Row], command: CommandSession) -> None:
        self._kind, self._session, self._output = kind, command.session, command.output
        self.collection = new_collection(command.session, kind)
        self._names_are_read = False

    @property
    def rows(self) -> Mapping[str, Entry[Row]]:
        """The records that were read, by key."""
        return self.collection.set.rows

    @property
    def state(self) -> AnyRowSet:
        """The set of rows that were read, with their total and the state of each source."""
        return self.collection.set

    async def read_list(self, needs: ListNeeds) -> MogplexError | None:
        """Read the list, and the hidden records if they are needed.

        Always returns None: `state` has the errors of parts that could not be read.
        """
        await self.read(Priority.TABLE, with_runs=not needs.is_bare)
        if self._kind.hidden is not None and needs.with_hidden:
            await self._read_hidden(self._kind.hidden, Priority.TABLE)
        return None

    def search(self, query: SearchQuery[ListedRow[Row]]) -> ListSearch[object] | None:
        """Return a search through older records, or None if the kind has no such search."""
        older = self._kind.older
        if older is None:
            return None
        holder = CollectionRows(self.collection, older)
        return ListSearch(self._session, self._kind.name, older, holder, SearchQuery[Entry[Row]](*query))

    async def read(self, priority: Priority, *, with_runs: bool = True) -> None:
        """Read the list, and the lists from which its columns are filled.

        If `with_runs` is false, the columns that need runs stay empty. Raises CommandError if the
        credential cannot read the list, and MogplexError for other errors.
        """
        try:
            await read_list_with_retries(lambda: self.collection.fetch(priority), self.state)
        except CLOSED as error:
            reason = " ".join(messages.closed_lines(self.collection.closed(), self._kind.needs))
            raise CommandError(code_of(error), reason or str(error)) from None
        if self.rows:
            await self._read_related(priority, with_runs=with_runs)
            self.collection.update_joins()
        if self._session.names.ids_to_look_up():
            await read_hidden(self._session, priority)

    async def read_choices(self, parameters: Sequence[Parameter[object]]) -> None:
        """Read the lists that provide the live choices of parameters.

        Lists that were read before are not read again.
        """
        if not parameters:
            return
        if any(parameter.choices_are_names for parameter in parameters) and not self._names_are_read:
            await self._read_names(Priority.ACTION)
        join = self._kind.join
        for name, related in {} if join is None else join.related.items():
            # Only lists that give choices: the others are read together with the rows.
            if (
                related.columns
                or related.subject is not None
                or self._session.store.set(name).freshness.as_of is not None
            ):
                continue
            with suppress(MogplexError):
                await new_collection(self._session, kinds()[name]).fetch(Priority.ACTION)

    async def _read_names(self, priority: Priority) -> None:
        await read_names(self._session, priority)
        self._names_are_read = True

    async def _read_related(self, priority: Priority, *, with_runs: bool = False) -> None:
        """Read the lists from which columns are filled.

        If one of them cannot be read, the rows show ids in place of names.
        """
        join = self._kind.join
        if join is not None and join.names:
            await self._read_names(priority)
        for name, related in {} if join is None else join.related.items():
            is_joined = (related.columns or related.subject is not None) and name not in self.collection.hides
            if not is_joined:
                continue
            with suppress(MogplexError):
                if name != "runs":
                    await new_collection(self._session, kinds()[name]).fetch(priority)
                elif with_runs and self._session.may_request(Family.OBSERVABILITY):
                    # Over v1 this would cost a request for each automation.
                    await Runs(self._session).fetch()

    async def read_single(self, entry: Entry[Row]) -> Entry[Row]:
        """Read a record from its own route and return it.

        If the kind has no such route, `entry` from the list is returned. Raises CommandError if the
        record does not exist.
        """
        single = self._kind.single
        if single is None:
            return entry
        client = self._session.client.at(Priority.ACTION)
        try:
            self.collection.put(await with_retries(lambda: kind_rows.read_single(single, client, entry)))
        except NotFound as error:
            raise CommandError(Exit.FAILED, str(error)) from None
        return self.rows[entry.key]

    async def _read_hidden(self, hidden: HiddenRows[Row], priority: Priority) -> None:
        """Add the records that the list leaves out, if the credential can read them."""
        if not self._session.may_request(hidden.family):
            return
        with suppress(*CLOSED):
            page = await with_retries(lambda: hidden.read(self._session.client.at(priority)))
            for entry in page.entries:
                if entry.key not in self.rows:
                    self.collection.put(entry)

    # Finding -------------------------------------------------------------------------------------------------------

    async def find(self, asked: str) -> Entry[Row]:
        """Return the record with the given id or name.

        A prefix of the id or name is sufficient if only one record has it. Raises CommandError if no
        record or several records match.
        """
        text = asked.strip().lower()
        noun, safe_text = self._kind.noun, self._output.safe_text
        if not text:
            # An empty variable of a script must not select the record that has no name.
            raise CommandError(Exit.USAGE, f"The name of the {noun} is empty.")
        matches = self._matching(text)
        if not matches and self._kind.hidden is not None:
            await self._read_hidden(self._kind.hidden, Priority.ACTION)
            matches = self._matching(text)
        if not matches and is_uuid(text) and self._kind.single is not None:
            matches = [await self.read_single(Entry(text, None))]
        if not matches:
            raise CommandError(
                Exit.FAILED, f"There is no {noun} {safe_text(asked)!r} that this credential can see."
            )
        if len(matches) > 1:
            ids = ", ".join(safe_text(entry.key) for entry in matches[:8])
            raise CommandError(Exit.USAGE, f"{safe_text(asked)!r} is ambiguous; use one of the IDs: {ids}.")
        if matches[0].row is None:
            raise CommandError(
                Exit.FAILED,
                messages.unreadable_record(
                    f"The {noun} {safe_text(asked)!r}", matches[0].unreadable_reason or ""
                ),
            )
        return matches[0]

    def _matching(self, text: str) -> list[Entry[Row]]:
        """Return the records whose id is `text`.

        If no record has this id, return the records with this name. If no record has this name, return
        the records whose id or name begins with `text`.
        """
        entries = list(self.rows.values())

        def lower_name(entry: Entry[Row]) -> str:
            return name_of(self._kind, entry).lower()

        def lower_names(entry: Entry[Row]) -> Sequence[str]:
            names = () if entry.row is None else self._kind.other_names(entry.row)
            return [lower_name(entry), *(name.lower() for name in names)]

        matches = [entry for entry in entries if entry.key.lower() == text]
        matches = matches or [entry for entry in entries if text in lower_names(entry)]
        if matches or len(text) < _SHORTEST_PREFIX:
            return matches
        return [
            entry
            for entry in entries
            if entry.key.lower().startswith(text) or lower_name(entry).startswith(text)
        ]


async def read_list_with_retries(fetch: Callable[[], Awaitable[bool]], rows: AnyRowSet) -> None:
    """Read a list, and read it once more if a part failed temporarily.

    Raises MogplexError if the whole list cannot be read.
    """
    await with_retries(fetch)
    failed = failed_parts(rows)
    if failed and retry_delay(failed[0][1], 1, method="GET") is not None:
        await pause(_PART_RETRY_SECONDS)
        await fetch()


def failed_parts(rows: AnyRowSet) -> list[tuple[Subject, MogplexError]]:
    """Return the parts of a list that could not be read, with their errors."""
    failed = ((source.subject, source.freshness.error) for source in rows.sources.values())
    return [(subject, error) for subject, error in failed if isinstance(error, MogplexError)]


def report_notices(command: CommandSession, rows: AnyRowSet) -> None:
    """Report which records of a list are not shown, and why."""
    if notice := messages.notices_text(rows.notices):
        say(command.output.safe_text(notice))


async def find_record(kind: Kind[Row], command: CommandSession, text: str) -> Entry[Row]:
    """Read a kind's list and return the record with the given id or name.

    Raises CommandError and MogplexError.
    """
    records = KindRecords(kind, command)
    await records.read(Priority.ACTION, with_runs=False)
    return await records.find(text)
