"""Functions that make text safe to draw, and measure, cut and pad it.

All text from a server passes through `visible` before it is drawn, so that the text cannot
move the cursor, change the reading direction or take more cells than were counted for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rich.cells import cell_len

ELLIPSIS: Final = "…"
LONGEST_LINE: Final = 4096
"""Longer lines are cut to this many characters before they are processed."""
_MOST_MARKS: Final = 4
"""The number of successive combining marks that are drawn; no script needs more."""

_UNSAFE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1 controls
    "\u00ad\u115f\u1160\u180e\u200b-\u200d\u2060-\u2065\u3164\ufeff\ufff9-\ufffb"  # invisible
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"  # line separators and reading direction
    "\ufe00-\ufe0f"  # variation selectors: terminals disagree on their width
    "\ud800-\udfff"  # lone surrogates cannot be written at all
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff"  # flags and skin tones: terminals disagree on their width
    "\U000e0000-\U000e0fff"  # tags
    "]"
)
_DROPPED: Final = frozenset({"\u200c", "\u200d", *(chr(c) for c in range(0xFE00, 0xFE10))})


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character == "\t":
        return "    "
    if character in "\n\u2028\u2029":
        return "⏎"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if character in _DROPPED or 0x1F3FB <= code <= 0x1F3FF:
        # These only merge their neighbours; without them each character has its own cells.
        return ""
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return chr(ord("A") + code - 0x1F1E6)
    return f"<{code:02x}>" if code < 0x100 else f"<U+{code:04X}>"


def visible(text: str, most: int | None = LONGEST_LINE) -> str:
    """Return the text with control characters and escape sequences made visible.

    Marks of the reading direction become visible, too; tabs become spaces and newlines ⏎. A text longer
    than `most` characters is first cut and ended with an ellipsis, and long runs of combining marks
    are shortened. If `most` is None, nothing is cut or shortened.
    """
    if most is not None and len(text) > most:
        text = text[:most] + ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    shown = _UNSAFE.sub(_shown, text.replace("\r\n", "\n"))
    return shown if most is None else _few_marks(shown)


def _few_marks(text: str) -> str:
    if text.isascii() or cell_len(text) + _MOST_MARKS >= len(text):
        return text
    kept_characters: list[str] = []
    marks = 0
    for character in text:
        marks = 0 if cell_len(character) else marks + 1
        if marks <= _MOST_MARKS:
            kept_characters.append(character)
    return "".join(kept_characters)


def visible_lines(text: str) -> str:
    """Return the text with each line made safe by `visible`; newlines are kept.

    A very long text is cut and ended with an ellipsis.
    """
    if len(text) > LONGEST_LINE:
        text = text[:LONGEST_LINE] + ELLIPSIS
    return "\n".join(visible(line) for line in text.replace("\r\n", "\n").split("\n"))


def width(text: str) -> int:
    """Return the width in terminal cells of a text that has passed through `visible`."""
    return len(text) if text.isascii() else cell_len(text)


def _head(text: str, cells: int) -> str:
    """Return the longest beginning of the text that fits into `cells` cells."""
    if text.isascii():
        return text[:cells]
    head = text[:cells]
    if cell_len(head) == cells == len(head) and cell_len(text[cells : cells + 1]):
        # Fast path: most texts have one cell for each letter.
        return head
    used_width = 0
    for index, character in enumerate(text):
        used_width += cell_len(character)
        if used_width > cells:
            return text[:index]
    return text


def _tail(text: str, cells: int) -> str:
    """Return the longest end of the text that fits into `cells` cells."""
    if cells <= 0:
        return ""
    if text.isascii():
        return text[-cells:]
    used_width = 0
    for index in range(len(text) - 1, -1, -1):
        used_width += cell_len(text[index])
        if used_width > cells:
            return text[index + 1 :].lstrip("\u0300\u0301\u0302\u0303\u0308")
    return text


def cut_end(text: str, cells: int, ellipsis: str = ELLIPSIS) -> str:
    """Return the text; if it is wider than `cells`, cut its end and add an ellipsis."""
    if width(text) <= cells:
        return text
    mark = width(ellipsis)
    if cells <= mark:
        return _head(ellipsis, cells)
    return _head(text, cells - mark).rstrip() + ellipsis


def cut_middle(text: str, cells: int, ellipsis: str = ELLIPSIS) -> str:
    """Return the text; if it is wider than `cells`, put an ellipsis for its middle.

    This keeps both ends of a branch or a path, which identify it.
    """
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room <= 0:
        return _head(ellipsis, cells)
    head = (room + 1) // 2
    return _head(text, head) + ellipsis + _tail(text, room - head)


def pad_right(text: str, cells: int) -> str:
    """Return the text padded with spaces at its end to `cells` cells.

    Longer texts are returned unchanged.
    """
    return text + " " * (cells - width(text))


def pad_left(text: str, cells: int) -> str:
    """Return the text padded with spaces at its start to `cells` cells.

    Longer texts are returned unchanged.
    """
    return " " * (cells - width(text)) + text


def fit(text: str, cells: int, align: str = "left", cut: str = "end", ellipsis: str = ELLIPSIS) -> str:
    """Return the text made visible, cut and padded to exactly `cells` cells."""
    if len(text) > LONGEST_LINE:
        # Keep both ends: `cut` may remove the middle.
        text = text[: LONGEST_LINE // 2] + text[-LONGEST_LINE // 2 :]
    return _fit(text, cells, align, cut, ellipsis)


@lru_cache(maxsize=8192)
def _fit(text: str, cells: int, align: str, cut: str, ellipsis: str) -> str:
    shown = visible(text)
    shown = cut_middle(shown, cells, ellipsis) if cut == "middle" else cut_end(shown, cells, ellipsis)
    return pad_left(shown, cells) if align == "right" else pad_right(shown, cells)


def wrap_points(text: str, first_width: int, other_width: int) -> list[tuple[int, int]]:
    """Return the (start, end) indexes of the lines into which a text is wrapped.

    The first line has at most `first_width` cells, the others `other_width`. Lines are broken at
    spaces unless that would leave most of a line empty; the spaces at the breaks are dropped.
    """
    points: list[tuple[int, int]] = []
    start, cells = 0, max(1, first_width)
    while True:
        # A cell holds few characters, so a line cannot take more than these.
        ahead = text[start : start + 4 * cells + 4]
        head = _head(ahead, cells) or ahead[:1]
        end = start + len(head)
        if end >= len(text):
            points.append((start, len(text)))
            return points
        following = end
        if text[end] == " ":
            following = end + 1
        else:
            space = head.rfind(" ")
            if space >= len(head) // 3 > 0:
                end = start + space
                following = end + 1
        points.append((start, end))
        start, cells = following, max(1, other_width)


# What a sentence tells to type: the program's name, what to do, and its options.
_COMMAND: Final = re.compile(r"mogplex-tui(?: [a-z]+(?: (?:add|create))?)?(?: --[a-z-]+)*")


def wrap(text: str, first_width: int, other_width: int) -> list[str]:
    """Return the lines into which a text is wrapped; the text has passed `visible`.

    The first line has at most `first_width` cells, the others `other_width`.

    A mogplex-tui command in the text is not broken unless it would fill most of a line, so that the
    user can type it as shown.
    """

    def held(command: re.Match[str]) -> str:
        return command[0].replace(" ", "\u00a0") if 3 * len(command[0]) < 2 * other_width else command[0]

    return [text[start:end] for start, end in wrap_points(_COMMAND.sub(held, text), first_width, other_width)]
