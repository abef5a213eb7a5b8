"""Line filter that replaces glyphs with ASCII characters in every drawn line.

It replaces single characters: state symbols, borders, arrows, dashes and ellipses. A widget
that combines many glyphs, such as a chart, draws its own ASCII form. A character that is not
in the table comes from the service and is not replaced.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Each glyph and its ASCII character are one cell wide, so nothing moves.
_LETTERS: Final = {
    "-": "–—‐‑‒―−─━╍═⊘",
    "|": "│┃╎╏║▐▎▏▊▉▋▍┤├",
    "+": "┌┐└┘╭╮╯╰┬┴┼╔╗╚╝✓",
    '"': "“”„",
    "'": "‘’‚",
    "~": "…◌",
    # The bar before a row marks the cursor or a notice.
    ">": "→▸▶›▌",
    "<": "←◂◀‹",
    "^": "↑▴",
    "v": "↓▾▼",
    "*": "•●◐",
    "o": "○",
    "x": "✗✕×",
    ".": "·╌",
    "?": "◆▫",
    "=": "‖",
    "!": "▲",
    "/": "⏎",
    "#": "█",
    ":": "▒",
    # Glyphs that fill a part of their cell become a space.
    " ": "▁▂▃▄▅▆▇▀▔▕\u00a0",
}
_TABLE: Final = str.maketrans({sign: letter for letter, signs in _LETTERS.items() for sign in signs})


def letters(text: str) -> str:
    """Return the text with glyphs replaced by ASCII characters of the same width."""
    return text if text.isascii() else text.translate(_TABLE)


class Letters(LineFilter):
    """Line filter that replaces glyphs with ASCII characters."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's own)
        """Return the segments with glyphs replaced in their texts and styles unchanged."""
        return [Segment(letters(text), style, control) for text, style, control in segments]
