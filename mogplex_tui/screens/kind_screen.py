"""The generic list: any kind of the registry, from its declaration alone (design decision 11)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from textual import on

from mogplex_tui.live.collection import Collection, Item
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.sources import Source
from mogplex_tui.live.store import RowSet
from mogplex_tui.operate import actions, words
from mogplex_tui.operate.kinds.base import Kind, Span
from mogplex_tui.operate.kinds.registry import TABS
from mogplex_tui.operate.kinds.verb import Verb
from mogplex_tui.screens import ages
from mogplex_tui.screens.base import bindings
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.screens.older import Older
from mogplex_tui.widgets.line_table import LineTable


class KindScreen(ListScreen):
    """A list of one kind. `screen_of` makes the class of a kind; this one is never shown itself."""

    def __init__(self, narrowed: str = "", span: Span | None = None) -> None:
        """`narrowed` is the filter of the link that led here, `span` when what it finds was made."""
        super().__init__(narrowed)
        self._span = span
        self._older: Older | None = None

    @property
    def collection(self) -> Collection:
        """The rows of the kind and their feed."""
        return self.console.collections.of(self.KIND)

    def rows_of(self) -> RowSet[Item]:
        """Return the rows of the kind."""
        return self.collection.set

    def feed_of(self) -> Feed:
        """Return the feed of the kind."""
        return self.collection.feed

    def sources(self) -> Sequence[Source]:
        """Return what the rows are told by, and the lists of other kinds that their columns tell from."""
        return (*super().sources(), *self.KIND.told_beside(self.session, self.collection.without))

    def feeds(self) -> Sequence[Feed]:
        """Return the feed of the kind, those of the kinds that it tells from, and what a link leads to beyond them."""
        feeds = self.console.collections.feeds_of(self.KIND)
        if self._span is None or self.KIND.older is None:
            return feeds
        if self._older is None:
            self._older = Older(self.collection, self.KIND.older, self._span)
            self.listen(self._older.feed.changed, self.changed_soon)
        return (*feeds, self._older.feed)

    def beyond(self) -> list[str]:
        """Return what is said of older records, of which the list gives none."""
        total, held = self._rows.total, len(self._rows.rows)
        if total is None or total <= held:
            return []
        said = "" if self._older is None else self._older.says()
        return [said or f"Only the newest {held:,} of {total:,} were looked through."]

    def on_tick(self) -> None:
        """Hear what other kinds say of the rows, and let ages grow."""
        self.collection.relend()
        self.table.leave_out(self.collection.without)
        super().on_tick()

    def flush(self) -> None:
        """Leave out the columns that the road of the rows says nothing in."""
        self.table.leave_out(self.collection.without)
        super().flush()

    def empty(self) -> str:
        """Return the kind's own sentence."""
        return actions.told(self.KIND.empty)

    def trouble(self) -> str:
        """Return what closed the way to the rows, or why it failed."""
        closed = self.closed()
        return super().trouble() if closed is None else ages.kept(closed)

    def closed(self) -> str | None:
        """Return why nothing can be seen here."""
        return self.collection.closed(self.KIND.needs)

    def on_mount(self) -> None:
        """Hear when the reach of the credential changes."""
        self._forget.append(self.session.access.subscribe(lambda *_: self.changed_soon()))

    def how_many(self, total: int) -> str:
        """Return how many records there are; where some have run out, how many are open, as the header counts them."""
        still = self.collection.open
        return f"{total:,}" if still is None or still == total else f"{still:,} of {total:,} open"

    def never(self) -> frozenset[str]:
        """Return what no record of this kind has."""
        return never_of(self.KIND)

    def shows(self, action: actions.Action) -> bool:
        """Tell of a verb where one of the chosen records takes it, and of the rest where there is a use for it."""
        if not super().shows(action):
            return False
        if action.id == "kind.mark":
            on = self.on_row()
            return on is not None and self.why_no_mark(on) is None
        if action.verb is not None:
            verb = verb_of(self.KIND, action.verb)
            if self.closed() is not None:
                return False
            chosen = self.chosen() if verb.many else self.chosen_one()
            return verb.new is not None or any(takes(verb, item) for item in chosen)
        if action.id == "kind.browse":
            return bool(self.KIND.page(self.on_row()))
        return action.id != "kind.copy" or self.on_row() is not None

    def on_row(self) -> Item | None:
        """Return the record under the cursor."""
        item: Item | None = self.item()
        return item

    def why_no_mark(self, item: Item) -> str | None:
        """Return why no verb for several records takes this one."""
        many = [verb for verb in self.KIND.verbs if verb.many]
        closed = [self.KIND.closed_to(verb, self.session) for verb in many]
        if many and None not in closed:
            return closed[0]
        if not many or any(takes(verb, item) for verb in many):
            return None
        return many[0].why_not(item) or "This row could not be read."

    def chosen(self) -> list[Item]:
        """Return the marked records, or the one under the cursor."""
        return self.marked() or self.chosen_one()

    @on(LineTable.RowSelected)
    def _opened(self) -> None:
        self.do_kind_open()

    def do_kind_open(self) -> None:
        """Open the record under the cursor."""
        item = self.on_row()
        # A second press of a quick hand is heard here when the record is open already.
        if item is not None and self.is_active:
            self.console.navigation.open_item(self.KIND, item)

    def do_kind_mark(self) -> None:
        """Mark the row, or take the mark away, and go on to the next."""
        self.toggle_mark()

    def do_kind_copy(self) -> None:
        """Copy the id under the cursor."""
        item = self.on_row()
        if item is not None:
            self.console.copy(item.key, f"the id of {self.KIND.noun} {self.KIND.name_of(item)}")

    def do_kind_browse(self) -> None:
        """Open the record's page in the browser."""
        self.console.browse(self.KIND, self.on_row())

    def do_verb(self, verb_id: str) -> None:
        """Carry out one of the kind's verbs, asking first where it asks."""
        verb = verb_of(self.KIND, verb_id)
        if verb.many:
            # A question that is answered with no leaves the marks for another verb.
            self.console.record_actions.ask(self.KIND, verb, self.chosen(), self.unmark)
        else:
            self.console.record_actions.ask(self.KIND, verb, self.chosen_one())

    def chosen_one(self) -> list[Item]:
        """Return the record under the cursor, as a list of at most one."""
        item = self.on_row()
        return [item] if item is not None else []


