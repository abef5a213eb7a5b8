"""Parse JSON from the service, with limits on its depth and its memory."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
"""The deepest nesting of arrays and objects that is accepted."""

# Bytes. Shorter texts are parsed without an estimate, because even the worst one takes little memory.
_SMALL = 1024 * 1024
# The most bytes that an object with its model, an array, and an item of an array or object take in CPython.
_OBJECT, _ARRAY, _ITEM = 1000, 88, 128
_FOUR_BYTES = re.compile(rb"[\xf0-\xff]")


class JsonError(ValueError):
    """Raised for JSON text that cannot be parsed within the limits.

    The message is a predicate that completes the sentence "The response for X …".
    """


class JsonSyntaxError(JsonError):
    """Raised for a text that is not JSON."""


class JsonMemoryError(JsonError):
    """Raised for a JSON text whose values would need too much memory."""


def parse(text: bytes | bytearray | str, limit: int) -> Any:
    """Parse a JSON text and return its value.

    Raises JsonSyntaxError for text that is not JSON, JsonMemoryError for values that need more
    than about `limit` bytes of memory, and JsonError for values that are nested more than
    MAX_DEPTH levels deep.
    """
    memory = estimated_memory(text)
    if memory > limit:
        raise JsonMemoryError(f"needs more than {limit // (1024 * 1024)} MB of memory")
    value = _parse(text, limit - memory)
    if is_deeper_than(value, MAX_DEPTH):
        raise JsonError(_too_deep())
    return value


def estimated_memory(text: bytes | bytearray | str) -> int:
    """Return an upper bound of the bytes that a JSON text and its values take.

    Returns 0 for a text of less than 1 MB (in characters or bytes), which is not examined.
    """
    if len(text) < _SMALL:
        return 0
    if isinstance(text, str):
        size = len(text) * (1 + _width(text))
        return size + text.count("{") * _OBJECT + text.count("[") * _ARRAY + text.count(",") * _ITEM
    size = len(text) * (1 + _width_of_bytes(text))
    return size + text.count(b"{") * _OBJECT + text.count(b"[") * _ARRAY + text.count(b",") * _ITEM


def is_deeper_than(value: Any, depth: int) -> bool:
    """Return whether arrays and objects are nested more than `depth` levels deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for container in level
            for inner in (container.values() if isinstance(container, dict) else container)
            if inner.__class__ is dict or inner.__class__ is list
        ]
    return bool(level)


def _parse(text: bytes | bytearray | str, memory_left: int) -> Any:
    # Imported with the first response, not with the console. It is twice as fast as the standard library, does not copy
    # the text, and refuses a depth of more than 200.
    from pydantic_core import from_json

    try:
        return from_json(text)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise JsonError(_too_deep()) from None
    # It refuses lone surrogates, which JavaScript writes when it cuts a text in the middle of an emoji. The standard
    # library accepts them, but copies the text.
    if estimated_memory(text) and len(text) * 2 > memory_left:
        raise JsonSyntaxError("is not JSON")
    try:
        return json.loads(text)
    except RecursionError:
        raise JsonError(_too_deep()) from None
    except ValueError:
        raise JsonSyntaxError("is not JSON") from None


def _too_deep() -> str:
    return f"is nested more than {MAX_DEPTH} levels deep"


def _width(text: str) -> int:
    """Return how many bytes CPython uses for each character of a text."""
    if text.isascii():
        return 1
    return 4 if max(text) > "\uffff" else 2


def _width_of_bytes(text: bytes | bytearray) -> int:
    if text.isascii():
        return 1
    return 4 if _FOUR_BYTES.search(text) else 2
