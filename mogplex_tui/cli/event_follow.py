"""Prints the events of one run, once or until the run has ended.

v1.md §8, §10; observability.md §4.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    Absent,
    InvalidInput,
    LoginRequired,
    MogplexError,
    NotAllowed,
    NotFound,
    NotSignedIn,
)
from mogplex_tui.api.route_access import Family
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.event_output import event_cells
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.live.realtime import RealtimeState
from mogplex_tui.live.run_event_tail import UNREADABLE, BatchResult, EventTail
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.run_row import ENDED_STATES, RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate import formatting, messages
from mogplex_tui.operate.export_fields import EVENT_FIELDS, event_csv, event_fields, unreadable_event
from mogplex_tui.operate.run_facts import name_of, summary
from mogplex_tui.operate.serialization import json_text

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.run_records import RunRecords

# Seconds to go on after the first terminal state: events, and another state, may still come (v1.md §7.6, §10).
SETTLE = 5.0
ENDED_LONG_AGO = timedelta(seconds=60)
# Seconds between reads of the run's record while its call is running: the call ends first (realtime.md §3.1).
STATE_EVERY, STATE_BLIND, STATE_GAP = 15.0, 4.0, 1.0
# Seconds between reads that use a token's request budget. Any change of the account sends a hint, so hints alone would
# cause too many; 30 reads of the events and 10 of the state per minute are within the budget (auth.md §6).
METERED_GAP, METERED_STATE_GAP = 2.0, 6.0
ENDING_EVENTS = frozenset({"finished", "failed", "cancelled"})
# Errors that a retry cannot resolve.
PERMANENT_ERRORS = (NotFound, NotSignedIn, LoginRequired, NotAllowed, Absent, InvalidInput)


class EventLog(EventTail):
    """Collects the events of a run, without duplicates, until they are printed.

    The start and the finish of a tool call stay separate events: a printed line cannot be changed
    later.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fresh: list[Event] = []
        self._fresh_bad: list[BadRow] = []

    def add(self, events: Iterable[Event]) -> BatchResult:
        """Add a batch of events; ignore events that were added before."""
        before = len(self._fresh)
        for event in events:
            if event.id not in self._seen:
                self._seen.add(event.id)
                self._fresh.append(event)
        return BatchResult(appended=len(self._fresh) - before)

    def add_bad(self, rows: Iterable[BadRow]) -> BatchResult:
        """Add events that could not be parsed; ignore events that were added before."""
        before = len(self._fresh_bad)
        for row in rows:
            key = hashlib.sha256(json.dumps(row.raw, sort_keys=True).encode()).hexdigest()
            if key not in self._seen:
                self._seen.add(key)
                self._fresh_bad.append(row)
        new = len(self._fresh_bad) - before
        self.bad += new
        return BatchResult(appended=new)

    def take(self) -> list[Event]:
        """Return the events that were added since the last call, sorted by time."""
        fresh, self._fresh = self._fresh, []
        return sorted(fresh, key=lambda event: event.created_at)

    def take_bad(self) -> list[BadRow]:
        """Return the unparsable events that were added since the last call."""
        fresh, self._fresh_bad = self._fresh_bad, []
        return fresh


