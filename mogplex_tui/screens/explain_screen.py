"""The screen that explains why a run failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual.widget import Widget

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate import failure_report, formatting, messages
from mogplex_tui.operate.action_registry import KeyAction
from mogplex_tui.operate.failure_report import FailureReport
from mogplex_tui.operate.job_rows import JobRow
from mogplex_tui.operate.run_actions import (
    JOB_ACTIONS,
    JobAction,
    job_action_closed_reason,
    offers_job_action,
)
from mogplex_tui.operate.run_facts import may_have_web_pages, name_of
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.widgets.line_text import TextLine
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.text_page import TextPage

_INDENT = "  "


class ExplainScreen(ConsoleScreen):
    """One page on a failed run: cause, last output, history, next step.

    The page is written again when more of the run, of its job or of other runs has been read.
    """

    AUTO_FOCUS: ClassVar[str | None] = "#report"

    def __init__(self, row: RunRow) -> None:
        super().__init__("explain", "runs")
        self._run = RunEventsFeed(self.session, self.console.runs, row)
        self._job: JobRow | None = None
        self._job_feed = self._feed_of_job(row.job_id) if row.job_id else None
        self._report: FailureReport | None = None
        self._page = TextPage(id="report")
        self.handlers |= {
            "explain.open": self._open_error,
            "explain.copy": self._copy,
            "explain.save": self._save,
            "run.browse": lambda: self.console.browse_run(self._run.row),
            "runs.rerun": lambda: self.console.run_actions.rerun(self._run.row),
            **{id: partial(self._ask_on_job, action) for id, action in JOB_ACTIONS.items()},
            "go.back": lambda: self.console.go_back(self),
        }

    def compose_body(self) -> Iterator[Widget]:
        """Yield the page."""
        yield self._page

    def on_mount(self) -> None:
        """Subscribe to everything that the report is made from."""
        self.listen(self._run.added, lambda _: self.changed_soon())
        self.listen(self._run.feed.changed, self.changed_soon)
        self.listen(self.console.runs.set.changes, lambda _: self.changed_soon())
        older = self.console.runs.older
        older.want(self.session.clock.now() - failure_report.DAY)
        if self._job_feed is not None:
            self.listen(self._job_feed.changed, self.changed_soon)
        self.flush()

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of the run, of its job, and of the list of runs."""
        runs = self.console.runs
        own = (self._run.feed, *(() if self._job_feed is None else (self._job_feed,)))
        return (*own, runs.feed, runs.details.feed, runs.older.feed)

    def _feed_of_job(self, job_id: str) -> Feed:
        async def fetch() -> bool:
            from mogplex_tui.operate.job_rows import read_single

            before = self._job
            entry = await read_single(self.session.client.at(Priority.TAIL), job_id, before)
            self._job = entry.row
            return self._job != before

        return Feed(
            f"explain:{job_id}:{id(self)}",
            fetch,
            Priority.TAIL,
            every=60.0,
            poll_without_realtime=30.0,
            gap=1.0,
        )

    # Drawing ---------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write the report again if it has changed."""
        if not self.is_complete:
            return
        runs, fresh = self.console.runs, self._run.feed.freshness
        report = failure_report.failure_report(
            self._run.row,
            self._run.tail.lines,
            runs.set.rows.values(),
            self._job,
            self.session.clock.now(),
            complete_since=runs.set.whole_since,
            events_missing=messages.missing_events(self._run) or "",
        )
        is_first = self._report is None
        if report != self._report:
            self._report = report
            is_reading = fresh.as_of is None and not fresh.failures
            self._page.set_lines(list(_lines(report, is_reading=is_reading)), keep_place=not is_first)
        self.refresh_chrome()

    def step_name(self) -> str:
        """Return the screen's name as shown in the path of a screen opened from it."""
        return "explanation"

    def title_segments(self) -> list[Segment]:
        """Return the path, the run and its state."""
        row = self._run.row
        glyph, word, tone = formatting.state(row.state)
        crumbs = self.crumbs()
        return [
            *crumbs,
            Segment(f"Why {name_of(row)} failed", Tone.STRONG, priority=0, close=bool(crumbs)),
            Segment(f"{glyph} {word}", Tone(tone), priority=1),
        ]

    # Actions ---------------------------------------------------------------------------------------------------

    def run_row(self) -> RunRow:
        """Return the run that failed."""
        return self._run.row

    def shows(self, action: KeyAction) -> bool:
        """Return whether an action is offered: it must apply to this run."""
        job_action = JOB_ACTIONS.get(action.id)
        if job_action is not None and not offers_job_action(job_action, self._run.row):
            return False
        if action.id == "run.browse" and not may_have_web_pages(self._run.row):
            return False
        return super().shows(action)

    def why_not(self, action: KeyAction) -> str | None:
        """Return why an action cannot be used now, or None if it can be used."""
        reason, job_action = super().why_not(action), JOB_ACTIONS.get(action.id)
        if reason is not None or job_action is None:
            return reason
        return job_action_closed_reason(job_action, self._run.row, self.session)

    def _ask_on_job(self, action: JobAction) -> None:
        job_id = self._run.row.job_id
        if job_id is not None:
            self.console.record_actions.ask_on_job(action, job_id, self.refresh_data)

    def _open_error(self) -> None:
        """Open the run at its first error."""
        if self.is_active:
            self.console.navigation.open_run(self._run.row, at_error=True)

    def _copy(self) -> None:
        if self._report is not None:
            self.console.copy(failure_report.as_text(self._report), "the explanation")

    def _save(self) -> None:
        if self._report is not None:
            name = f"failure-{formatting.short_id(self._run.row.run_id or self._run.row.key)}"
            self.console.exporter.save_text(name, ".txt", failure_report.as_text(self._report))


def _lines(report: FailureReport, *, is_reading: bool) -> Iterator[TextLine]:
    """Yield the lines of the page.

    `is_reading` is True until the events have been read once.
    """
    for number, (title, lines) in enumerate(failure_report.sections(report)):
        if number:
            yield TextLine("")
        yield TextLine(title, Tone.ACCENT)
        if is_reading and title == "First error":
            yield TextLine(f"{_INDENT}Reading the events…", Tone.DIM)
            continue
        for line in lines:
            yield TextLine(f"{_INDENT}{line.text}", Tone(line.tone), len(_INDENT))
