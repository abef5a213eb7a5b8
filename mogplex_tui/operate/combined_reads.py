"""Reads lists that are combined from several responses.

The freshness of each part is recorded separately, so the rows of other parts are shown even
if one part fails.

A kind whose rows come from several routes declares its parts and reads them with
`in_parts`:

    _READ = in_parts(
        "approvals",
        ListPart("flows", Subject("approvals of automations"), _of_automations, Family.FLOWS),
        ListPart("control", Subject("approvals of the orchestrator"), _of_orchestrator, Family.APPROVALS),
    )
    sources=(SourceState(Family.FLOWS, _READ, poll=15, poll_without_realtime=10), ...)

A kind that knows its parts only after a first request creates them in its reader, which
calls `read_parts`. A response that adds columns and no rows is read with `read_columns`:

    activity = await read_columns(session, "agents", _TODAY, client.agents.activity(), ())

The console shows below the list which part is out of date and why; the command prints it on
stderr.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from mogplex_tui.live.freshness import CLOSED, SourceState
from mogplex_tui.live.reasons import ClosedPart, Notice, RefusedPart, Subject
from mogplex_tui.operate.model import Entry, Row, RowPage

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.route_access import Family
    from mogplex_tui.live.reasons import Closed
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListPart(Generic[Row]):
    """One of several responses whose rows are combined into one list.

    `subject` names the part's content in messages. A part with a `family` is skipped while the
    credential cannot use that route family, and a notice below the list says that it is missing.
    """

    name: str
    subject: Subject
    read: Callable[[ClientView, Session], Awaitable[RowPage[Row]]]
    family: Family | None = None

    def closed(self, session: Session) -> Closed | None:
        """Return why the credential cannot read the part, None if it can."""
        return None if self.family is None else session.closed([self.family])


@dataclass(frozen=True, slots=True)
class ColumnPart:
    """A response that fills some columns of every row of a list.

    `subject` names the content of the columns in messages.
    """

    name: str
    subject: Subject
    columns: tuple[str, ...]


def in_parts(kind: str, *parts: ListPart[Row]) -> Callable[[ClientView, Session], Awaitable[RowPage[Row]]]:
    """Return a function that reads and combines the parts of a kind's list."""

    async def read(client: ClientView, session: Session) -> RowPage[Row]:
        return await read_parts(client, session, kind, parts)

    return read


async def read_parts(
    client: ClientView, session: Session, kind: str, parts: Iterable[ListPart[Row]]
) -> RowPage[Row]:
    """Read the parts of a list one after the other and combine their rows.

    If a part fails, its rows from the last read are kept and its source is marked as failing. A
    part that the credential cannot read adds a notice.

    Raises the first error if no part was read or there are no rows: an empty list would claim
    that nothing exists, and a list of only old rows would look fresh.
    """
    rows: RowSet[Entry[Row]] = session.store.set(kind)
    entries, notices = list[Entry[Row]](), list[Notice]()
    open_parts, was_read = set[str](), False
    first_error: Exception | None = None
    for part in parts:
        closed = part.closed(session)
        if closed is not None:
            notices.append(ClosedPart(part.subject, closed))
            continue
        source = rows.sources.setdefault(part.name, SourceState(part.subject))
        page: RowPage[Row] = RowPage(())
        try:
            with source.record_errors(session.clock):
                page = await part.read(client, session)
        except CLOSED as error:
            notices.append(RefusedPart(part.subject, error.message))
            first_error = first_error or error
            continue
        open_parts.add(part.name)
        if source.failing:
            first_error = first_error or source.freshness.error
            old_entries = [rows.rows[key] for key in source.keys or () if key in rows.rows]
            entries += [replace(entry, in_progress=None) for entry in old_entries]
            continue
        was_read = True
        source.keys = frozenset(entry.key for entry in page.entries)
        entries += page.entries
        notices += page.notices
    for name in rows.sources.keys() - open_parts:
        del rows.sources[name]
    if first_error is not None and not (was_read and entries):
        raise first_error
    return RowPage(entries, notices=tuple(notices))


async def read_columns(session: Session, kind: str, part: ColumnPart, answer: Awaitable[T], missing: T) -> T:
    """Await the response that fills columns and return it.

    If reading fails, returns the last response, or `missing` if there is none.
    """
    source = session.store.set(kind).sources.setdefault(
        part.name, SourceState(part.subject, frozenset(part.columns))
    )
    with source.record_errors(session.clock):
        source.last_answer = await answer
    last: T = missing if source.last_answer is None else source.last_answer
    return last
