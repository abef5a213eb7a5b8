"""The interface between a list screen and the rows that it lists."""

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

    from mogplex_tui.operate.older_records import OlderRecords
    from mogplex_tui.screens.console import Console


AnyRow = Any
"""A row of a list. Only the list model that made a row knows its type."""


class Selection(Protocol):
    """The rows of a list that an action applies to."""

    def cursor_row(self) -> AnyRow:
        """Return the row under the cursor, or None if there are no rows."""

    def marked_rows(self) -> list[AnyRow]:
        """Return the marked rows."""

    def chosen_rows(self) -> list[AnyRow]:
        """Return the marked rows, or else the row under the cursor."""

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

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that keep the rows fresh while the list is shown."""

    def sources(self) -> Sequence[SourceState]:
        """Return the sources that may fail or become stale independently of the list."""

    def subscribe(self, changed: Callable[[], None], /) -> list[Callable[[], None]]:
        """Call `changed` when something other than the rows changes.

        Returns the functions that end the subscriptions.
        """

    def update_joins(self) -> None:
        """Update fields joined from other lists."""

    def update_counts(self, keys: Iterable[str], /) -> None:
        """Update the counts of the title line after changes of rows."""

    def empty_columns(self) -> frozenset[str]:
        """Return the columns to hide because no row has a value in them."""

    # Texts -----------------------------------------------------------------------------------------------------

    def counts(self) -> list[Segment]:
        """Return the counts that the title line shows beside the number of rows."""

    def total_text(self, total: int) -> str:
        """Return the number of rows, of `total`, as the title line shows it."""

    def empty_text(self) -> str:
        """Return what an empty list means and what to do next."""

    def closed_lines(self) -> list[str]:
        """Return why this credential can see no rows, in sentences; empty if it can."""

    def notice(self) -> str:
        """Return the notice above the rows, used while no read of them fails."""

    def older_records(self) -> OlderRecords[AnyRow] | None:
        """Return the records that are not loaded, None if the list is always complete."""

    # Actions ---------------------------------------------------------------------------------------------------

    def near_end(self) -> None:
        """Load more rows: the cursor is near the last one."""

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of actions that never apply to this list."""

    def why_no_mark(self, row: AnyRow, /) -> str | None:
        """Return why a row cannot be marked, None when it can."""

    def why_not(self, action: KeyAction, selection: Selection, /) -> str | None:
        """Return why an action cannot be used now, None when it can."""

    def shows(self, action: KeyAction, selection: Selection, /) -> bool:
        """Return whether the key bar and the palette offer an action that can be used."""

    def open(self, console: Console, row: AnyRow, /) -> None:
        """Open the screen of a row."""

    def actions(self, console: Console, selection: Selection) -> Mapping[str, Callable[[], object]]:
        """Return the actions that only this list has, by their ids."""
