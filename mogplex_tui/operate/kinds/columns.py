"""Columns and facts by the name of an attribute, so that a kind declares what it shows and not how.

A path like `repo.full_name` walks attributes and keys; `a|b` takes the first of two that is there, for records that
differ by the road they came on. What is missing is a dash.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mogplex_tui.live.collection import Item
from mogplex_tui.operate import words
from mogplex_tui.operate.finding import Find, word_of
from mogplex_tui.operate.kinds.base import Context, Field
from mogplex_tui.operate.paths import line, value
from mogplex_tui.operate.sentences import filled, named
from mogplex_tui.operate.telling import groups, texts

# A kind is declared with one name for all of them.
__all__ = [
    "DISABLING",
    "ENABLING",
    "age",
    "at_least",
    "by",
    "count",
    "filled",
    "flag",
    "groups",
    "left",
    "money",
    "named",
    "per_million",
    "reason",
    "repo",
    "searching",
    "state",
    "switch",
    "text",
    "texts",
    "trouble",
    "value",
]

# Texts are ordered by so many characters of their beginning.
_SORTED_BY = 256
# The words of the two changes that turn a switch.
ENABLING, DISABLING = "enabling", "disabling"

Show = Callable[[Any, Context], tuple[str, str]]
Finds = Callable[[Any, datetime], Any]
"""Makes of what a path leads to, which is there, what `/` finds it by."""


def _rank(path: str) -> Callable[[Item], Any]:
    def rank(item: Item) -> tuple[int, Any]:
        found = value(item, path)
        if isinstance(found, int | float | Decimal):
            return (1, float(found))
        if isinstance(found, datetime):
            return (2, found.timestamp())
        return (0, "") if found is None else (3, str(found)[:_SORTED_BY].lower())

    return rank


def _oldness(path: str) -> Callable[[Item], tuple[bool, float]]:
    """The order of ages, which is that of instants turned round; where there is none, it is the least."""

    def rank(item: Item) -> tuple[bool, float]:
        at = value(item, path)
        return (True, -at.timestamp()) if isinstance(at, datetime) else (False, 0.0)

    return rank


def _column(path: str, title: str, width: int, show: Show, found_by: Finds, **more: Any) -> Field:
    def cell(item: Item, context: Context) -> tuple[str, str]:
        found = None if item.record is None else value(item, path)
        if found in (None, "", []):
            return (words.DASH, "dim")
        return show(found, context)

    def find(item: Item, now: datetime) -> Any:
        found = value(item, path)
        return None if found in (None, "", []) else found_by(found, now)

    key = more.pop("key", None) or path.partition("|")[0].rpartition(".")[2]
    return Field(key, title, width, cell, sort=more.pop("sort", None) or _rank(path), find=find, **more)


def _texts(found: Any, _: object = None) -> Any:
    """What a text is found by; each of several by itself."""
    return tuple(map(line, found)) if isinstance(found, list | tuple | set | frozenset) else line(found)


def _number(found: Any, _: datetime) -> float:
    return float(found)


def _millions(found: Any, _: datetime) -> float:
    return float(found * 1_000_000)


def text(path: str, title: str, width: int = 16, tone: str = "plain", **more: Any) -> Field:
    """A column of text, cut at the end unless `cut="middle"`."""
    return _column(path, title, width, lambda found, _: (line(found, tone), tone), _texts, told=True, **more)


def reason(path: str, title: str, width: int = 18, **more: Any) -> Field:
    """A column of codes of the dispatch ledger, in words; found by both."""
    return _column(
        path,
        title,
        width,
        lambda found, _: (words.reason(line(found)), "dim"),
        lambda found, _: (words.reason(line(found)), line(found)),
        **more,
    )


def count(path: str, title: str, width: int = 6, tone: str = "plain", **more: Any) -> Field:
    """A column of counts; none at all is quiet."""
    return _column(
        path,
        title,
        width,
        lambda found, _: (words.count(int(found)), tone if found else "dim"),
        _number,
        align="right",
        **more,
    )


def age(path: str, title: str = "AGE", width: int = 4, **more: Any) -> Field:
    """A column of ages of instants."""
    return _column(
        path,
        title,
        width,
        lambda found, context: (words.age(found, context.now), "dim"),
        lambda found, now: (now - found).total_seconds(),
        sort=_oldness(path),
        align="right",
        span=True,
        **more,
    )


def left(path: str, title: str = "LEFT", width: int = 5, soon: float = 3_600, **more: Any) -> Field:
    """A column of the time until an instant, which stands out from `soon` seconds before it; what is past says so."""

    def show(found: Any, context: Context) -> tuple[str, str]:
        seconds = (found - context.now).total_seconds()
        return (
            ("over", "dim")
            if seconds <= 0
            else (words.age_of(seconds), "warn" if seconds < soon else "plain")
        )

    def find(found: Any, now: datetime) -> float:
        return float((found - now).total_seconds())

    return _column(path, title, width, show, find, align="right", span=True, **more)


def per_million(path: str, title: str, width: int = 8, **more: Any) -> Field:
    """A column of prices in US dollars per million tokens, from prices per token."""
    return _column(
        path,
        title,
        width,
        lambda found, _: (f"${found * 1_000_000:,.2f}", "plain"),
        _millions,
        align="right",
        **more,
    )


def money(path: str, title: str = "COST", width: int = 8, **more: Any) -> Field:
    """A column of US dollars."""
    return _column(
        path, title, width, lambda found, _: (words.money(found), "plain"), _number, align="right", **more
    )


def at_least(field: Field, path: str) -> Field:
    """A column whose figure is the least that it can be where the path leads to a yes: it ends with a plus then."""

    def cell(item: Item, context: Context) -> tuple[str, str]:
        told, tone = field.cell(item, context)
        return (f"{told}+" if told != words.DASH and value(item, path) else told, tone)

    return field._replace(cell=cell)


def flag(path: str, title: str, yes: str = "on", no: str = "off", *, tone: str = "ok", **more: Any) -> Field:
    """A column of a yes or no in two words, found by them and by `true` and `false`; the no is quiet."""
    width = more.pop("width", max(len(title), len(yes), len(no)) + 2)

    def show(found: Any, _: Context) -> tuple[str, str]:
        if not found and not no:
            return ("", "dim")
        return (f"{'✓' if found else '·'} {yes if found else no}", tone if found else "dim")

    def find(found: Any, _: datetime) -> tuple[str, ...]:
        return (yes, "true") if found else (no, "false") if no else ("false",)

    return _column(path, title, width, show, find, stands=True, **more)


def switch(path: str, title: str = "ON", **more: Any) -> Field:
    """A column of what can be enabled and disabled; while that is under way it shows what it is about to be."""
    return flag(path, title, turns={ENABLING: "on", DISABLING: "off"}, priority=0, **more)


def state(path: str, title: str = "STATE", width: int = 12, *, stands: bool = True, **more: Any) -> Field:
    """A column of a state with glyph and word; where it is that of something else, no change `stands` in it."""

    def cell(item: Item, _: Context) -> tuple[str, str]:
        word = value(item, path)
        if word is None:
            return (words.DASH, "dim")
        glyph, name, tone = words.state(line(word))
        return (f"{glyph} {name}", tone)

    key = more.pop("key", None) or path.rpartition(".")[2]
    return Field(
        key, title, width, cell, sort=_rank(path), find=_state_words(path), told=True, stands=stands, **more
    )


@lru_cache
def _state_words(path: str) -> Find:
    """What a state is found by: the word that is shown, and the service's own."""

    def find(item: Item, _: datetime) -> tuple[str, ...] | None:
        word = item.doing or ("unreadable" if item.record is None else value(item, path))
        return None if word is None else (words.state(line(word))[1], line(word))

    return find


