"""The screen that shows where the time of a run, a job or an automation went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on
from textual.widget import Widget

from mogplex_tui.live.timeline import Span, Timeline
from mogplex_tui.operate import formatting
from mogplex_tui.operate import waterfall as texts
from mogplex_tui.operate.waterfall import Waterfall, Window
from mogplex_tui.screens import freshness_text
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.event_json_pane import EventPane
from mogplex_tui.screens.waterfall_rows import WaterfallRows
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone

if TYPE_CHECKING:
    from datetime import datetime

    from textual import events

    from mogplex_tui.live.freshness import Freshness
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.operate.action_registry import KeyAction

# Spans to make before other work gets a turn, so that a long run does not block the console.
_SPANS_A_TURN = 1_000
# Factor by which a key changes the length of the window, and the part of it by which a key moves it.
_ZOOM, _PAN = 2.0, 0.25
# Seconds between two computations of a timeline to which events are added.
_EVERY = 0.5


class TimelineSubject(Protocol):
    """A run, job or automation whose time is shown."""

    def name(self) -> str:
        """Return the name of the record for the path."""

    def state(self) -> str:
        """Return the state of the record, or an empty text if it has none."""

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that read the record."""

    def subscribe(self, changed: Callable[[], None], /) -> list[Callable[[], None]]:
        """Call `changed` when the record has changed; return functions that end this."""

    def freshness(self) -> Freshness:
        """Return when the record was last read, and whether reading it fails."""

    def spans(self) -> Iterable[Span]:
        """Return the spans of the record as it was last read."""

    def is_silent(self) -> bool:
        """Return whether the tools and the model of the record's work are not reported."""

    def empty_lines(self) -> list[str]:
        """Return what to show while there are no spans."""

    def open(self, screen: WaterfallScreen, span: Span, /) -> str | None:
        """Open the record of a span; return why there is none, or None if it was opened."""


