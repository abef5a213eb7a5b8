"""A record as one page: facts, links and long texts; the arrows go from link to link and scroll in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll

from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.widgets.facts import Facts
from mogplex_tui.widgets.links import Links
from mogplex_tui.widgets.long_text import LongText

# From this width on, links and texts stand beside the facts.
BESIDE = 100


class RecordView(VerticalScroll, can_focus=True):
    """Facts, links and texts that scroll together; beside one another where there is room, else one below the other.

    As in a text browser, an arrow goes to the next link when that is on screen and scrolls towards it when it is
    not, so that the same two keys read the whole page and reach every link.
    """

    DEFAULT_CSS = """
    RecordView {
        scrollbar-size-vertical: 1;
        #page { layout: vertical; height: auto; }
        #more { height: auto; }
        #first { height: auto; padding: 0 2; display: none; }
        #first.-some { display: block; }
        #facts { width: 1fr; height: auto; padding: 0 2; }
        #links { width: 1fr; margin: 1 0 0 0; display: none; }
        #links.-some { display: block; }
        #texts { height: auto; padding: 0 2; margin: 1 0 0 0; }
    }
    RecordView.-beside {
        #page { layout: horizontal; }
        #facts { width: 50%; max-width: 84; }
        #more { width: 1fr; }
        #links { margin: 0 0 1 0; }
        #texts { margin: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="move.up"),
        Binding("down", "move(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home,g", "edge(False)", "Top", show=False, id="move.first"),
        Binding("end,G", "edge(True)", "End", show=False, id="move.last"),
    ]

    def __init__(self, *, texts_first: bool = False, id: str | None = None) -> None:
        """With `texts_first` the texts stand above the facts where there is no room beside them."""
        super().__init__(id=id)
        self._texts_first = texts_first
        self._links: list[LinkTarget] = []
        self._texts: list[tuple[str, str]] = []
        # Held here, not queried: focus and resize arrive before the parts are mounted and after they are gone.
        self.facts = Facts(whole=True, id="facts")
        self.links = Links(id="links")
        self._texts_above = LongText(id="first")
        self._texts_below = LongText(id="texts")

    def compose(self) -> ComposeResult:
        """Lay out the three parts."""
        yield self._texts_above
        with Container(id="page"):
            yield self.facts
            with Vertical(id="more"):
                yield self.links
                yield self._texts_below

    def show(self, links: Sequence[LinkTarget], texts: Sequence[tuple[str, str]]) -> None:
        """Show these links and texts; the facts are drawn by themselves, because they grow old."""
        if list(links) != self._links:
            self._links = list(links)
            self.links.set_class(bool(links), "-some")
        self.links.set_links([(link.label, link.text) for link in links], self._labels())
        if list(texts) != self._texts:
            self._texts = list(texts)
            self._draw_texts()
        self._arrange()

    def _draw_texts(self) -> None:
        first = self._texts_first and not self.has_class("-beside") and bool(self._texts)
        self._texts_above.set_texts(self._texts if first else ())
        self._texts_above.set_class(first, "-some")
        self._texts_below.set_texts(() if first else self._texts)

    def _labels(self) -> int:
        """How wide the links' labels are so that they line up with the facts above them."""
        return 0 if self.has_class("-beside") else self.facts.labels

    def _arrange(self) -> None:
        beside = self.size.width >= BESIDE and bool(self._links or self._texts)
        if beside != self.has_class("-beside"):
            self.set_class(beside, "-beside")
            if self._texts_first:
                self._draw_texts()
            self.links.set_links([(link.label, link.text) for link in self._links], self._labels())

    def on_resize(self) -> None:
        """Put links and texts beside the facts, or below them."""
        self._arrange()

    def on_focus(self) -> None:
        """The cursor of the links is bright."""
        self.links.bright = True

    def on_blur(self) -> None:
        """The cursor of the links is quiet."""
        self.links.bright = False

    def chosen(self) -> LinkTarget | None:
        """Return the link under the cursor; one that is out of sight is brought into view first and not returned."""
        if not self._links:
            return None
        if not self._in_sight(self.links.at):
            self._reveal(self.links.at)
            return None
        return self._links[self.links.at]

    # Moving ----------------------------------------------------------------------------------------------------

    def _line(self, place: int) -> int:
        """The line of a link, counted from the top of what is on screen."""
        return self.links.region.y + place - self.content_region.y

    def _in_sight(self, place: int) -> bool:
        return 0 <= self._line(place) < self.content_region.height

    def _reveal(self, place: int) -> None:
        line, height = self._line(place), self.content_region.height
        by = line if line < 0 else max(0, line - height + 1)
        self.scroll_relative(y=by, animate=False, immediate=True)

    def _next(self, by: int) -> int | None:
        """The link that the cursor would go to, None when there is none in that direction."""
        places = range(len(self._links))
        if self._in_sight(self.links.at):
            place = self.links.at + by
            return place if place in places else None
        # The page was scrolled away from the cursor: it goes on with what is on screen.
        seen = [place for place in places if self._in_sight(place)]
        if seen:
            return seen[0] if by > 0 else seen[-1]
        beyond = [place for place in places if (self._line(place) > 0) == (by > 0)]
        return None if not beyond else beyond[0] if by > 0 else beyond[-1]

    def action_move(self, by: int) -> None:
        """Go to the next link in a direction, or a line nearer to it."""
        place = self._next(by)
        if place is not None and self._in_sight(place):
            self.links.at = place
        else:
            self.scroll_relative(y=by, animate=False, immediate=True)

    def action_page(self, by: int) -> None:
        """Scroll by a page."""
        self.scroll_relative(y=by * max(1, self.content_region.height - 1), animate=False, immediate=True)

    def action_edge(self, end: bool) -> None:
        """Go to the first line, or to the last."""
        if end:
            self.scroll_end(animate=False, immediate=True)
        else:
            self.scroll_home(animate=False, immediate=True)