def never_of(kind: Kind) -> frozenset[str]:
    """Return the ids of actions that have no use for a kind: no page in the browser, nothing that works on many."""
    never = {"kind.browse"} if kind.url is None else set()
    return frozenset(never if any(verb.many for verb in kind.verbs) else never | {"kind.mark"})


def verb_of(kind: Kind, verb_id: str) -> Verb:
    """Return a kind's verb by its id. Raises StopIteration for one that it does not have."""
    return next(verb for verb in kind.verbs if verb.id == verb_id)


def takes(verb: Verb, item: Item) -> bool:
    """Return whether a verb makes sense for a record now; one that makes a record always does."""
    return verb.new is not None or (item.record is not None and verb.why_not(item) is None)


def tab_of(kind: Kind) -> str:
    """Return the tab that a kind belongs to: its own, or none."""
    return kind.name if any(kind.name == name for _, _, name in TABS) else ""


@cache
def screen_of(name: str) -> type[KindScreen]:
    """Return the list's class of a kind, made once from its declaration."""
    from mogplex_tui.operate.kinds.registry import kinds

    kind = kinds()[name]
    actions.know(kind)
    body: dict[str, Any] = {
        "__doc__": f"The list of {words.many(kind.noun)}.",
        "__module__": __name__,
        "KIND": kind,
        "SCOPE": kind.name,
        "TAB": tab_of(kind),
        "BINDINGS": bindings(kind.name),
        "FILTER_EXAMPLE": "a word, or !other",
    }
    return type(f"{kind.name.title().replace('-', '')}Screen", (KindScreen,), body)
