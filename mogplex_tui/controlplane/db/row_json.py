"""Convert database rows to JSON objects."""

from __future__ import annotations

import json
from typing import Any

from .clock import iso_db_or_none
from .database import Row


def timed(row: Row, *instants: str, json_columns: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a row as a JSON object, with times formatted and JSON columns parsed.

    The columns `instants` are formatted with `iso_db`, the columns `json_columns` are parsed;
    NULL becomes None.
    """
    out = dict(row)
    for name in instants:
        out[name] = iso_db_or_none(row[name])
    for name in json_columns:
        out[name] = None if row[name] is None else json.loads(row[name])
    return out
