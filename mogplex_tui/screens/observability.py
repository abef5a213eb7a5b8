"""The Observability screen: job health, dispatch, usage, sandboxes and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.cost_windows import CostWindow
from mogplex_tui.live.freshness import SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.usage_breakdown import Breakdown, Bucket, Measure, TimeRange, break_down, buckets
from mogplex_tui.operate import formatting, messages
from mogplex_tui.operate.action_registry import KeyAction
from mogplex_tui.screens import usage_bars
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.usage_bars import DIMENSIONS, FAILURE_CLASS
from mogplex_tui.screens.usage_cards import cards, cost_notes, range_choices
from mogplex_tui.widgets.bars import BarList, Edge
from mogplex_tui.widgets.card import Card
from mogplex_tui.widgets.chart import ChartBar, UsageChart
from mogplex_tui.widgets.choice_line import Choice, ChoiceLine
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.rule import RuleLine
from mogplex_tui.widgets.scroll_page import ScrollPage
from mogplex_tui.widgets.segment_line import Segment, SegmentLine
from mogplex_tui.widgets.styles import Tone

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.models.stats import Stats
    from mogplex_tui.live.store import RowChanges

RANGES = {
    TimeRange.HOUR: "last hour",
    TimeRange.TODAY: "today",
    TimeRange.DAY: "last 24 h",
    TimeRange.WEEK: "last 7 days",
}
# The labels of the readings that do not depend on the chosen time range.
_SUBJECTS = {
    TimeRange.HOUR: Subject("the cost of the last hour", is_plural=False),
    TimeRange.TODAY: Subject("the figures of today"),
    TimeRange.DAY: Subject("the cost of 24 h", is_plural=False),
    TimeRange.WEEK: Subject("the cost of 7 d", is_plural=False),
    "hours": Subject("the chart", is_plural=False),
}
# Below this width, texts of the cards would be cut.
NARROW = 80
# The minimum widths for three and for two lists beside each other.
THREE_LISTS, TWO_LISTS = 110, 70
# The heights between which the chart is readable, and the minimum height of a list of bars.
MIN_CHART_HEIGHT, MAX_CHART_HEIGHT, MIN_LIST_HEIGHT = 6, 16, 4
# Seconds between two summations of all loaded runs.
SUM_EVERY = 1.0
# The order of the lists of bars, in which the focus moves.
LISTS = ("runs", *(dimension.name for dimension in DIMENSIONS))


class ObservabilityScreen(ConsoleScreen):
    """Cards of figures above a chart of costs and lists that break the costs down."""

    CSS_PATH = "observability.tcss"
    # The list of runs gets the focus when the page is first shown, without scrolling to it.
    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self) -> None:
        super().__init__("observability", "observability")
        self.add_class("-closed")
        self._range, self._measure = TimeRange.DAY, Measure.COST
        self._breakdown = Breakdown()
        self._buckets: list[Bucket] = []
        self._summed_at: float | None = None
        # The sizes for which the heights were last divided.
        self._fitted: tuple[Size, Size, Size] | None = None
        self.handlers |= {
            "go.back": self.go_back,
            "view.range": lambda: self.step_range(1),
            "view.range-back": lambda: self.step_range(-1),
            "view.measure": self.next_measure,
            "view.failures": self.toggle_failures,
            "view.open": self.open_focused,
            "view.left": lambda: self.move_sideways(-1),
            "view.right": lambda: self.move_sideways(1),
        }

    def compose_body(self) -> Iterator[Widget]:
        """Yield the time ranges, the cards, the chart and the lists of bars."""
        is_ascii = self.console.look.ascii
        yield NoticeLine(id="notice")
        with ScrollPage(id="page", can_focus=False):
            yield ChoiceLine("Cost", id="ranges")
            with Container(id="cards"):
                for name, title in (
                    ("jobs", "Jobs"),
                    ("dispatch", "Dispatch"),
                    ("usage", "Usage"),
                    ("sandboxes", "Sandboxes"),
                ):
                    yield Card(title, id=name)
            yield RuleLine()
            yield SegmentLine([], id="reading")
            yield UsageChart(id="chart", ascii_mode=is_ascii)
            yield ChoiceLine("Top", id="measures")
            with Container(id="lists"):
                for name in LISTS:
                    yield BarList(id=f"usage-{name}", ascii_mode=is_ascii)

    def on_mount(self) -> None:
        """Subscribe to changes of the stats of every time range, and of the runs."""
        self.listen(self.session.costs.changed, self.changed_soon)
        self.listen(self.console.runs.set.changes, self._runs_changed)
        self._draw()

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that read the stats, the runs, and the names of automations."""
        from mogplex_tui.operate.kinds.registry import kinds

        names = [self.console.collections.of(kinds()["automations"]).feed]
        return [
            *self.session.costs.window_feeds(self._range),
            self.console.runs.feed,
            self.console.runs.older.feed,
            *(names if self.session.may_request(Family.FLOWS) else ()),
        ]

    # Layout ----------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the cards and lists for the width of the terminal."""
        self.set_class(event.size.width < NARROW, "-narrow")
        self.call_after_refresh(self._fit)

    @property
    def _columns(self) -> int:
        """The number of lists that are shown side by side."""
        across = self.size.width
        return 3 if across >= THREE_LISTS else 2 if across >= TWO_LISTS else 1

    def _fit(self) -> None:
        """Divide the height below the cards between the chart and the lists."""
        if not self.is_complete:
            return
        # The sizes are known after the layout only, which a notice or a resize changes.
        sizes = (self.size, self.query_one("#page").size, self.query_one("#cards").outer_size)
        if sizes == self._fitted or not sizes[1].height:
            return
        self._fitted = sizes
        columns = self._columns
        rows = -(-len(LISTS) // columns)
        # Beside the cards there are the two lines of choices, a rule and the line above the chart.
        free = self.query_one("#page").size.height - self.query_one("#cards").outer_size.height - 4
        chart = (
            free * 2 // 5
            if free >= MIN_CHART_HEIGHT + rows * (MIN_LIST_HEIGHT + 1)
            else free - MIN_LIST_HEIGHT
        )
        chart = max(MIN_CHART_HEIGHT, min(MAX_CHART_HEIGHT, chart))
        height = max(MIN_LIST_HEIGHT, (free - chart) // rows)
        # Where there is room, the last line of a list is left blank.
        gap = 1 if height > MIN_LIST_HEIGHT + 1 else 0
        self.query_one("#chart").styles.height = chart
        lists = self.query_one("#lists")
        lists.styles.grid_size_columns, lists.styles.grid_size_rows = columns, rows
        lists.styles.grid_gutter_horizontal = gap
        lists.styles.height = height * rows - gap

    # Changes ---------------------------------------------------------------------------------------------------

    def _runs_changed(self, _: RowChanges) -> None:
        self._summed_at = None
        self.changed_soon()

    def flush(self) -> None:
        """Draw the figures that were read since the last call, if the screen is visible."""
        if self.is_current:
            self._draw()
            self._fit()
            self.refresh_chrome()

    def on_tick(self) -> None:
        """Draw the figures again, because some may have become stale."""
        self._draw()
        self._fit()

    @property
    def _window(self) -> CostWindow | None:
        return self.session.costs.windows.get(self._range)

    @property
    def _since(self) -> datetime:
        return self._range.since(self.session.clock.now())

    def _failing_windows(self) -> list[SourceState]:
        """Return the failing reads that are not the read of the chosen time range.

        They are reads of the other time ranges and of the chart's hours.
        """
        feeds = self.session.costs.feeds
        other_windows = ((subject, feeds[name]) for name, subject in _SUBJECTS.items() if name != self._range)
        return [
            SourceState(subject, freshness=feed.freshness, keys=None)
            for subject, feed in other_windows
            if feed.troubled
        ]

    def title_segments(self) -> list[Segment]:
        """Return the time range and the age of the figures."""
        fresh = self.session.costs.feeds[self._range].freshness
        age, updated = fresh.age(self.session.clock.monotonic()), ""
        failing_windows = self._failing_windows()
        has_problem = fresh.failures or fresh.blocked_until or failing_windows
        problem = messages.freshness_text(self.session, fresh, failing_windows) if has_problem else ""
        # Figures that were never read have no age. A closed route is not read again, so its figures keep the age of the
        # last read.
        if self._window is not None and not self.session.may_request(Family.OBSERVABILITY):
            problem = (
                f"stale {formatting.seconds((self.session.clock.now() - self._window.at).total_seconds())}"
            )
        elif self._window is not None and age is not None:
            updated = f"updated {formatting.seconds(age)} ago"
        segments = [
            Segment("Observability", Tone.STRONG, priority=0),
            Segment(RANGES[self._range], Tone.ACCENT, priority=1),
            Segment(problem or updated, Tone.WARN if problem else Tone.DIM, priority=2, right=True),
        ]
        return [segment for segment in segments if segment.text]

    def step_name(self) -> str:
        """Return the screen's name as shown in the path of a list opened from it."""
        return "Observability"

    # Drawing ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        closed = not self.session.may_request(Family.OBSERVABILITY)
        feed, known = self.session.costs.feeds[self._range], bool(self.session.costs.windows)
        fresh = feed.freshness
        is_first_read = self._window is None and fresh.error is None and fresh.blocked_until is None
        if closed:
            closed_lines = messages.observability_closed(self.session)
            notice = messages.data_kept(closed_lines[0]) if known else " ".join(closed_lines)
        elif known and is_first_read:
            # The cards show dashes meanwhile; a notice would move everything below it.
            notice = ""
        elif self._window is None:
            notice = " ".join(messages.empty_list(self.session, fresh, noun="the stats", empty=""))
        else:
            notice = messages.read_failures(
                fresh, self._failing_windows(), now=self.session.clock.monotonic()
            )
        notice_line = self.query_one("#notice", NoticeLine)
        if notice != notice_line.sentence:
            # The notice takes height from the chart.
            notice_line.show(notice, quiet=is_first_read and not closed)
            self.call_after_refresh(self._fit)
        # Headings without figures would say less than the notice alone.
        if known == self.has_class("-closed"):
            self.set_class(not known, "-closed")
            self.call_after_refresh(self._fit)
        if known and self.focused is None:
            self.query_one("#usage-runs").focus(scroll_visible=False)
        stats = None if self._window is None else self._window.stats
        self.set_class(closed or fresh.stale(self.session.clock.monotonic()), "-old")
        for name, lines in cards(stats).items():
            self.query_one(f"#{name}", Card).set_lines(lines)
        self.query_one("#ranges", ChoiceLine).set_choices(
            range_choices(self.session), self._range, cost_notes(self.session)
        )
        self._sum()
        self._draw_chart()
        self._draw_lists(stats)

    def _sum(self) -> None:
        """Compute the figures from the loaded runs of the time range once a second."""
        clock, rows = self.session.clock, self.console.runs.set
        at = clock.monotonic()
        if self._summed_at is not None and at - self._summed_at < SUM_EVERY:
            return
        self._summed_at = at
        owners = {dimension.name: dimension.group_of for dimension in (*DIMENSIONS, FAILURE_CLASS)}
        self._breakdown = break_down(rows.rows.values(), self._since, owners, rows.whole_since)
        self._buckets = buckets(
            self._range,
            clock.now(),
            rows.rows.values(),
            rows.whole_since,
            self.session.costs.hourly.known,
            self._measure,
        )
        self.console.runs.older.want(self._since)

    def _draw_chart(self) -> None:
        chart = self.query_one("#chart", UsageChart)
        chart.set_bars(
            [
                ChartBar(
                    None if bucket.value is None else float(bucket.value),
                    usage_bars.bucket_label(bucket, self._range),
                    is_whole=bucket.read == bucket.steps,
                )
                for bucket in self._buckets
            ],
            usage_bars.CHART_MEASURES[self._measure],
        )
        self._draw_reading()

    @on(UsageChart.Moved)
    def _draw_reading(self) -> None:
        """Show the time and the figures of the bar under the chart's cursor."""
        chart, bucket = self.query_one("#chart", UsageChart), self._cursor_bucket()
        per = {TimeRange.HOUR: "10 minutes", TimeRange.WEEK: "day"}.get(self._range, "hour")
        tone = Tone.LIVE if chart.has_focus else Tone.DIM
        self.query_one("#reading", SegmentLine).set_segments(
            [
                Segment(f"{self._measure.capitalize()} per {per}", tone, priority=1),
                Segment(
                    "" if bucket is None else usage_bars.bucket_text(bucket, self._range, self._measure),
                    Tone.STRONG if chart.has_focus else Tone.PLAIN,
                ),
                Segment(usage_bars.read_text(self._buckets), Tone.WARN, priority=2, right=True),
            ]
        )

    def _cursor_bucket(self) -> Bucket | None:
        place = self.query_one("#chart", UsageChart).cursor
        return self._buckets[place] if 0 <= place < len(self._buckets) else None

    def _draw_lists(self, stats: Stats | None) -> None:
        measure, names = self._measure, self.session.names
        total = None if stats is None else stats.summary.total_calls
        done = self._breakdown
        coverage = usage_bars.coverage_text(
            done.total.calls,
            total,
            done.complete_since,
            self._since,
            is_reading=self.console.runs.older.is_reading,
        )
        is_partial = not done.is_complete(self._since)
        self.query_one("#measures", ChoiceLine).set_choices(
            [Choice(each, each) for each in Measure],
            measure,
            [Segment(coverage, Tone.WARN if is_partial else Tone.DIM, right=True)],
        )
        if measure is Measure.FAILURES:
            self._draw_failures()
            return
        of_runs = usage_bars.top_runs(self.console.runs.set.rows.values(), self._since, measure)
        by = Measure.TOKENS if measure is Measure.TOKENS else Measure.COST
        self.query_one("#usage-runs", BarList).set_bars(of_runs, f"runs by {by}", f"no {by} known")
        for dimension in DIMENSIONS:
            counted = None if stats is None else usage_bars.stats_usages(stats, dimension.name, measure)
            usages = done.by.get(dimension.name, {}) if counted is None else counted
            if dimension.name == "automation":
                usages = {key: usage for key, usage in usages.items() if key is not None}
            # A list that the service itself counts is complete.
            note = ", all runs" if counted is not None and is_partial else ""
            self.query_one(f"#usage-{dimension.name}", BarList).set_bars(
                usage_bars.bars_of(dimension, usages, measure, names),
                f"{dimension.title}s by {measure}{note}",
                "none",
            )

    def _draw_failures(self) -> None:
        """Show failed runs by class in the first list and by owner in the other lists."""
        now = self.session.clock.now()
        for name, dimension in zip(LISTS, (FAILURE_CLASS, *DIMENSIONS), strict=True):
            self.query_one(f"#usage-{name}", BarList).set_bars(
                usage_bars.failure_bars(
                    dimension,
                    self._breakdown,
                    (self._since, now),
                    self.session.names,
                    ascii_mode=self.console.look.ascii,
                ),
                f"failures by {dimension.title}",
                "none",
            )

    # Actions ---------------------------------------------------------------------------------------------------

    def shows(self, action: KeyAction) -> bool:
        """Return whether an action is offered; "back" only if there is a previous screen."""
        return super().shows(action) and (action.id != "go.back" or self.console.can_go_back)

    def go_back(self) -> None:
        """Go back to the previous screen."""
        self.console.go_back(self)

    def step_range(self, by: int) -> None:
        """Switch to the next or the previous time range."""
        ranges = list(TimeRange)
        self._choose_range(ranges[(ranges.index(self._range) + by) % len(ranges)])

    def _choose_range(self, chosen: TimeRange) -> None:
        self._range, self._summed_at = chosen, None
        # The figures of today are read only while they are shown.
        self.release_feeds()
        self.hold_feeds()
        self._draw()
        self.refresh_chrome()

    def next_measure(self) -> None:
        """Show the next measure in the lists: cost, tokens, calls or failures."""
        measures = list(Measure)
        self._choose_measure(measures[(measures.index(self._measure) + 1) % len(measures)])

    def toggle_failures(self) -> None:
        """Show failures in the lists, or cost if they already show failures."""
        is_failures = self._measure is Measure.FAILURES
        self._choose_measure(Measure.COST if is_failures else Measure.FAILURES)

    def _choose_measure(self, measure: Measure) -> None:
        self._measure, self._summed_at = measure, None
        self._draw()

    @on(ChoiceLine.Picked, "#ranges")
    def _range_picked(self, event: ChoiceLine.Picked) -> None:
        self._choose_range(TimeRange(event.name))

    @on(ChoiceLine.Picked, "#measures")
    def _measure_picked(self, event: ChoiceLine.Picked) -> None:
        self._choose_measure(Measure(event.name))

    @on(BarList.Selected)
    @on(UsageChart.Selected)
    def open_focused(self) -> None:
        """Open the run under the cursor, or a list of the runs that a bar stands for."""
        widget, now = self.focused, self.session.clock.now()
        if isinstance(widget, UsageChart):
            if (bucket := self._cursor_bucket()) is not None:
                text = usage_bars.started_filter(bucket.start, bucket.end)
                self.console.navigation.open_runs(text, (bucket.start, bucket.end), sort="cost")
            return
        bar = widget.cursor_bar if isinstance(widget, BarList) else None
        if widget is None or bar is None:
            return
        name = (widget.id or "").removeprefix("usage-")
        is_failures = self._measure is Measure.FAILURES
        if name == "runs" and is_failures:
            name = FAILURE_CLASS.name
        if name == "runs":
            if (row := self.console.runs.set.rows.get(bar.key)) is not None:
                self.console.navigation.open_run(row)
        elif not bar.key:
            self.notify(f"No filter finds runs without {name}.", severity="warning", markup=False)
        else:
            of_range = usage_bars.range_filter(self._range, now)
            text = f"{usage_bars.BY_NAME[name].filter_of(bar.key, self.session.names)} {of_range}"
            if is_failures:
                text = f"state:failed {text}"
            # Failed runs are listed as they happened, the newest first.
            sort = None if is_failures else "tokens" if self._measure is Measure.TOKENS else "cost"
            self.console.navigation.open_runs(text, (self._since, None), sort=sort)

    # Focus -----------------------------------------------------------------------------------------------------

    def move_sideways(self, by: int) -> None:
        """Move the cursor of the chart, or the focus from one list to the list beside it."""
        if isinstance(self.focused, UsageChart):
            self.focused.move(by)
        elif isinstance(self.focused, BarList):
            place = LISTS.index((self.focused.id or "").removeprefix("usage-")) + by
            if 0 <= place < len(LISTS):
                self.query_one(f"#usage-{LISTS[place]}").focus()

    @on(Edge)
    def _leave_widget(self, event: Edge) -> None:
        """Focus the widget above or below when a cursor moves past its widget's end."""
        if isinstance(event.widget, UsageChart):
            if event.direction > 0:
                self.query_one("#usage-runs").focus()
            else:
                self.query_one("#page").scroll_home(animate=False)
            return
        place = LISTS.index((event.widget.id or "").removeprefix("usage-")) + event.direction * self._columns
        if place < 0:
            self.query_one("#chart").focus()
        elif place < len(LISTS):
            self.query_one(f"#usage-{LISTS[place]}").focus()
