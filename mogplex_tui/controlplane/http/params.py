"""Parse numbers, ids, instants and JSON from requests as leniently as the service.

v1.md §0.1.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .endpoints import ApiRequest

# Characters that JavaScript's trim removes.
SPACES = (
    " \t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

# The integers that the database and JSON readers can hold.
SAFE_INTEGER = 2**53 - 1
_MOST_DIGITS = 18
_MOST_DEPTH = 200
_LEADING_INT = re.compile(r"([+-]?)(\d+)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJsonError(Exception):
    """Raised for a request body that is not JSON."""


def trim(text: str) -> str:
    """Return the text without the characters at its ends that JavaScript trims."""
    return text.strip(SPACES)


def leading_int(text: str) -> int | None:
    """Return the integer at the start of a text ("10abc" is 10), or None.

    None means that the text does not start with an integer.
    """
    match = _LEADING_INT.match(trim(text))
    if match is None:
        return None
    # Further digits make no difference: every limit is far below.
    sign, digits = match[1], match[2].lstrip("0")[:_MOST_DIGITS]
    return int(f"{sign}{digits or 0}")


def clamped(text: str, default: int, low: int, high: int) -> int:
    """Return the integer at the start of a text, limited to `low` to `high`.

    Returns `default` if the text does not start with an integer.
    """
    value = leading_int(text)
    return default if value is None else max(low, min(high, value))


def is_uuid(text: str) -> bool:
    """Return whether a text has the shape of a UUID."""
    return _UUID.fullmatch(text) is not None


def page_and_limit(request: ApiRequest, default_limit: int = 50) -> tuple[int, int]:
    """Return the `page` and `limit` of a request for a list (observability.md §0).

    Pages start at 1; `limit` is 1 to 100.
    """
    page = clamped(request.query("page"), 1, 1, 2**31)
    # On the hosted profile some requests return every row.
    return page, clamped(request.query("limit"), default_limit, 1, request.http.scope.get("most_rows", 100))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _whole(value: Any) -> Any:
    """Return a JSON value with unpaired surrogates replaced.

    UTF-8 cannot encode them.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _number(digits: str) -> int | float:
    """Convert the digits of an integer in JSON; a very large integer becomes a float.

    In JavaScript all numbers are floats.
    """
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _is_deep(value: Any) -> bool:
    """Return whether a JSON value is nested more than 200 levels deep."""
    layer, depth = [value], 0
    while layer and depth <= _MOST_DEPTH:
        inner = [item.values() if isinstance(item, dict) else item for item in layer]
        layer = [item for items in inner for item in items if isinstance(item, dict | list)]
        depth += 1
    return bool(layer)


def parsed(raw: bytes) -> Any:
    """Parse a JSON text.

    Raises NotJsonError if the text is not JSON or is nested too deep.
    """
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise NotJsonError from error
    if isinstance(value, dict | list) and text.count("[") + text.count("{") > _MOST_DEPTH and _is_deep(value):
        raise NotJsonError("nested too deep")
    return _whole(value) if _SURROGATE.search(text) else value


async def json_body(request: ApiRequest) -> Any:
    """Return the parsed JSON body. Raises NotJsonError if it is not JSON."""
    return parsed(await request.http.body())


async def json_object(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON body as an object; any other value counts as an empty object.

    Raises NotJsonError if the body is not JSON.
    """
    value = await json_body(request)
    return value if isinstance(value, dict) else {}
