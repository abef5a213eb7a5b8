"""The records whose time a waterfall shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from mogplex_tui.live.run_timeline import is_silent, run_spans
from mogplex_tui.live.timeline import Span, SpanKind
from mogplex_tui.operate.run_facts import name_of

if TYPE_CHECKING:
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
