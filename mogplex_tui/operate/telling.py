"""Facts in groups and long texts of a record, declared by labels and paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mogplex_tui.live import redact
from mogplex_tui.operate import words
from mogplex_tui.operate.paths import line, value

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Item
    from mogplex_tui.operate.kinds.base import Context, Fact


def _price(_: Item, found: Any, __: Context) -> tuple[str, str]:
    return (f"${found * 1_000_000:,.2f} a million", "plain")


def _reason(item: Item, found: Any, _: Context) -> tuple[str, str]:
    return (words.reason(line(found), value(item, "metadata")), "plain")


def _state(_: Item, found: Any, __: Context) -> tuple[str, str]:
    glyph, name, tone = words.state(line(found))
    return (f"{glyph} {name}", tone)


def _error(_: Item, found: Any, __: Context) -> tuple[str, str]:
    return (line(found, "error"), "error")


_AS: dict[str, Callable[[Item, Any, Context], tuple[str, str]]] = {
    "price": _price,
    "span": lambda _, found, __: (words.millis(found), "plain"),
    "reason": _reason,
    "state": _state,
    "error": _error,
}


def _told(found: Any, path: str, context: Context) -> str:
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, datetime):
        seconds = (context.now - found).total_seconds()
        ago = f"{words.age_of(seconds)} ago" if seconds >= 0 else f"in {words.age_of(-seconds)}"
        return f"{ago}, {words.local(found)}"
    if isinstance(found, int) and not path.endswith(("_id", "port")):
        return f"{found:,}"
    return words.money(found) if isinstance(found, Decimal) else line(found)


def groups(*specs: str) -> Callable[[Item, Context], list[list[Fact]]]:
    """Facts in groups, each a text like `label: path; label: path as reason; path`.

    Yes and no, instants, counts and money are told as such. `as reason` puts a code of the dispatch ledger into words,
    `as price` a price per token into one per million, `as span` milliseconds, `as state` gives a state its glyph, and
    what went wrong stands out `as error`. A path alone is its own label. With a `?` behind the label nothing is told
    where there is nothing, not even that there is none.
    """
    parsed = [[_parsed(each) for each in spec.split(";")] for spec in specs]

    def fact(item: Item, context: Context, label: str, path: str, way: str) -> Iterator[Fact]:
        found = value(item, path)
        told, tone = words.DASH, "dim"
        if found is not None:
            # None of something is said quietly; a no is not.
            quiet = "dim" if found == 0 and found is not False else "plain"
            told, tone = _AS[way](item, found, context) if way else (_told(found, path, context), quiet)
        if told and told != words.DASH:
            yield label.rstrip("?"), told, tone
        elif not label.endswith("?"):
            yield label, words.DASH, "dim"

    return lambda item, context: [
        [each for told in group for each in fact(item, context, *told)] for group in parsed
    ]


def _parsed(spec: str) -> tuple[str, str, str]:
    label, _, rest = spec.partition(":")
    path, _, way = (rest or label).strip().partition(" as ")
    return label.strip(), path, way


def texts(
    *parts: tuple[str, str] | tuple[str, str, Callable[[Any, Context], str]],
) -> Callable[[Item, Context], list[tuple[str, str]]]:
    """Long texts by title and path, left out where there is none; of a list each is a line, told by the third part."""

    def found(item: Item, context: Context) -> list[tuple[str, str]]:
        told = []
        for title, path, *rest in parts:
            text = value(item, path)
            if isinstance(text, list | tuple):
                text = "\n".join(rest[0](each, context) if rest else str(each) for each in text)
            if text:
                told.append((title, redact.text(str(text))))
        return told

    return found
