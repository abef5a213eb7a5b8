"""In ASCII, every line goes out without the glyphs of the console itself and of the toolkit beneath it.

What is drawn of many signs together, as a chart is, is drawn otherwise by whoever draws it; this is for all the rest:
states, borders, arrows, dashes and ellipses. A sign of which nothing is known is the service's own and stays as it came.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Each sign is one cell wide and so is its letter: nothing moves.
_LETTERS: Final = {
    "-": "–—‐‑‒―−─━╍═⊘",
    "|": "│┃╎╏║▐▎▏▊▉▋▍┤├",
    "+": "┌┐└┘╭╮╯╰┬┴┼╔╗╚╝✓",
    '"': "“”„",
    "'": "‘’‚",
    "~": "…◌",
    # The bar before a row is the cursor's, or a notice's.
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
    # What is left of a sign that fills a part of its cell: the ground it stands on.
    " ": "▁▂▃▄▅▆▇▀▔▕\u00a0",
}
_TABLE: Final = str.maketrans({sign: letter for letter, signs in _LETTERS.items() for sign in signs})


def letters(text: str) -> str:
    """The text with a letter for each glyph, as many cells wide as before."""
    return text if text.isascii() else text.translate(_TABLE)


class Letters(LineFilter):
    """Writes letters for glyphs in whatever is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's own)
        """The segments in the same styles."""
        return [Segment(letters(text), style, control) for text, style, control in segments]
