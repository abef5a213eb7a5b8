"""The records whose time a waterfall shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live import redact
from mogplex_tui.live.job_timeline import is_silent_job, job_spans, jobs_spans, steps_of, waits_of
from mogplex_tui.live.job_timeline_feed import AutomationJobsFeed, JobFeed
from mogplex_tui.live.run_row import from_call
from mogplex_tui.live.run_timeline import is_silent, run_spans
from mogplex_tui.live.timeline import Span, SpanKind
from mogplex_tui.operate import formatting
from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.operate.run_facts import name_of

if TYPE_CHECKING:
    from mogplex_tui.api.models.automations import NodeRun, Wait
    from mogplex_tui.api.models.calls import CallWithEvents
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.api.models.jobs import DispatchEvent, JobDetail
    from mogplex_tui.live.freshness import Freshness
    from mogplex_tui.live.run_events_feed import RunEventsFeed
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.live.store import RowChanges
    from mogplex_tui.screens.console import Console
    from mogplex_tui.screens.waterfall import WaterfallScreen


NO_EVENT = "This time lies between two events; nothing was reported during it."


class RunSubject:
    """The time of a run, from its events."""

    def __init__(
        self, console: Console, feed: RunEventsFeed, show_event: Callable[[str], None] | None = None
    ) -> None:
        """Create the subject; `show_event` shows an event on the screen of the run below."""
        self._console, self._feed, self._show_event = console, feed, show_event

    def name(self) -> str:
        """Return the name of the run."""
        return name_of(self._feed.row)

    def state(self) -> str:
        """Return the state of the run."""
        return self._feed.row.state

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of the run's events and of its state."""
        return (self._feed.feed, self._console.runs.feed)

    def subscribe(self, changed: Callable[[], None]) -> list[Callable[[], None]]:
        """Call `changed` when events were added or the state of the run may have changed."""
        return [
            self._feed.added.subscribe(lambda _: changed()),
            self._feed.feed.changed.subscribe(changed),
            self._console.runs.set.changes.subscribe(self._if_run_changed(changed)),
        ]

    def _if_run_changed(self, changed: Callable[[], None]) -> Callable[[RowChanges], None]:
        def check(changes: RowChanges) -> None:
            if self._feed.key in changes.changed:
                changed()

        return check

    def freshness(self) -> Freshness:
        """Return when the events were last read."""
        return self._feed.feed.freshness

    def spans(self) -> Iterable[Span]:
        """Return the spans of the run's events."""
        return run_spans(self._feed.row, tuple(self._feed.tail.lines))

    def is_silent(self) -> bool:
        """Return whether the run's coding CLI reports no tools."""
        return is_silent(self._feed.row, self._feed.tail.lines)

    def empty_lines(self) -> list[str]:
        """Return what to show while there are no spans."""
        return ["No events yet. They appear here as they happen."]

    def open(self, screen: WaterfallScreen, span: Span) -> str | None:
        """Show the event of a span on the screen of the run."""
        if span.kind is not SpanKind.RUN and span.event_id is None:
            return NO_EVENT
        self._open_run(screen, span.event_id)
        return None

    def _open_run(self, screen: WaterfallScreen, event_id: str | None) -> None:
        if self._show_event is None:
            self._console.navigation.open_run(self._feed.row, at_event=event_id)
            return
        self._console.navigation.back(screen)
        if event_id is not None:
            self._show_event(event_id)


