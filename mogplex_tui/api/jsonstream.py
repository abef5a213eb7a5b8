"""A long JSON array decoded while it arrives, so that nothing has to hold or parse the whole of it at
once.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from mogplex_tui.api.json_values import MAX_DEPTH, estimated_memory, is_deeper_than

_MEMORY_OF_ITEM = 64 * 1024 * 1024
_TOO_DEEP = f"an item is nested more than {MAX_DEPTH} levels deep"
_SPACE = re.compile(r"[ \t\n\r]*")
# What may still belong to a number when the text ends after it: `1.5e` is read as 1.5 and a rest.
_MORE_NUMBER = re.compile(r"[-+.0-9eE]*\Z")


class MalformedError(ValueError):
    """The text is not the expected object with an array in it, or it ended too early."""


class ArrayDecoder:
    """Yields the items of one array inside a JSON object as bytes come in: `{"events": [item, item, …]}`.

    Feed bytes, take items until none come, and so on; after the last bytes call `end()` and take again.
    Everything that was readable is given out before a MalformedError is raised.
    """

    def __init__(self, key: str, largest_item: int = 16_000_000) -> None:
        self._key = key
        self._largest = largest_item
        self._text = ""
        self._at = 0
        self._next_try = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._scan = json.JSONDecoder().raw_decode
        self._step = self._open
        self._items: list[Any] = []
        self._ended = False
        self._done = False
        self._found = False

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        self._text = self._text[self._at :] + self._utf8.decode(chunk)
        self._next_try -= self._at
        self._at = 0
        if len(self._text) > self._largest:
            raise MalformedError("one item is larger than any real one")

    def take(self, most: int, most_chars: int) -> list[Any]:
        """Return the next items, at most `most` of them and about `most_chars` of text; empty: feed more."""
        self._items = []
        start = self._at
        try:
            while not self._done and len(self._items) < most:
                if self._items and self._at - start >= most_chars:
                    break
                if len(self._text) < self._next_try or not self._step():
                    break
        except MalformedError:
            # The same text raises again at the next call, when what came before it has been handed over.
            if not self._items:
                raise
        if self._ended and not self._items and not (self._done and self._found):
            raise MalformedError("the answer ends too early")
        return self._items

    def end(self) -> None:
        """Say that no bytes follow."""
        self._ended = True
        self._next_try = 0

    def _peek(self) -> str:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
        return self._text[self._at : self._at + 1]

    def _expect(self, wanted: str) -> str | None:
        char = self._peek()
        if not char:
            return None
        if char not in wanted:
            raise MalformedError("the answer is not the expected JSON")
        self._at += 1
        return char

    def _value(self) -> tuple[bool, Any]:
        start = self._at
        if not self._peek():
            return False, None
        if estimated_memory(self._text[self._at :]) > _MEMORY_OF_ITEM:
            raise MalformedError("one item needs too much memory")
        try:
            value, end = self._scan(self._text, self._at)
        except json.JSONDecodeError:
            # Most likely cut by the read; look again when a quarter more has come, never at every read.
            self._next_try = self._at + (len(self._text) - self._at) * 5 // 4 + 1
            self._at = start
            return False, None
        except RecursionError:
            raise MalformedError(_TOO_DEEP) from None
        if is_deeper_than(value, MAX_DEPTH):
            raise MalformedError(_TOO_DEEP)
        if isinstance(value, int | float) and not self._ended and _MORE_NUMBER.match(self._text, end):
            self._at = start
            return False, None
        self._at = end
        return True, value

    def _open(self) -> bool:
        if self._expect("{") is None:
            return False
        self._step = self._name
        return True

    def _name(self) -> bool:
        start = self._at
        if self._peek() == "}":
            self._at += 1
            self._done = True
            return True
        known, name = self._value()
        if not known:
            return False
        if self._expect(":") is None or not self._peek():
            self._at = start
            return False
        if name == self._key:
            self._expect("[")
            self._found = True
            self._step = self._item
        else:
            self._step = self._skip
        return True

    def _skip(self) -> bool:
        start = self._at
        known, _ = self._value()
        if not known or not self._peek():
            self._at = start
            return False
        self._step = self._after
        return True

    def _item(self) -> bool:
        if self._peek() == "]":
            self._at += 1
            self._step = self._after
            return True
        start = self._at
        known, value = self._value()
        if not known or not self._peek():
            self._at = start
            return False
        separator = self._expect(",]")
        self._items.append(value)
        if separator == "]":
            self._step = self._after
        return True

    def _after(self) -> bool:
        separator = self._expect(",}")
        if separator is None:
            return False
        self._done = separator == "}"
        self._step = self._name
        return True
