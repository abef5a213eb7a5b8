"""What every screen with a live tail has: following, wrapping, times, and a word that is marked."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events, on

from mogplex_tui.live.tail import Added
from mogplex_tui.operate.actions import BY_ID, Action, key_of
from mogplex_tui.screens.base import ConsoleScreen
from mogplex_tui.screens.event_pane import EventPane
from mogplex_tui.screens.filter_bar import FilterBar
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

# Below this many columns the facts fold into two lines above the tail.
WIDE = 100


class TailScreen(ConsoleScreen):
    """A screen with a `LineTail` called tail, a `FilterBar` and an `EventPane`.

    The facts and links of a `RecordView` called detail stand beside or above the tail.
    """

    AUTO_FOCUS: ClassVar[str | None] = "#tail"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._highlight = ""
        self._match: tuple[int, int] | None = None
        # The line one was on when the search was opened: every letter looks from there on.
        self._searched_from: str | None = None
        # What has come since it was drawn last.
        self._appended = 0
        self._touched: set[str] = set()
        self._reordered = False

    def make_tail(self) -> LineTail:
        """Return the tail in the console's look, which names the key that follows again; for `compose_body`."""
        tail, look, follow = LineTail(id="tail"), self.console.look, BY_ID["tail.follow"]
        tail.reduced_motion = look.reduced_motion
        tail.way_on = (key_of(follow.id, ascii_only=look.ascii), follow.title)
        return tail

    @property
    def tail(self) -> LineTail:
        """The tail."""
        return self.query_one("#tail", LineTail)

    def whole_line(self, key: str) -> dict[str, Any] | None:
        """Return what a line was made from, None when it is not there; for subclasses."""
        raise NotImplementedError

    def draw_facts(self) -> None:
        """Draw the facts, folded or not; for subclasses."""
        raise NotImplementedError

    def give_keys_back(self) -> None:
        """Let the keys go back to the tail when a search or a pane is closed; for subclasses."""
        self.tail.focus()

    def on_added(self, added: Added) -> None:
        """Remember what a reading did, to draw it with the next flush."""
        self._appended += added.appended
        self._touched.update(added.changed)
        self._reordered |= added.reordered
        self.changed_soon()

    def draw_tail(self) -> None:
        """Draw the lines that have come or changed since the last time."""
        appended, touched, reordered = self._appended, self._touched, self._reordered
        self._appended, self._touched, self._reordered = 0, set(), False
        if reordered:
            # Counts anew, so what was appended meanwhile is in it.
            self.tail.refresh_rows(None)
            return
        if touched:
            self.tail.refresh_rows(touched)
        if appended:
            self.tail.appended(appended)

    @property
    def folded(self) -> bool:
        """Whether the facts are two lines above the tail now."""
        return self.has_class("-narrow") and not self.has_class("-facts")

    def on_resize(self, event: events.Resize) -> None:
        """Fold the facts at narrow widths."""
        self.set_class(event.size.width < WIDE, "-narrow")
        self.call_after_refresh(self.draw_facts)

    def shows(self, action: Action) -> bool:
        """Tell of folding the facts only where they fold."""
        if action.id == "run.facts":
            return self.has_class("-narrow")
        return super().shows(action)

    def tail_segments(self, *, cut_off: bool) -> list[Segment]:
        """Return what is marked, and whether the tail follows, for the right of the title line.

        Nothing is followed while the service cannot be read, which the title tells instead.
        """
        found = ""
        if self._highlight:
            place = f"{self._match[0]}/{self._match[1]}" if self._match else "0"
            found = f"/ {self._highlight} {place}"
        follow = self.tail.follow if self.is_mounted else True
        return [
            Segment(found, Tone.ACCENT, priority=1, right=True),
            Segment(
                ("" if cut_off else "following ▼") if follow else "paused",
                Tone.DIM if follow else Tone.WARN,
                priority=2,
                right=True,
            ),
        ]

    @on(LineTail.FollowChanged)
    def _follow_changed(self) -> None:
        if self.whole:
            self.refresh_chrome()

    # Actions ---------------------------------------------------------------------------------------------------

    def do_tail_follow(self) -> None:
        """Go to the newest line and stay there."""
        self.tail.follow = True

    def do_tail_wrap(self) -> None:
        """Wrap long lines or cut them."""
        self.tail.toggle_wrap()

    def do_tail_times(self) -> None:
        """Show or hide the times."""
        self.tail.toggle_times()

    @on(LineTail.RowSelected)
    def _selected(self, event: LineTail.RowSelected) -> None:
        self._show_line(event.key)

    def do_tail_event(self) -> None:
        """Show the line under the cursor as JSON."""
        if self.tail.cursor_key is not None:
            self._show_line(self.tail.cursor_key)

    def _show_line(self, key: str) -> None:
        whole = self.whole_line(key)
        if whole is not None:
            self.query_one(EventPane).show(whole)

    @on(EventPane.Closed)
    def _event_closed(self) -> None:
        self.give_keys_back()

    def do_tail_search(self) -> None:
        """Mark a word in the lines."""
        self._searched_from = self.tail.cursor_key
        self.query_one(FilterBar).open(self._highlight)

    @on(FilterBar.Changed)
    def _search_changed(self, event: FilterBar.Changed) -> None:
        self._highlight = event.text.strip()
        self.tail.set_highlight(self._highlight or None)
        self._match = self.tail.match_from(self._searched_from) if self._highlight else None
        self.refresh_chrome()

    @on(FilterBar.Closed)
    def _search_closed(self) -> None:
        self.tail.focus()

    def do_tail_next(self) -> None:
        """Go to the next marked line."""
        self._match = self.tail.next_match()
        self.refresh_chrome()

    def do_tail_previous(self) -> None:
        """Go to the marked line before."""
        self._match = self.tail.prev_match()
        self.refresh_chrome()

    def do_run_facts(self) -> None:
        """Show all facts at narrow widths, with the keys to scroll them, or fold them again."""
        self.toggle_class("-facts")
        self.draw_facts()
        self.query_one("#detail").scroll_to(y=0, animate=False)
        self.query_one("#tail" if self.folded else "#detail").focus()

    def do_tail_keys(self) -> None:
        """Give the keys to the tail, or back to the facts and links."""
        if self.folded:
            self.do_run_facts()
        else:
            self.query_one("#detail" if self.tail.has_focus else "#tail").focus()

    def do_go_back(self) -> None:
        """Close the pane, the marks, or the screen, in that order."""
        pane = self.query_one(EventPane)
        if pane.is_open:
            pane.close()
        elif self._highlight:
            self.query_one(FilterBar).clear()
        else:
            self.console.navigation.back(self)
