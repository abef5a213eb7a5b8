"""A line of choices, one of which is active, with notes at its right end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual import events
from textual.message import Message

from .segment_line import Segment, fold
from .styles import Cell, Tone
from .text import visible, width
from .tone_widget import ToneWidget, clipped

_GAP: Final = 2


class Choice(NamedTuple):
    """One choice, with its text and the text's tone while it is not active."""

    name: str
    text: str
    tone: Tone = Tone.PLAIN


class ChoiceLine(ToneWidget):
    """A label and choices; the active choice is in brackets. A click picks a choice.

    The notes at the right end are shown as far as there is room.
    """

    class Picked(Message):
        """Sent when a choice was clicked."""

        def __init__(self, line: ChoiceLine, name: str) -> None:
            super().__init__()
            self.line, self.name = line, name

        @property
        def control(self) -> ChoiceLine:
            """The line that was clicked."""
            return self.line

    def __init__(self, label: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self._choices: tuple[Choice, ...] = ()
        self._active = ""
        self._notes: tuple[Segment, ...] = ()

    def set_choices(self, choices: Sequence[Choice], active: str, notes: Sequence[Segment] = ()) -> None:
        """Show choices, the one named `active` in brackets, and notes at the right end."""
        fresh = (tuple(choices), active, tuple(notes))
        if fresh != (self._choices, self._active, self._notes):
            self._choices, self._active, self._notes = fresh
            self.renew()

    def _laid(self) -> list[tuple[str, list[Cell]]]:
        """Return each choice's name and its cells, which include the gap before it."""
        laid: list[tuple[str, list[Cell]]] = []
        for choice in self._choices:
            is_active = choice.name == self._active
            text = f"[{visible(choice.text)}]" if is_active else f" {visible(choice.text)} "
            cells = [(" " * (_GAP - 1), Tone.PLAIN), (text, Tone.LIVE if is_active else choice.tone)]
            laid.append((choice.name, cells))
        return laid

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """Return one line: label, choices, and the notes that fit."""
        cells: list[Cell] = [(f" {visible(self._label)} ", Tone.STRONG)]
        cells += [cell for _, choice in self._laid() for cell in choice]
        room = across - sum(width(text) for text, _ in cells)
        notes = fold(self._notes, room) if room > 0 else []
        if sum(width(text) for text, _ in notes) <= room and not _is_cut(notes, self._notes):
            cells += notes
        return [clipped(cells, across)]

    def on_click(self, event: events.Click) -> None:
        """Send `Picked` for the choice that was clicked."""
        end = width(visible(self._label)) + 2
        if event.x < end:
            return
        for name, cells in self._laid():
            end += sum(width(text) for text, _ in cells)
            if event.x < end:
                self.post_message(self.Picked(self, name))
                return


def _is_cut(cells: Sequence[Cell], notes: Sequence[Segment]) -> bool:
    """Return whether only one note is left and its text had to be cut."""
    texts = [text for text, _ in cells if text.strip()]
    return len(texts) == 1 and texts[0] not in {visible(note.text) for note in notes}
