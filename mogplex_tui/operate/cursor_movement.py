"""Declares the keys that move the cursor in lists, logs, records and overlays.

The widgets bind the keys and move the cursor; a test compares their bindings with these
declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mogplex_tui.operate import action_registry

LIST, TAIL, RECORD, PAGE, EVENT = "list", "tail", "record", "page", "event"
PLACES = (LIST, TAIL, RECORD, PAGE, EVENT)


class CursorMove(NamedTuple):
    """One cursor movement, with its default keys and its description.

    Both are mappings by place: `list`, `tail`, `record`, `page` or `event`.
    """

    id: str
    defaults: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]


def _move(
    name: str,
    *keys: str,
    row: str,
    record: str,
    event: str = "",
    but: Mapping[str, tuple[str, ...]] | None = None,
) -> CursorMove:
    """Return a cursor movement that has the same default keys in most places.

    `row` describes the movement in a list, `record` on a record's page, and `event` in the pane of
    an event; an empty `event` means the same as `record`. `but` has the keys of the places with
    other default keys.
    """
    words = {
        LIST: row,
        TAIL: row,
        RECORD: record,
        PAGE: row.replace("row", "line"),
        EVENT: event or record,
    }
    return CursorMove(f"move.{name}", {**dict.fromkeys(PLACES, keys), **(but or {})}, words)


# `g` shows the waterfall of runs and jobs, so only overlays use it to move.
# `j` shows the JSON in tails, records and events, so it does not move down there.
_DOWN = dict.fromkeys((TAIL, RECORD, EVENT), ("down",))
_PAGE_DOWN = dict.fromkeys((RECORD, EVENT), ("pagedown", "ctrl+f", "space"))
MOVES: tuple[CursorMove, ...] = (
    _move(
        "up",
        "up",
        "k",
        row="one row up",
        record="the previous link, or one line up",
        event="the previous event",
    ),
    _move(
        "down",
        "down",
        "j",
        row="one row down",
        record="the next link, or one line down",
        event="the next event",
        but=_DOWN,
    ),
    _move("page-up", "pageup", "ctrl+b", row="one page up", record="one page up"),
    _move("page-down", "pagedown", "ctrl+f", row="one page down", record="one page down", but=_PAGE_DOWN),
    _move("first", "home", row="the first row", record="the top", but={PAGE: ("home", "g")}),
    _move("last", "end", "G", row="the last row", record="the end"),
)


def places(scope: str) -> tuple[str, ...]:
    """Return the places where the cursor of a screen can be, first the initial one."""
    tags = action_registry.scope_tags(scope)
    if tags & action_registry.DETAILS:
        return (RECORD, TAIL) if tags & action_registry.LOGS else (RECORD,)
    return {"run": (TAIL, RECORD, EVENT)}.get(scope, (LIST,))


def keys_of(move: CursorMove, place: str) -> tuple[str, ...]:
    """Return the keys of a cursor movement in a place, with overrides applied."""
    return action_registry.keys_in_force(move.id, move.defaults[place])
