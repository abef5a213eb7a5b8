"""The list model for any kind of record, built from the declaration of the kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.live.freshness import SourceState
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import Session
from mogplex_tui.operate import action_registry, kind_rows, messages
from mogplex_tui.operate.failure_report import missing_reason
from mogplex_tui.operate.kinds.registry import TABS
from mogplex_tui.operate.model import Action, AnyAction, AnyEntry, AnyKind, AnyRecordAction, Creation
from mogplex_tui.operate.record_page import address_of
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.widgets.segment_line import Segment

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.live.older_run_pages import OlderRunPages
    from mogplex_tui.operate.older_records import OlderRecords
    from mogplex_tui.screens.console import Console
    from mogplex_tui.screens.list_model import Selection


_MARKING = frozenset(
    {"kind.mark", "list.mark-all", "list.mark-alike", "list.mark-range", "list.invert-marks"}
)


class KindList:
    """The list model of one kind of record."""

    filter_example = "a word, or !other"
    flashed: tuple[str, ...] = ()
    older_pages: OlderRunPages | None = None

    def __init__(
        self,
        session: Session,
        collections: KindCollections,
        kind: AnyKind,
        span: tuple[datetime, datetime | None] | None = None,
    ) -> None:
        """Create the model; `span` limits the list to records created in a time range.

        The link that opened the list supplies `span`.
        """
        action_registry.register_kind(kind)
        self._session, self._collections = session, collections
        self.kind, self.scope, self.tab = kind, kind.name, tab_of(kind)
        self.collection = collections.of(kind)
        self.rows, self.feed = self.collection.set, self.collection.feed
        self.link_span = span

    def feeds(self) -> Sequence[Feed]:
        """Return the feed of this kind's list and the feeds of the lists that it joins."""
        return self._collections.feeds_of(self.kind)

    def sources(self) -> Sequence[SourceState]:
        """Return the state of each source that supplies only some rows, columns or fields.

        The sources are further routes of the list, and other lists whose values the list joins. Each may
        fail or become stale independently of the list.
        """
        joined = kind_rows.related_sources(self.kind, self._session, self.collection.hides)
        return (*self.rows.sources.values(), *joined)

    def subscribe(self, changed: Callable[[], None]) -> list[Callable[[], None]]:
        """Call `changed` when the set of routes that the credential may use changes.

        Returns the functions that end the subscriptions.
        """
        return [self._session.access.subscribe(lambda *_: changed())]

    def update_joins(self) -> None:
        """Update the fields whose values come from other lists."""
        self.collection.update_joins()

    def update_counts(self, _keys: Iterable[str]) -> None:
        """Do nothing, because the collection itself counts its open records."""

    def empty_columns(self) -> frozenset[str]:
        """Return the names of the columns for which the list's route returns no values."""
        return self.collection.hides

    # Texts -----------------------------------------------------------------------------------------------------

    def counts(self) -> list[Segment]:
        """Return an empty list: the title line of a kind shows no counts except the total."""
        return []

    def total_text(self, total: int) -> str:
        """Return the number of records as text, such as "12", or "3 of 12 open".

        The second form is used if some of the records have ended or are being changed.
        """
        open_count = self.collection.open_count
        return (
            f"{total:,}" if open_count is None or open_count == total else f"{open_count:,} of {total:,} open"
        )

    def empty_text(self) -> str:
        """Return the sentence, declared by the kind, that is shown for an empty list."""
        return action_registry.with_key_names(self.kind.empty)

    def closed_lines(self) -> list[str]:
        """Return sentences that say why this credential cannot see any records.

        The list is empty if the credential can see them.
        """
        return messages.closed_lines(self.collection.closed(), self.kind.needs)

    def notice(self) -> str:
        """Return the notices that the service sent with the list, as one text."""
        return messages.notices_text(self.rows.notices)

    def older_records(self) -> OlderRecords[AnyEntry] | None:
        """Return the searchable older records that the service leaves out of the list.

        None if the kind's list is always complete.
        """
        from mogplex_tui.operate.older_records import CollectionRows, OlderRecords

        older = self.kind.older
        if older is None:
            return None
        rows = CollectionRows(self.collection, older)
        return OlderRecords(self._session, self.kind.name, older, self.rows, rows, self.feed.metered)

    # Actions ---------------------------------------------------------------------------------------------------

    def near_end(self) -> None:
        """Do nothing; unlike runs, records of a kind are not loaded by scrolling."""

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of actions that never apply to records of this kind."""
        return unused_actions(self.kind)

    def why_no_mark(self, entry: AnyEntry) -> str | None:
        """Return why a record cannot be marked, or None if it can be marked.

        A record can be marked if at least one bulk action applies to it.
        """
        many = _bulk_actions(self.kind)
        closed = [kind_rows.closed_reason(self.kind, action, self._session) for action in many]
        if many and None not in closed:
            return closed[0]
        reasons = [kind_rows.unavailable_reason(action, entry, self._session) for action in many]
        return None if None in reasons or not many else reasons[0]

    def why_not(self, action: action_registry.KeyAction, selection: Selection) -> str | None:
        """Return why an action cannot be used, or None if it can be used."""
        if action.id == "runs.explain":
            return missing_reason(kind_rows.run_of(self.kind, selection.cursor_row()))
        return action_registry.disabled_reason(action, self._session)

    def shows(self, action: action_registry.KeyAction, selection: Selection) -> bool:
        """Return whether the key bar and the palette offer an action.

        An action on records is offered if it applies to at least one of the chosen records.
        """
        entry: AnyEntry | None = selection.cursor_row()
        if action.id in ("kind.mark", "list.mark-alike"):
            return entry is not None and self.why_no_mark(entry) is None
        if action.record_action is not None:
            record_action = action.record_action
            if self.collection.closed() is not None:
                return False
            if isinstance(record_action, Creation):
                return True
            chosen = self._chosen(record_action, selection)
            return any(
                kind_rows.unavailable_reason(record_action, each, self._session) is None for each in chosen
            )
        if action.id == "runs.explain":
            return missing_reason(kind_rows.run_of(self.kind, entry)) is None
        if action.id == "kind.browse":
            return bool(address_of(self.kind, entry))
        return action.id not in ("kind.copy", "view.waterfall") or entry is not None

    def title_of(self, action: action_registry.KeyAction, selection: Selection) -> str:
        """Return the title of an action in the key bar: enter changes some settings."""
        entry: AnyEntry | None = selection.cursor_row()
        is_setting = action.id == "kind.open" and self.kind.name == "settings"
        if is_setting and entry is not None and entry.row is not None and entry.row.changes_on_enter:
            return "change"
        return action.title

    def open(self, console: Console, entry: AnyEntry) -> None:
        """Open the screen of a record, or switch to a context."""
        console.open(self.kind, entry)

    def actions(self, console: Console, selection: Selection) -> Mapping[str, Callable[[], object]]:
        """Return the functions that run this list's actions, by action id."""
        kind = self.kind

        def copy() -> None:
            entry: AnyEntry | None = selection.cursor_row()
            if entry is not None:
                console.copy(entry.key, f"the id of {kind.noun} {kind_rows.name_of(kind, entry)}")

        def run(action: AnyAction) -> None:
            # Marks stay if the operator answers the confirmation with no.
            done = selection.unmark if isinstance(action, Action) and action.is_bulk else lambda: None
            console.record_actions.ask(kind, action, self._chosen(action, selection), done)

        def show_hidden() -> None:
            self.collection.shows_hidden = not self.collection.shows_hidden
            console.session.scheduler.refresh(self.feed)

        def start_run() -> None:
            entry: AnyEntry | None = selection.cursor_row()
            if entry is not None:
                console.run_actions.start_in(entry.key, kind_rows.name_of(kind, entry))

        def explain() -> None:
            run = kind_rows.run_of(kind, selection.cursor_row())
            if run is not None:
                console.navigation.explain(run)

        return {
            "runs.start-in": start_run,
            "runs.explain": explain,
            "view.waterfall": lambda: console.waterfalls.of_record(kind, selection.cursor_row()),
            "list.hidden": show_hidden,
            "kind.copy": copy,
            "kind.browse": lambda: console.browse(kind, selection.cursor_row()),
            **{f"{kind.name}.{each.id}": partial(run, each) for each in kind.all_actions},
        }

    def _chosen(self, action: AnyAction, selection: Selection) -> list[AnyEntry]:
        if isinstance(action, Action) and action.is_bulk:
            return selection.chosen_rows()
        entry: AnyEntry | None = selection.cursor_row()
        return [] if entry is None else [entry]


def _bulk_actions(kind: AnyKind) -> list[AnyRecordAction]:
    return [action for action in kind.actions if action.is_bulk]


def unused_actions(kind: AnyKind) -> frozenset[str]:
    """Return the ids of general list actions that do not apply to a kind.

    For example, the action that opens a web page does not apply to a kind without web pages, and
    the action that marks rows does not apply to a kind without bulk actions.
    """
    unused = {"kind.browse"} if kind.page_in_browser is None else set()
    if kind.hidden is None:
        unused.add("list.hidden")
    if kind.similarity_key is None:
        unused.add("list.mark-alike")
    return frozenset(unused if _bulk_actions(kind) else unused | _MARKING)


def tab_of(kind: AnyKind) -> str:
    """Return the name of the tab that shows a kind, or an empty text if no tab does."""
    return kind.name if any(kind.name == name for _, _, name in TABS) else ""
