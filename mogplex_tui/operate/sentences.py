"""Sentences and names that are filled from a record, by the paths that stand in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mogplex_tui.operate.paths import LONGEST_LINE, value

# `{path}`, `{path:8}` for its first eight characters, `{path or word}` for a word where it leads nowhere.
_BLANK = re.compile(r"\{([^{}: ]+)(?: or ([^{}:]+))?(?::(\d+))?\}")


def filled(source: Any, sentence: str, wrap: Callable[[str], str] = str) -> str | None:
    """Return a sentence with `{path}` filled from an item or a record, None when one leads nowhere or to an empty text.

    `wrap` makes of what is found what stands in the sentence.
    """
    paths = [match[1] for match in _BLANK.finditer(sentence) if match[2] is None]
    return None if any(value(source, path) in (None, "") for path in paths) else named(sentence, wrap)(source)


def named(sentence: str, wrap: Callable[[str], str] = str) -> Callable[[Any], str]:
    """What a record is called: a sentence with `{path}`, where what leads nowhere is left out."""

    def call(source: Any) -> str:
        def fill(match: re.Match[str]) -> str:
            found = value(source, match[1])
            told = match[2] or "" if found is None or found == "" else str(found)[:LONGEST_LINE]
            room = int(match[3] or len(told))
            return wrap(told[:room] if room <= 8 or len(told) <= room else f"{told[: room - 1].rstrip()}…")

        return _BLANK.sub(fill, sentence).strip()

    return call
