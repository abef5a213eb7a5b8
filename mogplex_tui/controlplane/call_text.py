"""Calls as the JSON text of a page: consoles ask for one page again and again, and calls that are over do not change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from .db.database import Row
from .present import call
from .sanitize import clean_call

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# Three pages, which is what a console has; of rows that change the older texts stay until they are the oldest. A common
# row comes to six kilobytes, the longest to some twenty.
_KEPT = 320
# What the longest page holds that can be asked for; the hosted profile has longer answers.
SLICE = 100


def sandbox_of(row: Row) -> str | None:
    """The sandbox record that a call's metadata names, or None."""
    if '"sandbox_record_id"' not in row["metadata"]:
        return None
    found: Any = json.loads(row["metadata"]).get("sandbox_record_id")
    return found or None


def calls_pieces(rows: list[Row], contexts: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """The JSON array of the cleaned calls of rows with present.CALL_COLUMNS, a hundred at a time (observability.md §2).

    A call that names a sandbox record gets its `sandbox_context` from `contexts`, null when that has none.
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
    """One call; a row that was written to is another row, and made anew."""
    shown = call(row)
    if context:
        shown["sandbox_context"] = json.loads(context)
    return _encode(clean_call(shown))
