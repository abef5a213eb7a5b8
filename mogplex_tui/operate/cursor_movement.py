"""The keys that move the cursor in lists, tails, records and overlays.

The widgets do the moving; a test compares their bindings with these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mogplex_tui.operate import action_registry

LIST, TAIL, RECORD, PAGE = "list", "tail", "record", "page"
PLACES = (LIST, TAIL, RECORD, PAGE)


class CursorMove(NamedTuple):
    """One cursor movement: its default keys and its description, for each place."""

    id: str
    defaults: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]


def _move(
    name: str, *keys: str, row: str, record: str, but: Mapping[str, tuple[str, ...]] | None = None
) -> CursorMove:
    """Declare a movement by its effect on a row; on a page, rows are called lines."""
    words = {LIST: row, TAIL: row, RECORD: record, PAGE: row.replace("row", "line")}
    return CursorMove(f"move.{name}", {**dict.fromkeys(PLACES, keys), **(but or {})}, words)


# `j` shows the JSON in tails and records, so it does not move down there.
_DOWN = {TAIL: ("down",), RECORD: ("down",)}
_PAGE_DOWN = {RECORD: ("pagedown", "ctrl+f", "space")}
MOVES: tuple[CursorMove, ...] = (
    _move("up", "up", "k", row="one row up", record="the previous link, or one line up"),
    _move("down", "down", "j", row="one row down", record="the next link, or one line down", but=_DOWN),
    _move("page-up", "pageup", "ctrl+b", row="one page up", record="one page up"),
    _move("page-down", "pagedown", "ctrl+f", row="one page down", record="one page down", but=_PAGE_DOWN),
    _move("first", "home", "g", row="the first row", record="the top"),
    _move("last", "end", "G", row="the last row", record="the end"),
)


def places(scope: str) -> tuple[str, ...]:
    """Return the places a screen's cursor moves in, the first focused one first."""
    tags = action_registry.scope_tags(scope)
    if tags & action_registry.DETAILS:
        return (RECORD, TAIL) if tags & action_registry.LOGS else (RECORD,)
    return {"run": (TAIL, RECORD), "observability": (PAGE,)}.get(scope, (LIST,))


def keys_of(move: CursorMove, place: str) -> tuple[str, ...]:
    """Return the keys in force of a movement in a place."""
    return action_registry.keys_in_force(move.id, move.defaults[place])
