"""Adds terms to a typed filter and removes them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mogplex_tui.operate.filters import words

AGES: Final = ("1d", "7d", "1h")
"""The greatest ages that `next_age` cycles through, before it removes the limit."""


def toggle(text: str, terms: str, alternatives: Iterable[str] = ()) -> str:
    """Add terms to a filter, or remove them if the filter has all of them.

    When `terms` are added, the terms of `alternatives` are removed: no record is both live and
    failed, for example.
    """
    before, wanted = words(text), words(terms)
    if set(wanted) <= set(before):
        return " ".join(word for word in before if word not in wanted)
    excluded = {word for each in alternatives for word in words(each)} | set(wanted)
    return " ".join([*(word for word in before if word not in excluded), *wanted])


def with_terms(text: str, terms: str) -> str:
    """Return a filter with the terms that it lacks."""
    before = words(text)
    return " ".join([*before, *(word for word in words(terms) if word not in before)])


def without_field(text: str, field: str) -> str:
    """Return a filter without the terms of a field."""
    return " ".join(word for word in words(text) if not word.lstrip("!").startswith(f"{field}:"))


def next_age(text: str, field: str) -> str:
    """Return a filter with the next of the age limits AGES for a field.

    A filter without a limit gets the first one. The last limit is removed, so that the next call
    starts again.
    """
    limits = [f"{field}:<{age}" for age in AGES]
    others = words(text)
    current = next((place for place, limit in enumerate(limits) if limit in others), -1)
    rest = [word for word in others if word not in limits]
    return " ".join([*rest, *limits[current + 1 : current + 2]])
