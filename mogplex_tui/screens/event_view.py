"""The pane that shows one event of a run as text or as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from mogplex_tui.operate import formatting
from mogplex_tui.operate.event_text import EventSection, EventText, SectionKind
from mogplex_tui.widgets.line_text import LineText, TextLine
from mogplex_tui.widgets.segment_line import Segment, SegmentLine
from mogplex_tui.widgets.styles import Tone
from mogplex_tui.widgets.text import visible

_INDENT = "  "


class EventView(Vertical):
    """A pane with an event's title and its sections, hidden while no event is open.

    The up and down keys ask the owner for the previous or next event.
    """

    DEFAULT_CSS = """
    EventView {
        display: none; background: $background; border-top: solid $border;
        #event-lines { height: 1fr; }
    }
    EventView.-open { display: block; }
    EventView:focus-within { border-top: solid $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Previous event", show=False, id="move.up"),
        Binding("down", "step(1)", "Next event", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home", "edge(False)", "Top", show=False, id="move.first"),
        Binding("end,G", "edge(True)", "End", show=False, id="move.last"),
    ]

    class Stepped(Message):
        """Sent when the user asks for the event before (-1) or after (1) the shown one."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.event: EventText | None = None
        self.as_json = False
        self._position = self._search = ""
        self._title = SegmentLine(id="event-title")
        self.text = LineText(id="event-lines")

    def compose(self) -> ComposeResult:
        """Lay out the title over the lines."""
        yield self._title
        yield self.text

    @property
    def is_open(self) -> bool:
        """Return whether an event is shown."""
        return self.event is not None

    def show(self, event: EventText) -> None:
        """Show an event; keep the scroll position if the same event is shown already."""
        is_same = self.event is not None and self.event.id == event.id
        self.event = event
        self.add_class("-open")
        self._draw(keep_place=is_same)

    def set_position(self, position: str) -> None:
        """Set the text in the title that states the event's position among all events."""
        self._position = position
        self._draw_title()

    def set_search(self, search: str) -> None:
        """Set the text in the title that states the search term and the current match."""
        self._search = search
        self._draw_title()

    def close(self) -> None:
        """Hide the pane."""
        self.event = None
        self.remove_class("-open")

    def toggle_json(self) -> None:
        """Switch between the text and the JSON of events."""
        self.as_json = not self.as_json
        self._draw(keep_place=False)

    def content(self) -> str:
        """Return the event as it is shown: as text or as JSON.

        Control characters in the text are made visible; in the JSON they are escaped.
        """
        if self.event is None:
            return ""
        if self.as_json:
            return f"{self.event.as_json()}\n"
        return "\n".join(visible(line, None) for line in self.event.as_text().split("\n"))

    def action_step(self, by: int) -> None:
        """Ask the owner for the previous or next event."""
        self.post_message(self.Stepped(by))

    def action_page(self, pages: int) -> None:
        """Scroll the event by a number of pages."""
        self.text.page(pages)

    def action_edge(self, end: bool) -> None:
        """Scroll to the first or the last line of the event."""
        if end:
            self.text.to_end()
        else:
            self.text.to_start()

    def _draw(self, *, keep_place: bool) -> None:
        if self.event is None:
            return
        self._draw_title()
        lines = _json_lines(self.event) if self.as_json else _text_lines(self.event)
        self.text.set_lines(list(lines), keep_place=keep_place)

    def _draw_title(self) -> None:
        if self.event is not None:
            self._title.set_segments(list(self._segments(self.event)))

    def _segments(self, event: EventText) -> Iterable[Segment]:
        yield Segment(event.title, Tone.STRONG, priority=0)
        if event.outcome is not None:
            glyph, word, tone = event.outcome
            yield Segment(f"{glyph} {word}", Tone(tone), priority=1)
        yield Segment(event.duration, Tone.PLAIN, priority=2)
        if self.as_json:
            yield Segment("JSON", Tone.ACCENT, priority=1)
        yield Segment(self._search, Tone.ACCENT, priority=1, right=True)
        yield Segment(formatting.local_time(event.at), Tone.DIM, priority=4, right=True)
        yield Segment(self._position, Tone.DIM, priority=3, right=True)


def _json_lines(event: EventText) -> Iterable[TextLine]:
    for line in event.as_json().split("\n"):
        yield TextLine(f"{_INDENT}{line}", indent=len(_INDENT) + _leading_spaces(line))


def _text_lines(event: EventText) -> Iterable[TextLine]:
    """Yield the lines of all sections, with an empty line between two sections."""
    for number, section in enumerate(event.sections):
        if number:
            yield TextLine("")
        yield TextLine(f" {section.heading}", Tone.ERROR if section.kind is SectionKind.ERROR else Tone.DIM)
        yield from _section_lines(section)


def _section_lines(section: EventSection) -> Iterable[TextLine]:
    for number, line in enumerate(section.lines):
        tone = Tone.PLAIN
        if section.kind is SectionKind.DIFF:
            tone = _diff_tone(line)
        elif section.kind is SectionKind.ERROR and number == 0:
            tone = Tone.ERROR
        indent = section.value_column or _leading_spaces(line)
        yield TextLine(f"{_INDENT}{line}", tone, len(_INDENT) + indent)


def _leading_spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _diff_tone(line: str) -> Tone:
    """Return the tone of a line of a diff, which its first characters determine."""
    if line.startswith(("+++", "---", "diff", "index", "***")):
        return Tone.STRONG
    if line.startswith("@@"):
        return Tone.ACCENT
    return {"+": Tone.OK, "-": Tone.ERROR}.get(line[:1], Tone.PLAIN)