def trouble(path: str, least: int = 20, **more: Any) -> Field:
    """The last column: what went wrong, or why the record could not be read; it outlasts all that is less important.

    In fewer cells than `least` it would say nothing.
    """

    def trouble_of(item: Item) -> str:
        return line((item.why if item.record is None else value(item, path)) or "", "error")

    return Field(
        "error",
        "",
        24,
        lambda item, _: (words.cause(trouble_of(item)), "error"),
        priority=0,
        flex=3,
        min_width=least,
        find=lambda item, _: (words.cause(said), said) if (said := trouble_of(item)) else None,
        **more,
    )


def repo(path: str, width: int = 18, **more: Any) -> Field:
    """A column of repositories, cut in the middle: their ends tell them apart."""
    return text(path, "REPO", width, key="repo", flex=1, min_width=12, cut="middle", **more)


def searching(paths: str = "", **others: str) -> dict[str, Find]:
    """What `/` looks at beside the columns: these attributes by the last step of their path, the key and the state.

    `others` are paths by the name that they are found by.
    """

    def finder(path: str) -> Find:
        def find(item: Item, _: datetime) -> Any:
            found = value(item, path)
            return None if found is None else _texts(found)

        return find

    named = {word_of(path.partition("|")[0].rpartition(".")[2]): path for path in paths.split()}
    found = {name: finder(path) for name, path in {**named, **others}.items()}
    return {**found, "id": lambda item, _: item.key, "state": _state_words("status")}


def by(*paths: str) -> Callable[[Item], Any]:
    """The order of a list by these attributes, the first one first."""
    ranks = [_rank(path) for path in paths]
    return lambda item: tuple(rank(item) for rank in ranks)
