"""Mutations of JSON values: wrong types, unknown values, duplicates, clock skew."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from ..db.clock import SECOND_US, iso_app, iso_db, parse_instant

UNKNOWN_VALUE = "from_the_future"
UNKNOWN_FIELD = "added_later"
# Fields whose values come from a closed list in the contract.
ENUMERATED = frozenset(
    (
        "status",
        "type",
        "op",
        "outcome",
        "kind",
        "source_kind",
        "dispatch_kind",
        "control_state",
        "cost_source",
        "start_source",
        "last_start_source",
        "surface",
        "harness",
        "state",
        "severity",
        "wait_kind",
        "lane",
        "role",
        "transport",
        "node_type",
        "failure_class",
        "route_key",
        "decision",
    )
)

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def payload(body: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a mutation to the payload of a JSON body.

    The payload is `data` in a v1 envelope, or else the entire body.
    """
    if isinstance(body, dict) and body.get("ok") is True and set(body) == {"ok", "data"}:
        return {"ok": True, "data": change(body["data"])}
    return change(body)


def _leaves(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _leaves(item, change, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_leaves(item, change, name) for item in value]
    return change(name, value)


def _other_type(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return {"0": value[0]} if value else {}
    return value if value is None else []


def wrong_types(value: Any, names: tuple[str, ...], random: Random) -> Any:
    """Change the JSON type of the named fields, or of about a quarter of all scalars."""
    if names:
        return _named(value, names)
    return _leaves(value, lambda _, leaf: _other_type(leaf) if random.random() < 0.25 else leaf)


def _named(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {
            key: _other_type(item) if key in names else _named(item, names) for key, item in value.items()
        }
    return [_named(item, names) for item in value] if isinstance(value, list) else value


def unknown_fields(value: Any) -> Any:
    """Add an unknown field to every object."""
    if isinstance(value, dict):
        known = {key: unknown_fields(item) for key, item in value.items()}
        return {**known, UNKNOWN_FIELD: {"since": 2030, "parts": ["a", None]}}
    return [unknown_fields(item) for item in value] if isinstance(value, list) else value


def unknown_values(value: Any, names: tuple[str, ...]) -> Any:
    """Replace the texts in the named fields by an unknown value.

    Without names, every field in ENUMERATED is changed.
    """
    wanted = frozenset(names) or ENUMERATED

    def change(name: str, leaf: Any) -> Any:
        return UNKNOWN_VALUE if name in wanted and isinstance(leaf, str) else leaf

    return _leaves(value, change)


def rows(value: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Apply a mutation to a list of objects, or to each list of objects in an object."""
    if isinstance(value, dict):
        return {key: rows(item, change) if isinstance(item, list) else item for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return change(value)
    return value


def twice(items: list[Any]) -> list[Any]:
    """Return the list with each item followed by a second copy."""
    return [item for item in items for _ in range(2)]


def shuffled(items: list[Any], random: Random) -> list[Any]:
    """Return the items in a random order that differs from their original order."""
    mixed = list(items)
    random.shuffle(mixed)
    return mixed[1:] + mixed[:1] if mixed == items else mixed


def skewed(value: Any, seconds: float) -> Any:
    """Shift every time in a JSON value by `seconds`, keeping its text format.

    errors.md §6.
    """

    def change(_: str, leaf: Any) -> Any:
        if not isinstance(leaf, str) or _INSTANT.fullmatch(leaf) is None:
            return leaf
        at = parse_instant(leaf)
        if at is None:
            return leaf
        moved = at + round(seconds * SECOND_US)
        return iso_app(moved) if leaf.endswith("Z") else iso_db(moved)

    return _leaves(value, change)
