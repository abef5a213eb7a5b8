"""Rows as JSON objects: timestamps in ISO form and JSON columns parsed."""

from __future__ import annotations

import json
from typing import Any

from .clock import iso_db_or_none
from .database import Row


def timed(row: Row, *instants: str, json_columns: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a row as an object, with named columns as instants and as parsed JSON.

    Null columns stay null.
    """
    out = dict(row)
    for name in instants:
        out[name] = iso_db_or_none(row[name])
    for name in json_columns:
        out[name] = None if row[name] is None else json.loads(row[name])
    return out
