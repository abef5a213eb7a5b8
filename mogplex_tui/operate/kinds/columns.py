"""Columns and facts by the name of an attribute, so that a kind declares what it shows and not how.

A path like `repo.full_name` walks attributes and keys; `a|b` takes the first of two that is there, for records that
differ by the road they came on. What is missing is a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mogplex_tui.live.collection import Item
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds.base import Context, Fact, Field

Show = Callable[[Any, Context], tuple[str, str]]


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


def _rank(path: str) -> Callable[[Item], Any]:
    def rank(item: Item) -> tuple[int, Any]:
        found = value(item, path)
        if isinstance(found, bool):
            return (1, float(found))
        if isinstance(found, int | float | Decimal):
            return (1, float(found))
        if isinstance(found, datetime):
            return (2, found.timestamp())
        return (0, "") if found is None else (3, str(found).lower())

    return rank


def _column(path: str, title: str, width: int, show: Show, **more: Any) -> Field:
    def cell(item: Item, context: Context) -> tuple[str, str]:
        if item.record is None:
            return (words.DASH, "dim")
        found = value(item, path)
        return (words.DASH, "dim") if found is None or found == "" else show(found, context)

    key = more.pop("key", None) or path.partition("|")[0].rpartition(".")[2]
    return Field(key, title, width, cell, sort=_rank(path), **more)


def text(path: str, title: str, width: int = 16, tone: str = "plain", **more: Any) -> Field:
    """A column of text, cut at the end unless `cut="middle"`."""
    return _column(path, title, width, lambda found, _: (_one_line(found), tone), **more)


def count(path: str, title: str, width: int = 6, **more: Any) -> Field:
    """A column of counts."""
    return _column(
        path, title, width, lambda found, _: (words.count(int(found)), "plain"), align="right", **more
    )


def age(path: str, title: str = "AGE", width: int = 4, **more: Any) -> Field:
    """A column of ages of instants."""
    return _column(
        path,
        title,
        width,
        lambda found, context: (words.age(found, context.now), "dim"),
        align="right",
        **more,
    )


def left(path: str, title: str = "LEFT", width: int = 5, **more: Any) -> Field:
    """A column of the time until an instant; what is past says so."""

    def show(found: Any, context: Context) -> tuple[str, str]:
        seconds = (found - context.now).total_seconds()
        return (words.age_of(seconds), "warn") if seconds > 0 else ("over", "dim")

    return _column(path, title, width, show, align="right", **more)


def per_million(path: str, title: str, width: int = 8, **more: Any) -> Field:
    """A column of prices in US dollars per million tokens, from prices per token."""
    return _column(
        path,
        title,
        width,
        lambda found, _: (f"${found * 1_000_000:,.2f}", "plain"),
        align="right",
        **more,
    )


def money(path: str, title: str = "COST", width: int = 8, **more: Any) -> Field:
    """A column of US dollars."""
    return _column(path, title, width, lambda found, _: (words.money(found), "plain"), align="right", **more)


def flag(path: str, title: str, yes: str = "on", no: str = "off", **more: Any) -> Field:
    """A column of a yes or no in two words; the no is quiet."""
    width = max(len(title), len(yes), len(no)) + 2

    def show(found: Any, context: Context) -> tuple[str, str]:
        if not found and not no:
            return ("", "dim")
        glyph = ("+" if context.ascii_only else "✓") if found else ("-" if context.ascii_only else "·")
        return (f"{glyph} {yes if found else no}", "ok" if found else "dim")

    return _column(path, title, width, show, **more)


def state(path: str, title: str = "STATE", width: int = 12, **more: Any) -> Field:
    """A column of a state with glyph and word; a change of ours that is under way stands in its place."""

    def cell(item: Item, context: Context) -> tuple[str, str]:
        word = item.doing or ("unreadable" if item.record is None else value(item, path))
        if word is None:
            return (words.DASH, "dim")
        glyph, name, tone = words.state(str(word), ascii_only=context.ascii_only)
        if item.doing:
            glyph, tone = ("~" if context.ascii_only else "◌"), "warn"
        return (f"{glyph} {name}", tone)

    return Field(path.rpartition(".")[2], title, width, cell, sort=_rank(path), **more)


def trouble(path: str, **more: Any) -> Field:
    """The last column: what went wrong, or why the record could not be read."""

    def cell(item: Item, _: Context) -> tuple[str, str]:
        found = item.why if item.record is None else value(item, path)
        return (_one_line(found) if found else "", "error")

    return Field("error", "", 24, cell, priority=6, flex=3, min_width=12, **more)


def _one_line(found: Any) -> str:
    if isinstance(found, list | tuple | set | frozenset):
        return ", ".join(map(str, found))
    return str(found).strip().split("\n", 1)[0]


# Facts -----------------------------------------------------------------------------------------------------------


def fact(item: Item, label: str, path: str, tone: str = "plain") -> Fact:
    """A fact of a text or a list of texts."""
    found = value(item, path)
    if found is None or found == "" or found == []:
        return (label, words.DASH, "dim")
    if isinstance(found, bool):
        return (label, "yes" if found else "no", tone)
    if isinstance(found, datetime):
        return (label, words.local(found), tone)
    if isinstance(found, int) and not path.endswith(("_id", "port")):
        return (label, f"{found:,}", tone)
    if isinstance(found, Decimal):
        return (label, words.money(found), tone)
    return (label, _one_line(found), tone)


def when(item: Item, label: str, path: str, context: Context) -> Fact:
    """A fact of an instant: how long ago, and exactly."""
    found = value(item, path)
    if not isinstance(found, datetime):
        return (label, words.DASH, "dim")
    seconds = (context.now - found).total_seconds()
    told = f"{words.age_of(seconds)} ago" if seconds >= 0 else f"in {words.age_of(-seconds)}"
    return (label, f"{told}, {words.local(found)}", "plain")


def facts(item: Item, *pairs: tuple[str, str]) -> list[Fact]:
    """A group of facts by label and path."""
    return [fact(item, label, path) for label, path in pairs]


def searching(*paths: str) -> Callable[[Item], Mapping[str, Any]]:
    """What `/` looks at: these attributes by the last step of their path, and the key."""

    def search(item: Item) -> Mapping[str, Any]:
        found = {
            path.partition("|")[0].rpartition(".")[2].replace("_", ""): value(item, path) for path in paths
        }
        told = {
            name: each if isinstance(each, bool | int | float) else None if each is None else _one_line(each)
            for name, each in found.items()
        }
        state = item.doing or told.get("state") or told.get("status") or value(item, "status")
        return {**told, "id": item.key, "state": state}

    return search


def by(*paths: str) -> Callable[[Item], Any]:
    """The order of a list by these attributes, the first one first."""
    ranks = [_rank(path) for path in paths]
    return lambda item: tuple(rank(item) for rank in ranks)


def group(item: Item, spec: str) -> list[Fact]:
    """A group of facts as text: `label: path; label: path`."""
    pairs = (each.partition(":") for each in spec.split(";"))
    return [fact(item, label.strip(), path.strip()) for label, _, path in pairs]
