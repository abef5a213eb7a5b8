"""The generic detail: facts in groups, links that Enter follows, long texts, and the raw JSON of anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.collection import Collection, Item
from mogplex_tui.live.scheduler import Feed, Want
from mogplex_tui.operate import actions, words
from mogplex_tui.operate.kinds.base import Context, Kind, Link
from mogplex_tui.screens import messages
from mogplex_tui.screens.base import ConsoleScreen, bindings
from mogplex_tui.screens.event_pane import EventPane
from mogplex_tui.screens.kind_screen import tab_of
from mogplex_tui.widgets.facts import Fact, Facts
from mogplex_tui.widgets.notice import Notice
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.text import visible
from mogplex_tui.widgets.tones import Tone

# More of one text than this is not drawn; the heading says so.
LONGEST = 60_000


class DetailScreen(ConsoleScreen):
    """One record of one kind. `detail_of` makes the class of a kind."""

    KIND: ClassVar[Kind]
    CSS_PATH = "detail.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, item: Item, came_from: str = "") -> None:
        super().__init__()
        self._given, self._came_from = item, came_from
        self._want: Want | None = None
        self._one: Want | None = None
        self._links: list[Link] = []
        self._shown: Any = None

    @property
    def collection(self) -> Collection:
        """The rows of the kind."""
        return self.console.collection(self.KIND)

    def on_row(self) -> Item:
        """Return the record as it is known now; the one it was opened with when it is gone."""
        return self.collection.set.rows.get(self._given.key, self._given)

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice, the record and the pane of the JSON."""
        yield Notice(id="notice")
        yield from self.compose_record()
        yield EventPane(id="json")

    def compose_record(self) -> Iterator[Widget]:
        """Yield the facts, the links and the texts."""
        with VerticalScroll(id="detail", can_focus=True):
            yield Facts(ascii_mode=self.console.look.ascii, id="facts")
            yield OptionList(id="links", markup=False)
            yield Static("", id="texts", classes="long", markup=False)

    def on_mount(self) -> None:
        """Keep the list fresh while the record is looked at, and read the record by itself where that says more."""
        self._want = self.session.scheduler.want(self.collection.feed)
        if self.KIND.one is not None and self._given.record is not None:
            self._one = self.session.scheduler.want(self._feed_of_one())
        self.listen(self.collection.set.changes, lambda _: self.changed_soon())
        self.listen(self.collection.feed.changed, self.changed_soon)
        self.flush()
        self.give_keys_back()

    def _feed_of_one(self) -> Feed:
        collection, one = self.collection, self.KIND.one

        async def fetch() -> bool:
            if one is None:
                return False
            before = collection.set.rows.get(self._given.key)
            fresh = await one(self.session.client.at(Priority.TAIL), self.on_row())
            self._given = fresh
            collection.put(fresh)
            return fresh != before

        return Feed(
            f"one:{self.KIND.name}:{self._given.key}",
            fetch,
            Priority.TAIL,
            every=30.0,
            blind=10.0,
            gap=1.0,
            patience=4.0,
            tables=collection.feed.tables,
            metered=collection.feed.metered,
        )

    def on_unmount(self) -> None:
        """Let the list and the record go."""
        for want in (self._want, self._one):
            if want is not None:
                want.drop()

    def flush(self) -> None:
        """Draw what is different since the last time."""
        item = self.on_row()
        self.draw_facts()
        if item != self._shown:
            self._shown = item
            self._draw_links([] if item.record is None else list(self.KIND.links(item)))
            self._draw_texts([] if item.record is None else list(self.KIND.texts(item)))
        self._say(item)
        if self.is_current:
            self.refresh_chrome()

    def fact_groups(self) -> list[list[Fact]]:
        """Return the kind's facts of the record."""
        item, context = self.on_row(), Context(self.session.clock.now(), self.console.look.ascii)
        return [
            [Fact(label, text, Tone(tone)) for label, text, tone in group]
            for group in ([] if item.record is None else self.KIND.facts(item, context))
        ]

    def draw_facts(self) -> None:
        """Draw the facts, or why there are none."""
        item = self.on_row()
        trouble = (
            f"This record could not be read: {item.why}. j shows it as it came."
            if item.record is None
            else ""
        )
        groups = [*self.fact_groups(), [Fact("id", item.key, Tone.DIM)]]
        self.query_one("#facts", Facts).set_groups(groups, alert=trouble)

    def on_tick(self) -> None:
        """Let ages grow."""
        self.flush()

    def _draw_links(self, links: list[Link]) -> None:
        if links == self._links:
            return
        box = self.query_one("#links", OptionList)
        at = box.highlighted
        self._links = links
        arrow = "->" if self.console.look.ascii else "→"
        across = max((len(link.label) for link in links), default=0)
        box.clear_options()
        box.add_options(
            Option(Content(f"{visible(link.label):<{across}}  {arrow} {visible(link.text)}"))
            for link in links
        )
        if links:
            box.highlighted = min(at or 0, len(links) - 1)
        box.display = bool(links)

    def _draw_texts(self, texts: list[tuple[str, str]]) -> None:
        parts: list[str | tuple[str, str]] = []
        for title, body in texts:
            cut = body[:LONGEST]
            more = (
                f"  ({len(body) - len(cut):,} more characters are not drawn)" if len(body) > len(cut) else ""
            )
            parts.append((f"\n{visible(title)}{more}\n", "bold"))
            parts.append("\n".join(visible(line) for line in cut.split("\n")) + "\n")
        self.query_one("#texts", Static).update(Content.assemble(*parts))

    def _say(self, item: Item) -> None:
        gone = (
            self._given.key not in self.collection.set.rows
            and self.collection.set.freshness.as_of is not None
        )
        sentence = (
            f"This {self.KIND.noun} is not in the list any more; this is what was last known." if gone else ""
        )
        one = None if self._one is None else self._one.feed.freshness.error
        if not sentence and one is not None:
            sentence = f"{one}"
        self.query_one("#notice", Notice).show(sentence or (item.doing and f"{item.doing} …") or "")

    def title_segments(self) -> list[Segment]:
        """Return the way here, the record's name, and how fresh it is."""
        item, arrow = self.on_row(), ">" if self.console.look.ascii else "▸"
        fresh = messages.freshness_words(self.session, self.collection.set.freshness)
        segments = [
            Segment(f"{self._came_from} {arrow}" if self._came_from else "", Tone.DIM, priority=3),
            Segment(f"{self.KIND.noun} {arrow}", Tone.DIM, priority=4),
            Segment(self.KIND.name_of(item), Tone.STRONG, priority=0),
            Segment(item.doing or "", Tone.WARN, priority=1),
            Segment(fresh, Tone.WARN, priority=2, right=True),
        ]
        return [segment for segment in segments if segment.text]

    # Actions ---------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#links")
    def _followed(self, event: OptionList.OptionSelected) -> None:
        self.console.follow(self._links[event.option_index], self.KIND.name_of(self.on_row()))

    @on(EventPane.Closed)
    def _pane_closed(self) -> None:
        self.give_keys_back()

    def give_keys_back(self) -> None:
        """Let the links have the keys where there are any: Enter follows one. The facts above them stay in view."""
        self.query_one("#links" if self._links else "#detail").focus(scroll_visible=False)

    @on(OptionList.OptionHighlighted, "#links")
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index:
            # Whoever goes from link to link looks at them; the first has the cursor before anybody does.
            event.option_list.scroll_visible(animate=False)

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
        verb = next(verb for verb in self.KIND.verbs if verb.id == verb_id)
        self.console.ask_verb(self.KIND, verb, [self.on_row()])

    def do_view_refresh(self) -> None:
        """Read the record and the list again now."""
        for want in (self._want, self._one):
            if want is not None:
                want.refresh()

    def do_go_back(self) -> None:
        """Close the JSON, or go back one step."""
        pane = self.query_one(EventPane)
        if pane.is_open:
            pane.close()
        else:
            self.console.back(self)


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
