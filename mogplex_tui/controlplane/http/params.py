"""Reading what a caller sent: numbers, ids, instants and JSON, as leniently as the service does (v1.md
§0.1).
"""

from __future__ import annotations

import json
import re
from typing import Any

from .endpoints import Ask

# What the service's language strips from both ends of a text.
SPACES = (
    " \t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

# What the database and every reader of JSON can hold.
SAFE_INTEGER = 2**53 - 1
_MOST_DIGITS = 18
_MOST_DEPTH = 200
_LEADING_INT = re.compile(r"([+-]?)(\d+)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJsonError(Exception):
    """The body is not JSON."""


def trim(text: str) -> str:
    """The text without white space at its ends."""
    return text.strip(SPACES)


def leading_int(text: str) -> int | None:
    """The integer a text begins with ("10abc" is 10), or None."""
    match = _LEADING_INT.match(trim(text))
    if match is None:
        return None
    # More digits than the database can count are as good as the first of them: every limit is far below.
    sign, digits = match[1], match[2].lstrip("0")[:_MOST_DIGITS]
    return int(f"{sign}{digits or 0}")


def clamped(text: str, default: int, low: int, high: int) -> int:
    """A leading integer clamped to low…high, or the default when there is none; never an error."""
    value = leading_int(text)
    return default if value is None else max(low, min(high, value))


def is_uuid(text: str) -> bool:
    """Whether the text has the shape of a UUID."""
    return _UUID.fullmatch(text) is not None


def page_and_limit(ask: Ask, default_limit: int = 50) -> tuple[int, int]:
    """The page (from 1) and the limit (1 to 100) of an observability list (observability.md §0)."""
    page = clamped(ask.query("page"), 1, 1, 2**31)
    # The hosted profile has requests that get every row.
    return page, clamped(ask.query("limit"), default_limit, 1, ask.request.scope.get("most_rows", 100))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _whole(value: Any) -> Any:
    """The value with half surrogate pairs replaced, which no UTF-8 text can hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _number(digits: str) -> int | float:
    """A whole number; one that the database cannot hold is inexact, as every number of the service's language is."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _is_deep(value: Any) -> bool:
    """Whether something is nested deeper than anybody would write it."""
    layer, depth = [value], 0
    while layer and depth <= _MOST_DEPTH:
        inner = [item.values() if isinstance(item, dict) else item for item in layer]
        layer = [item for items in inner for item in items if isinstance(item, dict | list)]
        depth += 1
    return bool(layer)


def parsed(raw: bytes) -> Any:
    """The value of a JSON text; raises NotJsonError for one that is none, or nested absurdly deep."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise NotJsonError from error
    if isinstance(value, dict | list) and text.count("[") + text.count("{") > _MOST_DEPTH and _is_deep(value):
        raise NotJsonError("nested too deep")
    return _whole(value) if _SURROGATE.search(text) else value


async def json_body(ask: Ask) -> Any:
    """The parsed JSON body; raises NotJsonError when there is none."""
    return parsed(await ask.request.body())


async def json_object(ask: Ask) -> dict[str, Any]:
    """The parsed body, where anything but an object counts as one without keys; raises NotJsonError."""
    value = await json_body(ask)
    return value if isinstance(value, dict) else {}
