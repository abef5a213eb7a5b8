"""The `/` grammar: words narrow a list, `field:word` looks in one field, `field:=word` wants all of it to be the word.

`!` turns a term round, `cost:>1` compares, and quotes keep blanks together: `who:="CI Doctor"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

# A longer text is searched to here: every key that is typed looks through all rows.
_SEARCHED = 20_000
R = TypeVar("R")

# Fields that are spans of time, in seconds.
SPANS = frozenset({"age", "time"})
_UNITS = {"k": 1e3, "m": 1e6}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# What stands between quotes; one in it is doubled, and the last may be missing while one types.
_QUOTED = re.compile(r'"((?:[^"]|"")*)"?')
_WORD = re.compile(r'(?:[^\s"]|"(?:[^"]|"")*"?)+')


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter; an `exact` one wants the whole value to be the word."""

    field: str | None
    text: str
    negated: bool
    exact: bool = False

    @property
    def compares(self) -> bool:
        """Whether it asks for more or for less than a number."""
        return self.field is not None and not self.exact and self.text[0] in "<>"


def parse(text: str) -> list[Term]:
    """Split a filter into terms. Every text is a valid filter; what is half typed matches generously."""
    terms = []
    for match in _WORD.finditer(text):
        word = match[0].lower()
        negated = word.startswith("!")
        word = word[1:] if negated else word
        field, colon, rest = word.partition(":")
        named = bool(colon) and field.isalpha()
        exact = named and rest.startswith("=")
        wanted = _unquoted(rest[exact:] if named else word)
        if wanted:
            terms.append(Term(field if named else None, wanted, negated, exact))
    return terms


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda match: match[1].replace('""', '"'), word)


def quoted(value: object) -> str:
    """Return a value as one word of a filter, whatever stands in it."""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if re.search(r'[\s"]', text) else text


def compile_filter(
    text: str, fields: Callable[[R], Mapping[str, object]], spans: Collection[str] = SPANS
) -> Callable[[R], bool] | None:
    """Return whether a row matches, as a function; None when the filter is empty.

    `fields` gives a row's searchable values by name: a text, a number, several texts of which any will do, or None;
    those in `spans` are seconds. A term for a field that no row has matches nothing, so that a misspelt field shows an
    empty list instead of everything.
    """
    terms = parse(text)
    if not terms:
        return None

    def accept(row: R) -> bool:
        values = fields(row)
        return all(
            _half_typed(term, values) or _matches(term, values, spans) != term.negated for term in terms
        )

    return accept


def grows(text: str, spans: Collection[str] = SPANS) -> bool:
    """Return whether a filter compares a span, so that rows come and go while nothing but time passes."""
    return any(
        term.compares and any(name.startswith(term.field or "") for name in spans) for term in parse(text)
    )


def _name(term: Term, values: Mapping[str, object]) -> str | None:
    if term.field is None or term.field in values:
        return term.field
    return next((name for name in values if name.startswith(term.field)), None)


def _half_typed(term: Term, values: Mapping[str, object]) -> bool:
    """Whether a comparison has no number yet: it narrows nothing while it is typed."""
    return term.compares and _number(term.text[1:], _UNITS) is None and _name(term, values) is not None


def _matches(term: Term, values: Mapping[str, object], spans: Collection[str]) -> bool:
    if term.field is None:
        return _somewhere(term, values)
    name = _name(term, values)
    value = None if name is None else values[name]
    if not term.compares:
        return finds(term, value)
    wanted = _number(term.text[1:], _SECONDS if name in spans else _UNITS)
    if wanted is None or not isinstance(value, int | float):
        return False
    return value > wanted if term.text[0] == ">" else value < wanted


def _somewhere(term: Term, values: Mapping[str, object]) -> bool:
    text = term.text
    for value in values.values():
        if isinstance(value, str):
            if text in value[:_SEARCHED].lower():
                return True
        # A word is looked for in words: as part of some age or price it says nothing.
        elif value is not None and not isinstance(value, float) and finds(term, value):
            return True
    return False


def finds(term: Term, value: object) -> bool:
    """Return whether a term that compares nothing is found in a value: a text, a number, or one of several texts."""
    if value is None:
        return False
    if isinstance(value, tuple):
        return any(finds(term, each) for each in value)
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)[:_SEARCHED].lower()
    return text == term.text if term.exact else term.text in text


def seconds_of(text: str) -> float | None:
    """Return the seconds of a span such as `90`, `5m` or `1.5d`; None for what is none."""
    return _number(text, _SECONDS)


def _number(text: str, units: Mapping[str, float]) -> float | None:
    match = re.fullmatch(r"\$?(\d+(?:\.\d*)?|\.\d+)([a-z]?)", text)
    return None if match is None else float(match[1]) * units.get(match[2], 1.0)
