"""Read JSON request bodies with the rules that most routes share.

identity.md §1.6, routing.md §0, sandboxes.md §0.
"""

from __future__ import annotations

from typing import Any

from . import params
from .endpoints import ApiRequest, empty_500, refusal


async def body_of(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON body as an object; an array or scalar counts as an empty object.

    Raises 400 `Invalid JSON body` for text that is no JSON. `null` raises a 500 without a body,
    because the service crashes on it.
    """
    try:
        value = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    if value is None:
        raise empty_500()
    return value if isinstance(value, dict) else {}
