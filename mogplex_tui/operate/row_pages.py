"""Convert the client's records to a page of rows of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mogplex_tui.live.collection import Entry, RowPage

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import Rows

Row = TypeVar("Row")
M = TypeVar("M")


def page_of(
    rows: Rows[M], row: Callable[[M], Row], key: Callable[[Row], str], *, hide: Sequence[str] = ()
) -> RowPage[Row]:
    """Convert the client's records to a page of rows, unreadable records last.

    The values of the JSON fields named in `hide` are masked, since they may be secrets.
    """

    def masked(raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        return {name: "[hidden]" if name in hide and value else value for name, value in raw.items()}

    entries = []
    for index, model in enumerate(rows):
        typed_row = row(model)
        raw = rows.raws[index] if index < len(rows.raws) else None
        entries.append(Entry(key(typed_row), typed_row, masked(raw)))
    used_keys = {entry.key for entry in entries}
    for index, bad in enumerate(rows.bad):
        id = bad.raw.get("id") if isinstance(bad.raw, dict) else None
        # The id of an unreadable record may be wrong too: it must not replace another record.
        name = str(id) if id and str(id) not in used_keys else f"unreadable {index}"
        used_keys.add(name)
        entries.append(Entry[Row](name, None, masked(bad.raw), bad.reason))
    return RowPage(entries)
