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
    """Return a JSON value with null in place of each infinite number.

    A number such as `1e999` in a request body is parsed as infinite.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


def compact(value: Any) -> str:
    """Return a JSON value as text without spaces and unnecessary escapes.

    Values are stored in this form, and limits apply to its length.
    """
    return json.dumps(finite(value), separators=(",", ":"), ensure_ascii=False)


def as_text(value: Any) -> str | None:
    """Return a JSON value in the form in which a text column stores it.

    Texts and null are returned unchanged, other values as JSON text.
    """
    return value if value is None or isinstance(value, str) else compact(value)


def owned(request: ApiRequest, table: str, row_id: Any, missing: str) -> Row:
    """Return the caller's row with an id from a table.

    Raises RefusedError 404 with the text `missing` if the id is invalid or unknown, or if the row
    belongs to another account (identity.md §1.6).
    """
    row = None
    if isinstance(row_id, str) and params.is_uuid(row_id):
        row = request.plane.db.one(
            f"SELECT * FROM {table} WHERE id = ? AND user_id = ?", (row_id.lower(), request.user_id)
        )
    if row is None:
        raise refusal(404, missing)
    return row


def id_to_delete(request: ApiRequest, missing: str) -> str:
    """Return the query parameter `id` of a DELETE request, in lower case.

    Raises RefusedError: 400 `Missing id` if the parameter is missing, 404 with the text `missing`
    if it is not a UUID.
    """
    found = request.query("id")
    if not found:
        raise refusal(400, "Missing id")
    if not params.is_uuid(found):
        raise refusal(404, missing)
    return found.lower()
