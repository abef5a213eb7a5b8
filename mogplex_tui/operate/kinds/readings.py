"""Lists that come in several answers: what was read is shown, and what was not says so above it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import InvalidResponse, MogplexError, ServiceFailed, Unavailable
from mogplex_tui.live.collection import CLOSED, Item, Listing, Read
from mogplex_tui.live.session import session_needed
from mogplex_tui.operate.kinds.columns import value

if TYPE_CHECKING:
    from mogplex_tui.api.access import Family
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

# What one route may answer while others tell their part; all else is trouble of the whole service, or of its budget.
OF_ONE_ROUTE = (*CLOSED, InvalidResponse, ServiceFailed, Unavailable)


class Part(NamedTuple):
    """One answer: what it tells with its verb (`The readiness is`), its reading, and the family that must be open.

    `sorts` are what `sort` says in its rows: what was read of them stays while the answer only fails.
    """

    what: str
    read: Callable[[ClientView, Session], Awaitable[Listing | Sequence[Item]]]
    family: Family | None = None
    sorts: tuple[str, ...] = ()

    def closed(self, session: Session) -> str | None:
        """Return why it is not asked for, None where it is."""
        if self.family is None:
            return None
        name = self.what.rpartition(" ")[0]
        why = session.closed([self.family], session_needed(name))
        return why if why is None or why.startswith(name) else f"{why} {self.what} not shown."


def in_parts(kind: str, *parts: Part, passing: tuple[type[MogplexError], ...] = (InvalidResponse,)) -> Read:
    """Return the reading of what several answers tell together; of one that fails as in `passing`, that is said above
    the rows of the others.

    It raises what the first of them answered where nothing at all was read: an empty list would say that there is
    nothing, and one of which all is old would look fresh.
    """

    async def read(client: ClientView, session: Session) -> Listing:
        items, said = list[Item](), list[str]()
        trouble: MogplexError | None = None
        answered = False
        for part in parts:
            why = part.closed(session)
            if why is not None:
                said.append(why)
                continue
            try:
                found = await part.read(client, session)
            except passing as error:
                trouble = trouble or error
                known = [] if isinstance(error, CLOSED) else _known(session, kind, part.sorts)
                items += known
                end = "shown as they were read before" if known else "not shown"
                said.append(f"{error.what.rstrip('.')}. {part.what} {end}.")
            else:
                answered = True
                items += found.items if isinstance(found, Listing) else found
                said += [found.notice] if isinstance(found, Listing) and found.notice else []
        if trouble is not None and not (answered and items):
            raise trouble
        return Listing(items, notice=" ".join(said))

    return read


def _known(session: Session, kind: str, sorts: Sequence[str]) -> list[Item]:
    rows = session.store.set(kind).rows.values()
    return [item for item in rows if item.record is not None and value(item, "sort") in sorts]
