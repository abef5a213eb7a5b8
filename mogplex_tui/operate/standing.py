"""What stands in a row instead of what the record says: that it did not parse, or that a change of ours is under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mogplex_tui.operate import words

if TYPE_CHECKING:
    from mogplex_tui.operate.kinds.base import Cell, Field


def said(fields: Sequence[Field], row: Any, cells: list[Cell]) -> list[Cell]:
    """Return a row's cells with what stands in them instead, in a column that no width drops.

    Where the column of what went wrong says why a record did not parse, its state is that it did not; else the column
    that names it says both. A change stands in the switch that it turns, else in the first column of a state that has
    room for its word, else before the name.
    """
    if getattr(row, "record", row) is None:
        glyph, word, tone = words.state("unreadable")
        told, why = f"{glyph} {word}", any(field.key == "error" for field in fields)
        place = _standing(fields, told) if why else -1
        if place < 0:
            place = _naming(fields)
            told = told if why else _before(fields[place], told, row.why)
        cells[place] = (told, tone)
    elif doing := getattr(row, "doing", None):
        turned = next((at for at, field in enumerate(fields) if doing in field.turns), -1)
        if turned >= 0:
            cells[turned] = (f"◌ {fields[turned].turns[doing]}", "warn")
            return cells
        told = f"◌ {doing}"
        place = _standing(fields, told)
        if place < 0:
            place = _naming(fields)
            told = _before(fields[place], told, cells[place][0])
        cells[place] = (told, "warn")
    return cells


def _standing(fields: Sequence[Field], told: str) -> int:
    """The place of the first column of a state or a switch that has room for what is told; -1 without one."""
    lasting = (at for at, field in enumerate(fields) if field.stands and not field.priority)
    return next((at for at in lasting if fields[at].width >= len(told)), -1)


def _naming(fields: Sequence[Field]) -> int:
    """The place of the column that names a record; one that grows has room for more words."""
    lasting = [at for at, field in enumerate(fields) if field.told and not field.priority]
    return next((at for at in lasting if fields[at].flex), lasting[0] if lasting else 0)


def _before(field: Field, told: str, rest: str | None) -> str:
    """What is told, with the rest behind it where there is room; a cut in the middle would leave no sentence."""
    return f"{told}: {rest}" if field.flex and field.cut == "end" else told
