"""The detail of a record with logs: its facts on one side, on the other the lines as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

from textual.containers import Horizontal
from textual.widget import Widget

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.collection import Item
from mogplex_tui.live.log_tail import LogTail
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.sources import Source
from mogplex_tui.operate import words
from mogplex_tui.operate.actions import Action
from mogplex_tui.screens import ages, messages
from mogplex_tui.screens.detail_screen import DetailScreen
from mogplex_tui.screens.event_pane import EventPane
from mogplex_tui.screens.filter_bar import FilterBar
from mogplex_tui.screens.tail_lines import LogLines
from mogplex_tui.screens.tail_screen import WIDE, TailScreen
from mogplex_tui.widgets.facts import Facts
from mogplex_tui.widgets.notice import Notice
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

# Of a record that is over, the logs are read so often before polling ends.
LATE_READS = 2


class LogDetail(DetailScreen, TailScreen):
    """One record of a kind with logs. `detail_of` makes the class of a kind.

    The detail is the first base because Textual takes a class's styles from that one alone.
    """

    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, item: Item) -> None:
        super().__init__(item)
        self.log_tail = LogTail()
        self._late = 0

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice, the search line, the record beside its log, and the pane of the JSON."""
        yield Notice(id="notice")
        yield FilterBar("a word to mark in the log", id="search")
        with Horizontal(id="body"):
            yield from self.compose_record()
            yield self.make_tail()
        yield EventPane(id="json")

    def on_mount(self) -> None:
        """Hear of the log; the class before hears of the list and the record."""
        self.set_class(self.app.size.width < WIDE, "-narrow")
        self.tail.set_source(LogLines(self.log_tail))
        self.tail.toggle_times()
        self.listen(self._log.changed, self.changed_soon)
        self.listen(self.collection.set.changes, lambda _: self._record_changed())

    @cached_property
    def _log(self) -> Feed:
        return self._log_feed()

    def feeds(self) -> Sequence[Feed]:
        """Return the log's feed, and those of the record and its list."""
        return (self._log, *DetailScreen.feeds(self))

    def _record_changed(self) -> None:
        """Where the record itself holds the log, its lines are new when it is; looking asks nothing of the service."""
        logs = self.KIND.tail
        if logs is not None and self._wants and not logs.v1(self.session):
            self.session.scheduler.refresh(self._log)

    def _log_feed(self) -> Feed:
        logs, session = self.KIND.tail, self.session
        if logs is None:
            raise ValueError(f"{self.KIND.name} has no logs")

        async def fetch() -> bool:
            if self.on_row().record is None:
                # Of what cannot be read nobody knows which logs are its own.
                return False
            added = self.log_tail.take(
                await logs.read(session.client.at(Priority.TAIL), session, self.on_row())
            )
            self._late = self._late + 1 if logs.over(self.on_row()) else 0
            if added:
                self.on_added(added)
            return bool(added)

        return Feed(
            # Of its own screen: two screens of one record have lines of their own.
            f"log:{self.KIND.name}:{self._given.key}:{id(self)}",
            fetch,
            Priority.TAIL,
            every=logs.every,
            blind=logs.blind,
            gap=0.5,
            patience=2.0,
            tables=logs.tables,
            metered=lambda: logs.v1(session),
            idle=lambda: self._late >= LATE_READS,
        )

    def flush(self) -> None:
        """Draw what is different since the last time."""
        self.draw_tail()
        super().flush()
        self._say_of_log()

    def draw_facts(self) -> None:
        """Draw the facts, or the first two groups of them as two lines."""
        if not self.whole:
            return
        if not self.folded or self.on_row().record is None:
            DetailScreen.draw_facts(self)
            return
        lines = [
            "   ".join(f"{fact.label} {fact.text}" for fact in group if fact.text != words.DASH)
            for group in self.fact_groups()[:2]
        ]
        tone = Tone.DIM if self.old else Tone.PLAIN
        self.query_one("#facts", Facts).set_lines([(line, tone) for line in lines])

    def _say_of_log(self) -> None:
        logs, fresh = self.KIND.tail, self._log.freshness
        if logs is None:
            return
        if self.on_row().record is None:
            self.tail.set_notice(None)
        elif len(self.log_tail):
            # Where the record cannot be read either, that is said above it.
            told = bool(self.query_one("#notice", Notice).sentence) and self.on_row().doing is None
            self.tail.set_notice(f"{fresh.error}" if fresh.error is not None and not told else None)
        else:
            lines = messages.nothing(self.session, fresh, noun="lines", empty=logs.empty)
            self.tail.set_notice((" ".join(lines), Tone.DIM))

    def _age(self) -> Segment:
        """How fresh the record is, and its log where that fails."""
        log = [Source("The log is", freshness=self._log.freshness)] if self._log.troubled else []
        return ages.freshness_segment(self.session, self._freshness(), [*self.sources(), *log])

    def title_segments(self) -> list[Segment]:
        """Return the way here, the record's name, what is marked, and how much there is."""
        marked, following = self.tail_segments(cut_off=bool(self._log.troubled))
        count = Segment(words.plural(len(self.log_tail), "line"), Tone.DIM, priority=3, right=True)
        every = [*DetailScreen.title_segments(self), marked, following, count]
        return [segment for segment in every if segment.text]

    def whole_line(self, key: str) -> dict[str, Any] | None:
        """Return what a line was made from."""
        line = self.log_tail.get(key)
        if line is None:
            return None
        return dict(line.raw) if line.raw is not None else {"log": line.source, "line": line.text}

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys that work here; Enter and the key for the log mean something else while that has the keys."""
        items = super().key_items()
        if not (self.whole and self.tail.has_focus):
            return items
        return [(key, {"open": "line", "log": "links"}.get(title, title)) for key, title in items]

    def on_descendant_focus(self) -> None:
        """Some keys mean something else now."""
        if self.whole:
            self.refresh_keys()

    def shows(self, action: Action) -> bool:
        """Tell of the links only where they are on screen."""
        if action.id in ("kind.follow", "tail.keys") and self.folded:
            return False
        return super().shows(action)

    # Actions ---------------------------------------------------------------------------------------------------

    def give_keys_back(self) -> None:
        """Let the links have the keys, or the log where the links are folded away."""
        if self.folded:
            self.tail.focus()
        else:
            DetailScreen.give_keys_back(self)

    def never(self) -> frozenset[str]:
        """Return what no log has: a column of times."""
        return DetailScreen.never(self) | {"tail.times"}

    def do_tail_times(self) -> None:
        """Say that there are no times to switch."""
        self.notify("The lines of a log have no times of their own.", markup=False)

    def do_go_back(self) -> None:
        """Close the pane, the marks, or the screen, in that order."""
        TailScreen.do_go_back(self)
