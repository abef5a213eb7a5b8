"""The `/` grammar: words narrow a list, `field:word` looks in one field, `!` turns a term round, `cost:>1` compares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = Callable[[Any], Mapping[str, Any]]

# Fields that are spans of time, in seconds.
_TIMES = ("age", "time")
_UNITS = {"k": 1e3, "m": 1e6}
_SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter."""

    field: str | None
    text: str
    negated: bool


def parse(text: str) -> list[Term]:
    """Split a filter into terms. Every text is a valid filter; what is half typed matches generously."""
    terms = []
    for word in text.split():
        negated = word.startswith("!")
        word = word[1:] if negated else word
        field, colon, rest = word.partition(":")
        if not word:
            continue
        if colon and field.isalpha():
            if rest:
                terms.append(Term(field.lower(), rest.lower(), negated))
        else:
            terms.append(Term(None, word.lower(), negated))
    return terms


def compile_filter(text: str, fields: Fields) -> Callable[[Any], bool] | None:
    """Return whether a row matches, as a function; None when the filter is empty.

    `fields` gives a row's searchable values by name. A term for a field that no row has matches nothing, so that a
    misspelt field shows an empty list instead of everything.
    """
    terms = parse(text)
    if not terms:
        return None

    def accept(row: Any) -> bool:
        values = fields(row)
        return all(_half_typed(term, values) or _matches(term, values) != term.negated for term in terms)

    return accept


def _name(term: Term, values: Mapping[str, Any]) -> str | None:
    return next((name for name in values if name.startswith(term.field or "")), None) if term.field else None


def _half_typed(term: Term, values: Mapping[str, Any]) -> bool:
    """Whether a comparison has no number yet: it narrows nothing while it is typed."""
    name = _name(term, values)
    return (
        name is not None and term.text[0] in "<>" and _number(term.text[1:], seconds=name in _TIMES) is None
    )


def _matches(term: Term, values: Mapping[str, Any]) -> bool:
    if term.field is None:
        return any(term.text in str(value).lower() for value in values.values() if value is not None)
    name = _name(term, values)
    if name is None or values[name] is None:
        return False
    value = values[name]
    if term.text[0] in "<>":
        wanted = _number(term.text[1:], seconds=name in _TIMES)
        if wanted is None or not isinstance(value, int | float):
            return False
        return value > wanted if term.text[0] == ">" else value < wanted
    return term.text in str(value).lower()


def _number(text: str, *, seconds: bool) -> float | None:
    match = re.fullmatch(r"\$?(\d+(?:\.\d*)?|\.\d+)([a-z]?)", text)
    if match is None:
        return None
    scale = (_SPANS if seconds else _UNITS).get(match[2], 1.0) if match[2] else 1.0
    return float(match[1]) * scale
