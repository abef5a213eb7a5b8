"""Labels and values in groups, drawn by line, for the side of a detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .drawn import Drawn
from .text import visible, width, wrap
from .tones import Cell, Tone

LABEL = 10


class Fact(NamedTuple):
    """A label, its value and the value's tone."""

    label: str
    value: str
    tone: Tone = Tone.PLAIN


class Facts(Drawn):
    """Groups of facts under an optional title; or, at narrow widths, a few plain lines."""

    DEFAULT_CSS = "Facts { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plain: list[Cell] | None = None
        self._groups: list[list[Fact]] = []
        self._title = ""
        self._alert = ""
        self._laid: list[list[Cell]] = []
        self._laid_for: object = None

    def set_lines(self, lines: Sequence[Cell]) -> None:
        """Show plain lines instead of groups."""
        fresh = [(visible(text), tone) for text, tone in lines]
        if fresh != self._plain:
            self._plain = fresh
            self._again()

    def set_groups(self, groups: Sequence[Sequence[Fact]], *, title: str = "", alert: str = "") -> None:
        """Show groups of facts; `title` stands above them and `alert`, in the colour of failure, below the title."""
        fresh = [[Fact(fact.label, visible(fact.value), fact.tone) for fact in group] for group in groups]
        told = (fresh, visible(title), visible(alert))
        if self._plain is not None or told != (self._groups, self._title, self._alert):
            self._plain = None
            self._groups, self._title, self._alert = told
            self._again()

    def _again(self) -> None:
        self._laid_for = None
        self.refresh()

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return one line."""
        total = self.size.width
        if self._laid_for != total:
            self._laid, self._laid_for = self._lay(total), total
        return self._laid[y] if y < len(self._laid) else []

    def _lay(self, total: int) -> list[list[Cell]]:
        if self._plain is not None:
            return [[cell] for cell in self._plain]
        lines: list[list[Cell]] = []
        for text, tone, most in ((self._title, Tone.STRONG, 4), (self._alert, Tone.ERROR, 6)):
            if text:
                lines += [[(part, tone)] for part in wrap(text, total - 1, total - 1)[:most]]
                lines.append([])
        for group in self._groups:
            for fact in group:
                lines += self._fact(fact, total)
            lines.append([])
        return lines

    def _fact(self, fact: Fact, total: int) -> list[list[Cell]]:
        room = max(8, total - LABEL - 1)
        parts = wrap(fact.value, room, room) if width(fact.value) > room else [fact.value]
        label = fact.label.ljust(LABEL)
        return [
            [(label if number == 0 else " " * LABEL, Tone.DIM), (part, fact.tone)]
            for number, part in enumerate(parts[:3])
        ]
