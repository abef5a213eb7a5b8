"""Opens the waterfalls of runs, jobs and automations over the current screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.run_row import RunSource
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.run_facts import name_of

if TYPE_CHECKING:
    from mogplex_tui.live.run_events_feed import RunEventsFeed
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.operate.model import AnyEntry, AnyKind
    from mogplex_tui.screens.console import Console
    from mogplex_tui.screens.waterfall import TimelineSubject


class Waterfalls:
    """Opens the screen that shows where the time of a record went."""

    def __init__(self, app: App[int], console: Console) -> None:
        self._app, self._console = app, console

    def of_run(self, row: RunRow) -> None:
        """Show the time of a run, or of the job that its row stands for."""
        from mogplex_tui.live.run_events_feed import RunEventsFeed

        if row.source is RunSource.JOB and row.job_id is not None:
            self.of_job(row.job_id, row.automation_id, name_of(row))
        else:
            self.of_events(RunEventsFeed(self._console.session, self._console.runs, row))

    def of_events(self, feed: RunEventsFeed, show_event: Callable[[str], None] | None = None) -> None:
        """Show the time of a run whose events are read by a feed.

        `show_event` shows an event on the current screen.
        """
        from mogplex_tui.screens.waterfall_subjects import RunSubject

        self._push(RunSubject(self._console, feed, show_event))

    def of_job(self, job_id: str, automation_id: str | None, name: str, *, is_below: bool = False) -> None:
        """Show the time of a job; `is_below` is true if the current screen is its record."""
        from mogplex_tui.live.job_timeline_feed import JobFeed
        from mogplex_tui.screens.waterfall_subjects import JobSubject

        feed = JobFeed(self._console.session, job_id, automation_id)
        self._push(JobSubject(self._console, feed, name, is_below=is_below))

    def of_record(self, kind: AnyKind, entry: AnyEntry | None, *, is_below: bool = False) -> None:
        """Show the time of a job, or of the jobs of an automation."""
        from mogplex_tui.live.job_timeline_feed import AutomationJobsFeed
        from mogplex_tui.screens.waterfall_subjects import AutomationSubject

        if entry is None:
            return
        run, name = kind_rows.run_of(kind, entry), kind_rows.name_of(kind, entry)
        if run is not None:
            self.of_job(entry.key, run.automation_id, name, is_below=is_below)
        elif kind.name == "automations":
            feed = AutomationJobsFeed(self._console.session, entry.key)
            self._push(AutomationSubject(self._console, feed, name))

    def _push(self, subject: TimelineSubject) -> None:
        from mogplex_tui.screens.console_screen import ConsoleScreen
        from mogplex_tui.screens.waterfall import WaterfallScreen

        below = self._app.screen
        self._app.push_screen(WaterfallScreen(subject, below.tab if isinstance(below, ConsoleScreen) else ""))
