"""Convert calls to JSON text; texts are cached, because clients repeat requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..calls.call_serializers import call
from ..db.database import Row
from .error_sanitizer import clean_call

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# Three pages, which is what a console has; outdated texts are dropped when they are the oldest. A common row has six
# kilobytes, the longest about twenty.
_KEPT = 320
# The longest page that can be requested; the hosted profile has longer responses.
SLICE = 100


def sandbox_of(row: Row) -> str | None:
    """Return the sandbox record id in a call's metadata, or None."""
    if '"sandbox_record_id"' not in row["metadata"]:
        return None
    found: Any = json.loads(row["metadata"]).get("sandbox_record_id")
    return found or None


def calls_pieces(rows: list[Row], contexts: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the JSON array of calls in pieces of a hundred calls.

    `rows` have the columns that find_calls selects. A call whose metadata names a sandbox record
    gets the field `sandbox_context`: the record's entry in `contexts`, or null if there is none
    (observability.md §2).
    """
    opening = "["
    for start in range(0, len(rows), SLICE):
        texts = []
        for row in rows[start : start + SLICE]:
            record = sandbox_of(row)
            texts.append(_call_text(row, "" if record is None else _encode(contexts.get(record))))
        yield opening + ",".join(texts)
        opening = ","
    yield "]" if rows else "[]"


@lru_cache(_KEPT)
def _call_text(row: Row, context: str) -> str:
    """Return the JSON text of one call, which is cached.

    The cache key is the row itself, so that a changed row is encoded anew.
    """
    shown = call(row)
    if context:
        shown["sandbox_context"] = json.loads(context)
    return _encode(clean_call(shown))
