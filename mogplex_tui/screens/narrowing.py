"""Which rows of a list are shown, and in which order: the `/` filter, and the columns that it is sorted by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on

from mogplex_tui.operate.kinds import Kind
from mogplex_tui.screens.marks import MarkScreen
from mogplex_tui.widgets.line_table import LineTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mogplex_tui.operate.actions import Action
    from mogplex_tui.operate.kinds.base import Seen
    from mogplex_tui.screens.filter_bar import FilterBar


class NarrowScreen(MarkScreen):
    """A list that can be narrowed and sorted; subclasses name the kind, and say what stands where rows would be."""

    KIND: ClassVar[Kind]
    FILTER_EXAMPLE: ClassVar[str] = "word field:word !word"

    def __init__(self, narrowed: str = "") -> None:
        """`narrowed` is the filter of the link that led here; what is typed narrows further."""
        super().__init__()
        self._narrowed, self._typed = narrowed, ""
        self._filter = ""
        self._sort: str | None = None
        self._descending = self.KIND.descending
        # Whether rows move as time goes by, though nothing is heard of them.
        self._grows = False
        # The filter's line is made once, whoever asks for it while it is.
        self._making = asyncio.Lock()

    def item(self) -> Any:
        """Return the row under the cursor, None without one."""
        key = self.table.cursor_key
        return None if key is None else self._rows.rows.get(key)

    def seen_of(self) -> Seen:
        """Return up to when each row is known; for subclasses."""
        raise NotImplementedError

    def say(self) -> None:
        """Say above the rows, or in their place, what there is to say; for subclasses."""
        raise NotImplementedError

    def _look(self) -> bool:
        """Order and filter all rows by what holds at this instant; return whether any place moved."""
        from mogplex_tui.operate.filters import compile_filter, grows

        kind, now, seen = self.KIND, self.session.clock.now(), self.seen_of()
        ordered = self._sort is not None and kind.field(self._sort).sort_at is not None
        self._grows = ordered or grows(self._filter, kind.spans)
        return self._view.look(
            kind.order_at(self._sort, seen),
            compile_filter(self._filter, kind.fields_at(now, seen), kind.spans) if self._filter else None,
            descending=self._descending,
        )

    # Narrowing -------------------------------------------------------------------------------------------------

    async def do_list_filter(self) -> None:
        """Open the filter; it narrows the list while one types."""
        bar = await self._filter_bar()
        bar.open(self._typed, self.example())
        self.refresh_keys()

    def example(self) -> str:
        """Return what could be typed to find the row under the cursor, or what can be typed at all."""
        row = self.item()
        term = None if row is None else self.KIND.example(row, self.session.clock.now())
        return self.FILTER_EXAMPLE if term is None else f"a word, or {term} !other"

    async def _filter_bar(self) -> FilterBar:
        """Return the filter's line; it is made after the first frame, which has no use for it."""
        async with self._making:
            if not self.query("#filter"):
                from mogplex_tui.screens.filter_bar import FilterBar

                await self.mount(FilterBar(self.FILTER_EXAMPLE, id="filter"), before="#notice")
        return cast("FilterBar", self.query_one("#filter"))

    async def prepare(self) -> None:
        """Make what the first frame did not need, so that the first `/` finds it ready."""
        if self.whole:
            # A key pressed at once may have led to a screen that is not laid out yet; its first `/` makes it then.
            await self._filter_bar()

    async def narrow_to(self, text: str) -> None:
        """Narrow the list as if a filter had been typed, which is changed and taken away by the same keys."""
        (await self._filter_bar()).fill(text)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Narrow the list to what is typed."""
        self.narrow(event.text)

    def narrow(self, text: str) -> None:
        """Show only what matches a filter, beside that of the link that led here; an empty one adds nothing.

        The cursor stays on its row, or goes to the first one where that is not shown any more.
        """
        was_on = self.table.cursor_key
        self._typed = text.strip()
        self._filter = f"{self._narrowed} {self._typed}".strip()
        self._look()
        self.table.refresh_rows(None, reordered=True)
        if was_on is not None and self._view.index_of(was_on) is None:
            self.table.action_first()
        self.table.paint()
        self.say()
        self.refresh_chrome()

    def on_filter_bar_closed(self) -> None:
        """Give the keys back to the list."""
        self.table.focus()
        self.refresh_keys()

    async def clear_filter(self) -> None:
        """Take away what was typed."""
        if self._typed:
            bar = await self._filter_bar()
            bar.clear()

    # Ordering --------------------------------------------------------------------------------------------------

    def do_list_sort(self) -> None:
        """Order by the next column on screen that can be sorted; after the last one, as at first again."""
        names = [None, *(name for name in self.table.shown_columns() if self.KIND.field(name).sortable)]
        self._sort = names[(names.index(self._sort) + 1) % len(names)] if self._sort in names else None
        self._descending = self._from_the_end(self._sort)
        self._order()

    def more_of(self, action: Action) -> Callable[[str], None] | None:
        """Let `sort` take the column to order by."""
        return self.sort_by if action.id == "list.sort" else None

    def sort_by(self, text: str) -> None:
        """Order by the column of that name or title, or the first that begins so; turned round where it was so."""
        wanted = text.lower()
        fields = [field for field in self.KIND.fields if field.sortable]
        exact = [field.key for field in fields if wanted in (field.key, field.title.lower())]
        begins = [field.key for field in fields if field.title.lower().startswith(wanted)]
        if exact or begins:
            self._order_by((exact or begins)[0])
        else:
            named = ", ".join(field.title.lower() or field.key for field in fields)
            said = f"No column here is called {text}. There are: {named}."
            self.notify(said, severity="warning", markup=False)

    def _order_by(self, name: str) -> None:
        turned = name == self._sort
        self._descending = not self._descending if turned else self._from_the_end(name)
        self._sort = name
        self._order()

    def _from_the_end(self, name: str | None) -> bool:
        """Numbers and times are looked at from the large end, words from the start of the alphabet."""
        return self.KIND.descending if name is None else self.KIND.field(name).align == "right"

    def do_list_reverse(self) -> None:
        """Turn the order round."""
        self._descending = not self._descending
        self._order()

    @on(LineTable.HeaderSelected)
    def _header_clicked(self, event: LineTable.HeaderSelected) -> None:
        if any(field.key == event.column and field.sortable for field in self.KIND.fields):
            self._order_by(event.column)

    def _order(self) -> None:
        self._look()
        self.table.set_sort(self._sort, self._descending)
        self.table.refresh_rows(None, reordered=True)
        # A key is answered in one repaint, not when the next burst is drawn.
        self.table.paint()
        self.refresh_chrome()
