"""A record's facts beside its live events or log, with folding, search and JSON."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mogplex_tui.live.run_event_tail import BatchResult
from mogplex_tui.operate.action_registry import BY_ID, KeyAction, key_of
from mogplex_tui.operate.event_text import EventText
from mogplex_tui.screens.event_json_pane import EventPane
from mogplex_tui.screens.event_view import EventView
from mogplex_tui.screens.filter_bar import FilterBar
from mogplex_tui.screens.header_line import Look
from mogplex_tui.screens.line_search import LineSearch
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.tail_rows import TailSource
from mogplex_tui.widgets.visible_rows import VisibleRows

# Below this many columns the facts fold into two lines above the tail.
WIDE = 100
# From this many columns on, an open event is beside the tail, in place of the facts; else it is below the tail.
SIDE_BY_SIDE = 160
# The numbers of lines shown before and after each matching line, in the order in which a key selects them.
CONTEXTS = (0, 2, 5)
# Actions that are offered while an event is open.
EVENT_ACTIONS = ("event.save", "event.line-up", "event.line-down")


class TailPane(Vertical):
    """A search bar, a record beside its tail, and panes for one event and for JSON.

    The tail is the live list of the record's events or log lines. The screen draws the facts itself
    and calls `draw` in its `flush`.
    """

    DEFAULT_CSS = """
    TailPane {
        height: 1fr;
        #body { height: 1fr; }
        #lines { width: 1fr; height: 1fr; }
        #tail { width: 1fr; height: 1fr; min-height: 3; }
        #event { width: 1fr; height: 62%; }
    }
    TailPane.-side #lines {
        layout: horizontal;
        #event { width: 55%; height: 1fr; border-top: none; border-left: solid $border; }
        #event:focus-within { border-left: solid $primary; }
    }
    TailPane.-side.-event #detail, TailPane.-narrow.-event #detail { display: none; }
    """

    def __init__(
        self,
        record: RecordView,
        source: TailSource,
        raw_line: Callable[[str], dict[str, object] | None],
        look: Look,
        *,
        lines_name: str,
        focus_record: bool,
        status_changed: Callable[[], None],
        fold_changed: Callable[[], None],
        event_text: Callable[[str], EventText | None] | None = None,
        has_more: bool = False,
        fold_key: Callable[[int], Hashable | None] | None = None,
    ) -> None:
        """Create the pane.

        `record` shows the facts and `source` supplies the lines of the tail. `raw_line` returns the JSON
        of the line with a key.

        If the lines are events, `event_text` returns the event with a key, and opening a line shows the
        event and not the JSON. Successive lines with the same `fold_key` are folded into one.

        The tail has the focus at first. If `focus_record` is True, the record has it, unless the facts
        are folded. `status_changed` is called when the title and the keys must be updated, `fold_changed`
        when the facts must be drawn again. `has_more` is True if there are more facts than those shown at
        first on a wide screen.
        """
        super().__init__()
        self.record, self._raw_line = record, raw_line
        self.rows = VisibleRows(source, fold_key)
        self._focus_record, self._has_more = focus_record, has_more
        self._status_changed, self._fold_changed = status_changed, fold_changed
        self.tail = LineTail(id="tail")
        self.tail.reduced_motion = look.reduced_motion
        # The key that turns following on, shown beside the number of new lines.
        follow = BY_ID["tail.follow"]
        self.tail.follow_key_hint = (key_of(follow.id, ascii_only=look.ascii), follow.title)
        self._search = FilterBar(f"search the {lines_name}", id="search")
        self._json = EventPane(id="json")
        self._event_text = event_text
        self.event_view = EventView(id="event")
        # The key and the version of the open event, and the event with which it was opened while following.
        self._open_event: tuple[str, int] | None = None
        self._followed_until: str | None = None
        self._tail_search = LineSearch(self.tail)
        self._event_search = LineSearch(self.event_view.text)
        # The search whose term the search bar changes.
        self._typed_search = self._tail_search
        # Whether only the lines that match the search are shown.
        self._only_matches = False
        # Changes since the last call of `draw`.
        self._touched: set[str] = set()
        self._reordered = False

    def compose(self) -> ComposeResult:
        """Lay out the search bar, the record beside the tail and the event, and the JSON."""
        yield self._search
        lines = [self.tail] if self._event_text is None else [self.tail, self.event_view]
        yield Horizontal(self.record, Vertical(*lines, id="lines"), id="body")
        yield self._json

    def on_mount(self) -> None:
        """Show the lines in the tail."""
        self.set_width(self.app.size.width)
        self.rows.update(reordered=True)
        self.tail.set_source(self.rows)

    # Changes ---------------------------------------------------------------------------------------------------

    def added(self, added: BatchResult) -> None:
        """Collect the lines that a read has added or changed, for the next call of `draw`."""
        self._touched.update(added.changed)
        self._reordered |= added.reordered

    def all_changed(self) -> None:
        """Make the next call of `draw` draw every line."""
        self._reordered = True

    def draw(self) -> None:
        """Draw the lines that were added or changed since the last call of `draw`."""
        changes = self.rows.update(self._touched, reordered=self._reordered)
        self._touched, self._reordered = set(), False
        if changes.reordered:
            # This also counts the appended lines.
            self.tail.refresh_rows(None)
        else:
            if changes.touched:
                self.tail.refresh_rows(changes.touched)
            if changes.appended:
                self.tail.appended(changes.appended)
        self._draw_event()

    # Layout ----------------------------------------------------------------------------------------------------

    def set_width(self, width: int) -> None:
        """Adapt the layout to the width of the terminal.

        In a narrow terminal the facts are folded into two lines. In a very wide one, an open event is
        beside the tail and not below it.
        """
        self.set_class(width < WIDE, "-narrow")
        self.set_class(width >= SIDE_BY_SIDE, "-side")
        self._let_record_focus()
        self.call_after_refresh(self._fold_changed)

    @property
    def folded(self) -> bool:
        """Return whether the facts are folded into two lines above the tail."""
        return self.is_narrow and not self.has_class("-facts")

    @property
    def shows_all(self) -> bool:
        """Return whether all facts are shown, including ids and facts without a value."""
        return self.is_narrow or self.has_class("-all")

    @property
    def is_narrow(self) -> bool:
        """Return whether the terminal is too narrow to show the facts beside the tail."""
        return self.has_class("-narrow")

    def _let_record_focus(self) -> None:
        """Let the record take the focus unless it is folded and has no cursor to show."""
        self.record.can_focus = not self.folded

    # Status ----------------------------------------------------------------------------------------------------

    def segments(self, *, cut_off: bool) -> list[Segment]:
        """Return two title segments: the search, and "following" or "paused".

        If `cut_off` is True, new lines cannot be read and "following" is left out.
        """
        search_text = self._tail_search.text("&" if self._only_matches else "/")
        if self._only_matches and self.rows.context:
            search_text += f", {self.rows.context} around"
        follow = self.tail.follow
        return [
            Segment(search_text, Tone.ACCENT, priority=1, right=True),
            Segment(
                ("" if cut_off else "following ▼") if follow else "paused",
                Tone.DIM if follow else Tone.WARN,
                priority=2,
                right=True,
            ),
        ]

    def shows(self, action: KeyAction, *, links: str) -> bool:
        """Return whether the key bar and the palette offer an action.

        `links` is the id of the action that moves the focus to the links. It is offered only while the
        links are on screen.
        """
        if action.id == "run.facts":
            return self.is_narrow or self._has_more
        if action.id == "tail.context":
            return self._only_matches
        if action.id in EVENT_ACTIONS:
            return self.event_view.is_open
        return not (action.id == links and self.folded)

    @on(LineTail.FollowChanged)
    def _follow_changed(self) -> None:
        self._draw_event()
        self._status_changed()

    # Actions ---------------------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the functions that run the pane's actions, by action id."""
        return {
            "tail.follow": self._follow,
            "tail.wrap": self._toggle_wrap,
            "tail.times": self.tail.toggle_times,
            "tail.event": self.show_cursor_line,
            "tail.search": self._open_search,
            "tail.matches": self._toggle_matches,
            "tail.context": self._next_context,
            "tail.folds": self._toggle_folds,
            "tail.next": lambda: self._step_match(1),
            "tail.previous": lambda: self._step_match(-1),
            "tail.keys": self.switch_focus,
            "run.facts": self._toggle_facts,
        }

    def focus_first(self) -> None:
        """Focus the record or the tail, whichever has the focus when the screen opens."""
        if self._focus_record and not self.folded:
            self.record.focus(scroll_visible=False)
        else:
            self.tail.focus()

    def switch_focus(self) -> None:
        """Move the focus from the tail to the facts and links, or from them to the tail."""
        self._uncover_facts()
        if self.folded:
            self._toggle_facts()
        else:
            (self.record if self.tail.has_focus else self.tail).focus()

    def close_top(self) -> bool:
        """Close the JSON pane if open, else the event if open, else clear the search.

        Returns False if there was nothing to close or clear.
        """
        if self._json.is_open:
            self._json.close()
        elif self._event_search.term:
            self._set_term(self._event_search, "")
        elif self.event_view.is_open:
            self.close_event()
        elif self._tail_search.term:
            self._only_matches = False
            self._set_term(self._tail_search, "")
        else:
            return False
        return True

    def show_json(self, raw: dict[str, object]) -> None:
        """Show JSON in the pane below the tail."""
        self._json.show(raw)

    def show_cursor_line(self) -> None:
        """Show the line under the cursor as an event, or as JSON if it is not an event."""
        if self.tail.cursor_key is None:
            return
        if self._event_text is not None:
            self.open_event()
            return
        raw = self._raw_line(self.tail.cursor_key)
        if raw is not None:
            self._json.show(raw)

    @on(LineTail.RowSelected)
    def _selected(self) -> None:
        self.show_cursor_line()

    @on(EventPane.Closed)
    def _json_closed(self) -> None:
        self.focus_first()

    # The open event --------------------------------------------------------------------------------------------

    @property
    def has_open_event(self) -> bool:
        """Return whether an event is open and the facts do not have the focus.

        Keys then apply to the open event.
        """
        return self.event_view.is_open and not self.record.has_focus

    def open_event(self) -> None:
        """Show the event under the cursor and focus it; the tail stops following."""
        if self.tail.cursor_key is None:
            return
        if not self.event_view.is_open:
            self._followed_until = self.tail.cursor_key if self.tail.follow else None
            # Else the next event that arrives would take the place of this one.
            self.tail.follow = False
        self._open_event = ("", 0)
        self._draw_event()
        self.add_class("-event")
        self.event_view.text.focus(scroll_visible=False)
        self._status_changed()

    def close_event(self) -> None:
        """Hide the event and focus the tail.

        The tail follows again if it did when the event was opened and the cursor has not moved.
        """
        self.event_view.close()
        self._event_search.set_term("")
        self._open_event = None
        self.remove_class("-event")
        self.tail.focus(scroll_visible=False)
        if self._followed_until is not None and self._followed_until == self.tail.cursor_key:
            self.tail.follow = True
        self._status_changed()

    def _draw_event(self) -> None:
        """Update the open event if the cursor has moved or the event has changed."""
        key = self.tail.cursor_key
        if self._open_event is None or self._event_text is None or key is None:
            return
        index, version = self.rows.index_of(key), self.rows.version(key)
        if (key, version) != self._open_event:
            event = self._event_text(key)
            if event is None:
                return
            self._open_event = (key, version)
            self.event_view.show(event)
            self._event_search.set_term(self._event_search.term)
            self.event_view.set_search(self._event_search.text())
        if index is not None:
            repeats = self.rows.repeats(key)
            position = f"×{repeats}  " if repeats > 1 else ""
            self.event_view.set_position(f"{position}{index + 1:,} of {len(self.rows):,}")

    @on(LineTail.CursorMoved)
    def _cursor_moved(self) -> None:
        self._draw_event()

    @on(EventView.Stepped)
    def _stepped(self, event: EventView.Stepped) -> None:
        self.tail.action_cursor(event.by)
        self._draw_event()

    def go_to_next(self, keys: Iterable[str], by: int, *, from_start: bool = False) -> bool:
        """Move the cursor to the next (1) or previous (-1) line among those with `keys`.

        The search starts at the cursor, or at the first line if `from_start` is True. An open event is
        replaced by the event of the new line. Returns False if none of the lines is shown.
        """
        key = self.rows.next_of(keys, None if from_start else self.tail.cursor_key, by)
        if key is None or not self.tail.move_cursor_to(key):
            return False
        self._draw_event()
        return True

    def _uncover_facts(self) -> None:
        """Close the open event if it covers the facts."""
        if self.event_view.is_open and not self.record.is_on_screen:
            self.close_event()

    def _toggle_wrap(self) -> None:
        if self.event_view.text.has_focus:
            self.event_view.text.toggle_wrap()
        else:
            self.tail.toggle_wrap()

    # Search ----------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        self.tail.follow = True

    def _open_search(self) -> None:
        in_event = self.event_view.text.has_focus
        self._typed_search = self._event_search if in_event else self._tail_search
        self._typed_search.start_at(None if in_event else self.tail.cursor_key)
        self._search.open(self._typed_search.term)

    @on(FilterBar.Changed)
    def _search_changed(self, event: FilterBar.Changed) -> None:
        term = event.text.strip()
        if not term and not self._search.has_focus_within:
            self._only_matches = False
        self._set_term(self._typed_search, term)

    def _set_term(self, search: LineSearch, term: str) -> None:
        search.set_term(term)
        self.event_view.set_search(self._event_search.text())
        self._filter()
        self._status_changed()

    @on(FilterBar.Closed)
    def _search_closed(self) -> None:
        if not self._tail_search.term:
            self._only_matches = False
        (self.event_view.text if self._typed_search is self._event_search else self.tail).focus()

    def _filter(self) -> None:
        """Show only the lines that match the search, or all lines if not filtering."""
        term = self._tail_search.term if self._only_matches else ""
        if term != self.rows.filter_term:
            self.rows.set_filter(term)
            self._rows_changed()

    def _rows_changed(self) -> None:
        """Draw the tail after lines were hidden or shown; keep the cursor near its line."""
        key = self.tail.cursor_key
        self.tail.refresh_rows(None)
        if key is not None and not self.tail.follow and (near := self.rows.nearest(key)) is not None:
            self.tail.move_cursor_to(near)
        self._draw_event()
        self._status_changed()

    def _toggle_matches(self) -> None:
        """Switch between showing all lines and only those that match the search.

        If there is no search, ask for its term first.
        """
        self._only_matches = not self._only_matches or not self._tail_search.term
        if not self._tail_search.term:
            self.tail.focus()
            self._open_search()
        self._filter()

    def _next_context(self) -> None:
        """Show more lines around each matching line; after the largest number, show none."""
        if not self._only_matches:
            sentence = f"Show only matching lines with {key_of('tail.matches')} first."
            self.notify(sentence, severity="warning", markup=False)
            return
        self.rows.set_context(CONTEXTS[(CONTEXTS.index(self.rows.context) + 1) % len(CONTEXTS)])
        self._rows_changed()

    def _toggle_folds(self) -> None:
        """Switch between folding repeated lines into one and showing each of them."""
        self.rows.set_folding(not self.rows.folds)
        self._rows_changed()

    def _step_match(self, by: int) -> None:
        """Go to the next (1) or previous (-1) match in the event or in the tail."""
        in_event = self.event_view.text.has_focus and self._event_search.term
        (self._event_search if in_event else self._tail_search).step(by)
        self.event_view.set_search(self._event_search.text())
        self._status_changed()

    def _toggle_facts(self) -> None:
        """Unfold and focus the facts, or fold them and focus the tail.

        On a wide screen, switch between showing all facts and hiding ids and facts without a value.
        """
        self._uncover_facts()
        if not self.is_narrow:
            self.toggle_class("-all")
            self._fold_changed()
            return
        self.toggle_class("-facts")
        self._let_record_focus()
        self._fold_changed()
        self.record.scroll_to(y=0, animate=False)
        (self.tail if self.folded else self.record).focus()
