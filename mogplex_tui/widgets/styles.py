"""Semantic tones, which determine all text styles of the widgets.

A tone is a name, and its colour is a variable of the theme. So no widget contains a colour,
and a terminal without colours still shows bold, dim and reverse text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError

from .ascii_filter import Letters, letters

if TYPE_CHECKING:
    from textual.filter import LineFilter
    from textual.widget import Widget


class Tone(StrEnum):
    """The meaning of a piece of text, such as an error.

    Colour is never the only sign of it: a glyph or a word always expresses the meaning, too.
    """

    PLAIN = "plain"
    DIM = "dim"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    STRONG = "strong"
    LIVE = "live"


Cell = tuple[str, Tone]
"""A piece of text and its tone. Markup in the text is never interpreted."""

# tone -> theme variable, how much of it over the background, whether bold
_TONES: Final[dict[Tone, tuple[str, float, bool]]] = {
    Tone.PLAIN: ("foreground", 1.0, False),
    Tone.DIM: ("foreground", 0.55, False),
    Tone.ACCENT: ("primary", 1.0, False),
    Tone.OK: ("success", 1.0, False),
    Tone.WARN: ("warning", 1.0, False),
    Tone.ERROR: ("error", 1.0, False),
    Tone.STRONG: ("foreground", 1.0, True),
    Tone.LIVE: ("primary", 1.0, True),
}


class Ground(StrEnum):
    """The kind of background behind a piece of text, such as that of the cursor line."""

    BASE = "base"
    CURSOR = "cursor"
    BLURRED = "cursor-blurred"
    FLASH = "flash"
    MATCH = "match"


# ground -> theme variable and how much of it over the background
_GROUNDS: Final[dict[Ground, tuple[str, float]]] = {
    Ground.CURSOR: ("primary", 0.22),
    Ground.BLURRED: ("foreground", 0.08),
    Ground.FLASH: ("primary", 0.35),
    Ground.MATCH: ("warning", 0.35),
}

# The theme variables of all tones and grounds.
_VARIABLES: Final = tuple({name for name, _, _ in _TONES.values()} | {name for name, _ in _GROUNDS.values()})

Part = tuple[str, Tone, Ground]
"""A piece of a line: text made visible, its tone, and the kind of its background."""


class Palette:
    """The styles of one widget under the current theme, by tone and ground.

    Two palettes are equal if text would look the same in both. So a widget keeps its cached lines
    when a style update changes nothing.
    """

    __slots__ = ("_letters", "_solid", "_styles")

    def __init__(self, widget: Widget) -> None:
        # Straight from the theme's variables: component classes would cost a parsed rule and a styled node a tone
        # and widget, which is most of the time to the first frame.
        app, filters = widget.app, tuple(widget.get_line_filters())
        # The one filter that works on texts; what is drawn by line does not pass it elsewhere.
        self._letters = any(isinstance(line_filter, Letters) for line_filter in filters)
        self._styles, self._solid = _painted(
            tuple(app.theme_variables[name] for name in _VARIABLES),
            widget.background_colors[1],
            filters,
            ansi=app.native_ansi_color,
            plain=app.no_color,
        )

    def style(self, tone: Tone, ground: Ground = Ground.BASE) -> Style:
        """Return the rich style of a tone on a ground."""
        return self._styles[tone, ground]

    def segments(self, parts: Iterable[Part]) -> list[Segment]:
        """Return the parts as segments, joining adjacent parts that look the same.

        Fewer segments need fewer bytes on the terminal. A space looks the same in every tone of a
        ground, so spaces are joined to the text before or after them.
        """
        out: list[Segment] = []
        styles = self._styles
        text, tone, ground, blank = "", Tone.PLAIN, Ground.BASE, True
        for piece, its_tone, its_ground in parts:
            if not piece:
                continue
            if self._letters:
                piece = letters(piece)
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
        if not isinstance(other, Palette):
            return NotImplemented
        return self._styles == other._styles and self._letters == other._letters

    __hash__ = None  # type: ignore[assignment]


@lru_cache(maxsize=16)
def _painted(
    colours: tuple[str, ...], background: Color, filters: tuple[LineFilter, ...], *, ansi: bool, plain: bool
) -> tuple[Mapping[tuple[Tone, Ground], Style], frozenset[Ground]]:
    """Return the styles by tone and ground, and the grounds on which spaces are alike.

    On those grounds, a space looks the same in every tone. Most widgets of a screen have the same
    background, so the result is cached for all of them.
    """
    variables = dict(zip(_VARIABLES, colours, strict=True))
    solid: set[Ground] = set()
    styles: dict[tuple[Tone, Ground], Style] = {}
    for place in Ground:
        behind = _ground_style(place, background, variables, ansi=ansi)
        for tone in Tone:
            # In reverse video each colour would become its own block; with one colour it stays a line.
            front = _tone_style(
                Tone.PLAIN if behind.reverse else tone, background, variables, ansi=ansi, plain=plain
            )
            segment = [Segment(" ", front + behind)]
            # Filters that change styles, such as one that removes colours, are applied here, once per style.
            for line_filter in filters:
                segment = line_filter.apply(segment, background)
            styles[tone, place] = segment[0].style or Style()
        blank = styles[Tone.PLAIN, place]
        if not blank.reverse and not blank.underline:
            solid.add(place)
    return styles, frozenset(solid)


def _tone_style(
    tone: Tone, background: Color, variables: Mapping[str, str], *, ansi: bool, plain: bool
) -> Style:
    """Return the style of a tone on the widget's plain background.

    If `ansi` is True, the terminal's own colours are used, and grey text becomes dim.
    """
    variable, share, bold = _TONES[tone]
    # Without colours a failure is bold, beside its glyph and word.
    bold = bold or (plain and tone is Tone.ERROR)
    if ansi and variable == "foreground":
        return Style(bold=bold, dim=share < 1, color="default", bgcolor="default")
    color = _color(variables[variable], background)
    if not ansi:
        color = background.blend(color, share, alpha=1)
    return Style(bold=bold, color=color.rich_color, bgcolor=background.rich_color)


def _ground_style(place: Ground, background: Color, variables: Mapping[str, str], *, ansi: bool) -> Style:
    """Return the style that a kind of background adds to the style of a tone.

    It is a tinted background colour. If `ansi` is True, the terminal's own colours are used and the
    style is underline or reverse video.
    """
    if place is Ground.BASE:
        return Style()
    if ansi:
        return Style(underline=True) if place is Ground.BLURRED else Style(reverse=True)
    variable, share = _GROUNDS[place]
    return Style(bgcolor=background.blend(_color(variables[variable], background), share, alpha=1).rich_color)


def _color(value: str, background: Color) -> Color:
    """Parse a colour of the theme.

    If the value is not a colour, such as "auto", return black or white, whichever contrasts with the
    background.
    """
    try:
        return Color.parse(value)
    except ColorParseError:
        return background.get_contrast_text(1.0)
