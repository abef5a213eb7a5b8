"""A page with a record's facts, links and long texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll

from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.widgets.facts import Facts
from mogplex_tui.widgets.link_list import LinkLine, Links
from mogplex_tui.widgets.long_text import LongText
from mogplex_tui.widgets.styles import Tone

# From this width on, links and texts are placed beside the facts.
WIDE = 100


class RecordView(VerticalScroll, can_focus=True):
    """A scrollable page of facts, links and texts.

    Links and texts are beside the facts if there is room, else below them. As in a text browser, an
    arrow key moves the cursor to the next link if that link is on screen; otherwise it scrolls
    towards the link. The two arrow keys are therefore enough to read the whole page and to reach
    every link.
    """

    DEFAULT_CSS = """
    RecordView {
        scrollbar-size-vertical: 1;
        #page { layout: vertical; height: auto; }
        #more { height: auto; }
        #first { height: auto; padding: 0 2; display: none; }
        #first.-some { display: block; margin-bottom: 1; }
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
        Binding("home", "edge(False)", "Top", show=False, id="move.first"),
        Binding("end,G", "edge(True)", "End", show=False, id="move.last"),
    ]

    def __init__(self, *, texts_first: bool = False, id: str | None = None) -> None:
        """Create the page; `texts_first` puts texts above the facts in a narrow terminal."""
        super().__init__(id=id)
        self._texts_first = texts_first
        self._links: list[LinkTarget] = []
        self._texts: list[tuple[str, str]] = []
        # Kept as attributes instead of queried: focus and resize events arrive before mounting and after removal.
        self.facts = Facts(whole=True, id="facts")
        self.links = Links(id="links")
        self._texts_above = LongText(id="first")
        self._texts_below = LongText(id="texts")

    def compose(self) -> ComposeResult:
        """Lay out the facts, the links and the texts."""
        yield self._texts_above
        with Container(id="page"):
            yield self.facts
            with Vertical(id="more"):
                yield self.links
                yield self._texts_below

    def show(self, links: Sequence[LinkTarget], texts: Sequence[tuple[str, str]]) -> None:
        """Show links and texts.

        The facts are not included: the owner draws them more often, because their ages change.
        """
        if list(links) != self._links:
            self._links = list(links)
            self.links.set_class(bool(links), "-some")
        self.links.set_links([*map(_line_of, links)], self._labels())
        if list(texts) != self._texts:
            self._texts = list(texts)
            self._draw_texts()
        self._arrange()

    @property
    def shown_links(self) -> Sequence[LinkTarget]:
        """The links as shown; the newest records that a link leads to are separate links."""
        return self._links

    def _draw_texts(self) -> None:
        show_above = self._texts_first and not self.has_class("-beside") and bool(self._texts)
        self._texts_above.set_texts(self._texts if show_above else ())
        self._texts_above.set_class(show_above, "-some")
        self._texts_below.set_texts(() if show_above else self._texts)

    def _labels(self) -> int:
        """Return the width of the links' labels, which aligns them with the facts' labels.

        Returns 0 if the links are beside the facts and need no alignment.
        """
        return 0 if self.has_class("-beside") else self.facts.labels

    def _arrange(self) -> None:
        is_wide = self.size.width >= WIDE and bool(self._links or self._texts)
        if is_wide != self.has_class("-beside"):
            self.set_class(is_wide, "-beside")
            if self._texts_first:
                self._draw_texts()
            self.links.set_links([*map(_line_of, self._links)], self._labels())

    def on_resize(self) -> None:
        """Place links and texts beside or below the facts, depending on the width."""
        self._arrange()

    def on_focus(self) -> None:
        """Draw the cursor in the links bright, because the page has the focus."""
        self.links.bright = True

    def on_blur(self) -> None:
        """Draw the cursor in the links dim, because the page has lost the focus."""
        self.links.bright = False

    @property
    def is_cursor_hidden(self) -> bool:
        """Whether the page has links and the one under the cursor is not on screen."""
        return bool(self._links) and not self._is_visible(self.links.at)

    def chosen(self) -> LinkTarget | None:
        """Return the link under the cursor, or None if the link is not on screen.

        In the second case the link is scrolled into view. None is also returned if the page has no links.
        """
        if not self._links:
            return None
        if not self._is_visible(self.links.at):
            self._reveal(self.links.at)
            return None
        return self._links[self.links.at]

    # Moving ----------------------------------------------------------------------------------------------------

    def _line(self, index: int) -> int:
        """Return the line on which a link is drawn, counted from the top of the view."""
        return self.links.region.y + index - self.content_region.y

    def _is_visible(self, index: int) -> bool:
        return 0 <= self._line(index) < self.content_region.height

    def _reveal(self, index: int) -> None:
        line, height = self._line(index), self.content_region.height
        by = line if line < 0 else max(0, line - height + 1)
        self.scroll_relative(y=by, animate=False, immediate=True)

    def _next(self, by: int) -> int | None:
        """Return the index of the next link up (-1) or down (1), or None if there is none."""
        places = range(len(self._links))
        if self._is_visible(self.links.at):
            index = self.links.at + by
            return index if index in places else None
        # The page was scrolled away from the cursor: continue with the links on screen.
        visible = [index for index in places if self._is_visible(index)]
        if visible:
            return visible[0] if by > 0 else visible[-1]
        ahead = [index for index in places if (self._line(index) > 0) == (by > 0)]
        return None if not ahead else ahead[0] if by > 0 else ahead[-1]

    def action_move(self, by: int) -> None:
        """Move the cursor to the next link up (-1) or down (1), or scroll one line.

        The page is scrolled if the next link is not on screen.
        """
        index = self._next(by)
        if index is not None and self._is_visible(index):
            self.links.at = index
        else:
            self.scroll_relative(y=by, animate=False, immediate=True)

    def action_page(self, by: int) -> None:
        """Scroll one page up (-1) or down (1)."""
        self.scroll_relative(y=by * max(1, self.content_region.height - 1), animate=False, immediate=True)

    def action_edge(self, end: bool) -> None:
        """Scroll to the end of the page, or to its beginning if `end` is False."""
        if end:
            self.scroll_end(animate=False, immediate=True)
        else:
            self.scroll_home(animate=False, immediate=True)


def _line_of(link: LinkTarget) -> LinkLine:
    if link.cells:
        return LinkLine(link.label, tuple((text, Tone(tone)) for text, tone in link.cells))
    return LinkLine.to(link.label, link.text)
