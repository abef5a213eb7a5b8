"""One run: its facts on one side, the live tail of its events on the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import events, on
from textual.containers import Horizontal
from textual.widget import Widget

from mogplex_tui.live.rows import ENDED_STATES, RunRow
from mogplex_tui.live.run_feed import RunFeed
from mogplex_tui.live.scheduler import Want
from mogplex_tui.live.tail import Added
from mogplex_tui.operate import facts as facts_of
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import duration_seconds
from mogplex_tui.screens import messages
from mogplex_tui.screens.base import ConsoleScreen, bindings
from mogplex_tui.screens.event_pane import EventPane
from mogplex_tui.screens.filter_bar import FilterBar
from mogplex_tui.screens.tail_lines import TailLines
from mogplex_tui.widgets.facts import Fact, Facts
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

# Below this many columns the facts fold into two lines above the tail.
WIDE = 100


class RunScreen(ConsoleScreen):
    """A run and its events."""

    SCOPE = "run"
    TAB = "runs"
    CSS_PATH = "run.tcss"
    BINDINGS = bindings("run")
    AUTO_FOCUS: ClassVar[str | None] = "#tail"

    def __init__(self, row: RunRow) -> None:
        super().__init__()
        self._given = row
        self._want: Want | None = None
        self._list_want: Want | None = None
        self._highlight = ""
        self._match: tuple[int, int] | None = None
        self._appended = 0
        self._touched: set[str] = set()
        self._reordered = False

    def compose_body(self) -> Iterator[Widget]:
        """Yield the search line, the facts, the tail and the pane of one event."""
        self.run_feed = RunFeed(self.session, self.console.runs, self._given)
        yield FilterBar("a word to mark in the events", id="search")
        tail = LineTail(id="tail")
        tail.ascii_mode, tail.reduced_motion = self.console.look.ascii, self.console.look.reduced_motion
        self._lines = TailLines(self.run_feed.tail, ascii_only=self.console.look.ascii)
        with Horizontal(id="body"):
            yield Facts(id="facts")
            yield tail
        yield EventPane(id="event")

    @property
    def tail(self) -> LineTail:
        """The tail of events."""
        return self.query_one("#tail", LineTail)

    def row(self) -> RunRow | None:
        """Return the run as it is known now."""
        return self.run_feed.row

    def on_mount(self) -> None:
        """Want the tail, and the list as well, because the row's state comes from there."""
        self.tail.set_source(self._lines)
        self.listen(self.run_feed.added, self._on_added)
        self.listen(self.run_feed.feed.changed, self.changed_soon)
        self.listen(self.console.runs.set.changes, lambda _: self.changed_soon())
        self._list_want = self.session.scheduler.want(self.console.runs.feed)
        self._want = self.session.scheduler.want(self.run_feed.feed)
        self._draw_facts()
        self._say()

    def on_unmount(self) -> None:
        """Let the tail and the list go."""
        for want in (self._want, self._list_want):
            if want is not None:
                want.drop()

    def on_resize(self, event: events.Resize) -> None:
        """Fold the facts at narrow widths."""
        self.set_class(event.size.width < WIDE, "-narrow")
        self.call_after_refresh(self._draw_facts)

    # What changes ----------------------------------------------------------------------------------------------

    def _on_added(self, added: Added) -> None:
        self._appended += added.appended
        self._touched.update(added.changed)
        self._reordered |= added.reordered
        self.changed_soon()

    def flush(self) -> None:
        """Draw the events and facts that have come since the last flush."""
        appended, touched, reordered = self._appended, self._touched, self._reordered
        self._appended, self._touched, self._reordered = 0, set(), False
        row = self.run_feed.row
        over = row.state in ENDED_STATES
        if over != self._lines.over:
            self._lines.over, reordered = over, True
        if reordered:
            # Counts anew, so what was appended meanwhile is in it.
            self.tail.refresh_rows(None)
        else:
            if touched:
                self.tail.refresh_rows(touched)
            if appended:
                self.tail.appended(appended)
        self._draw_facts()
        self._say()
        if self.is_current:
            self.refresh_chrome()

    def on_tick(self) -> None:
        """Let the run's duration grow."""
        self._draw_facts()
        self._say()

    def _draw_facts(self) -> None:
        if not self.whole:
            return
        row, now = self.run_feed.row, self.session.clock.now()
        panel = self.query_one("#facts", Facts)
        if self.has_class("-narrow") and not self.has_class("-facts"):
            panel.set_lines([(line, Tone.PLAIN) for line in facts_of.brief(row, now)])
            return
        groups = [
            [Fact(label, text, Tone(tone)) for label, text, tone in group]
            for group in facts_of.of_run(row, now)
        ]
        panel.set_groups(groups, title=row.prompt or "", alert=row.error or "")

    def _say(self) -> None:
        fresh = self.run_feed.feed.freshness
        empty = "No events yet. They appear here as they happen."
        if not len(self._lines):
            lines = messages.nothing(self.session, fresh, noun="events", empty=empty)
            self.tail.set_notice((" ".join(lines), Tone.DIM))
        else:
            self.tail.set_notice(self.run_feed.source_sentence)

    def title_segments(self) -> list[Segment]:
        """Return where this is, the run's state, whether the tail follows, and how much there is."""
        row = self.run_feed.row
        glyph, word, tone = words.state(row.state, ascii_only=self.console.look.ascii)
        arrow = ">" if self.console.look.ascii else "▸"
        took = duration_seconds(row, self.session.clock.now())
        name = (
            f"run {words.short_id(row.run_id)}"
            if row.run_id
            else f"{row.kind or 'call'} {words.short_id(row.key)}"
        )
        segments = [
            Segment(f"Runs {arrow}", Tone.DIM, priority=4),
            Segment(f"{row.repo or words.short_id(row.repo_id)} {arrow}", Tone.PLAIN, priority=2),
            Segment(name, Tone.STRONG, priority=1),
            Segment(f"{glyph} {word}", Tone(tone), priority=0),
            Segment(words.seconds(took) if took is not None else "", Tone.PLAIN, priority=1),
            *self._right_segments(),
        ]
        return [segment for segment in segments if segment.text]

    def _right_segments(self) -> list[Segment]:
        found = ""
        if self._highlight:
            found = (
                f"/ {self._highlight} {self._match[0]}/{self._match[1]}"
                if self._match
                else f"/ {self._highlight} 0"
            )
        follow = self.tail.follow if self.is_mounted else True
        down = "v" if self.console.look.ascii else "▼"
        return [
            Segment(found, Tone.ACCENT, priority=1, right=True),
            Segment(
                messages.freshness_words(self.session, self.run_feed.feed.freshness),
                Tone.WARN,
                priority=3,
                right=True,
            ),
            Segment(
                f"following {down}" if follow else "paused",
                Tone.DIM if follow else Tone.WARN,
                priority=2,
                right=True,
            ),
            Segment(words.plural(self.run_feed.tail.events, "event"), Tone.DIM, priority=3, right=True),
        ]

    @on(LineTail.FollowChanged)
    def _follow_changed(self) -> None:
        if self.whole:
            self.refresh_chrome()

    # Actions ---------------------------------------------------------------------------------------------------

    def do_tail_follow(self) -> None:
        """Go to the newest event and stay there."""
        self.tail.follow = True

    def do_tail_wrap(self) -> None:
        """Wrap long lines or cut them."""
        self.tail.action_toggle_wrap()

    def do_tail_times(self) -> None:
        """Show or hide the times."""
        self.tail.action_toggle_times()

    @on(LineTail.RowSelected)
    def _selected(self, event: LineTail.RowSelected) -> None:
        self._show_event(event.key)

    def do_tail_event(self) -> None:
        """Show the event under the cursor as JSON."""
        if self.tail.cursor_key is not None:
            self._show_event(self.tail.cursor_key)

    def _show_event(self, key: str) -> None:
        line = self.run_feed.tail.get(key)
        if line is not None:
            self.query_one(EventPane).show(line.whole())

    @on(EventPane.Closed)
    def _pane_closed(self) -> None:
        self.tail.focus()

    def do_tail_search(self) -> None:
        """Mark a word in the events."""
        self.query_one(FilterBar).open(self._highlight)

    @on(FilterBar.Changed)
    def _search_changed(self, event: FilterBar.Changed) -> None:
        self._highlight = event.text.strip()
        self.tail.set_highlight(self._highlight or None)
        self._match = self.tail.next_match() if self._highlight else None
        self.refresh_chrome()

    @on(FilterBar.Closed)
    def _search_closed(self) -> None:
        self.tail.focus()

    def do_tail_next(self) -> None:
        """Go to the next marked event."""
        self._match = self.tail.next_match()
        self.refresh_chrome()

    def do_tail_previous(self) -> None:
        """Go to the marked event before."""
        self._match = self.tail.prev_match()
        self.refresh_chrome()

    def do_run_facts(self) -> None:
        """Show all facts at narrow widths, or fold them again."""
        self.toggle_class("-facts")
        self._draw_facts()

    def do_runs_cancel(self) -> None:
        """Ask, then cancel this run."""
        self.console.confirm_cancel([self.run_feed.row])

    def do_view_refresh(self) -> None:
        """Read the events again now."""
        if self._want is not None:
            self._want.refresh()

    def do_go_back(self) -> None:
        """Close the event pane, the marks, or the screen, in that order."""
        pane = self.query_one(EventPane)
        if pane.is_open:
            pane.close()
        elif self._highlight:
            self.query_one(FilterBar).clear()
        else:
            self.leave()
            self.console.pop_screen()
