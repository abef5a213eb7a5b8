"""Read bodies, ids and texts from requests of the library's routes."""

from __future__ import annotations

import json
import math
from typing import Any

from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, refusal


async def strict_body(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON body as an object; any other value counts as an empty object.

    Raises 400 `Invalid JSON body` if the body is not JSON (identity.md §1.6).
    """
    try:
        return await params.json_object(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None


async def lenient_body(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON body as an object; any other body counts as an empty object.

    This includes a body that is not JSON (library.md §1.3).
    """
    try:
        return await params.json_object(request)
    except params.NotJsonError:
        return {}


def length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as the service counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def finite(value: Any) -> Any:
    """Return a JSON value in which null replaces infinite numbers, as from `1e999`."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


def compact(value: Any) -> str:
    """Return a value as the JSON text that is stored and whose length is limited.

    It has no spaces and no needless escapes.
    """
    return json.dumps(finite(value), separators=(",", ":"), ensure_ascii=False)


def as_text(value: Any) -> str | None:
    """Return a JSON value as it is stored in a text column.

    A text and null are stored unchanged, other values as JSON.
    """
    return value if value is None or isinstance(value, str) else compact(value)


def owned(request: ApiRequest, table: str, row_id: Any, missing: str) -> Row:
    """Return the row of a table with an id, if it is the caller's.

    Raises RefusedError 404 with the text `missing` for an id that is invalid, unknown or another
    account's (identity.md §1.6).
    """
    row = None
    if isinstance(row_id, str) and params.is_uuid(row_id):
        row = request.plane.db.one(
            f"SELECT * FROM {table} WHERE id = ? AND user_id = ?", (row_id.lower(), request.user_id)
        )
    if row is None:
        raise refusal(404, missing)
    return row


def doomed_id(request: ApiRequest, missing: str) -> str:
    """Return the `id` of the row to delete from the query, in lower case.

    Raises RefusedError: 400 `Missing id` without one, 404 with the text `missing` if it is no UUID.
    """
    found = request.query("id")
    if not found:
        raise refusal(400, "Missing id")
    if not params.is_uuid(found):
        raise refusal(404, missing)
    return found.lower()
