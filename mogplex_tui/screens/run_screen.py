"""The screen of one run: its facts and links beside a live list of its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import events
from textual.widget import Widget

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.freshness import Freshness, SourceState, is_delayed, last_read
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.run_event_tail import BatchResult
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.run_lookup import ids_of
from mogplex_tui.live.run_row import ENDED_STATES, RunRow, RunSource, duration_seconds
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate import cursor_movement, formatting, messages, run_facts
from mogplex_tui.operate.action_registry import KeyAction, key_of, shown_key
from mogplex_tui.operate.failure_report import missing_reason
from mogplex_tui.operate.model import RenderTime
from mogplex_tui.operate.recent_places import RecentPlace
from mogplex_tui.operate.record_page import ShownFact, facts_of, links_of
from mogplex_tui.operate.run_actions import (
    JOB_ACTIONS,
    JobAction,
    job_action_closed_reason,
    offers_job_action,
)
from mogplex_tui.screens import freshness_text
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.screens.tail_models import RunTailModel
from mogplex_tui.screens.tail_pane import TailPane
from mogplex_tui.widgets.facts import Fact
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone


class RunScreen(ConsoleScreen):
    """The screen of one run."""

    CSS_PATH = "run_screen.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "#tail"

    def __init__(self, row: RunRow, *, at_error: bool = False, at_event: str | None = None) -> None:
        """Create the screen; it opens the first failed event, or the event with an id.

        The event is opened as soon as it was read.
        """
        super().__init__("run", "runs")
        self.run_feed = RunEventsFeed(self.session, self.console.runs, row)
        self.record = RecordView(id="detail")
        self._lines = RunTailModel(self.run_feed.tail)
        self._awaits_error, self._awaited_event = at_error, at_event
        self.pane = TailPane(
            self.record,
            self._lines,
            self._raw_event,
            self.console.look,
            lines_name="events",
            focus_record=False,
            status_changed=self._status_changed,
            fold_changed=self.draw_facts,
            event_text=self._lines.event_text,
            has_more=True,
            fold_key=self._lines.fold_key,
        )
        self.handlers |= {
            **self.pane.handlers(),
            "tail.event": self.open_cursor,
            "event.next-error": lambda: self.go_to_error(1),
            "event.previous-error": lambda: self.go_to_error(-1),
            "event.save": self.save_event,
            "event.line-up": lambda: self.pane.event_view.text.wheel(-1),
            "event.line-down": lambda: self.pane.event_view.text.wheel(1),
            "run.links": self.pane.switch_focus,
            "view.waterfall": self.show_waterfall,
            "view.export": self.export,
            "kind.copy": self.copy,
            "kind.json": self.show_json,
            "run.browse": lambda: self.console.browse_run(self.run_feed.row),
            "runs.explain": lambda: self.console.navigation.explain(self.run_feed.row),
            "runs.rerun": lambda: self.console.run_actions.rerun(self.run_feed.row),
            "runs.cancel": lambda: self.console.run_actions.confirm_cancel([self.run_feed.row]),
            **{id: partial(self._ask_on_job, action) for id, action in JOB_ACTIONS.items()},
            "go.back": self.go_back,
        }

    def compose_body(self) -> Iterator[Widget]:
        """Yield the pane with the run's facts, its events, and the JSON of one event."""
        yield self.pane

    def is_at(self, place: RecentPlace) -> bool:
        """Return whether the screen shows the run of a recent place."""
        return place.kind == "runs" and place.key in ids_of(self.run_feed.row)

    def run_row(self) -> RunRow | None:
        """Return the run as it was last read."""
        return self.run_feed.row

    def on_mount(self) -> None:
        """Subscribe to the run's events and to the list of runs.

        The list supplies the state of the run.
        """
        self.listen(self.run_feed.added, self._events_added)
        self.listen(self.run_feed.feed.changed, self.changed_soon)
        self.listen(self.console.runs.set.changes, lambda _: self.changed_soon())
        self.draw_facts()
        self._update_message()

    def on_resize(self, event: events.Resize) -> None:
        """Fold the facts into two lines if the terminal is narrow."""
        self.pane.set_width(event.size.width)

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of the run's events, of the list of runs and of run details."""
        return (self.run_feed.feed, self.console.runs.feed, self.console.runs.details.feed)

    # Drawing ---------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Draw the events and facts that have changed since the last call."""
        has_ended = self.run_feed.row.state in ENDED_STATES
        if has_ended != self._lines.has_ended:
            self._lines.has_ended = has_ended
            self.pane.all_changed()
        self.pane.draw()
        if self._awaits_error:
            self._open_first_error()
        if self._awaited_event is not None:
            self.show_event(self._awaited_event)
        self.draw_facts()
        self._update_message()
        if self.is_current:
            self.refresh_chrome()

    def on_tick(self) -> None:
        """Update the run's duration."""
        self.draw_facts()
        self._update_message()

    def draw_facts(self) -> None:
        """Draw the run's facts, or a short form of them if they are folded."""
        if not self.is_complete:
            return
        row, now, read_at = self.run_feed.row, self.session.clock.now(), self.read_at()
        panel = self.record.facts
        self.record.show(links_of(run_facts.LINKS, row), ())
        if self.pane.folded:
            alert = self._alert(row).strip().split("\n", 1)[0]
            alert_line = [(alert, Tone.ERROR)] if alert else []
            # A row that could not be read has no facts.
            brief = [] if row.unreadable else run_facts.brief_lines(row, read_at)
            panel.set_lines([*((line, Tone.PLAIN) for line in brief), *alert_line])
            self.record.set_class(bool(alert_line), "-failed")
            return
        groups = [
            [Fact(label, text, Tone(tone)) for label, text, tone in group]
            for group in self._facts(row, RenderTime(now, read_at))
        ]
        panel.set_groups(groups, title=row.prompt or run_facts.about(row) or "", alert=self._alert(row))

    def _facts(self, row: RunRow, moment: RenderTime) -> list[list[ShownFact]]:
        if row.unreadable:
            return facts_of(run_facts.UNREADABLE_FACTS, row, moment)
        calls_open = self.session.may_request(Family.OBSERVABILITY)
        whole = self.pane.shows_all
        return facts_of(run_facts.facts(calls_open=calls_open, ids=whole), row, moment, whole=whole)

    def _alert(self, row: RunRow) -> str:
        """Return the run's error message, or why the run could not be read.

        The text is empty for a readable run without an error.
        """
        if row.unreadable is None:
            return run_facts.failure_text(row)
        return f"This call could not be read: {row.unreadable}. {key_of('kind.json')} shows its JSON."

    def _update_message(self) -> None:
        fresh = self.run_feed.feed.freshness
        has_ended = self.run_feed.row.state in ENDED_STATES
        empty = "No events recorded." if has_ended else "No events yet. They appear here as they happen."
        if self.run_feed.row.unreadable:
            empty = "Events unavailable: the record of this run could not be read."
        if not len(self._lines):
            lines = messages.empty_list(self.session, fresh, noun="events", empty=empty)
            self.pane.tail.set_notice((" ".join(lines), Tone.DIM))
        else:
            self.pane.tail.set_notice(
                messages.read_failures(fresh, self._state_sources(), now=self.session.clock.monotonic())
                or messages.missing_events(self.run_feed)
            )

    def _state_sources(self) -> list[SourceState]:
        """Return the reads of the list of runs that supply this run's state.

        The list is empty if the run has ended or the run's own feed supplies its state.
        """
        rows, row = self.console.runs.set, self.run_feed.row
        if row.state in ENDED_STATES or not self.run_feed.reads_call_events:
            return []
        parts = (each.freshness for each in rows.sources.values() if row.key in (each.keys or ()))
        return [
            SourceState(Subject("the state of the run", is_plural=False), freshness=fresh, keys=None)
            for fresh in (rows.freshness, *parts)
        ]

    def _state_freshness(self) -> Freshness:
        """Return when the run's state was last read, and whether reading it fails.

        If several reads supply the state, the one with the oldest data determines the result.
        """
        return min(
            (each.freshness for each in self._state_sources()),
            default=self.run_feed.feed.freshness,
            key=last_read,
        )

    def read_at(self) -> datetime:
        """Return the latest time for which the run's state is known to be correct.

        It is the current time, or the time of the last read while the service cannot be read.
        """
        return freshness_text.read_time(self.session, self._state_freshness())

    def step_name(self) -> str:
        """Return the screen's name: "run" and the short id of the run.

        For a call without a run, it is the call's type and short id.
        """
        row = self.run_feed.row
        if row.run_id:
            return f"run {formatting.short_id(row.run_id)}"
        return f"{row.kind or 'call'} {formatting.short_id(row.key)}"

    def title_segments(self) -> list[Segment]:
        """Return the path, the run's state and duration, and the state of its events."""
        row = self.run_feed.row
        glyph, word, tone = formatting.state(row.state)
        duration = duration_seconds(row, self.read_at())
        crumbs = self.crumbs()
        repo = f"{row.repo or formatting.short_id(row.repo_id)} ▸" if row.repo or row.repo_id else ""
        segments = [
            *crumbs,
            Segment(repo, Tone.PLAIN, priority=2, close=bool(crumbs)),
            Segment(self.step_name(), Tone.STRONG, priority=1, close=True),
            Segment(
                f"{glyph} {word}", Tone.DIM if self._state_freshness().failures else Tone(tone), priority=0
            ),
            Segment(formatting.seconds(duration) if duration is not None else "", Tone.PLAIN, priority=1),
            *self._right_segments(),
        ]
        return [segment for segment in segments if segment.text]

    def _right_segments(self) -> list[Segment]:
        feed, sources, errors = self.run_feed.feed, self._state_sources(), len(self._lines.errors)
        priority = 1 if feed.troubled or any(source.failing for source in sources) else 3
        marked, following = self.pane.segments(cut_off=bool(feed.troubled))
        if self.session.scheduler.realtime_open:
            # With realtime open, the age of a readable list says nothing about this run: the service reports each
            # change.
            sources = [source for source in sources if is_delayed(source.freshness)]
        return [
            marked,
            freshness_text.freshness_segment(self.session, feed.freshness, sources, priority=priority),
            following,
            Segment(formatting.plural(errors, "error") if errors else "", Tone.ERROR, priority=2, right=True),
            Segment(formatting.plural(self.run_feed.tail.events, "event"), Tone.DIM, priority=3, right=True),
        ]

    def _raw_event(self, key: str) -> dict[str, object] | None:
        line = self.run_feed.tail.get(key)
        return None if line is None else line.as_json()

    # Keys ------------------------------------------------------------------------------------------------------

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys to show in the key bar, with their titles.

        Some keys have other titles while the facts and links have the focus, or while an event is open.
        The keys of an open event come first.
        """
        items = super().key_items()
        if not self.is_complete:
            return items
        if self.record.has_focus:
            return [(key, {"event": "open", "links": "events"}.get(title, title)) for key, title in items]
        if not self.pane.has_open_event:
            return items
        is_ascii = self.console.look.ascii
        up, down = (
            shown_key(cursor_movement.keys_of(move, cursor_movement.EVENT)[0], ascii_only=is_ascii)
            for move in cursor_movement.MOVES[:2]
        )
        titles = {
            key_of(id, ascii_only=is_ascii): title
            for id, title in (
                ("event.next-error", "next error"),
                ("kind.json", "text" if self.pane.event_view.as_json else "json"),
                ("kind.copy", "copy"),
                ("event.save", "save"),
                ("tail.wrap", "wrap"),
                ("go.back", "close"),
            )
        }
        known = dict(items)
        first = [(key, title) for key, title in titles.items() if key in known]
        placed = {*titles, key_of("tail.event", ascii_only=is_ascii)}
        return [(f"{up} {down}", "event"), *first, *(item for item in items if item[0] not in placed)]

    def shows(self, action: KeyAction) -> bool:
        """Return whether the key bar and the palette offer an action.

        The action that moves the focus to the links is offered only while the links are on screen, the
        action that goes to the next error only if there is an error, and re-running only if the run has
        ended. The actions on the job of the run are offered in the states in which the service usually
        accepts them.
        """
        if action.id == "runs.rerun" and self.run_feed.row.state not in ENDED_STATES:
            return False
        if action.id == "event.next-error" and not self._lines.errors:
            return False
        if action.id == "run.browse" and not run_facts.may_have_web_pages(self.run_feed.row):
            return False
        job_action = JOB_ACTIONS.get(action.id)
        if job_action is not None and not offers_job_action(job_action, self.run_feed.row):
            return False
        return super().shows(action) and self.pane.shows(action, links="run.links")

    def on_descendant_focus(self) -> None:
        """Update the key bar, because some keys have other titles after a change of focus."""
        if self.is_complete:
            self.refresh_keys()

    def _status_changed(self) -> None:
        if self.is_complete:
            self.refresh_chrome()

    def _events_added(self, added: BatchResult) -> None:
        self._lines.note(added)
        self.pane.added(added)
        self.changed_soon()

    # Actions ---------------------------------------------------------------------------------------------------

    def open_cursor(self) -> None:
        """Open or close the event under the cursor, or open the selected link."""
        if self.pane.event_view.text.has_focus:
            self.pane.close_event()
        elif not self.record.has_focus:
            self.pane.show_cursor_line()
        elif (link := self.record.chosen()) is not None and self.is_active:
            self.console.navigation.follow(link)

    def why_not(self, action: KeyAction) -> str | None:
        """Return why an action cannot be used now, or None if it can be used."""
        if action.id == "runs.explain":
            return missing_reason(self.run_feed.row)
        reason, job_action = super().why_not(action), JOB_ACTIONS.get(action.id)
        if reason is not None or job_action is None:
            return reason
        return job_action_closed_reason(job_action, self.run_feed.row, self.session)

    def _ask_on_job(self, action: JobAction) -> None:
        job_id = self.run_feed.row.job_id
        if job_id is not None:
            self.console.record_actions.ask_on_job(action, job_id, self.refresh_data)

    def export(self) -> None:
        """Export the run with the events read so far."""
        missing = messages.missing_events(self.run_feed)
        self.console.exporter.ask_run(
            self.run_feed.row,
            self.step_name(),
            list(self.run_feed.tail.lines),
            [missing] if missing else [],
        )

    def go_to_error(self, by: int, *, from_start: bool = False) -> None:
        """Move the cursor to the next (1) or previous (-1) failed event.

        If `from_start` is True, move the cursor to the first failed event.
        """
        if not self.pane.go_to_next(self._lines.errors, by, from_start=from_start):
            count = self.run_feed.tail.events
            sentence = (
                f"No errors among {formatting.plural(count, 'event')}." if count else "There are no events."
            )
            self.notify(sentence, timeout=3, markup=False)

    def _open_first_error(self) -> None:
        """Open the first failed event.

        If the events have been read and none has failed, notify the user.
        """
        if self._lines.errors:
            self._awaits_error = False
            self.go_to_error(1, from_start=True)
            self.pane.open_event()
        elif self.run_feed.feed.freshness.as_of is not None:
            self._awaits_error = False
            self.go_to_error(1)

    def show_event(self, event_id: str) -> None:
        """Open an event, now or as soon as it was read."""
        is_read = self.run_feed.tail.get(event_id) is not None
        self._awaited_event = None if is_read else event_id
        if is_read and self.pane.go_to_next([event_id], 1, from_start=True):
            self.pane.open_event()

    def show_waterfall(self) -> None:
        """Show the time of the run, from the same events; that of a job from its steps."""
        row = self.run_feed.row
        if row.source is RunSource.JOB:
            self.console.waterfalls.of_run(row)
        else:
            self.console.waterfalls.of_events(self.run_feed, self.show_event)

    def copy(self) -> None:
        """Copy the open event as it is shown; if no event is open, copy the id of the run."""
        if self.pane.has_open_event:
            form = "JSON" if self.pane.event_view.as_json else "text"
            self.console.copy(self.pane.event_view.content(), f"the event as {form}")
        else:
            self.console.copy(*run_facts.copyable_id(self.run_feed.row))

    def save_event(self) -> None:
        """Save the open event, as it is shown, to a new file in the current directory."""
        view = self.pane.event_view
        if view.event is None:
            self.notify(
                f"Open an event with {key_of('tail.event')} to save it.", severity="warning", markup=False
            )
            return
        subject = f"event-{formatting.short_id(view.event.id)}"
        self.console.exporter.save_text(subject, ".json" if view.as_json else ".txt", view.content())

    def show_json(self) -> None:
        """Switch the open event between text and JSON, or show the JSON of the run.

        The second happens if no event is open.
        """
        if self.pane.has_open_event:
            self.pane.event_view.toggle_json()
            self.refresh_keys()
        else:
            self.console.tasks.run(self._show_json(self.run_feed.row))

    async def _show_json(self, row: RunRow) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.live import raw_json

        shown, reason = None, "The service no longer has a record of this run."
        try:
            shown = await raw_json.read(self.console.runs, row)
        except MogplexError as error:
            reason = str(error)
        if not (self.is_complete and self.is_current):
            return
        if shown is None:
            self.notify(f"{reason} Showing the last known data.", severity="warning", markup=False)
        self.pane.show_json(raw_json.as_known(row) if shown is None else shown)

    def go_back(self) -> None:
        """Close the JSON pane or the event if open, else clear the search, else go back."""
        if not self.pane.close_top():
            self.console.go_back(self)
