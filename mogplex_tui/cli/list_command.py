"""The `list` command: read, filter, search, sort and print records of a kind."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.cli import kind_output
from mogplex_tui.cli.command_context import code_of, say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_arguments import add_former_options, add_verb, row_count
from mogplex_tui.cli.kind_filters import RowFilter, add_filters
from mogplex_tui.cli.kind_records import failed_parts, report_notices
from mogplex_tui.cli.progress import progress
from mogplex_tui.operate import formatting, kind_rows, messages
from mogplex_tui.operate.kind_rows import ListedRow
from mogplex_tui.operate.model import Kind, RenderTime, Row
from mogplex_tui.operate.older_records import ListSearch, SearchQuery

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.live.store import AnyRowSet


@dataclass(frozen=True, slots=True)
class ListNeeds:
    """The reads that a `list` command needs besides the list itself.

    If `is_bare` is true, no other lists are read. If `is_filtered` is true, all fields of the rows
    must be known, because a filter may use them. If `with_hidden` is true, hidden records are read
    too.
    """

    is_bare: bool
    is_filtered: bool
    with_hidden: bool


class ListedRecords(Protocol[Row]):
    """The records that `list` prints: a `KindRecords` or a `RunRecords`."""

    @property
    def rows(self) -> Mapping[str, ListedRow[Row]]:
        """The records that were read, by key."""

    @property
    def state(self) -> AnyRowSet:
        """The set of rows that were read, with their total and the state of each source."""

    async def read_list(self, needs: ListNeeds) -> MogplexError | None:
        """Read the list; return the error of a part that was reported as missing."""

    def search(self, query: SearchQuery[ListedRow[Row]]) -> ListSearch[object] | None:
        """Return a search through older records, or None if older records have no route."""


def add_list(verbs: argparse._SubParsersAction[argparse.ArgumentParser], kind: Kind[Row]) -> None:
    """Add the verb `list` with its options."""
    plural = formatting.plural_noun(kind.noun)
    parser = add_verb(verbs, "list", f"list {plural}")
    parser.add_argument("--limit", type=row_count, metavar="N", help=f"list at most N {plural}")
    names = [column.name for column in kind.columns]
    by_word = kind_rows.sort_names(kind)
    parser.add_argument(
        "--sort",
        type=lambda word: by_word.get(word.lower(), word),
        choices=names,
        metavar="COLUMN",
        help=f"sort by a column, by its title or one of {', '.join(names)}",
    )
    parser.add_argument("--reverse", action="store_true", help="reverse the sort order")
    add_former_options(parser, kind.name)
    if kind.hidden is not None:
        parser.add_argument(f"--{kind.hidden.option}", action="store_true", help=kind.hidden.help)
    add_filters(parser, kind)
    parser.add_argument(
        "filter",
        nargs="*",
        metavar="FILTER",
        help="filter as in the console: word, field:word, !word, age:<2h",
    )


class ListCommand(Generic[Row]):
    """One execution of `list`."""

    def __init__(
        self, kind: Kind[Row], command: CommandSession, records: ListedRecords[Row], args: argparse.Namespace
    ) -> None:
        self._kind, self._command, self._records, self._args = kind, command, records, args
        self._output, self._clock = command.output, command.session.clock
        # Raises CommandError before a request where the filter has an unknown field.
        self._filter = RowFilter(kind, args, self._clock.now())
        self._search: ListSearch[object] | None = None

    async def run(self) -> int:
        """Read the list, print the matching records and return the exit code.

        Raises CommandError and MogplexError.
        """
        kind, output, args, matches = self._kind, self._output, self._args, self._filter.matches
        has_order = args.sort is not None
        needs = ListNeeds(
            is_bare=output.form == "json" and matches is None and not has_order,
            is_filtered=matches is not None,
            with_hidden=kind.hidden is not None and getattr(args, kind.hidden.option.replace("-", "_")),
        )
        missing = await self._records.read_list(needs)
        failed = await self._search_older()
        entries = self._sorted()
        rows = [entry for entry in entries if entry.row is not None]
        matching = rows if matches is None else [entry for entry in rows if matches(entry)]
        shown = matching[: args.limit]
        unreadable = [entry for entry in entries if entry.row is None]
        kind_output.print_rows(kind, output, RenderTime(self._clock.now()), shown, unreadable)
        if not shown:
            plural = formatting.plural_noun(kind.noun)
            say(f"No matching {plural}." if matches is not None else f"There are no {plural}.")
        self._report_unlisted(len(shown), len(matching))
        report_notices(self._command, self._records.state)
        parts = failed_parts(self._records.state)
        for subject, error in parts:
            say(output.safe_text(messages.unlisted_part(subject, error)))
        errors = [error for error in (failed, missing, *(error for _, error in parts)) if error is not None]
        return code_of(errors[0]) if errors else Exit.OK

    async def _search_older(self) -> MogplexError | None:
        """Search older records if the filter, the sort order or the limit needs them.

        Returns the error that ended the search early, None if there was no error.
        """
        records, args, matches = self._records, self._args, self._filter.matches
        state = records.state
        is_complete = state.total is None or state.total <= len(records.rows)
        if is_complete or not (matches is not None or args.sort or args.limit):
            return None
        now = self._clock.now
        order = None if args.sort is None else kind_rows.sort_key_of(self._kind, args.sort, lambda _: now())
        # `--reverse` inverts the column's sort order, as the console does for ascending columns.
        query = SearchQuery(self._filter.text, matches, order, is_descending=args.reverse)
        search = self._search = records.search(query)
        if search is None:
            return None

        def has_enough() -> bool:
            if args.sort is not None or args.limit is None:
                return False
            readable_rows = (entry for entry in records.rows.values() if entry.row is not None)
            limit: int = args.limit
            return sum(matches is None or matches(entry) for entry in readable_rows) >= limit

        try:
            async with progress(lambda: f"Searching: {search.progress()}"):
                while not (search.is_done or has_enough()):
                    await with_retries(lambda: search.step(Priority.TABLE))
        except MogplexError as error:
            say(f"The search ended early. {error}")
            return error
        return None

    def _sorted(self) -> list[ListedRow[Row]]:
        column = self._args.sort
        order = kind_rows.sort_key_of(self._kind, column, lambda _: self._clock.now())
        descending = self._kind.descending if column is None else False
        rows = self._records.rows.values()
        # Equal rows are sorted by their keys, as in the console.
        return sorted(
            rows, key=lambda entry: (order(entry), entry.key), reverse=descending != self._args.reverse
        )

    def _report_unlisted(self, shown: int, matching: int) -> None:
        """Report how many records are not listed or were not searched."""
        is_filtered = self._filter.matches is not None
        read, total = len(self._records.rows), self._records.state.total
        is_complete = (
            total is None or total <= read or (self._search is not None and self._search.is_complete)
        )
        if not is_filtered and total is not None:
            matching = max(matching, total)
        if matching > shown > 0:
            at_least = "at least " if is_filtered and not is_complete else ""
            say(f"Listed: {shown:,} of {at_least}{matching:,}; --limit N shows more.")
        elif not is_complete:
            searched = f"{read:,} of {total:,} searched" if self._search is None else self._search.progress()
            say(f"{searched[:1].upper()}{searched[1:]}.")