class WaterfallScreen(ConsoleScreen):
    """A table of spans with a bar for each on one time axis."""

    CSS_PATH = "waterfall.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "#spans"

    def __init__(self, subject: TimelineSubject, tab: str) -> None:
        super().__init__("waterfall", tab)
        self._subject = subject
        self._rows = WaterfallRows()
        # None while the window shows the whole timeline, however long it grows.
        self._window: Window | None = None
        self._is_computing = self._has_changed = False
        self.handlers |= {
            "waterfall.open": self.open_span,
            "waterfall.zoom-in": lambda: self._zoom(1 / _ZOOM),
            "waterfall.zoom-out": lambda: self._zoom(_ZOOM),
            "waterfall.fit": self._fit,
            "waterfall.left": lambda: self._pan(-_PAN),
            "waterfall.right": lambda: self._pan(_PAN),
            "go.back": self.go_back,
        }

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice, the table of spans and the pane for JSON."""
        yield NoticeLine(id="notice")
        table = LineTable(id="spans")
        table.reduced_motion = True
        yield table
        yield EventPane(id="json")

    def on_mount(self) -> None:
        """Subscribe to the record, and show what is known of it."""
        self.unsubscribe += self._subject.subscribe(self.changed_soon)
        self._table.set_source(self._rows)
        self.flush()

    @property
    def _table(self) -> LineTable:
        return self.query_one("#spans", LineTable)

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that read the record."""
        return self._subject.feeds()

    def on_resize(self, _: events.Resize) -> None:
        """Fit the bars to the new width."""
        self.call_after_refresh(self._draw)

    # Computing -------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Compute the spans again, unless they are being computed."""
        self._has_changed = True
        if not self._is_computing and self.is_complete:
            self._is_computing = True
            self.console.tasks.run(self._compute())

    async def _compute(self) -> None:
        """Compute the spans until the record has not changed meanwhile.

        The computation lets other work run between parts of it.
        """
        try:
            while self._has_changed and self.is_complete:
                self._has_changed = False
                spans: list[Span] = []
                for span in self._subject.spans():
                    spans.append(span)
                    if not len(spans) % _SPANS_A_TURN:
                        await asyncio.sleep(0)
                if self.is_complete:
                    self._show(Timeline.of(spans, is_silent=self._subject.is_silent()))
                if self._has_changed:
                    await asyncio.sleep(_EVERY)
        finally:
            self._is_computing = False

    def _show(self, timeline: Timeline) -> None:
        waterfall = Waterfall(timeline, self._now())
        self._rows.set(waterfall, self._shown_window(waterfall))
        notice = " ".join(waterfall.notices())
        self.query_one("#notice", NoticeLine).show(notice, quiet=True)
        self._table.set_message(self._subject.empty_lines())
        self._draw(reordered=True)
        self.refresh_chrome()

    def _now(self) -> datetime:
        """Return the time up to which open spans are drawn."""
        return freshness_text.read_time(self.session, self._subject.freshness())

    def on_tick(self) -> None:
        """Let the bars of open spans grow."""
        waterfall = self._rows.waterfall
        if waterfall is not None and waterfall.timeline.is_live:
            waterfall.advance(self._now())
            self._draw()
            self.refresh_chrome()

    # Drawing ---------------------------------------------------------------------------------------------------

    def _shown_window(self, waterfall: Waterfall) -> Window:
        return self._window or Window(0.0, waterfall.whole)

    def _draw(self, *, reordered: bool = False) -> None:
        """Draw the rows and the time axis for the current window and width."""
        waterfall = self._rows.waterfall
        if waterfall is None or not self.is_complete:
            return
        self._rows.window = self._shown_window(waterfall)
        has_cost = any(span.cost is not None for span in waterfall.spans[:_SPANS_A_TURN])
        columns = tuple(self._rows.columns(self._table.size.width, has_cost=has_cost))
        self._table.set_columns(columns)
        self._table.refresh_rows(None, reordered=reordered)

    def title_segments(self) -> list[Segment]:
        """Return the path, the state and duration of the record, and where its time went."""
        crumbs, waterfall, state = self.crumbs(), self._rows.waterfall, self._subject.state()
        glyph, word, tone = formatting.state(state) if state else ("", "", "plain")
        segments = [
            *crumbs,
            Segment("" if crumbs else f"{self._subject.name()} ▸", Tone.DIM, priority=2),
            Segment("Waterfall", Tone.STRONG, priority=0, close=True),
            Segment(f"{glyph} {word}".strip(), Tone(tone), priority=1),
            freshness_text.freshness_segment(self.session, self._subject.freshness(), (), priority=2),
        ]
        if waterfall is not None and waterfall.has_times:
            times = texts.times_text(waterfall.times())
            segments += [
                Segment(formatting.seconds(waterfall.whole), Tone.PLAIN, priority=1),
                Segment(times, Tone.PLAIN, priority=2, right=True),
            ]
        return [segment for segment in segments if segment.text]

    def step_name(self) -> str:
        """Return the screen's name as shown in the path of a screen opened from it."""
        return "Waterfall"

    # Actions ---------------------------------------------------------------------------------------------------

    def shows(self, action: KeyAction) -> bool:
        """Return whether an action is offered now."""
        if action.id.startswith("waterfall.") and not len(self._rows):
            return False
        if action.id in ("waterfall.zoom-out", "waterfall.fit", "waterfall.left", "waterfall.right"):
            return self._window is not None
        return super().shows(action)

    @on(LineTable.RowSelected)
    def open_span(self) -> None:
        """Open the record of the span under the cursor, or say why it has none."""
        span = self.cursor_span()
        if span is None or not self.is_active:
            return
        why_not = self._subject.open(self, span)
        if why_not is not None:
            self.notify(why_not, timeout=5, markup=False)

    def cursor_span(self) -> Span | None:
        """Return the span under the cursor, or None if there are no spans."""
        key, waterfall = self._table.cursor_key, self._rows.waterfall
        index = None if key is None else self._rows.index_of(key)
        return None if index is None or waterfall is None else waterfall.spans[index]

    def show_json(self, record: dict[str, object]) -> None:
        """Show the JSON of a span's record below the table."""
        self.query_one("#json", EventPane).show(record)

    def _zoom(self, factor: float) -> None:
        """Change the length of the window around the span under the cursor."""
        waterfall, key = self._rows.waterfall, self._table.cursor_key
        if waterfall is None:
            return
        window, index = self._shown_window(waterfall), self._rows.index_of(key or "")
        middle = window.since + window.length / 2
        if index is not None and factor < 1:
            place = waterfall.place(index)
            middle = place.since + min(place.until - place.since, window.length * factor) / 2
        self._set_window(window.zoomed(factor, middle, waterfall.whole), waterfall)

    def _pan(self, share: float) -> None:
        waterfall = self._rows.waterfall
        if waterfall is not None and self._window is not None:
            self._set_window(self._window.panned(share, waterfall.whole), waterfall)

    def _set_window(self, window: Window, waterfall: Waterfall) -> None:
        self._window = window if window.length < waterfall.whole else None
        self._draw()
        self.refresh_chrome()

    def _fit(self) -> None:
        self._window = None
        self._draw()
        self.refresh_chrome()

    def go_back(self) -> None:
        """Close the JSON if open, else go back."""
        pane = self.query_one("#json", EventPane)
        if pane.is_open:
            pane.close()
        else:
            self.console.navigation.back(self)
