"""The Observability screen: job health, dispatch, usage, sandboxes and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.containers import Container, Vertical
from textual.widget import Widget

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.cost_windows import CostWindow
from mogplex_tui.live.freshness import SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import Session
from mogplex_tui.operate import formatting, messages
from mogplex_tui.operate.action_registry import KeyAction
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.widgets.bars import Bar, BarList
from mogplex_tui.widgets.card import Card
from mogplex_tui.widgets.chart import CostChart
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.rule import RuleLine
from mogplex_tui.widgets.scroll_page import ScrollPage
from mogplex_tui.widgets.segment_line import Segment, SegmentLine
from mogplex_tui.widgets.styles import Cell, Tone

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats

RANGES = {"hour": "last hour", "day": "last 24 h", "week": "last 7 days"}
# The labels of the readings that do not depend on the chosen time range.
_SUBJECTS = {
    "hour": Subject("the cost of the last hour", is_plural=False),
    "day": Subject("the cost of 24 h", is_plural=False),
    "week": Subject("the cost of 7 d", is_plural=False),
    "hours": Subject("the chart", is_plural=False),
}
# Below this width, texts of the cards and names beside the chart would be cut.
NARROW = 80
# The minimum height at which the chart is readable.
MIN_CHART_HEIGHT = 9


class ObservabilityScreen(ConsoleScreen):
    """Cards of figures above a panel of costs."""

    CSS_PATH = "observability.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "#page"

    def __init__(self) -> None:
        super().__init__("observability", "observability")
        self._range = "day"
        self.handlers |= {"go.back": self.go_back, "view.range": self.next_range}

    def compose_body(self) -> Iterator[Widget]:
        """Yield the cards, the cost line, the chart and the bars."""
        yield NoticeLine(id="notice")
        with ScrollPage(id="page"):
            with Container(id="cards"):
                for name, title in (
                    ("jobs", "Jobs"),
                    ("dispatch", "Dispatch"),
                    ("usage", "Usage"),
                    ("sandboxes", "Sandboxes"),
                ):
                    yield Card(title, id=name)
            yield RuleLine()
            yield SegmentLine([], id="cost")
            with Container(id="panels"):
                yield CostChart(id="chart", ascii_mode=self.console.look.ascii)
                with Vertical(id="bars"):
                    yield BarList(id="models", ascii_mode=self.console.look.ascii)
                    yield BarList(id="types", ascii_mode=self.console.look.ascii)

    def on_mount(self) -> None:
        """Subscribe to changes of the stats of every time range."""
        self.listen(self.session.costs.changed, self.changed_soon)
        self._draw()

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that read the stats of the time ranges."""
        return self.session.costs.windows_feeds

    def on_resize(self, event: events.Resize) -> None:
        """Stack the cards and panels vertically in a narrow terminal."""
        self.set_class(event.size.width < NARROW, "-narrow")
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Set the chart's height to the room that the cards leave on the page."""
        if self.is_complete:
            left = self.query_one("#page").size.height - self.query_one("#cards").outer_size.height - 2
            self.query_one("#chart").styles.height = max(MIN_CHART_HEIGHT, left)

    def flush(self) -> None:
        """Draw the figures that were read since the last call, if the screen is visible."""
        if self.is_current:
            self._draw()
            self.refresh_chrome()

    def on_tick(self) -> None:
        """Draw the figures again, because some may have become stale."""
        self._draw()

    @property
    def _window(self) -> CostWindow | None:
        return self.session.costs.windows.get(self._range)

    def _failing_windows(self) -> list[SourceState]:
        """Return the failing reads besides the one of the chosen time range.

        They are the reads of the other time ranges and of the chart's hours.
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
        if self._window is not None and not self.session.open(Family.OBSERVABILITY):
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

    def _draw(self) -> None:
        closed = not self.session.open(Family.OBSERVABILITY)
        feed, known = self.session.costs.feeds[self._range], bool(self.session.costs.windows)
        fresh = feed.freshness
        if closed:
            closed_lines = messages.observability_closed(self.session)
            notice = messages.data_kept(closed_lines[0]) if known else " ".join(closed_lines)
        elif self._window is None:
            notice = " ".join(messages.empty_list(self.session, fresh, noun="the stats", empty=""))
        else:
            notice = messages.read_failures(
                fresh, self._failing_windows(), now=self.session.clock.monotonic()
            )
        notice_line = self.query_one("#notice", NoticeLine)
        if notice != notice_line.sentence:
            # The notice takes height from the chart.
            is_first_read = self._window is None and fresh.error is None and fresh.blocked_until is None
            notice_line.show(notice, quiet=is_first_read and not closed)
            self.call_after_refresh(self._fit)
        # Headings without figures would say less than the notice alone.
        self.set_class(not known, "-closed")
        stats = None if self._window is None else self._window.stats
        self.set_class(closed or fresh.stale(self.session.clock.monotonic()), "-old")
        for name, lines in cards(stats).items():
            self.query_one(f"#{name}", Card).set_lines(lines)
        self._draw_cost()
        self._draw_bars(stats)

    def _draw_cost(self) -> None:
        costs = self.session.costs
        self.query_one("#cost", SegmentLine).set_segments(cost_segments(self.session))
        chart = self.query_one("#chart", CostChart)
        hours = costs.hourly.starts()
        chart.set_series(
            costs.series(),
            labels=[hour.astimezone().strftime("%H:%M") for hour in hours],
            title="Estimated $/hour, last 24 h",
        )

    def _draw_bars(self, stats: Stats | None) -> None:
        models = stats.by_model if stats else []
        types = stats.by_type if stats else []
        top_models = sorted(models, key=lambda use: use.tokens or 0, reverse=True)
        self.query_one("#models", BarList).set_bars(
            [
                Bar(
                    formatting.model(use.model),
                    float(use.tokens or 0),
                    f"{formatting.count(use.tokens)} tokens  {_calls(use.count)}",
                    brief=formatting.count(use.tokens),
                )
                for use in top_models
            ],
            title=f"by model, tokens, {RANGES[self._range]}" if models else "",
        )
        self.query_one("#types", BarList).set_bars(
            [Bar(use.type, float(use.count or 0), _calls(use.count)) for use in types],
            title=f"by type, calls, {RANGES[self._range]}" if types else "",
        )

    def shows(self, action: KeyAction) -> bool:
        """Return whether an action is offered; "back" is not without a previous screen."""
        return super().shows(action) and (action.id != "go.back" or self.console.navigation.can_go_back)

    def go_back(self) -> None:
        """Go back to the previous screen."""
        self.console.navigation.back(self)

    def next_range(self) -> None:
        """Switch to the next time range."""
        names = list(RANGES)
        self._range = names[(names.index(self._range) + 1) % len(names)]
        self._draw()
        self.refresh_chrome()


def cards(stats: Stats | None) -> dict[str, list[list[Cell]]]:
    """Return the lines of each card for the chosen range (observability.md §1.1).

    A null in `stats` is shown as a dash.
    """
    if stats is None:
        return {name: [[(formatting.DASH, Tone.DIM)]] for name in ("jobs", "dispatch", "usage", "sandboxes")}
    summary = stats.summary
    rate, sandbox_ms = summary.job_runs_success_rate_in_range, summary.sandbox_time_ms
    return {
        "jobs": [
            [_big(formatting.DASH if rate is None else f"{rate:g} %", _health(rate)), ("success", Tone.DIM)],
            [
                _alert(summary.job_runs_pending, Tone.PLAIN),
                (_pending(summary.oldest_pending_age_ms, summary.job_runs_pending), Tone.DIM),
            ],
            [_alert(summary.job_runs_failed_in_range), ("failed", Tone.DIM)],
            [_alert(summary.job_runs_stale_pending, Tone.WARN), ("stuck", Tone.DIM)],
        ],
        "dispatch": [
            [_alert(summary.suppressed_in_range, Tone.PLAIN), ("skipped", Tone.DIM)],
            [_alert(summary.deferred_in_range, Tone.WARN), ("queued", Tone.DIM)],
            [_alert(summary.start_failed_in_range), ("start failed", Tone.DIM)],
            [_alert(summary.limit_denied_in_range, Tone.WARN), ("over quota", Tone.DIM)],
        ],
        "usage": [
            [_big(_figure(summary.total_calls)), ("call" if summary.total_calls == 1 else "calls", Tone.DIM)],
            [_big(formatting.count(summary.tokens)), ("tokens", Tone.DIM)],
            [
                _big(
                    formatting.millis(summary.avg_duration_ms)
                    if summary.total_calls != 0
                    else formatting.DASH
                ),
                ("avg time", Tone.DIM),
            ],
            [
                _big(
                    formatting.DASH
                    if summary.success_rate is None or summary.total_calls == 0
                    else f"{summary.success_rate:g} %"
                ),
                ("succeeded", Tone.DIM),
            ],
        ],
        "sandboxes": [
            [
                (f"{_figure(summary.sandbox_active)} of {_figure(summary.sandbox_total)}", Tone.PLAIN),
                ("running", Tone.DIM),
            ],
            [
                (formatting.seconds(None if sandbox_ms is None else sandbox_ms / 1000), Tone.PLAIN),
                ("sandbox time", Tone.DIM),
            ],
        ],
    }


def _figure(count: int | None) -> str:
    return formatting.DASH if count is None else f"{count:,}"


def _calls(count: int | None) -> str:
    if count is None:
        return f"{formatting.DASH} calls"
    # The figures line up, whether there is one call or several.
    return f"{formatting.plural(count, 'call'):<{len(f'{count:,} calls')}}"


def _big(text: str, tone: Tone = Tone.STRONG) -> Cell:
    return (text, tone)


def _alert(number: int | None, tone: Tone = Tone.ERROR) -> Cell:
    return (_figure(number), tone if number else Tone.DIM)


def _health(rate: float | None) -> Tone:
    if rate is None:
        return Tone.DIM
    return Tone.OK if rate >= 95 else Tone.WARN if rate >= 80 else Tone.ERROR


def _pending(ms: int | None, pending: int | None) -> str:
    return f"pending {formatting.short_duration(ms / 1000)}" if pending and ms is not None else "pending"


def cost_segments(session: Session) -> list[Segment]:
    """Return the cost line's segments: costs by time range, and calls not billed yet."""
    costs, now = session.costs, session.clock.monotonic()

    def figure(label: str, name: str, unit: str = "", priority: int = 1) -> Segment:
        value, old = costs.total(name), costs.feeds[name].freshness.stale(now)
        text = f"{label} {formatting.money(value)}{unit if value is not None else ''}"
        return Segment(text, Tone.DIM if old else Tone.PLAIN, priority=priority)

    segments = [
        Segment("Cost", Tone.STRONG, priority=0),
        Segment(f"today {formatting.money(costs.today)}", Tone.STRONG, priority=0),
        figure("last hour", "hour", "/h"),
        figure("24 h", "day", priority=2),
        figure("7 d", "week", priority=3),
    ]
    newest = max(costs.windows.values(), key=lambda window: window.at, default=None)
    pending = newest.stats.summary.reconciliation_pending if newest is not None else None
    segments.append(Segment("excludes unpriced calls", Tone.DIM, priority=6, right=True))
    if pending:
        segments.append(
            Segment(f"{formatting.plural(pending, 'call')} not billed yet", Tone.WARN, priority=4, right=True)
        )
    return segments
