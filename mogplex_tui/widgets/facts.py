"""A list of labels with values in groups, under a title and an error message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.geometry import Size

from .styles import Cell, Tone
from .text import ELLIPSIS, cut_end, cut_middle, pad_right, visible, width, wrap
from .tone_widget import ToneWidget, clipped

_GAP: Final = 2
_TITLE_LINES: Final = 4
_ALERT_LINES: Final = 5
_VALUE_LINES: Final = 3
_WHOLE_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value.

    A value of several words is wrapped; a value of one word (an id, a branch, a path) is cut in
    its middle if it is too long.
    """

    label: str
    text: str
    tone: Tone = Tone.PLAIN


class Facts(ToneWidget):
    """A list of facts, scrolled with the mouse wheel if it does not fit.

    A value takes at most three lines, or up to 40 lines if `whole` is True.
    """

    DEFAULT_CSS = "Facts { height: auto; }"

    def __init__(self, *, whole: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._whole = whole
        self._groups: tuple[tuple[Fact, ...], ...] = ()
        self._title = ""
        self._alert = ""
        self._plain: tuple[Cell, ...] | None = None
        self._first = 0

    def set_groups(self, groups: Sequence[Sequence[Fact]], title: str = "", alert: str = "") -> None:
        """Show groups of facts under a title and an error message."""
        self._show(tuple(tuple(group) for group in groups if group), title, alert, None)

    def set_lines(self, lines: Sequence[Cell]) -> None:
        """Show lines of text in place of groups of facts; long lines are cut at their end."""
        self._show((), "", "", tuple(lines))

    def _show(
        self,
        groups: tuple[tuple[Fact, ...], ...],
        title: str,
        alert: str,
        plain: tuple[Cell, ...] | None,
    ) -> None:
        if (groups, title, alert, plain) == (self._groups, self._title, self._alert, self._plain):
            return
        before = len(self._all(self.size.width)) if self.is_mounted else 0
        self._groups, self._title, self._alert, self._plain = groups, title, alert, plain
        self.renew()
        if self.is_mounted and self.styles.auto_dimensions and len(self._all(self.size.width)) != before:
            self.refresh(layout=True)

    @property
    def labels(self) -> int:
        """Return the width of the widest label in cells."""
        return max((width(visible(fact.label)) for group in self._groups for fact in group), default=0)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's own)
        """Return the number of lines that all facts take at this width."""
        return len(self._all(width))

    def lines(self, across: int, down: int, /) -> list[list[Cell]]:
        """Return the lines to draw, beginning at the scroll position.

        If not all lines fit, the last line states how many more there are.
        """
        all_lines = self._all(across)
        self._first = max(0, min(self._first, len(all_lines) - down))
        shown = all_lines[self._first : self._first + down]
        below = len(all_lines) - self._first - len(shown)
        if below > 0 and down > 2:
            shown[-1] = [(f"{below + 1} more lines", Tone.DIM)]
        return shown

    def _all(self, across: int) -> list[list[Cell]]:
        if across <= 0:
            return []
        if self._plain is not None:
            return [clipped([(visible(text), tone)], across) for text, tone in self._plain]
        out: list[list[Cell]] = []
        for text, tone, most in (
            (self._title, Tone.STRONG, _TITLE_LINES),
            (self._alert, Tone.ERROR, _ALERT_LINES),
        ):
            if text:
                out.extend([(line, tone)] for line in self._folded(text, across, most))
                out.append([])
        labels = min(self.labels, across // 2)
        for number, group in enumerate(self._groups):
            if number:
                out.append([])
            for fact in group:
                out.extend(self._fact(fact, labels, across))
        return out

    def _fact(self, fact: Fact, labels: int, across: int) -> list[list[Cell]]:
        label = pad_right(cut_end(visible(fact.label), labels), labels) + " " * _GAP
        room = max(1, across - labels - _GAP)
        if self._whole or " " in fact.text.strip():
            values = self._folded(fact.text, room, _WHOLE_LINES if self._whole else _VALUE_LINES) or [""]
        else:
            values = [cut_middle(visible(fact.text), room)]
        return [
            [(label if number == 0 else " " * (labels + _GAP), Tone.DIM), (value, fact.tone)]
            for number, value in enumerate(values)
        ]

    def _folded(self, text: str, room: int, most: int) -> list[str]:
        """Return the text wrapped to at most `most` lines; a longer text is cut."""
        # Wrap only as much text as can fit, and one line more, which shows that the rest is left out.
        text = text[: (room + 1) * (most + 2) * 2]
        lines = [
            line
            for paragraph in text.replace("\r\n", "\n").split("\n")[: most + 1]
            for line in wrap(visible(paragraph[: room * (most + 2)]), room, room)
        ]
        while lines and not lines[-1].strip():
            lines.pop()
        if len(lines) > most:
            last = cut_end(lines[most - 1], max(1, room - 1), "") + ELLIPSIS
            lines = [*lines[: most - 1], last]
        return lines

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self._all_shown():
            return
        event.stop()
        event.prevent_default()
        self._first += 1
        self.renew()

    def _all_shown(self) -> bool:
        """Return whether all facts fit, so that the mouse wheel scrolls the parent widget."""
        return len(self._all(self.size.width)) <= self.size.height

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if self._all_shown():
            return
        event.stop()
        event.prevent_default()
        self._first = max(0, self._first - 1)
        self.renew()
