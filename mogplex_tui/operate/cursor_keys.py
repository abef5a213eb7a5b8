"""The keys that move: in lists, in tails, on a record's page and in what lies over them, such as the help.

What they do is the widgets' own; a test holds the widgets' bindings to what is declared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mogplex_tui.operate import action_registry

LIST, TAIL, RECORD, PAGE = "list", "tail", "record", "page"
PLACES = (LIST, TAIL, RECORD, PAGE)


class CursorMove(NamedTuple):
    """One way to move: its keys in each place unless the operator chose others, and what it does there."""

    id: str
    defaults: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]


def _move(
    name: str, *keys: str, row: str, record: str, but: Mapping[str, tuple[str, ...]] | None = None
) -> CursorMove:
    """Declare a move by what it does to a row; on a page, a line is a row."""
    words = {LIST: row, TAIL: row, RECORD: record, PAGE: row.replace("row", "line")}
    return CursorMove(f"move.{name}", {**dict.fromkeys(PLACES, keys), **(but or {})}, words)


# In tails and records, `j` is the JSON.
_DOWN = {TAIL: ("down",), RECORD: ("down",)}
_ON = {RECORD: ("pagedown", "ctrl+f", "space")}
MOVES: tuple[CursorMove, ...] = (
    _move("up", "up", "k", row="one row up", record="the link before, or one line towards it"),
    _move("down", "down", "j", row="one row down", record="the next link, or one line towards it", but=_DOWN),
    _move("page-up", "pageup", "ctrl+b", row="one page up", record="one page up"),
    _move("page-down", "pagedown", "ctrl+f", row="one page down", record="one page down", but=_ON),
    _move("first", "home", "g", row="the first row", record="the top"),
    _move("last", "end", "G", row="the last row", record="the end"),
)


def places(scope: str) -> tuple[str, ...]:
    """Return what one moves in on a screen, by its scope; what has the keys at first comes first."""
    tags = action_registry.scope_tags(scope)
    if tags & action_registry.DETAILS:
        return (RECORD, TAIL) if tags & action_registry.LOGS else (RECORD,)
    return {"run": (TAIL, RECORD), "observability": (PAGE,)}.get(scope, (LIST,))


def keys_of(move: CursorMove, place: str) -> tuple[str, ...]:
    """Return the keys in force of a way to move."""
    return action_registry.keys_in_force(move.id, move.defaults[place])
