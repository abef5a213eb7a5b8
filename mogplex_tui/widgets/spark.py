"""A row of bars one character high, from numbers."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "_.-=+*#@"


def sparkline(values: Sequence[float | None], *, ascii_mode: bool = False) -> str:
    """Return one character a value, scaled to the largest; None is a gap, and zero is not the same as None."""
    blocks = _LETTERS if ascii_mode else _BLOCKS
    top = max((value for value in values if value is not None), default=0.0)
    return "".join(
        " " if value is None else blocks[0 if top <= 0 else round(value / top * (len(blocks) - 1))]
        for value in values
    )
