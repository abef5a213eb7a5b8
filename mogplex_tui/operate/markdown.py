"""Builds Markdown in which texts from the service cannot act as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Characters that begin markup or HTML; an underscore within a word does not.
_MARKUP = re.compile(r"[\\`*\[\]<>|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BLOCK_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")
_FENCE = re.compile(r"`+")


def escaped(text: str) -> str:
    """Return a text of one line with its markup characters escaped."""
    return _BLOCK_START.sub(_escape_start, _MARKUP.sub(lambda match: f"\\{match.group()}", text))


def _escape_start(match: re.Match[str]) -> str:
    space, first = match.groups()
    return f"{space}{first}" if first.isdigit() else f"{space}\\{first}"


def table(titles: Iterable[str], right: Iterable[bool], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table; `right` says which columns align to the right."""
    yield _row(titles)
    yield f"| {' | '.join('---:' if is_right else '---' for is_right in right)} |\n"
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |\n"


def block(text: str) -> str:
    """Return a text of any number of lines as a code block.

    The fence is longer than any in the text, so the text cannot end the block.
    """
    fence = "`" * max(3, 1 + max(map(len, _FENCE.findall(text)), default=0))
    return f"{fence}\n{text.rstrip()}\n{fence}\n"
