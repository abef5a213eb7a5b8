"""A series of numbers as one line of small bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"
ASCII_BARS: Final = "_.-=+*%#"
GAP: Final = " "


def sparkline(values: Sequence[float | None], *, ascii_mode: bool = False, cells: int | None = None) -> str:
    """Return one bar character for each value, scaled to the greatest value.

    A value of zero or less is the lowest bar. None is a gap, because an unknown value is not zero. If
    `cells` is given, only the last `cells` values are shown.
    """
    shown = values if cells is None else values[max(0, len(values) - cells) :]
    bars = ASCII_BARS if ascii_mode else BARS
    most = max((value for value in shown if value is not None), default=0.0)
    out = []
    for value in shown:
        if value is None:
            out.append(GAP)
        elif most <= 0 or value <= 0:
            out.append(bars[0])
        else:
            # Anything above zero is higher than the lowest bar.
            out.append(bars[max(1, min(len(bars) - 1, round(value / most * (len(bars) - 1))))])
    return "".join(out)