class JobSubject:
    """The time of a job, from its steps, waits and calls."""

    def __init__(self, console: Console, feed: JobFeed, name: str, *, is_below: bool = False) -> None:
        """Create the subject; `is_below` is true if the screen below shows the job."""
        self._console, self._feed, self._name, self._is_below = console, feed, name, is_below

    def name(self) -> str:
        """Return the name of the job."""
        return self._name

    def state(self) -> str:
        """Return the status of the job, or an empty text before it was read."""
        return "" if self._feed.job is None else self._feed.job.status

    def feeds(self) -> Sequence[Feed]:
        """Return the feed that reads the job."""
        return (self._feed.feed,)

    def subscribe(self, changed: Callable[[], None]) -> list[Callable[[], None]]:
        """Call `changed` when the job was read or reading it has failed."""
        return [self._feed.feed.changed.subscribe(changed)]

    def freshness(self) -> Freshness:
        """Return when the job was last read."""
        return self._feed.feed.freshness

    def spans(self) -> Iterable[Span]:
        """Return the spans of the job; empty before it was read."""
        return () if self._feed.job is None else job_spans(self._feed.job, self._name, formatting.reason)

    def is_silent(self) -> bool:
        """Return whether a coding CLI of the job reports no tools."""
        return self._feed.job is not None and is_silent_job(self._feed.job)

    def empty_lines(self) -> list[str]:
        """Return what to show while there are no spans."""
        return ["The service reports no times of this job." if self._feed.job else "Reading the job."]

    def open(self, screen: WaterfallScreen, span: Span) -> str | None:
        """Open the call of a span, or show the JSON of its step, wait or event."""
        job = self._feed.job
        if span.kind is SpanKind.JOB and self._is_below:
            self._console.navigation.back(screen)
            return None
        if span.kind is SpanKind.JOB:
            self._console.navigation.follow(LinkTarget("job", "jobs", self._name, self._feed.job_id))
            return None
        call = _call_of(job, span)
        if call is not None and self._console.session.may_request(Family.OBSERVABILITY):
            row = self._console.runs.enrich(from_call(call))
            self._console.navigation.open_run(row, at_event=span.event_id)
            return None
        record = _record_of(job, call, span)
        if record is None:
            return NO_EVENT
        screen.show_json(record)
        return None


def _call_of(job: JobDetail | None, span: Span) -> CallWithEvents | None:
    calls = () if job is None or span.call_id is None else job.ai_calls
    return next((call for call in calls if call.id == span.call_id), None)


def _record_of(job: JobDetail | None, call: CallWithEvents | None, span: Span) -> dict[str, object] | None:
    """Return the JSON of a span's own record, without secrets."""
    if job is None:
        return None
    records: Sequence[Event | CallWithEvents | NodeRun | Wait | DispatchEvent]
    if span.event_id is not None:
        records = call.events if call else ()
    elif call is not None:
        records = (call,)
    else:
        records = [*steps_of(job), *waits_of(job), *job.dispatch_events]
    wanted = span.event_id or span.call_id or span.record_id
    found = next((record for record in records if record.id == wanted), None)
    return None if found is None else redact.payload(found.model_dump(mode="json"))


class AutomationSubject:
    """The time of the newest jobs of an automation."""

    def __init__(self, console: Console, feed: AutomationJobsFeed, name: str) -> None:
        self._console, self._feed, self._name = console, feed, name

    def name(self) -> str:
        """Return the name of the automation."""
        return self._name

    def state(self) -> str:
        """Return an empty text, because the jobs have states of their own."""
        return ""

    def feeds(self) -> Sequence[Feed]:
        """Return the feed that reads the jobs."""
        return (self._feed.feed,)

    def subscribe(self, changed: Callable[[], None]) -> list[Callable[[], None]]:
        """Call `changed` when the jobs were read or reading them has failed."""
        return [self._feed.feed.changed.subscribe(changed)]

    def freshness(self) -> Freshness:
        """Return when the jobs were last read."""
        return self._feed.feed.freshness

    def spans(self) -> Iterable[Span]:
        """Return the spans of the jobs, oldest first."""
        return jobs_spans(self._feed.jobs)

    def is_silent(self) -> bool:
        """Return False, because the calls of the jobs are not shown."""
        return False

    def empty_lines(self) -> list[str]:
        """Return what to show while there are no spans."""
        has_read = self._feed.feed.freshness.as_of is not None
        return ["This automation has no jobs yet." if has_read else "Reading the jobs."]

    def open(self, _: WaterfallScreen, span: Span) -> str | None:
        """Open the waterfall of the job that a span belongs to."""
        if span.job_id is None:
            return NO_EVENT
        self._console.waterfalls.of_job(span.job_id, self._feed.automation_id, span.title)
        return None
