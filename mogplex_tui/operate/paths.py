"""What a path leads to from a record, and how that is said in one line.

A path like `repo.full_name` walks attributes and keys; `a|b` takes the first of two that is there, for records that
differ by the road they came on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from mogplex_tui.live import redact
from mogplex_tui.live.collection import Item

# No column or fact has room for more; what is longer is cut before anything else is done with it.
LONGEST_LINE = 4_096
MOST_ITEMS = 256


@lru_cache(1_024)
def _ways(path: str) -> tuple[tuple[str, ...], ...]:
    # A list of many rows asks for the same few paths again and again.
    return tuple(tuple(way.split(".")) for way in path.split("|"))


def value(source: Any, path: str) -> Any:
    """Return what a path leads to from an item or a record, None when it leads nowhere."""
    record = source.record if isinstance(source, Item) else source
    for way in _ways(path):
        found = record
        for step in way:
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
            if found is None:
                break
        if found is not None:
            return found
    return None


def line(found: Any, tone: str = "") -> str:
    """Return the first line of a text, or several with commas between; of what went wrong (`error`) no credentials."""
    if tone == "error":
        # What went wrong may quote a command with its credentials; the service does not look for those (v1.md §5.4).
        return redact.text(line(found))
    if isinstance(found, list | tuple | set | frozenset):
        return ", ".join(str(each)[:LONGEST_LINE] for each in islice(found, MOST_ITEMS))[:LONGEST_LINE]
    return str(found).lstrip()[:LONGEST_LINE].rstrip().split("\n", 1)[0]
