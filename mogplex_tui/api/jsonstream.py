"""Decode the items of a long JSON array while it arrives.

The array is never kept in memory or parsed as a whole.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from mogplex_tui.api.bounded_json import MAX_DEPTH, estimated_memory, is_deeper_than

_MAX_ITEM_MEMORY = 64 * 1024 * 1024
_TOO_DEEP = f"an item is nested more than {MAX_DEPTH} levels deep"
_SPACE = re.compile(r"[ \t\n\r]*")
# The text after a number that may still belong to it: `1.5e` is parsed as 1.5 and a rest.
_NUMBER_REST = re.compile(r"[-+.0-9eE]*\Z")


class MalformedError(ValueError):
    """Raised for text that is not an object with the expected array, or is incomplete."""


class ArrayDecoder:
    """Decodes the items of one array in a JSON object: `{"events": [item, item, …]}`.

    Call `feed` with each chunk, and then call `take` until it returns no items. After the last
    chunk call `end`, and again `take` until it returns no items. If the text is malformed, all
    items before the error are returned before MalformedError is raised.
    """

    def __init__(self, key: str, max_item_chars: int = 16_000_000) -> None:
        self._key = key
        self._max_item_chars = max_item_chars
        self._text = ""
        self._position = 0
        self._retry_length = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._scan = json.JSONDecoder().raw_decode
        self._step = self._read_object_start
        self._items: list[Any] = []
        self._ended = False
        self._done = False
        self._array_found = False

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes of the text."""
        self._text = self._text[self._position :] + self._utf8.decode(chunk)
        self._retry_length -= self._position
        self._position = 0
        if len(self._text) > self._max_item_chars:
            raise MalformedError("an item is too large")

    def take(self, max_items: int, max_chars: int) -> list[Any]:
        """Return the next decoded items, or an empty list if more bytes are needed.

        Returns at most `max_items` items, which take about `max_chars` characters in total.
        """
        self._items = []
        start = self._position
        try:
            while not self._done and len(self._items) < max_items:
                if self._items and self._position - start >= max_chars:
                    break
                if len(self._text) < self._retry_length or not self._step():
                    break
        except MalformedError:
            # Return the items before the fault. The next call raises the same error again.
            if not self._items:
                raise
        if self._ended and not self._items and not (self._done and self._array_found):
            raise MalformedError("it ends too early")
        return self._items

    def end(self) -> None:
        """Tell the decoder that no more bytes follow."""
        self._ended = True
        self._retry_length = 0

    def _peek(self) -> str:
        self._position = _SPACE.match(self._text, self._position).end()  # type: ignore[union-attr]
        return self._text[self._position : self._position + 1]

    def _expect(self, allowed: str) -> str | None:
        char = self._peek()
        if not char:
            return None
        if char not in allowed:
            raise MalformedError("it is not the expected JSON")
        self._position += 1
        return char

    def _read_value(self) -> tuple[bool, Any]:
        start = self._position
        if not self._peek():
            return False, None
        if estimated_memory(self._text[self._position :]) > _MAX_ITEM_MEMORY:
            raise MalformedError("an item needs too much memory")
        try:
            value, end = self._scan(self._text, self._position)
        except json.JSONDecodeError:
            # The item is most likely incomplete. Try again when a quarter more has arrived, not after each chunk.
            self._retry_length = self._position + (len(self._text) - self._position) * 5 // 4 + 1
            self._position = start
            return False, None
        except RecursionError:
            raise MalformedError(_TOO_DEEP) from None
        if is_deeper_than(value, MAX_DEPTH):
            raise MalformedError(_TOO_DEEP)
        if isinstance(value, int | float) and not self._ended and _NUMBER_REST.match(self._text, end):
            self._position = start
            return False, None
        self._position = end
        return True, value

    def _read_object_start(self) -> bool:
        if self._expect("{") is None:
            return False
        self._step = self._read_name
        return True

    def _read_name(self) -> bool:
        start = self._position
        if self._peek() == "}":
            self._position += 1
            self._done = True
            return True
        complete, name = self._read_value()
        if not complete:
            return False
        if self._expect(":") is None or not self._peek():
            self._position = start
            return False
        if name == self._key:
            self._expect("[")
            self._array_found = True
            self._step = self._read_item
        else:
            self._step = self._skip_value
        return True

    def _skip_value(self) -> bool:
        start = self._position
        complete, _ = self._read_value()
        if not complete or not self._peek():
            self._position = start
            return False
        self._step = self._read_separator
        return True

    def _read_item(self) -> bool:
        if self._peek() == "]":
            self._position += 1
            self._step = self._read_separator
            return True
        start = self._position
        complete, value = self._read_value()
        if not complete or not self._peek():
            self._position = start
            return False
        separator = self._expect(",]")
        self._items.append(value)
        if separator == "]":
            self._step = self._read_separator
        return True

    def _read_separator(self) -> bool:
        separator = self._expect(",}")
        if separator is None:
            return False
        self._done = separator == "}"
        self._step = self._read_name
        return True
