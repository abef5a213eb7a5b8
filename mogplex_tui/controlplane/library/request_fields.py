"""Bodies, ids and text lengths of the library's routes."""

from __future__ import annotations

import json
import math
from typing import Any

from ..db.database import Row
from ..http import params
from ..http.endpoints import Ask, refusal


async def strict_body(ask: Ask) -> dict[str, Any]:
    """Return the body as an object. Raises 400 `Invalid JSON body` (identity.md §1.6)."""
    try:
        return await params.json_object(ask)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None


async def lenient_body(ask: Ask) -> dict[str, Any]:
    """Return the body as an object, an empty one if it is no JSON (library.md §1.3)."""
    try:
        return await params.json_object(ask)
    except params.NotJsonError:
        return {}


def length(text: str) -> int:
    """Characters as the service counts them: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def finite(value: Any) -> Any:
    """Replace numbers that JSON cannot represent, such as `1e999`, by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


def compact(value: Any) -> str:
    """JSON as it is stored and measured: no spaces, nothing escaped beyond need."""
    return json.dumps(finite(value), separators=(",", ":"), ensure_ascii=False)


def as_text(value: Any) -> str | None:
    """Return a JSON value as a text column stores it: texts as they are, else JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def owned(ask: Ask, table: str, row_id: Any, missing: str) -> Row:
    """Return the caller's row of a table. Raises 404 with the text `missing`.

    An invalid id, an unknown one and another account's are treated alike (identity.md §1.6).
    """
    row = None
    if isinstance(row_id, str) and params.is_uuid(row_id):
        row = ask.plane.db.one(
            f"SELECT * FROM {table} WHERE id = ? AND user_id = ?", (row_id.lower(), ask.user_id)
        )
    if row is None:
        raise refusal(404, missing)
    return row


def doomed_id(ask: Ask, missing: str) -> str:
    """Return the `id` of a DELETE in lower case. Raises 400 `Missing id` or 404."""
    found = ask.query("id")
    if not found:
        raise refusal(400, "Missing id")
    if not params.is_uuid(found):
        raise refusal(404, missing)
    return found.lower()
