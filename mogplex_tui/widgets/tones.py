"""Semantic tones: the only way in which a widget says how a piece of text should look.

A tone is a name, its colour comes from the theme by a component class, so that no widget knows a colour and
a terminal without colours still gets bold, dim and reverse.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from textual.widget import Widget


class Tone(StrEnum):
    """What a piece of text means to the eye; always beside a glyph or a word, never the only sign."""

    PLAIN = "plain"
    DIM = "dim"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    STRONG = "strong"
    LIVE = "live"


Cell = tuple[str, Tone]
"""One piece of text and its tone. The text is data: it is never markup."""

TONE_CLASSES: Final[frozenset[str]] = frozenset(
    {
        *(f"tone--{tone}" for tone in Tone),
        "tone--cursor",
        "tone--cursor-blurred",
        "tone--flash",
        "tone--match",
    }
)
"""Component classes of every widget that draws tones."""

TONE_CSS: Final = """
    & > .tone--plain { color: $foreground; }
    & > .tone--dim { color: $foreground 55%; }
    & > .tone--accent { color: $primary; }
    & > .tone--ok { color: $success; }
    & > .tone--warn { color: $warning; }
    & > .tone--error { color: $error; }
    & > .tone--strong { color: $foreground; text-style: bold; }
    & > .tone--live { color: $primary; text-style: bold; }
    & > .tone--cursor { background: $primary 22%; }
    & > .tone--cursor-blurred { background: $foreground 8%; }
    & > .tone--flash { background: $primary 35%; }
    & > .tone--match { background: $warning 35%; }
    &:nocolor > .tone--error { text-style: bold; }
    &:ansi {
        & > .tone--plain { color: ansi_default; }
        & > .tone--dim { color: ansi_default; text-style: dim; }
        & > .tone--strong { color: ansi_default; }
        & > .tone--cursor { background: ansi_default; text-style: reverse; }
        & > .tone--cursor-blurred { background: ansi_default; text-style: underline; }
        & > .tone--flash { background: ansi_default; text-style: reverse; }
        & > .tone--match { background: ansi_default; text-style: reverse; }
    }
"""
"""Rules for a widget's `DEFAULT_CSS`, to stand inside its own type selector."""


class Ground(StrEnum):
    """What lies behind a piece of text."""

    BASE = "base"
    CURSOR = "cursor"
    BLURRED = "cursor-blurred"
    FLASH = "flash"
    MATCH = "match"


Part = tuple[str, Tone, Ground]
"""A piece of a line: visible text, its tone, and what lies behind it."""


class Palette:
    """The styles of one widget under the theme of the moment: one for each tone on each ground.

    Two palettes are equal when they would paint the same, so that a widget keeps its cached lines through
    style updates that change nothing.
    """

    __slots__ = ("_solid", "_styles")

    def __init__(self, widget: Widget) -> None:
        background, filters = widget.background_colors[1], widget.get_line_filters()
        self._solid: set[Ground] = set()
        base = {tone: widget.get_component_rich_style(f"tone--{tone}") for tone in Tone}
        ground = base[Tone.PLAIN].bgcolor
        self._styles: dict[tuple[Tone, Ground], Style] = {}
        for place in Ground:
            behind = Style()
            if place is not Ground.BASE:
                full = widget.get_component_rich_style(f"tone--{place}")
                partial = widget.get_component_rich_style(f"tone--{place}", partial=True)
                # The background with its alpha blended; only the attributes of the ground itself besides.
                attributes = Style(reverse=partial.reverse, underline=partial.underline)
                behind = Style(bgcolor=full.bgcolor if full.bgcolor != ground else None) + attributes
            for tone in Tone:
                # Reversed, each colour would become a block of its own; one colour keeps the line one line.
                front = base[Tone.PLAIN] if behind.reverse else base[tone]
                segment = [Segment(" ", front + behind)]
                # The app's filters (no colour, for one) work on styles alone, so once is enough.
                for line_filter in filters:
                    segment = line_filter.apply(segment, background)
                self._styles[tone, place] = segment[0].style or Style()
            plain = self._styles[Tone.PLAIN, place]
            if not plain.reverse and not plain.underline:
                self._solid.add(place)

    def style(self, tone: Tone, ground: Ground = Ground.BASE) -> Style:
        """The rich style of a tone on a ground."""
        return self._styles[tone, ground]

    def segments(self, parts: Iterable[Part]) -> list[Segment]:
        """Segments of the parts, joined where they would look alike, so that fewer bytes are written.

        Spaces look alike in every tone of a ground, so they join what stands before or after them.
        """
        out: list[Segment] = []
        styles = self._styles
        text, tone, ground, blank = "", Tone.PLAIN, Ground.BASE, True
        for piece, its_tone, its_ground in parts:
            if not piece:
                continue
            empty = piece.isspace() and its_ground in self._solid
            if its_ground == ground and (its_tone == tone or empty or blank):
                text += piece
                if blank:
                    tone, blank = its_tone, empty
            else:
                if text:
                    out.append(Segment(text, styles[tone, ground]))
                text, tone, ground, blank = piece, its_tone, its_ground, empty
        if text:
            out.append(Segment(text, styles[tone, ground]))
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Palette) and self._styles == other._styles

    __hash__ = None  # type: ignore[assignment]
