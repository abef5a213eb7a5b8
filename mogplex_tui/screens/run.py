"""One run: its facts on one side, the live tail of its events on the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from textual.containers import Horizontal
from textual.widget import Widget

from mogplex_tui.api.access import Family
from mogplex_tui.live.rows import ENDED_STATES, RunRow, duration_seconds
from mogplex_tui.live.run_feed import RunFeed
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.sources import Freshness, Source
from mogplex_tui.operate import run_facts, words
from mogplex_tui.operate.actions import Action, key_of
from mogplex_tui.operate.kinds.base import Fact as ShownFact
from mogplex_tui.operate.kinds.typed import links_of, shown_facts
from mogplex_tui.operate.model import Moment
from mogplex_tui.screens import ages, messages
from mogplex_tui.screens.base import bindings
from mogplex_tui.screens.event_pane import EventPane
from mogplex_tui.screens.filter_bar import FilterBar
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.screens.tail_lines import TailLines
from mogplex_tui.screens.tail_screen import TailScreen
from mogplex_tui.widgets.facts import Fact
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone


class RunScreen(TailScreen):
    """A run and its events."""

    SCOPE = "run"
    TAB = "runs"
    CSS_PATH = "run.tcss"
    BINDINGS = bindings("run")

    def __init__(self, row: RunRow) -> None:
        super().__init__()
        self._given = row

    def compose_body(self) -> Iterator[Widget]:
        """Yield the search line, the facts, the tail and the pane of one event."""
        self.run_feed = RunFeed(self.session, self.console.runs, self._given)
        yield FilterBar("a word to mark in the events", id="search")
        self._lines = TailLines(self.run_feed.tail)
        with Horizontal(id="body"):
            yield RecordView(id="detail")
            yield self.make_tail()
        yield EventPane(id="event")

    def row(self) -> RunRow | None:
        """Return the run as it is known now."""
        return self.run_feed.row

    @property
    def record(self) -> RecordView:
        """The facts and links."""
        return self.query_one("#detail", RecordView)

    def on_mount(self) -> None:
        """Hear of the tail, and of the list as well, because the row's state comes from there."""
        self.tail.set_source(self._lines)
        self.listen(self.run_feed.added, self.on_added)
        self.listen(self.run_feed.feed.changed, self.changed_soon)
        self.listen(self.console.runs.set.changes, lambda _: self.changed_soon())
        self.draw_facts()
        self._say()

    def feeds(self) -> Sequence[Feed]:
        """Return the tail's feed and the list's."""
        return (self.run_feed.feed, self.console.runs.feed)

    # What changes ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Draw the events and facts that have come since the last flush."""
        over = self.run_feed.row.state in ENDED_STATES
        if over != self._lines.over:
            self._lines.over, self._reordered = over, True
        self.draw_tail()
        self.draw_facts()
        self._say()
        if self.is_current:
            self.refresh_chrome()

    def on_tick(self) -> None:
        """Let the run's duration grow."""
        self.draw_facts()
        self._say()

    def draw_facts(self) -> None:
        """Draw the facts, folded or not."""
        if not self.whole:
            return
        row, now, seen = self.run_feed.row, self.session.clock.now(), self.seen()
        panel = self.record.facts
        self.record.show(links_of(run_facts.LINKS, row), ())
        if self.folded:
            alert = self._alert(row).strip().split("\n", 1)[0]
            why = [(alert, Tone.ERROR)] if alert else []
            # Of a row that could not be read there are no facts to fold.
            brief = [] if row.unreadable else run_facts.brief(row, seen)
            panel.set_lines([*((line, Tone.PLAIN) for line in brief), *why])
            self.record.set_class(bool(why), "-failed")
            return
        groups = [
            [Fact(label, text, Tone(tone)) for label, text, tone in group]
            for group in self._facts(row, Moment(now, seen))
        ]
        panel.set_groups(groups, title=row.prompt or "", alert=self._alert(row))

    def _facts(self, row: RunRow, moment: Moment) -> list[list[ShownFact]]:
        if row.unreadable:
            return shown_facts(run_facts.UNREADABLE_FACTS, row, moment)
        calls_open = self.session.open(Family.OBSERVABILITY)
        return shown_facts(run_facts.facts(calls_open=calls_open), row, moment)

    def _alert(self, row: RunRow) -> str:
        """Return what went wrong, or why the row could not be read and where it can be seen."""
        if row.unreadable is None:
            return row.error or ""
        return f"This call could not be read: {row.unreadable}. {key_of('kind.json')} shows it as it came."

    def _say(self) -> None:
        fresh = self.run_feed.feed.freshness
        over = self.run_feed.row.state in ENDED_STATES
        empty = "This run wrote no events." if over else "No events yet. They appear here as they happen."
        if self.run_feed.row.unreadable:
            empty = "Its events cannot be looked for: the row that leads to them could not be read."
        if not len(self._lines):
            lines = messages.nothing(self.session, fresh, noun="events", empty=empty)
            self.tail.set_notice((" ".join(lines), Tone.DIM))
        else:
            self.tail.set_notice(ages.failing(fresh, self._told_by()) or self.run_feed.source_sentence)

    def _told_by(self) -> list[Source]:
        """What tells the state of a run that goes on, where the answer that tells its events does not: the list."""
        rows, row = self.console.runs.set, self.run_feed.row
        if row.state in ENDED_STATES or not self.run_feed.wide:
            return []
        parts = (each.freshness for each in rows.sources.values() if row.key in (each.keys or ()))
        return [
            Source("How the run stands is", freshness=fresh, keys=None) for fresh in (rows.freshness, *parts)
        ]

    def _stands(self) -> Freshness:
        """How fresh the state of the run is."""
        return min(
            (each.freshness for each in self._told_by()),
            default=self.run_feed.feed.freshness,
            key=ages.read_at,
        )

    def seen(self) -> datetime:
        """Return up to when the run is known: now, or when it was last read while the service cannot be read."""
        return ages.seen(self.session, self._stands())

    def here(self) -> str:
        """Return the run by its short id; a call without one by its kind."""
        row = self.run_feed.row
        if row.run_id:
            return f"run {words.short_id(row.run_id)}"
        return f"{row.kind or 'call'} {words.short_id(row.key)}"

    def title_segments(self) -> list[Segment]:
        """Return where this is, the run's state, whether the tail follows, and how much there is."""
        row = self.run_feed.row
        glyph, word, tone = words.state(row.state)
        took = duration_seconds(row, self.seen())
        crumbs = self.crumbs()
        place = f"{row.repo or words.short_id(row.repo_id)} ▸" if row.repo or row.repo_id else ""
        segments = [
            *crumbs,
            Segment(place, Tone.PLAIN, priority=2, close=bool(crumbs)),
            Segment(self.here(), Tone.STRONG, priority=1, close=True),
            Segment(f"{glyph} {word}", Tone.DIM if self._stands().failures else Tone(tone), priority=0),
            Segment(words.seconds(took) if took is not None else "", Tone.PLAIN, priority=1),
            *self._right_segments(),
        ]
        return [segment for segment in segments if segment.text]

    def _right_segments(self) -> list[Segment]:
        feed, told_by = self.run_feed.feed, self._told_by()
        matters = 1 if feed.troubled or any(source.failing for source in told_by) else 3
        marked, following = self.tail_segments(cut_off=bool(feed.troubled))
        if self.session.scheduler.realtime_open:
            # Changes of the list are announced: as long as it can be read, its age says nothing about this run.
            told_by = [source for source in told_by if ages.delayed(source.freshness)]
        return [
            marked,
            ages.freshness_segment(self.session, feed.freshness, told_by, priority=matters),
            following,
            Segment(words.plural(self.run_feed.tail.events, "event"), Tone.DIM, priority=3, right=True),
        ]

    def whole_line(self, key: str) -> dict[str, Any] | None:
        """Return the event of a line."""
        line = self.run_feed.tail.get(key)
        return None if line is None else line.whole()

    # Actions ---------------------------------------------------------------------------------------------------

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys that work here; Enter and the key for the links mean something else while those have them."""
        items = super().key_items()
        if not self.whole or not self.record.has_focus:
            return items
        return [(key, {"event": "open", "links": "events"}.get(title, title)) for key, title in items]

    def shows(self, action: Action) -> bool:
        """Tell of the links only where they are on screen."""
        return super().shows(action) and not (action.id == "run.links" and self.folded)

    def on_descendant_focus(self) -> None:
        """Enter means something else now."""
        if self.whole:
            self.refresh_keys()

    def do_run_links(self) -> None:
        """Give the keys to the facts and links, or back to the events."""
        self.do_tail_keys()

    def do_tail_event(self) -> None:
        """Show the event under the cursor as JSON, or go where the link under the cursor leads."""
        if not self.record.has_focus:
            super().do_tail_event()
        elif (link := self.record.chosen()) is not None and self.is_active:
            self.console.navigation.follow(link)

    def do_kind_copy(self) -> None:
        """Copy the run's id."""
        self.console.copy(*run_facts.copied(self.run_feed.row))

    def do_kind_json(self) -> None:
        """Show the run as the service tells it now."""
        self.console.tasks.run(self._show_json(self.run_feed.row))

    async def _show_json(self, row: RunRow) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.live import record

        shown, why = None, "The service has no record of this run any more."
        try:
            shown = await record.read(self.console.runs, row)
        except MogplexError as error:
            why = str(error)
        if not (self.whole and self.is_current):
            return
        if shown is None:
            self.notify(f"{why} This is what was last known.", severity="warning", markup=False)
        self.query_one(EventPane).show(record.as_known(row) if shown is None else shown)

    def do_runs_cancel(self) -> None:
        """Ask, then cancel this run."""
        self.console.run_actions.confirm_cancel([self.run_feed.row])
