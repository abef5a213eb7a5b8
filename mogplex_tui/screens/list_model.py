"""The interface of the models that supply a list screen with its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mogplex_tui.live.freshness import SourceState
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import AnyRowSet
from mogplex_tui.operate.action_registry import KeyAction
from mogplex_tui.operate.model import AnyKind
from mogplex_tui.widgets.segment_line import Segment

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.live.older_run_pages import OlderRunPages
    from mogplex_tui.operate.older_records import OlderRecords
    from mogplex_tui.screens.console import Console


AnyRow = Any
"""A row of a list. Only the list model that made a row knows its type."""


class Selection(Protocol):
    """The cursor row and the marked rows of a list, to which actions apply."""

    def cursor_row(self) -> AnyRow:
        """Return the row under the cursor, or None if there are no rows."""

    def marked_rows(self) -> list[AnyRow]:
        """Return the marked rows."""

    def chosen_rows(self) -> list[AnyRow]:
        """Return the marked rows, or the row under the cursor if no row is marked."""

    def unmark(self) -> None:
        """Remove every mark."""


class ListModel(Protocol):
    """The rows of a list, with the texts and actions that differ between lists."""

    kind: AnyKind
    scope: str
    tab: str
    filter_example: str
    # Fields of a row whose changes are highlighted for a moment.
    flashed: tuple[str, ...]
    # The creation time range of the records that the link to the list selects.
    link_span: tuple[datetime, datetime | None] | None
    rows: AnyRowSet
    feed: Feed
    # Reads older rows to compare them, None if the rows are searched by time instead.
    older_pages: OlderRunPages | None

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds to read while the list is shown."""

    def sources(self) -> Sequence[SourceState]:
        """Return the state of each source, other than the list itself, of the rows' data.

        Each of them may fail or become stale independently of the list.
        """

    def subscribe(self, changed: Callable[[], None], /) -> list[Callable[[], None]]:
        """Call `changed` when something other than the rows changes.

        Returns the functions that end the subscriptions.
        """

    def update_joins(self) -> None:
        """Update the fields whose values come from other lists."""

    def update_counts(self, keys: Iterable[str], /) -> None:
        """Update the title line's counts after the rows with these keys have changed."""

    def empty_columns(self) -> frozenset[str]:
        """Return the names of the columns to hide because no row has a value in them."""

    # Texts -----------------------------------------------------------------------------------------------------

    def counts(self) -> list[Segment]:
        """Return the counts that the title line shows beside the number of rows."""

    def total_text(self, total: int) -> str:
        """Return the text of the title line that states the number of rows."""

    def empty_text(self) -> str:
        """Return a sentence that says what an empty list means and what to do next."""

    def closed_lines(self) -> list[str]:
        """Return sentences that say why this credential cannot see any rows.

        The list is empty if the credential can see rows.
        """

    def notice(self) -> str:
        """Return the notice to show above the rows while all reads succeed."""

    def older_records(self) -> OlderRecords[AnyRow] | None:
        """Return the records that are not loaded but can be searched.

        None if the list always has all records.
        """

    # Actions ---------------------------------------------------------------------------------------------------

    def near_end(self) -> None:
        """Load more rows; called when the cursor comes near the last row."""

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of actions that never apply to this list."""

    def why_no_mark(self, row: AnyRow, /) -> str | None:
        """Return why a row cannot be marked, or None if it can be marked."""

    def why_not(self, action: KeyAction, selection: Selection, /) -> str | None:
        """Return why an action cannot be used now, or None if it can be used."""

    def shows(self, action: KeyAction, selection: Selection, /) -> bool:
        """Return whether the key bar and the palette offer an action.

        Called only for actions that can be used now.
        """

    def title_of(self, action: KeyAction, selection: Selection, /) -> str:
        """Return the title of an action in the key bar, which may depend on the row."""

    def open(self, console: Console, row: AnyRow, /) -> None:
        """Open the screen of the record or run in a row."""

    def actions(self, console: Console, selection: Selection) -> Mapping[str, Callable[[], object]]:
        """Return the functions that run this list's own actions, by action id."""
