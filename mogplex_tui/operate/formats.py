"""How values of columns are shown, sorted and found: one `Format` for each type of value."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mogplex_tui.operate import words
from mogplex_tui.operate.common_actions import DISABLING, ENABLING
from mogplex_tui.operate.model import Cell, Format, Moment, SortKey
from mogplex_tui.operate.paths import line

# Texts are sorted by this many characters of their beginning.
_SORTED_BY = 256


def _text_sort(value: str) -> SortKey:
    return (3, value[:_SORTED_BY].lower())


def text(tone: str = "plain") -> Format[str]:
    """Return the format of a text: its first line."""
    return Format(lambda value, _: Cell(line(value, tone), tone), _text_sort, lambda value, _: line(value))


def texts(tone: str = "plain") -> Format[tuple[str, ...]]:
    """Return the format of several short texts: joined with commas, each found by itself."""
    return Format(
        lambda value, _: Cell(line(list(value), tone), tone),
        lambda value: _text_sort(line(list(value))),
        lambda value, _: tuple(map(line, value)),
    )


def count(tone: str = "plain") -> Format[int]:
    """Return the format of a count; zero is dim."""
    return Format(
        lambda value, _: Cell(words.count(value), tone if value else "dim"),
        lambda value: (1, float(value)),
        lambda value, _: float(value),
        align="right",
    )


def _age(value: datetime, moment: Moment) -> Cell:
    return Cell(words.age(value, moment.now), "dim")


def state() -> Format[str]:
    """Return the format of a state: glyph and word; found by that word and by the service's own."""

    def show(value: str, _: Moment) -> Cell:
        glyph, word, tone = words.state(line(value))
        return Cell(f"{glyph} {word}", tone)

    return Format(
        show, _text_sort, lambda value, _: (words.state(line(value))[1], line(value)), is_state=True
    )


def time_left(soon: float) -> Format[datetime]:
    """Return the format of the time until an instant; it stands out from `soon` seconds before it."""

    def show(value: datetime, moment: Moment) -> Cell:
        seconds = (value - moment.now).total_seconds()
        if seconds <= 0:
            return Cell("over", "dim")
        return Cell(words.age_of(seconds), "warn" if seconds < soon else "plain")

    return Format(
        show,
        lambda value: (2, value.timestamp()),
        lambda value, now: (value - now).total_seconds(),
        align="right",
        is_span=True,
    )


AGE: Format[datetime] = Format(
    _age,
    lambda value: (1, -value.timestamp()),
    lambda value, now: (now - value).total_seconds(),
    align="right",
    is_span=True,
)
"""An instant as its age; the youngest sorts first."""


def flag(yes: str = "on", no: str = "off") -> Format[bool]:
    """Return the format of a yes or no in two words, found by `true` and `false` too; the no is dim, or nothing."""

    def show(value: bool, _: Moment) -> Cell:
        if not value and not no:
            return Cell("", "dim")
        return Cell(f"{'✓' if value else '·'} {yes if value else no}", "ok" if value else "dim")

    return Format(
        show,
        lambda value: (1, float(value)),
        lambda value, _: (yes, "true") if value else (no, "false") if no else ("false",),
        is_state=True,
    )


def switch() -> Format[bool]:
    """Return the format of a flag that actions turn: while one is under way, the new value shows."""
    return replace(flag(), in_progress={ENABLING: "on", DISABLING: "off"})
