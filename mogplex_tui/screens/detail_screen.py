"""The screen of one record: facts, links, texts, JSON, and the log of some kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.widget import Widget

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.run_event_tail import BatchResult
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate import action_registry, formatting, kind_rows, messages, record_page
from mogplex_tui.operate.failure_report import missing_reason
from mogplex_tui.operate.model import AnyAction, AnyEntry, AnyKind, Creation, RenderTime
from mogplex_tui.operate.recent_places import RecentPlace
from mogplex_tui.operate.related_rows import with_related
from mogplex_tui.screens import freshness_text
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.event_json_pane import EventPane
from mogplex_tui.screens.kind_list_model import tab_of, unused_actions
from mogplex_tui.screens.record_log_feed import RecordLog
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.screens.tail_models import LogTailModel
from mogplex_tui.screens.tail_pane import TailPane
from mogplex_tui.widgets.facts import Fact
from mogplex_tui.widgets.notice_line import NoticeLine
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone

# Seconds between two looks for related records among the known rows.
RELATED_EVERY = 1.0


class DetailScreen(ConsoleScreen):
    """The screen of one record, with the record's log beside it if the kind has logs."""

    CSS_PATH = "detail_screen.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, kind: AnyKind, entry: AnyEntry) -> None:
        action_registry.register_kind(kind)
        super().__init__(action_registry.detail_scope(kind.name), tab_of(kind))
        self.kind = kind
        self.collection = self.console.collections.of(kind)
        self._last_entry = entry
        # The feed that reads this record alone; created when the screen is first visible.
        self._own_feed: Feed | None = None
        # Whether reading the record returns more than its list has; unknown before the first read.
        self._adds_to_list = True
        # Whether reading the record returns all of it, so that the list adds nothing.
        self._is_full_record = False
        self._drawn: AnyEntry | None = None
        self._texts: Sequence[tuple[str, str]] = ()
        self._shown_links: Sequence[record_page.LinkTarget] = ()
        self._links_at = 0.0
        self.record = RecordView(texts_first=kind.texts_first, id="detail")
        self.record_log: RecordLog | None = None
        self.pane: TailPane | None = None
        self.handlers |= {
            "kind.follow": self.follow_link,
            "kind.json": self.show_json,
            "kind.copy": self.copy_id,
            "view.export": lambda: self.console.exporter.ask_rows(self.kind, [self.entry()], ()),
            "kind.browse": lambda: self.console.browse(self.kind, self.entry()),
            "runs.explain": self._explain,
            "view.waterfall": lambda: self.console.waterfalls.of_record(
                self.kind, self.entry(), is_below=True
            ),
            "go.back": self.go_back,
            "runs.start-in": lambda: self.console.run_actions.start_in(self.entry().key, self.step_name()),
            **{f"{kind.name}.{each.id}": partial(self.ask_action, each) for each in kind.all_actions},
        }
        if kind.logs is not None:
            self.record_log = RecordLog(self.session, kind, kind.logs, self.entry, self._lines_added)
            self.pane = self._make_pane(self.record_log)
            self.handlers |= {**self.pane.handlers(), "tail.times": self._notify_no_times}

    def _make_pane(self, log: RecordLog) -> TailPane:
        return TailPane(
            self.record,
            LogTailModel(log.lines),
            log.raw_line,
            self.console.look,
            lines_name="log",
            focus_record=True,
            status_changed=self._status_changed,
            fold_changed=self.draw_facts,
        )

    def entry(self) -> AnyEntry:
        """Return the record as it was last read.

        A record that has disappeared from its list is returned in its last known state, and is not
        shown as being changed.
        """
        now = self.collection.set.rows.get(self._last_entry.key)
        if now is None:
            return replace(self._last_entry, in_progress=None)
        self._last_entry = now
        return now

    def record_key(self) -> str:
        """Return the record's key."""
        return self._last_entry.key

    def is_at(self, place: RecentPlace) -> bool:
        """Return whether the screen shows the record of a recent place."""
        return (place.kind, place.key) == (self.kind.name, self._last_entry.key)

    def step_name(self) -> str:
        """Return the record's name."""
        return kind_rows.name_of(self.kind, self.entry())

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice, the record with its log, and the pane that shows JSON."""
        yield NoticeLine(id="notice")
        if self.pane is not None:
            yield self.pane
        else:
            yield self.record
            yield EventPane(id="json")

    def on_mount(self) -> None:
        """Subscribe to changes of the log and of the record's list.

        The list's changes include those of the record, because every read of the single record updates
        the record in the list.
        """
        if self.record_log is not None and self.pane is not None:
            # The lines of a log have no column of times.
            self.pane.tail.toggle_times()
            self.listen(self.record_log.feed.changed, self.changed_soon)
            self.listen(self.collection.set.changes, lambda _: self._record_changed())
        self.listen(self.collection.set.changes, lambda _: self.changed_soon())
        self.listen(self.collection.feed.changed, self.changed_soon)
        self.flush()
        self.focus_first()

    def on_resize(self, event: events.Resize) -> None:
        """Fold the facts into two lines if the terminal is narrow and a log is shown."""
        if self.pane is not None:
            self.pane.set_width(event.size.width)

    # Reading ---------------------------------------------------------------------------------------------------

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds that read the log, the record itself, and the record's list."""
        if self._own_feed is None and self.kind.single is not None and self._last_entry.row is not None:
            self._own_feed = self._feed_of_record()
            # Its rows go into the list, which signals them; only a failed read is signalled by the feed itself.
            self.listen(self._own_feed.changed, self.changed_soon)
        log = () if self.record_log is None else (self.record_log.feed,)
        own_feed = () if self._own_feed is None else (self._own_feed,)
        own = (*log, *own_feed, *self.console.collections.feeds_of(self.kind))
        return (*own, *(feed for feed in self._related_feeds() if feed not in own))

    def _related_feeds(self) -> Sequence[Feed]:
        """Return the feeds of the lists whose newest records the page shows."""
        names = {link.kind for link in self.kind.links if link.filter is not None}
        return [self.console.collections.feed_of_name(name) for name in sorted(names)]

    def _links(self, entry: AnyEntry) -> Sequence[record_page.LinkTarget]:
        """Return the record's links, each with the newest records that it leads to.

        The links are computed again if the record has changed or they are at least a second old.
        """
        now = self.session.clock.monotonic()
        if entry != self._drawn or now - self._links_at >= RELATED_EVERY:
            self._links_at = now
            links = record_page.links_of(self.kind.links, entry.row)
            rows_of = self.console.collections.rows_of_name
            self._shown_links = with_related(links, rows_of, self._moment(), name=self.step_name())
        return self._shown_links

    def _feed_of_record(self) -> Feed:
        collection, single = self.collection, self.kind.single

        async def fetch() -> bool:
            if single is None:
                return False
            before, listed = collection.set.rows.get(self._last_entry.key), self.entry()
            fresh = await kind_rows.read_single(single, self.session.client.at(Priority.TAIL), listed)
            self._adds_to_list = fresh is not listed
            self._is_full_record = fresh.raw is not listed.raw
            self._last_entry = fresh
            collection.put(fresh)
            return fresh != before

        return Feed(
            # Two screens of the same record have separate feeds.
            f"one:{self.kind.name}:{self._last_entry.key}:{id(self)}",
            fetch,
            Priority.TAIL,
            every=30.0,
            poll_without_realtime=10.0,
            gap=1.0,
            tables=collection.feed.tables,
            metered=collection.feed.metered,
        )

    def _lines_added(self, added: BatchResult) -> None:
        if self.pane is not None:
            self.pane.added(added)
            self.changed_soon()

    def _record_changed(self) -> None:
        if self.record_log is not None and self.is_reading:
            self.record_log.record_changed()

    # Drawing ---------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Draw what has changed since the last flush."""
        if self.pane is not None:
            self.pane.draw()
        entry = self.entry()
        self.draw_facts()
        links = self._links(entry)
        if entry != self._drawn:
            self._drawn = entry
            self._texts = record_page.texts_of(self.kind, entry.row, self._moment())
        self.record.show(links, self._texts)
        self._update_notice(entry)
        if self.is_current:
            self.refresh_chrome()
        self._update_log_message()

    def _moment(self) -> RenderTime:
        return RenderTime(self.session.clock.now())

    def _fact_groups(self) -> list[list[Fact]]:
        groups = record_page.facts_of(self.kind.facts, self.entry().row, self._moment())
        return [[Fact(label, text, Tone(tone)) for label, text, tone in group] for group in groups]

    @property
    def _is_stale(self) -> bool:
        return self._freshness().stale(self.session.clock.monotonic())

    @property
    def _folded(self) -> bool:
        return self.pane is not None and self.pane.folded

    def draw_facts(self) -> None:
        """Draw the facts, or the reason why the record could not be read.

        If the facts are folded, only the first two groups are drawn, each as one line.
        """
        if not self.is_complete:
            return
        entry, stale = self.entry(), self._is_stale
        if self._folded and entry.row is not None:
            lines = [
                "   ".join(f"{fact.label} {fact.text}" for fact in group if fact.text != formatting.DASH)
                for group in self._fact_groups()[:2]
            ]
            self.record.facts.set_lines([(line, Tone.DIM if stale else Tone.PLAIN) for line in lines])
            return
        alert = ""
        if entry.row is None:
            key = action_registry.key_of("kind.json")
            alert = f"{messages.unreadable_record('This record', entry.unreadable_reason or '')} {key} shows its JSON."
        groups = [*with_values(self._fact_groups()), [Fact("id", entry.key, Tone.DIM)]]
        if stale:
            groups = [[Fact(each.label, each.text, Tone.DIM) for each in group] for group in groups]
        self.record.facts.set_groups(groups, alert=alert)

    def on_tick(self) -> None:
        """Update ages, and the fields whose values come from other lists."""
        self.collection.update_joins()
        self.flush()

    def _deleted_message(self) -> str:
        """Return a sentence saying that the record is no longer in its list.

        The text is empty while the list contains the record or has not been read.
        """
        rows = self.collection.set
        if self._last_entry.key in rows.rows or rows.freshness.as_of is None:
            return ""
        return f"This {self.kind.noun} is no longer in the list. Showing the last known data."

    def _is_deleted(self) -> bool:
        """Return whether the list was read completely and does not contain the record."""
        return bool(self._deleted_message()) and self.collection.set.total is None

    def _freshness(self) -> Freshness:
        """Return when the record was last read, and whether reading it fails.

        This is the freshness of the read of the single record if that read is newer than the read of
        the list and returns the full record; otherwise it is the freshness of the list.
        """
        listed, own_feed = self.collection.set.freshness, self._own_feed
        if (
            own_feed is None
            or not self._is_full_record
            or (own_feed.freshness.as_of or 0.0) < (listed.as_of or 0.0)
        ):
            return listed
        return own_feed.freshness

    def sources(self) -> list[SourceState]:
        """Return the state of each source, except the list, of the record's data.

        The sources are the read of the single record, the lists of other kinds, and further routes of
        the record's list; each may fail or become stale independently.
        """
        own_feed, collection = self._own_feed, self.collection
        sources = kind_rows.related_sources(self.kind, self.session, collection.hides)
        if own_feed is not None and self._adds_to_list:
            sources.append(
                SourceState(
                    Subject("the details of the record"),
                    freshness=own_feed.freshness,
                    keys=None,
                )
            )
        for each in collection.set.sources.values():
            if each.columns or each.keys is None or self._last_entry.key in each.keys:
                sources.append(each)
        return sources

    def _update_notice(self, entry: AnyEntry) -> None:
        closed = messages.closed_lines(self.collection.closed(), self.kind.needs)
        if closed:
            problem = messages.data_kept(" ".join(closed))
        else:
            problem = messages.read_failures(
                self._freshness(), self.sources(), now=self.session.clock.monotonic()
            )
        sentence = self._deleted_message() or problem
        self.query_one("#notice", NoticeLine).show(
            sentence or (entry.in_progress and f"{entry.in_progress} …") or ""
        )

    def _update_log_message(self) -> None:
        """Update the message about the log, shown below its lines or in place of them."""
        log, pane = self.record_log, self.pane
        if log is None or pane is None:
            return
        fresh = log.feed.freshness
        if self.entry().row is None:
            pane.tail.set_notice(None)
        elif len(log.lines):
            # When the record cannot be read either, the notice above it has the reason already.
            is_in_notice = (
                bool(self.query_one("#notice", NoticeLine).sentence) and self.entry().in_progress is None
            )
            pane.tail.set_notice(f"{fresh.error}" if fresh.error is not None and not is_in_notice else None)
        else:
            lines = messages.empty_list(self.session, fresh, noun="lines", empty=log.empty_text)
            pane.tail.set_notice((" ".join(lines), Tone.DIM))

    def _freshness_segment(self) -> Segment:
        own_feed, fresh, sources = self._own_feed, self._freshness(), self.sources()
        if self.record_log is not None:
            if self.record_log.feed.troubled:
                sources.append(
                    SourceState(Subject("the log", is_plural=False), freshness=self.record_log.feed.freshness)
                )
        elif own_feed is not None and own_feed.freshness.as_of is None and own_feed.freshness.loading:
            # Show the progress of the record's first read, unless its list fails, which matters more.
            fresh = fresh if self.collection.set.freshness.failures else own_feed.freshness
        return freshness_text.freshness_segment(self.session, fresh, sources)

    def title_segments(self) -> list[Segment]:
        """Return the path, the record's name, its freshness, and the state of its log."""
        entry, path = self.entry(), self.path()
        # On top of its own list, the record's name is enough.
        noun = "" if path and path[-1] == self.kind.title else self.kind.noun
        segments = [
            *self.crumbs(),
            Segment(noun, Tone.PLAIN, priority=3, close=True),
            Segment(self.step_name(), Tone.STRONG, priority=0, close=True),
            Segment(entry.in_progress or "", Tone.WARN, priority=1),
            self._freshness_segment(),
        ]
        if self.record_log is not None and self.pane is not None:
            count = formatting.plural(len(self.record_log.lines), "line")
            segments += [
                *self.pane.segments(cut_off=bool(self.record_log.feed.troubled)),
                Segment(count, Tone.DIM, priority=3, right=True),
            ]
        return [segment for segment in segments if segment.text]

    # Keys ------------------------------------------------------------------------------------------------------

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of actions that never apply to a record of this kind.

        If the record has a log, the action that shows or hides times is among them, because a log has
        no time column.
        """
        unused = unused_actions(self.kind)
        return unused if self.record_log is None else unused | {"tail.times"}

    def shows(self, action: action_registry.KeyAction) -> bool:
        """Return whether the key bar and the palette offer an action for the record.

        The actions that follow a link or open the web page are offered only if the record has links
        or a web page.
        """
        if self.pane is not None and not self.pane.shows(action, links="tail.keys"):
            return False
        if not super().shows(action):
            return False
        record_action = action.record_action
        if record_action is not None:
            usable = not self._is_deleted() and self.collection.closed() is None
            applies = kind_rows.unavailable_reason(record_action, self.entry(), self.session) is None
            return isinstance(record_action, Creation) or (usable and applies)
        if action.id == "kind.follow":
            return not self._folded and len(self.record.links) > 0
        if action.id == "kind.browse":
            return bool(record_page.address_of(self.kind, self.entry()))
        return True

    def key_items(self) -> list[tuple[str, str]]:
        """Return the keys to show in the key bar, with their titles.

        While the log has the focus, the enter key and the key that moves the focus have other titles.
        """
        items = super().key_items()
        if self.pane is None or not (self.is_complete and self.pane.tail.has_focus):
            return items
        return [(key, {"open": "line", "log": "links"}.get(title, title)) for key, title in items]

    def on_descendant_focus(self) -> None:
        """Update the key bar, because some keys have other titles after a change of focus."""
        if self.is_complete:
            self.refresh_keys()

    def _status_changed(self) -> None:
        if self.is_complete:
            self.refresh_chrome()

    # Actions ---------------------------------------------------------------------------------------------------

    def why_not(self, action: action_registry.KeyAction) -> str | None:
        """Return why an action cannot be used now, or None if it can be used."""
        if action.id == "runs.explain":
            return missing_reason(kind_rows.run_of(self.kind, self.entry()))
        return super().why_not(action)

    def _explain(self) -> None:
        run = kind_rows.run_of(self.kind, self.entry())
        if run is not None:
            self.console.navigation.explain(run)

    def focus_first(self) -> None:
        """Focus the record, or the log if the record's facts are folded."""
        if self.pane is not None:
            self.pane.focus_first()
        else:
            self.record.focus(scroll_visible=False)

    @on(EventPane.Closed)
    def _json_closed(self) -> None:
        self.focus_first()

    def follow_link(self) -> None:
        """Show the target of the link under the cursor."""
        link = self.record.chosen()
        if link is not None and self.is_active:
            self.console.navigation.follow(link)
        self.call_after_refresh(self.refresh_keys)

    def title_of(self, action: action_registry.KeyAction) -> str:
        """Return the title of an action: enter shows the links if they are not on screen."""
        is_hidden = action.id == "kind.follow" and self.record.is_cursor_hidden
        return "links" if is_hidden else action.title

    def show_json(self) -> None:
        """Show the JSON of the record as the service sent it, with secrets masked."""
        from mogplex_tui.live import redact

        raw = record_page.json_of(self.entry())
        self.query_one(EventPane).show(redact.payload(raw if isinstance(raw, dict) else {"record": raw}))

    def copy_id(self) -> None:
        """Copy the record's id to the clipboard."""
        self.console.copy(self.entry().key, f"the id of {self.kind.noun} {self.step_name()}")

    def ask_action(self, action: AnyAction) -> None:
        """Run an action on the record, after asking for confirmation or parameters.

        If the record has been deleted, notify the user and run nothing.
        """
        if self._is_deleted() and not isinstance(action, Creation):
            sentence = f"This {self.kind.noun} is no longer in the list."
            self.notify(sentence, severity="warning", markup=False)
        else:
            self.console.record_actions.ask(self.kind, action, [self.entry()])

    def _notify_no_times(self) -> None:
        self.notify("Log lines have no timestamps.", markup=False)

    def go_back(self) -> None:
        """Close the JSON pane if open, else clear the search, else leave the screen."""
        json_pane = self.query_one(EventPane)
        if self.pane is not None:
            if not self.pane.close_top():
                self.console.go_back(self)
        elif json_pane.is_open:
            json_pane.close()
        else:
            self.console.go_back(self)


def with_values(groups: Sequence[Sequence[Fact]]) -> list[list[Fact]]:
    """Return the groups of facts without the facts that have no value."""
    return [[fact for fact in group if fact.text != formatting.DASH] for group in groups]
