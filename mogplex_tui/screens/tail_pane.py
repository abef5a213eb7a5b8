"""A record's facts beside its live events or log, with folding, search and JSON."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mogplex_tui.live.run_event_tail import BatchResult
from mogplex_tui.operate.action_registry import BY_ID, KeyAction, key_of
from mogplex_tui.screens.event_json_pane import EventPane
from mogplex_tui.screens.filter_bar import FilterBar
from mogplex_tui.screens.header_line import Look
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.tail_rows import TailSource

# Below this many columns the facts fold into two lines above the tail.
WIDE = 100


class TailPane(Vertical):
    """A search bar, a record beside its tail, and a pane for the JSON of one line.

    The tail is the live list of the record's events or log lines. The screen draws the facts itself
    and calls `draw` in its `flush`.
    """

    DEFAULT_CSS = """
    TailPane {
        height: 1fr;
        #body { height: 1fr; }
        #tail { width: 1fr; height: 1fr; }
    }
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
    ) -> None:
        """Create the pane.

        `raw_line` returns the JSON of the line with a key. The tail has the focus at first; with
        `focus_record` the record has it, unless the facts are folded. `status_changed` is called when
        the title and the keys must be updated, `fold_changed` when the facts must be drawn again.
        """
        super().__init__()
        self.record, self._source, self._raw_line = record, source, raw_line
        self._focus_record = focus_record
        self._status_changed, self._fold_changed = status_changed, fold_changed
        self.tail = LineTail(id="tail")
        self.tail.reduced_motion = look.reduced_motion
        # The key that turns following on, shown beside the number of new lines.
        follow = BY_ID["tail.follow"]
        self.tail.follow_key_hint = (key_of(follow.id, ascii_only=look.ascii), follow.title)
        self._search = FilterBar(f"search the {lines_name}", id="search")
        self._json = EventPane(id="json")
        self._highlight = ""
        self._match: tuple[int, int] | None = None
        # The line under the cursor when the search was opened; each change of the term searches from there.
        self._search_start: str | None = None
        # Changes since the last call of `draw`.
        self._appended = 0
        self._touched: set[str] = set()
        self._reordered = False

    def compose(self) -> ComposeResult:
        """Lay out the search bar, the record beside the tail, and the JSON."""
        yield self._search
        yield Horizontal(self.record, self.tail, id="body")
        yield self._json

    def on_mount(self) -> None:
        """Show the lines in the tail."""
        self.set_width(self.app.size.width)
        self.tail.set_source(self._source)

    # Changes ---------------------------------------------------------------------------------------------------

    def added(self, added: BatchResult) -> None:
        """Note which lines a read has added or changed; the next `draw` shows them."""
        self._appended += added.appended
        self._touched.update(added.changed)
        self._reordered |= added.reordered

    def all_changed(self) -> None:
        """Make the next `draw` draw every line."""
        self._reordered = True

    def draw(self) -> None:
        """Draw the lines that were added or changed since the last call of `draw`."""
        appended, touched, reordered = self._appended, self._touched, self._reordered
        self._appended, self._touched, self._reordered = 0, set(), False
        if reordered:
            # This also counts the appended lines.
            self.tail.refresh_rows(None)
            return
        if touched:
            self.tail.refresh_rows(touched)
        if appended:
            self.tail.appended(appended)

    # Layout ----------------------------------------------------------------------------------------------------

    def set_width(self, width: int) -> None:
        """Fold the facts into two lines if the terminal is narrow, else unfold them."""
        self.set_class(width < WIDE, "-narrow")
        self.call_after_refresh(self._fold_changed)

    @property
    def folded(self) -> bool:
        """Return whether the facts are folded into two lines above the tail."""
        return self.is_narrow and not self.has_class("-facts")

    @property
    def is_narrow(self) -> bool:
        """Return whether the terminal is too narrow to show the facts beside the tail."""
        return self.has_class("-narrow")

    # Status ----------------------------------------------------------------------------------------------------

    def segments(self, *, cut_off: bool) -> list[Segment]:
        """Return two title segments: the search, and whether the tail is followed.

        With `cut_off`, which means that new lines cannot be read, "following" is not shown.
        """
        search_text = ""
        if self._highlight:
            position = f"{self._match[0]}/{self._match[1]}" if self._match else "0"
            search_text = f"/ {self._highlight} {position}"
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
            return self.is_narrow
        return not (action.id == links and self.folded)

    @on(LineTail.FollowChanged)
    def _follow_changed(self) -> None:
        self._status_changed()

    # Actions ---------------------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the functions that run the pane's actions, by action id."""
        return {
            "tail.follow": self._follow,
            "tail.wrap": self.tail.toggle_wrap,
            "tail.times": self.tail.toggle_times,
            "tail.event": self.show_cursor_line,
            "tail.search": self._open_search,
            "tail.next": self._next_match,
            "tail.previous": self._previous_match,
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
        if self.folded:
            self._toggle_facts()
        else:
            (self.record if self.tail.has_focus else self.tail).focus()

    def close_top(self) -> bool:
        """Close the JSON pane, or else clear the search; return False if neither is shown."""
        if self._json.is_open:
            self._json.close()
        elif self._highlight:
            self._search.clear()
        else:
            return False
        return True

    def show_json(self, raw: dict[str, object]) -> None:
        """Show JSON in the pane below the tail."""
        self._json.show(raw)

    def show_cursor_line(self) -> None:
        """Show the JSON of the line under the cursor."""
        if self.tail.cursor_key is not None:
            self._show_line(self.tail.cursor_key)

    @on(LineTail.RowSelected)
    def _selected(self, event: LineTail.RowSelected) -> None:
        self._show_line(event.key)

    def _show_line(self, key: str) -> None:
        raw = self._raw_line(key)
        if raw is not None:
            self._json.show(raw)

    @on(EventPane.Closed)
    def _json_closed(self) -> None:
        self.focus_first()

    def _follow(self) -> None:
        self.tail.follow = True

    def _open_search(self) -> None:
        self._search_start = self.tail.cursor_key
        self._search.open(self._highlight)

    @on(FilterBar.Changed)
    def _search_changed(self, event: FilterBar.Changed) -> None:
        self._highlight = event.text.strip()
        self.tail.set_highlight(self._highlight or None)
        self._match = self.tail.match_from(self._search_start) if self._highlight else None
        self._status_changed()

    @on(FilterBar.Closed)
    def _search_closed(self) -> None:
        self.tail.focus()

    def _next_match(self) -> None:
        self._match = self.tail.next_match()
        self._status_changed()

    def _previous_match(self) -> None:
        self._match = self.tail.prev_match()
        self._status_changed()

    def _toggle_facts(self) -> None:
        """Unfold and focus the facts, or fold them and focus the tail."""
        self.toggle_class("-facts")
        self._fold_changed()
        self.record.scroll_to(y=0, animate=False)
        (self.tail if self.folded else self.record).focus()
