"""The list of any kind of record, from the kind's declaration alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.live.collection import Item
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import Session
from mogplex_tui.live.sources import Source
from mogplex_tui.operate import actions
from mogplex_tui.operate.kinds.base import Kind, Span
from mogplex_tui.operate.kinds.registry import TABS
from mogplex_tui.operate.kinds.verb import Verb
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.widgets.status_line import Segment

if TYPE_CHECKING:
    from mogplex_tui.operate.list_search import OlderRecords
    from mogplex_tui.screens.console import Console
    from mogplex_tui.screens.list_model import Selection


class KindList:
    """The list model of a kind."""

    filter_example = "a word, or !other"
    flashed: tuple[str, ...] = ()

    def __init__(
        self, session: Session, collections: KindCollections, kind: Kind, span: Span | None = None
    ) -> None:
        """`span` is the time in which the records that a link leads to were made."""
        actions.know(kind)
        self._session, self._collections = session, collections
        self.kind, self.scope, self.tab = kind, kind.name, tab_of(kind)
        self.collection = collections.of(kind)
        self.rows, self.feed = self.collection.set, self.collection.feed
        self.link_span = span

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of the kind and of the kinds that it joins."""
        return self._collections.feeds_of(self.kind)

    def sources(self) -> Sequence[Source]:
        """Return the sources of single rows and columns, and the lists of other kinds that columns come from."""
        joined = self.kind.told_beside(self._session, self.collection.without)
        return (*self.rows.sources.values(), *joined)

    def subscribe(self, changed: Callable[[], None]) -> list[Callable[[], None]]:
        """Subscribe to the reach of the credential."""
        return [self._session.access.subscribe(lambda *_: changed())]

    def update_joins(self) -> None:
        """Bring fields that come from other lists up to date."""
        self.collection.relend()

    def update_counts(self, _keys: Iterable[str]) -> None:
        """Do nothing: the collection counts its open records itself."""

    def empty_columns(self) -> frozenset[str]:
        """Return the columns that the current source of the rows has no values for."""
        return self.collection.without

    # Texts -----------------------------------------------------------------------------------------------------

    def counts(self) -> list[Segment]:
        """Return nothing: the number of records says it all."""
        return []

    def total_text(self, total: int) -> str:
        """Return the number of records; where some have expired, how many are open, as the header counts them."""
        still = self.collection.open
        return f"{total:,}" if still is None or still == total else f"{still:,} of {total:,} open"

    def empty_text(self) -> str:
        """Return the kind's own sentence."""
        return actions.told(self.kind.empty)

    def closed_reason(self) -> str | None:
        """Return why this credential can see no records, None when it can."""
        return self.collection.closed(self.kind.needs)

    def notice(self) -> str:
        """Return the notice of the service about the list."""
        return self.rows.notice or ""

    def older_records(self) -> OlderRecords[Item] | None:
        """Return the records that the service does not list at once."""
        from mogplex_tui.operate.kinds.registry import declaration
        from mogplex_tui.operate.list_search import CollectionRows, OlderRecords

        older = getattr(declaration(self.kind.name), "older", None)
        if older is None:
            return None
        rows = CollectionRows(self.collection, older)
        return OlderRecords(self._session, self.kind.name, older, self.rows, rows, self.feed.metered)

    # Actions ---------------------------------------------------------------------------------------------------

    def near_end(self) -> None:
        """Do nothing: a kind's list is read whole."""

    def unused_actions(self) -> frozenset[str]:
        """Return the actions that no record of this kind has."""
        return unused_actions(self.kind)

    def why_no_mark(self, item: Item) -> str | None:
        """Return why no action on several records applies to this one, None when one does."""
        many = [verb for verb in self.kind.verbs if verb.many]
        closed = [self.kind.closed_to(verb, self._session) for verb in many]
        if many and None not in closed:
            return closed[0]
        if not many or any(applies(verb, item) for verb in many):
            return None
        return many[0].why_not(item) or "This row could not be read."

    def why_not(self, action: actions.Action, _selection: Selection) -> str | None:
        """Return why an action cannot be used, None when it can."""
        return actions.offered(action, self._session)

    def shows(self, action: actions.Action, selection: Selection) -> bool:
        """Return whether an action applies to one of the chosen records."""
        item: Item | None = selection.cursor_row()
        if action.id == "kind.mark":
            return item is not None and self.why_no_mark(item) is None
        if action.verb is not None:
            verb = verb_of(self.kind, action.verb)
            if self.closed_reason() is not None:
                return False
            return verb.new is not None or any(applies(verb, each) for each in self._chosen(verb, selection))
        if action.id == "kind.browse":
            return bool(self.kind.page(item))
        return action.id != "kind.copy" or item is not None

    def open(self, console: Console, item: Item) -> None:
        """Open the screen of a record."""
        console.navigation.open_item(self.kind, item)

    def actions(self, console: Console, selection: Selection) -> Mapping[str, Callable[[], object]]:
        """Return the actions on records, and the kind's own ones."""
        kind = self.kind

        def copy() -> None:
            item: Item | None = selection.cursor_row()
            if item is not None:
                console.copy(item.key, f"the id of {kind.noun} {kind.name_of(item)}")

        def run(verb: Verb) -> None:
            if verb.many:
                # The marks stay when the question is answered with no.
                console.record_actions.ask(kind, verb, selection.chosen_rows(), selection.unmark)
            else:
                console.record_actions.ask(kind, verb, self._chosen(verb, selection))

        return {
            "kind.copy": copy,
            "kind.browse": lambda: console.browse(kind, selection.cursor_row()),
            **{f"{kind.name}.{verb.id}": partial(run, verb) for verb in kind.verbs},
        }

    def _chosen(self, verb: Verb, selection: Selection) -> list[Item]:
        if verb.many:
            return selection.chosen_rows()
        item: Item | None = selection.cursor_row()
        return [] if item is None else [item]


def unused_actions(kind: Kind) -> frozenset[str]:
    """Return the ids of actions that never apply to a kind: no page in the browser, no action on several records."""
    unused = {"kind.browse"} if kind.url is None else set()
    return frozenset(unused if any(verb.many for verb in kind.verbs) else unused | {"kind.mark"})


def verb_of(kind: Kind, verb_id: str) -> Verb:
    """Return a kind's action by its id. Raises StopIteration for an id that the kind does not have."""
    return next(verb for verb in kind.verbs if verb.id == verb_id)


def applies(verb: Verb, item: Item) -> bool:
    """Return whether an action makes sense for a record now. One that creates a record always does."""
    return verb.new is not None or (item.record is not None and verb.why_not(item) is None)


def tab_of(kind: Kind) -> str:
    """Return the name of a kind's tab, an empty text for a kind without one."""
    return kind.name if any(kind.name == name for _, _, name in TABS) else ""