class EventFollower:
    """Prints the events of one run, and reports on stderr why some are missing."""

    def __init__(self, command: CommandSession, records: RunRecords, row: RunRow) -> None:
        self.session, self.output, self.records = command.session, command.output, records
        self.feed = RunEventsFeed(self.session, records.runs, row)
        self.log = EventLog()
        self.feed.tail = self.log
        self._changed = asyncio.Event()
        self.feed.added.subscribe(lambda _: self._changed.set())
        self._reported: dict[str, str | None] = {}
        self._state = row.state
        self._has_header = False
        self._on_ending_event: Callable[[], None] = lambda: None

    @property
    def row(self) -> RunRow:
        """The run's row from the last read."""
        return self.feed.row

    async def print_present_events(self) -> RunRow:
        """Print the events that exist now and return the run. Raises MogplexError."""
        reading = asyncio.create_task(with_retries(self.feed.fetch))
        reading.add_done_callback(lambda _: self._changed.set())
        try:
            # Print a long response while it is read: a reader such as `head` may stop early.
            while not reading.done():
                await self._changed.wait()
                self._changed.clear()
                self._print()
            await reading
        finally:
            reading.cancel()
        self._print()
        self._report_change("source", messages.missing_events(self.feed))
        return self.row

    async def follow_until_end(self) -> RunRow:
        """Print events as they arrive until the run has ended, and return the run.

        Retries after short-lived errors without a time limit. Raises errors that a retry cannot
        resolve.
        """
        if self._ended_long_ago():
            return await self.print_present_events()
        session = self.session
        metered = session.metered_off_v1()
        if metered:
            self.feed.feed.gap = METERED_GAP
        state = self._state_feed(METERED_STATE_GAP if metered else STATE_GAP)
        # An ending event makes a read of the run's state worthwhile.
        self._on_ending_event = lambda: session.scheduler.refresh(state)
        feeds = [self.feed.feed, state]
        for feed in feeds:
            feed.changed.subscribe(self._changed.set)
        session.realtime.changed.subscribe(self._changed.set)
        session.scheduler.start()
        session.realtime.start()
        subscriptions = [session.scheduler.subscribe(feed) for feed in feeds]
        try:
            await self._watch(feeds)
        finally:
            for subscription in subscriptions:
                subscription.drop()
        return self.row

    async def _watch(self, feeds: list[Feed]) -> None:
        loop = asyncio.get_running_loop()
        settled: float | None = None
        while True:
            # Not `wait_for`: it swallows a ctrl+c that comes together with the wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(settled):
                    await self._changed.wait()
            self._changed.clear()
            self._print()
            self._report(feeds)
            if self.row.state not in ENDED_STATES:
                settled = None
            elif settled is None:
                settled = loop.time() + SETTLE
            elif loop.time() >= settled and await self._is_still_ended():
                return

    async def _is_still_ended(self) -> bool:
        with contextlib.suppress(MogplexError):
            await self.feed.fetch()
            if self._reads_state_separately:
                await self.records.reread(self.row, Priority.TAIL)
        self._print()
        return self.row.state in ENDED_STATES

    @property
    def _reads_state_separately(self) -> bool:
        """Whether the run's record is read in requests of its own.

        The token API sends the record together with the events.
        """
        return self.row.call_id is not None and self.session.may_request(Family.OBSERVABILITY)

    def _ended_long_ago(self) -> bool:
        ended = self.row.ended_at
        has_ended = self.row.state in ENDED_STATES
        return has_ended and ended is not None and self.session.clock.now() - ended > ENDED_LONG_AGO

    def _state_feed(self, gap: float) -> Feed:
        async def fetch() -> bool:
            before = self.row
            if not self._reads_state_separately:
                return False
            return await self.records.reread(before, Priority.TAIL) != before

        return Feed(
            f"state:{self.feed.key}",
            fetch,
            Priority.TAIL,
            every=STATE_EVERY,
            poll_without_realtime=STATE_BLIND,
            gap=gap,
            tables=frozenset({"ai_calls", "job_runs"}),
            metered=lambda: self.row.run_id is not None or self.session.metered_off_v1(),
        )

    # Output ----------------------------------------------------------------------------------------------------

    def _print(self) -> None:
        local, row = self.output.is_terminal, self.row
        for event in self.log.take():
            if self.output.as_json:
                self.output.object("event", event_fields(event, row), redacted=True)
            elif self.output.form == "csv":
                self._print_csv(event_fields(event, row))
            else:
                self.output.line(*event_cells(event, local=local))
            if event.type in ENDING_EVENTS:
                self._on_ending_event()
        for bad in self.log.take_bad():
            fields = unreadable_event(bad, self.row)
            if self.output.as_json:
                self.output.object("event", fields)
            elif self.output.form == "csv":
                self._print_csv(fields)
            else:
                self.output.line(formatting.DASH, UNREADABLE, bad.reason, json_text(fields["payload"]))
        self.output.flush()
        if self.row.state != self._state:
            self._state = self.row.state
            if self._state not in ENDED_STATES:
                say(f"{name_of(self.row)} is {self._state}.")

    def _print_csv(self, fields: dict[str, object]) -> None:
        if not self._has_header:
            self._has_header = True
            self.output.csv(EVENT_FIELDS)
        self.output.csv(event_csv(fields))

    def _report(self, feeds: list[Feed]) -> None:
        for feed in feeds:
            freshness = feed.freshness
            if isinstance(freshness.error, PERMANENT_ERRORS):
                raise freshness.error
            if freshness.error is not None and not isinstance(freshness.error, MogplexError):
                raise freshness.error
            self._report_change(
                feed.name, None if freshness.error is None else str(freshness.error), "Connected again."
            )
        self._report_budget(feeds)
        self._report_change("source", messages.missing_events(self.feed))
        realtime = self.session.realtime
        if realtime.state is RealtimeState.CLOSED:
            self._report_change("realtime", f"No live updates; polling every few seconds: {realtime.reason}")

    def _report_budget(self, feeds: list[Feed]) -> None:
        until = max((feed.freshness.blocked_until or 0.0 for feed in feeds), default=0.0)
        wait = until - self.session.scheduler.now()
        if wait <= 2:
            self._reported.pop("budget", None)
        elif "budget" not in self._reported:
            self._report_change("budget", f"Request budget used up; next read in {wait:.0f}s.")

    def _report_change(self, topic: str, sentence: str | None, when_resolved: str | None = None) -> None:
        """Print a sentence about a topic, unless it was the last one printed about it.

        If `sentence` is None, the problem is resolved, and `when_resolved` is printed.
        """
        if self._reported.get(topic) == sentence:
            return
        self._reported[topic] = sentence
        text = when_resolved if sentence is None else sentence
        if text:
            say(self.output.safe_text(text))


def report_end(command: CommandSession, row: RunRow, *, exit_status: bool) -> int:
    """Report the final state of a run and return the exit code.

    If `exit_status` is true, the code is 1 unless the run was successful.
    """
    now = command.session.clock.now()
    say(command.output.safe_text(f"{name_of(row)}: {summary(row, now)}."))
    if exit_status and row.state != "success":
        return Exit.FAILED
    return Exit.OK
