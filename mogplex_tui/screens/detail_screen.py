"""The generic detail: facts in groups, links that Enter follows, long texts, and the raw JSON of anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

from textual import on
from textual.widget import Widget

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.collection import Collection, Item
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.sources import Freshness, Source
from mogplex_tui.operate import actions, words
from mogplex_tui.operate.kinds.base import Context, Kind
from mogplex_tui.screens import ages
from mogplex_tui.screens.base import ConsoleScreen, bindings
from mogplex_tui.screens.event_pane import EventPane
from mogplex_tui.screens.kind_screen import never_of, tab_of, takes, verb_of
from mogplex_tui.screens.record_view import RecordView
from mogplex_tui.widgets.facts import Fact
from mogplex_tui.widgets.notice import Notice
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone


class DetailScreen(ConsoleScreen):
    """One record of one kind. `detail_of` makes the class of a kind."""

    KIND: ClassVar[Kind]
    CSS_PATH = "detail.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, item: Item) -> None:
        super().__init__()
        self._given = item
        self._one: Feed | None = None
        # Whether there is more to the record than its list says; not known before it was read by itself.
        self._says_more = True
        # Whether what is read of it by itself tells the whole record, so that its list adds nothing.
        self._tells_all = False
        self._shown: Any = None

    @property
    def collection(self) -> Collection:
        """The rows of the kind."""
        return self.console.collections.of(self.KIND)

    def on_row(self) -> Item:
        """Return the record as it is known now; as it was known last, with nothing under way, when it is gone."""
        now = self.collection.set.rows.get(self._given.key)
        if now is None:
            return replace(self._given, doing=None)
        self._given = now
        return now

    @property
    def record(self) -> RecordView:
        """The page of the record."""
        return self.query_one("#detail", RecordView)

    def here(self) -> str:
        """Return the record's name."""
        return self.KIND.name_of(self.on_row())

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice, the record and the pane of the JSON."""
        yield Notice(id="notice")
        yield from self.compose_record()
        yield EventPane(id="json")

    def compose_record(self) -> Iterator[Widget]:
        """Yield the facts, the links and the texts."""
        yield RecordView(texts_first=self.KIND.texts_first, id="detail")

    def on_mount(self) -> None:
        """Hear of the list; what the record says by itself comes into it as well."""
        self.listen(self.collection.set.changes, lambda _: self.changed_soon())
        self.listen(self.collection.feed.changed, self.changed_soon)
        self.flush()
        self.give_keys_back()

    def feeds(self) -> Sequence[Feed]:
        """Return the record's own feed, where that says more, and what keeps its list fresh."""
        if self._one is None and self.KIND.one is not None and self._given.record is not None:
            self._one = self._feed_of_one()
            # What it finds comes into the list; that it fails is told by itself alone.
            self.listen(self._one.changed, self.changed_soon)
        rest = self.console.collections.feeds_of(self.KIND)
        return rest if self._one is None else (self._one, *rest)

    def _feed_of_one(self) -> Feed:
        collection, one = self.collection, self.KIND.one

        async def fetch() -> bool:
            if one is None:
                return False
            before, listed = collection.set.rows.get(self._given.key), self.on_row()
            fresh = await one(self.session.client.at(Priority.TAIL), listed)
            self._says_more = fresh is not listed
            self._tells_all = fresh.raw is not listed.raw
            self._given = fresh
            collection.put(fresh)
            return fresh != before

        return Feed(
            # Of this page alone: another of the same record tells by itself that its reading fails.
            f"one:{self.KIND.name}:{self._given.key}:{id(self)}",
            fetch,
            Priority.TAIL,
            every=30.0,
            blind=10.0,
            gap=1.0,
            patience=4.0,
            tables=collection.feed.tables,
            metered=collection.feed.metered,
        )

    def flush(self) -> None:
        """Draw what is different since the last time."""
        item = self.on_row()
        self.draw_facts()
        if item != self._shown:
            self._shown = item
            known = item.record is not None
            texts = self.KIND.texts(item, self.context()) if known else ()
            self.record.show(self.KIND.links(item) if known else (), texts)
        self._say(item)
        if self.is_current:
            self.refresh_chrome()

    def context(self) -> Context:
        """Return what facts and texts depend on besides the record."""
        return Context(self.session.clock.now())

    def fact_groups(self) -> list[list[Fact]]:
        """Return the kind's facts of the record."""
        item, context = self.on_row(), self.context()
        return [
            [Fact(label, text, Tone(tone)) for label, text, tone in group]
            for group in ([] if item.record is None else self.KIND.facts(item, context))
        ]

    @property
    def old(self) -> bool:
        """Whether what is known of the record is drawn as old."""
        return self._freshness().stale(self.session.clock.monotonic())

    def draw_facts(self) -> None:
        """Draw the facts, or why there are none."""
        item = self.on_row()
        trouble = ""
        if item.record is None:
            key = actions.key_of("kind.json")
            trouble = (
                f"This record could not be read: {(item.why or '').rstrip('.')}. {key} shows it as it came."
            )
        groups = [*told(self.fact_groups()), [Fact("id", item.key, Tone.DIM)]]
        if self.old:
            groups = [[Fact(each.label, each.text, Tone.DIM) for each in group] for group in groups]
        self.record.facts.set_groups(groups, alert=trouble)

    def on_tick(self) -> None:
        """Let ages grow, and hear what other kinds say of the record."""
        self.collection.relend()
        self.flush()

    def _gone(self) -> str:
        """Return the sentence on a record that its list does not have any more, nothing while it is there."""
        rows = self.collection.set
        if self._given.key in rows.rows or rows.freshness.as_of is None:
            return ""
        return f"This {self.KIND.noun} is not in the list any more; this is what was last known."

    def _is_over(self) -> bool:
        """Whether nothing can be done to the record: a list that is whole does not have it any more."""
        return bool(self._gone()) and self.collection.set.total is None

    def _freshness(self) -> Freshness:
        """Return how fresh the record is: as its list, or as its own reading where that tells all of it and is newer."""
        listed, own = self.collection.set.freshness, self._one
        if own is None or not self._tells_all or (own.freshness.as_of or 0.0) < (listed.as_of or 0.0):
            return listed
        return own.freshness

    def sources(self) -> list[Source]:
        """Return what tells a part of the record: its own reading, the lists of other kinds, and routes of its list."""
        own, listed = self._one, self.collection
        found = self.KIND.told_beside(self.session, listed.without)
        if own is not None and self._says_more:
            found.append(Source("What is told beyond the list is", freshness=own.freshness, keys=None))
        for each in listed.set.sources.values():
            if each.columns or each.keys is None or self._given.key in each.keys:
                found.append(each)
        return found

    def _say(self, item: Item) -> None:
        closed = self.collection.closed(self.KIND.needs)
        trouble = ages.failing(self._freshness(), self.sources()) if closed is None else ages.kept(closed)
        sentence = self._gone() or trouble
        self.query_one("#notice", Notice).show(sentence or (item.doing and f"{item.doing} …") or "")

    def _age(self) -> Segment:
        """How fresh the record is. What it alone says is still on its way at first; that its list fails matters more."""
        own, fresh = self._one, self._freshness()
        if own is not None and own.freshness.as_of is None and own.freshness.loading:
            fresh = fresh if self.collection.set.freshness.failures else own.freshness
        return ages.freshness_segment(self.session, fresh, self.sources())

    def title_segments(self) -> list[Segment]:
        """Return the way here, the record's name, and how fresh it is."""
        item, way = self.on_row(), self.way()
        # On the way from its own list, the record's name says enough.
        noun = "" if way and way[-1] == self.KIND.title else self.KIND.noun
        segments = [
            *self.crumbs(),
            Segment(noun, Tone.PLAIN, priority=3, close=True),
            Segment(self.here(), Tone.STRONG, priority=0, close=True),
            Segment(item.doing or "", Tone.WARN, priority=1),
            self._age(),
        ]
        return [segment for segment in segments if segment.text]

    def never(self) -> frozenset[str]:
        """Return what no record of this kind has."""
        return never_of(self.KIND)

    def shows(self, action: actions.Action) -> bool:
        """Tell of a verb where the record takes it, and of links and pages where there are any."""
        if not super().shows(action):
            return False
        if action.verb is not None:
            verb = verb_of(self.KIND, action.verb)
            useful = not self._is_over() and self.collection.closed(self.KIND.needs) is None
            return verb.new is not None or (useful and takes(verb, self.on_row()))
        if action.id == "kind.follow":
            return len(self.record.links) > 0
        if action.id == "kind.browse":
            return bool(self.KIND.page(self.on_row()))
        return True

    # Actions ---------------------------------------------------------------------------------------------------

    def do_kind_follow(self) -> None:
        """Go where the link under the cursor leads."""
        link = self.record.chosen()
        if link is not None and self.is_active:
            self.console.navigation.follow(link)

    @on(EventPane.Closed)
    def _pane_closed(self) -> None:
        self.give_keys_back()

    def give_keys_back(self) -> None:
        """Let the record have the keys: the arrows move in it, Enter follows its links."""
        self.record.focus(scroll_visible=False)

    def do_kind_json(self) -> None:
        """Show the record as it came, secrets masked."""
        from mogplex_tui.live import redact

        item = self.on_row()
        raw = item.raw
        if raw is None and isinstance(item.record, Mapping):
            # Where the list keeps no JSON, what is known of the record is shown.
            raw = json.loads(json.dumps(dict(item.record), default=str))
        self.query_one(EventPane).show(redact.payload(raw if isinstance(raw, dict) else {"record": raw}))

    def do_kind_copy(self) -> None:
        """Copy the record's id."""
        item = self.on_row()
        self.console.copy(item.key, f"the id of {self.KIND.noun} {self.KIND.name_of(item)}")

    def do_kind_browse(self) -> None:
        """Open the record's page in the browser."""
        self.console.browse(self.KIND, self.on_row())

    def do_verb(self, verb_id: str) -> None:
        """Carry out one of the kind's verbs, asking first where it asks."""
        verb = verb_of(self.KIND, verb_id)
        if self._is_over() and verb.new is None:
            self.notify(
                f"This {self.KIND.noun} is not in the list any more.", severity="warning", markup=False
            )
        else:
            self.console.record_actions.ask(self.KIND, verb, [self.on_row()])

    def do_go_back(self) -> None:
        """Close the JSON, or go back one step."""
        pane = self.query_one(EventPane)
        if pane.is_open:
            pane.close()
        else:
            self.console.navigation.back(self)


def told(groups: Sequence[Sequence[Fact]]) -> list[list[Fact]]:
    """Return the facts that say something, and at the end in one line what there is nothing of."""
    known = [[fact for fact in group if fact.text != words.DASH] for group in groups]
    blank = ", ".join(fact.label for group in groups for fact in group if fact.text == words.DASH)
    return [*known, [Fact("without", blank, Tone.DIM)] if blank else []]


@cache
def detail_of(name: str) -> type[DetailScreen]:
    """Return the detail's class of a kind, made once from its declaration."""
    from mogplex_tui.operate.kinds.registry import kinds

    kind, base = kinds()[name], DetailScreen
    if kind.tail is not None:
        from mogplex_tui.screens.log_detail import LogDetail

        base = LogDetail
    actions.know(kind)
    scope = actions.detail_scope(kind.name)
    body: dict[str, Any] = {
        "__doc__": f"One {kind.noun}.",
        "__module__": __name__,
        "KIND": kind,
        "SCOPE": scope,
        "TAB": tab_of(kind),
        "BINDINGS": bindings(scope),
    }
    return type(f"{words.many(kind.noun).title().replace(' ', '')}Detail", (base,), body)
