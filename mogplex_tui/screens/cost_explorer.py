"""The screen that shows where the money went, by group and over time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.containers import Container
from textual.widget import Widget

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.call_sums import CostDimension, Interval
from mogplex_tui.operate import cost_texts, formatting, messages
from mogplex_tui.operate.cost_report import CostGroup, CostQuestion, CostReport, CostStep, Within, read_report
from mogplex_tui.operate.time_ranges import EXPECTED, TimeSpan, parse_range
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.cost_filters import group_filter, interval_filter
from mogplex_tui.screens.cost_rows import CostRows, columns
from mogplex_tui.widgets.bars import Edge
from mogplex_tui.widgets.chart import COSTS, FILLS, ChartBar, UsageChart
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.segment_line import Segment, SegmentLine
from mogplex_tui.widgets.styles import Tone

if TYPE_CHECKING:
    from mogplex_tui.api.models.billing import Billing
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.operate.action_registry import KeyAction

RANGES: Final = tuple(map(parse_range, ("1h", "today", "24h", "7d", "30d", "month")))
"""The ranges that a key steps through."""
_NAMES: Final = {
    "1h": "last hour",
    "24h": "last 24 h",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "month": "this month",
}
# The least width for the plot beside the table, and the least height for all lines above them.
_BESIDE, _TALL = 110, 30
# Seconds after which a report is computed again although no call has changed, because its range moves.
_EVERY = 15.0
# The least seconds between two reports while calls change.
_PAUSE = 2.0
_NO_SECOND: Final = "none"


class CostScreen(ConsoleScreen):
    """A table of groups with bars, and a plot of the greatest groups over time."""

    CSS_PATH = "cost_explorer.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "#groups"

    def __init__(self, question: CostQuestion, tab: str) -> None:
        super().__init__("costs", tab)
        self._question = question
        self._report: CostReport | None = None
        self._billing: Billing | None = None
        self._reader = self.console.call_history
        self._rows = CostRows(ascii_mode=self.console.look.ascii)
        self.is_computing = self._has_changed = self._is_outdated = False
        self._computed_at: float | None = None
        self._problem = ""
        self.handlers |= {
            "costs.open": self.open_focused,
            "costs.by": self._choose_first,
            "costs.then-by": self._choose_second,
            "costs.range": lambda: self._step_range(1),
            "costs.range-back": lambda: self._step_range(-1),
            "costs.dates": self._ask_range,
            "costs.left": lambda: self._chart.move(-1),
            "costs.right": lambda: self._chart.move(1),
            "go.back": self._go_back,
        }

    def compose_body(self) -> Iterator[Widget]:
        """Yield the sums, the table of groups and the plot."""
        yield NoticeLine(id="notice")
        for name in ("total", "outcomes", "outlook", "month"):
            yield SegmentLine([], id=name)
        with Container(id="body"):
            table = LineTable(id="groups")
            table.reduced_motion = True
            yield table
            with Container(id="plot"):
                yield SegmentLine([], id="reading")
                yield UsageChart(id="chart", ascii_mode=self.console.look.ascii)
                yield SegmentLine([], id="legend")

    def on_mount(self) -> None:
        """Subscribe to the history of calls, and read the plan and the balance."""
        self.listen(self._reader.changed, self.changed_soon)
        self.listen(self.session.names.changed, self.changed_soon)
        self._table.set_source(self._rows)
        self.ask()
        self.console.tasks.run(self._read_billing())

    def on_screen_suspend(self) -> None:
        """Read older calls slowly while another screen is shown."""
        self._reader.want(None)

    def on_unmount(self) -> None:
        """Read older calls slowly again."""
        self._reader.want(None)

    @property
    def _table(self) -> LineTable:
        return self.query_one("#groups", LineTable)

    @property
    def _chart(self) -> UsageChart:
        return self.query_one("#chart", UsageChart)

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of the runs, of older calls, and of the names of automations."""
        names = self.console.collections.of_name("automations").feed
        is_open = self.session.may_request(Family.FLOWS)
        return [self.console.runs.feed, self._reader.feed, *((names,) if is_open else ())]

    def on_resize(self, event: events.Resize) -> None:
        """Put the plot beside or below the table."""
        self.set_class(event.size.width < _BESIDE, "-narrow")
        self.set_class(event.size.height < _TALL, "-low")

    # Computing -------------------------------------------------------------------------------------------------

    def ask(self, question: CostQuestion | None = None) -> None:
        """Compute the report of a question, or of the current one again."""
        if question is not None:
            self._question = question
        self._reader.want(self._question.span.interval(self.session.clock.now()).since)
        self._compute_soon()

    def on_tick(self) -> None:
        """Compute the report again if calls have changed, or its range has moved."""
        if self._seconds_since_report() >= (_PAUSE if self._is_outdated else _EVERY):
            self._compute_soon()

    def on_screen_resume(self) -> None:
        """Continue to read older calls after another screen was shown."""
        self.ask()

    def flush(self) -> None:
        """Compute the report again, now or with a later tick."""
        self._is_outdated = True
        if self._seconds_since_report() >= _PAUSE:
            self._compute_soon()

    def _seconds_since_report(self) -> float:
        if self._computed_at is None:
            return inf
        return self.session.clock.monotonic() - self._computed_at

    def _compute_soon(self) -> None:
        self._has_changed = True
        if not self.is_computing and self.is_complete:
            self.is_computing = True
            self.console.tasks.run(self._compute())

    async def _compute(self) -> None:
        try:
            while self._has_changed and self.is_complete:
                self._has_changed = self._is_outdated = False
                self._computed_at = self.session.clock.monotonic()
                await self._read(self._question)
                if self.is_complete:
                    self._draw()
        finally:
            self.is_computing = False

    async def _read(self, question: CostQuestion) -> None:
        """Compute the report of a question, unless another one has been asked meanwhile."""
        now, names, asked = self.session.clock.now(), self._known_names(), question
        if question.within is None:
            # The groups of the second dimension are shown inside a group.
            asked = replace(question, dimensions=question.dimensions[:1])
        try:
            report = await self._reader.history.query(
                lambda connection: read_report(connection, asked, now, names)
            )
        except (sqlite3.Error, OSError) as error:
            self._problem = f"The history of calls could not be read: {error}."
            return
        self._problem = ""
        if question == self._question:
            self._report = report

    def _known_names(self) -> dict[str, str]:
        known, account = self.session.names, self.session.account
        owner = next((row.user_id for row in self.console.runs.set.rows.values() if row.user_id), None)
        own = {owner: account} if owner and account else {}
        return {**known.repos, **known.agents, **known.automations, **own}

    async def _read_billing(self) -> None:
        """Read the plan and the balance, which a service without billing does not have."""
        try:
            self._billing = await self.session.client.at(Priority.BACKGROUND).billing.get()
        except MogplexError:
            return
        if self.is_complete:
            self._draw()

    # Drawing ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        report = self._report
        self.query_one("#notice", NoticeLine).show(self._notice(), quiet=not self._problem)
        if report is not None:
            self._rows.set(report)
            title = report.question.plotted.value.replace("-", " ").upper()
            self._table.set_columns(columns(title))
            empty = "No calls in this time." if report.complete_since else cost_texts.NOTHING_STORED
            self._table.set_message([] if len(self._rows) else [empty])
            self._table.refresh_rows(None, reordered=True)
            self._draw_sums(report)
            self._draw_plot(report)
        self.refresh_chrome()

    def _notice(self) -> str:
        """Return why costs are missing, or an empty text."""
        if self._problem:
            return self._problem
        if self._reader.may_read:
            return ""
        closed = messages.observability_closed(self.session)[0]
        has_calls = self._report is not None and self._report.complete_since is not None
        return messages.data_kept(closed) if has_calls else closed

    def _draw_sums(self, report: CostReport) -> None:
        parts = {
            "total": cost_texts.total_parts(report),
            "outcomes": cost_texts.outcome_parts(report),
            "outlook": cost_texts.outlook_parts(report),
            "month": cost_texts.month_parts(report),
        }
        tones = {"total": Tone.STRONG, "outcomes": Tone.DIM}
        plan = cost_texts.billing_text(self._billing)
        for name, texts in parts.items():
            shown = texts if report.complete_since is not None else []
            segments = [
                Segment(text, tones.get(name, Tone.PLAIN), priority=place) for place, text in enumerate(shown)
            ]
            if name == "outlook" and plan:
                segments.append(Segment(plan, Tone.DIM, priority=9, right=True))
            line = self.query_one(f"#{name}", SegmentLine)
            line.set_segments(segments)
            line.set_class(not segments, "-empty")

    def _draw_plot(self, report: CostReport) -> None:
        top = report.plotted
        self._chart.set_bars([_bar(step) for step in report.steps], COSTS)
        is_ascii = self.console.look.ascii
        shown = [
            Segment(
                f"{fill.ascii if is_ascii else fill.glyph} {cost_texts.label(report.question.plotted, label)}",
                fill.tone,
                priority=place,
            )
            for place, (label, fill) in enumerate(zip(top, FILLS, strict=False))
        ]
        if sum(group.sum.units > 0 for group in report.groups) > len(top):
            rest = FILLS[-1]
            shown.append(
                Segment(f"{rest.ascii if is_ascii else rest.glyph} others", rest.tone, priority=len(top))
            )
        self.query_one("#legend", SegmentLine).set_segments(shown)
        self._draw_reading()

    @on(UsageChart.Moved)
    def _draw_reading(self) -> None:
        """Show the time and the sums of the bar under the plot's cursor."""
        step, segments = self._cursor_step(), list[Segment]()
        if step is not None:
            tone = Tone.STRONG if self._chart.has_focus else Tone.PLAIN
            total = step.sum
            segments = [
                Segment(_time_of(step), tone),
                Segment(formatting.money(total.cost), tone),
                Segment(formatting.plural(total.calls, "call"), Tone.DIM, priority=1),
                Segment(f"{total.unpriced} without a price" if total.unpriced else "", Tone.WARN, priority=2),
                Segment("" if step.is_complete else "not complete", Tone.WARN, priority=1, right=True),
            ]
        self.query_one("#reading", SegmentLine).set_segments([each for each in segments if each.text])

    def _cursor_step(self) -> CostStep | None:
        place = self._chart.cursor
        steps = () if self._report is None else self._report.steps
        return steps[place] if 0 <= place < len(steps) else None

    def title_segments(self) -> list[Segment]:
        """Return the dimensions, the group that is open, the range and what it covers."""
        question, report = self._question, self._report
        first, *second = [dimension.value.replace("-", " ") for dimension in question.dimensions]
        by = f"by {first}" + (f", then {second[0]}" if second and question.within is None else "")
        if question.within is not None:
            label = cost_texts.label(question.dimensions[0], question.within.label)
            by = f"▸ {first} {label} ▸ by {second[0]}"
        coverage = ""
        if report is not None:
            coverage = cost_texts.coverage_text(report, is_reading=self._reader.may_read)
        is_whole = report is not None and not report.gaps and report.complete_since is not None
        segments = [
            *self.crumbs(),
            Segment("Cost", Tone.STRONG, priority=0, close=bool(self.crumbs())),
            Segment(by, Tone.PLAIN, priority=0, close=True),
            Segment(_NAMES.get(question.span.text, question.span.text), Tone.ACCENT, priority=1),
            Segment(
                coverage,
                Tone.DIM if is_whole else Tone.WARN,
                priority=3,
                right=True,
                short=coverage.partition(";")[0],
                short_priority=4,
            ),
        ]
        return [segment for segment in segments if segment.text]

    def step_name(self) -> str:
        """Return the screen's name as shown in the path of a screen opened from it."""
        return "Cost"

    # Actions ---------------------------------------------------------------------------------------------------

    def shows(self, action: KeyAction) -> bool:
        """Return whether an action is offered now."""
        if action.id == "costs.open" and not len(self._rows):
            return False
        return super().shows(action)

    @on(LineTable.RowSelected)
    @on(UsageChart.Selected)
    def open_focused(self) -> None:
        """Open the group under the cursor, or the runs of an interval of the plot."""
        if self._report is None:
            return
        if self.focused is self._chart:
            step = self._cursor_step()
            if step is not None:
                self._open_runs(self._path(), Interval(step.start, step.end))
            return
        group = self._rows.get(self._table.cursor_key or "")
        if group is None:
            return
        question = self._question
        if len(question.dimensions) > 1 and question.within is None:
            self.ask(replace(question, within=Within(group.labels[0])))
        else:
            self._open_runs(self._path(group))

    def _path(self, group: CostGroup | None = None) -> list[tuple[CostDimension, str | None]]:
        """Return the dimensions and labels of the open group, and of a group in it."""
        question, path = self._question, list[tuple[CostDimension, str | None]]()
        if group is not None:
            return list(zip(question.dimensions, group.labels, strict=False))
        if question.within is not None:
            path.append((question.dimensions[0], question.within.label))
        return path

    def _open_runs(
        self, path: list[tuple[CostDimension, str | None]], interval: Interval | None = None
    ) -> None:
        """Open the runs of a group, or say why no filter finds them."""
        span = interval or self._question.span.interval(self.session.clock.now())
        terms = []
        for dimension, label in path:
            term = group_filter(dimension, label, self.session.names)
            if term is None:
                self.notify(
                    f"No filter finds calls without {dimension.value}.", severity="warning", markup=False
                )
                return
            terms.append(term)
        is_open = interval is None and self._question.span.until is None
        terms.append(interval_filter(self._question.span, span, is_open=is_open))
        until = None if is_open else span.until
        self.console.navigation.open_runs(" ".join(filter(None, terms)), (span.since, until), sort="cost")

    def _choose_first(self) -> None:
        question = self._question
        choices = [(each.value, each.value) for each in CostDimension]
        self._choose("Sum the costs by", choices, question.dimensions[0].value, self._take_first)

    def _take_first(self, name: str | None) -> None:
        if name is not None:
            first = CostDimension(name)
            rest = [each for each in self._question.dimensions[1:] if each is not first]
            self.ask(CostQuestion(self._question.span, (first, *rest)))

    def _choose_second(self) -> None:
        first, *rest = self._question.dimensions
        choices = [(each.value, each.value) for each in CostDimension if each is not first]
        current = rest[0].value if rest else _NO_SECOND
        self._choose("Then by", [*choices, (_NO_SECOND, _NO_SECOND)], current, self._take_second)

    def _take_second(self, name: str | None) -> None:
        if name is not None:
            rest = () if name == _NO_SECOND else (CostDimension(name),)
            self.ask(CostQuestion(self._question.span, (self._question.dimensions[0], *rest)))

    def _choose(
        self, title: str, choices: Sequence[tuple[str, str]], current: str, take: Callable[[str | None], None]
    ) -> None:
        from mogplex_tui.screens.modals.parameter_prompt import AskModal

        self.app.push_screen(AskModal(title, "dimension", value=current, choices=choices), take)

    def _step_range(self, by: int) -> None:
        texts = [each.text for each in RANGES]
        current = self._question.span.text
        place = texts.index(current) + by if current in texts else 0
        self._take_range(RANGES[place % len(RANGES)])

    def _take_range(self, span: TimeSpan) -> None:
        self.ask(replace(self._question, span=span))

    def _ask_range(self) -> None:
        from mogplex_tui.screens.modals.parameter_prompt import AskModal

        def take(text: str | None) -> None:
            if text is not None:
                self._take_range(parse_range(text))

        dialog = AskModal("Range", EXPECTED, value=self._question.span.text, check=_range_problem)
        self.app.push_screen(dialog, take)

    @on(Edge)
    def _left_chart(self) -> None:
        self._table.focus()

    def _go_back(self) -> None:
        """Close the open group, or leave the screen."""
        within = self._question.within
        if within is None:
            self.console.go_back(self)
            return
        self.ask(replace(self._question, within=None))


def _range_problem(text: str) -> str | None:
    try:
        parse_range(text)
    except ValueError as error:
        return f"It {error}."
    return None


def _bar(step: CostStep) -> ChartBar:
    """Return the bar of an interval, with parts for the greatest groups and the rest."""
    total, units = step.sum, [each.units for each in step.groups]
    parts = [*units, *[0] * (len(FILLS) - 1 - len(units)), total.units - sum(units)]
    value = None if total.cost is None or (not total.calls and not step.is_complete) else float(total.cost)
    local = step.start.astimezone()
    label = f"{local:%d %b}" if _is_day(step) else f"{local:%H:%M}"
    return ChartBar(value, label, step.is_complete, tuple(part / 1e8 for part in parts))


def _is_day(step: CostStep) -> bool:
    return (step.end - step.start).total_seconds() > 3600


def _time_of(step: CostStep) -> str:
    start, end = step.start.astimezone(), step.end.astimezone()
    return f"{start:%a %d %b}" if _is_day(step) else f"{start:%a %H:%M}–{end:%H:%M}"
