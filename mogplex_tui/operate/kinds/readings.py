"""Lists that come in several answers: each is as fresh as it was read, and what one fails to tell hides no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mogplex_tui.api.errors import ended
from mogplex_tui.live.collection import Item, Listing, Read
from mogplex_tui.live.session import session_needed
from mogplex_tui.live.sources import CLOSED, Source

if TYPE_CHECKING:
    from mogplex_tui.api.access import Family
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

T = TypeVar("T")


class Part(NamedTuple):
    """One answer: its name, what it tells with its verb (`The readiness is`), its reading, the family it belongs to."""

    name: str
    what: str
    read: Callable[[ClientView, Session], Awaitable[Listing | Sequence[Item]]]
    family: Family | None = None

    def closed(self, session: Session) -> str | None:
        """Return why it is not asked for, None where it is."""
        if self.family is None:
            return None
        name = self.what.rpartition(" ")[0]
        why = session.closed([self.family], session_needed(name))
        return why if why is None or why.startswith(name) else f"{why} {self.what} not shown."


def in_parts(kind: str, *parts: Part) -> Read:
    """Return the reading of what several answers tell together."""

    async def read(client: ClientView, session: Session) -> Listing:
        return await of_parts(client, session, kind, parts)

    return read


async def of_parts(client: ClientView, session: Session, kind: str, parts: Iterable[Part]) -> Listing:
    """Read what several answers tell together. What was read of one that fails now stays, and grows old by itself; of
    one that is closed, that is said above the rows of the others.

    Raises what went wrong where no answer was understood or no row is known: an empty list would say that there is
    nothing, and one of which all is old would look fresh.
    """
    rows, items, said = session.store.set(kind), list[Item](), list[str]()
    open_now, answered = set[str](), False
    trouble: Exception | None = None
    for part in parts:
        why = part.closed(session)
        if why is not None:
            said.append(why)
            continue
        source = rows.sources.setdefault(part.name, Source(part.what))
        found: Listing | Sequence[Item] = ()
        try:
            with source.apart(session.clock):
                found = await part.read(client, session)
        except CLOSED as error:
            said.append(f"{ended(error.what)} {part.what} not shown.")
            trouble = trouble or error
            continue
        open_now.add(part.name)
        if source.failing:
            trouble = trouble or source.freshness.error
            items += [rows.rows[key] for key in source.keys or () if key in rows.rows]
            continue
        answered = True
        told = found.items if isinstance(found, Listing) else found
        source.keys = frozenset(item.key for item in told)
        items += told
        said += [found.notice] if isinstance(found, Listing) and found.notice else []
    for gone in rows.sources.keys() - open_now:
        del rows.sources[gone]
    if trouble is not None and not (answered and items):
        raise trouble
    return Listing(items, notice=" ".join(said))


class Beside(NamedTuple):
    """An answer that tells only some columns of every row: its name, what it tells with its verb, and the columns."""

    name: str
    what: str
    columns: str


async def beside(session: Session, kind: str, told: Beside, answer: Awaitable[T], nothing: T) -> T:
    """Return an answer that tells some columns of a kind's rows; the last one that was understood while it fails, and
    `nothing` where none ever was: its columns grow old by themselves.
    """
    source = session.store.set(kind).sources.setdefault(
        told.name, Source(told.what, frozenset(told.columns.split()))
    )
    with source.apart(session.clock):
        source.told = await answer
    last: T = nothing if source.told is None else source.told
    return last
