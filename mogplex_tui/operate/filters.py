"""The grammar of `/` filters: `word`, `field:word` and `field:=word`.

A word matches any field, `field:word` a part of one field, and `field:=word` the whole of one field. `!` negates a
term, `~` before a word makes it a regular expression, `cost:>1` compares, and quotes keep spaces together:
`who:="CI Doctor"`. A time is matched by its local form, from the left: `started:2026-08-03T14` is an hour,
`started:>2026-08-03` everything since a day began.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from mogplex_tui.operate.filter_patterns import compile_pattern

# The number of characters of a text that are searched: each keystroke searches all rows.
_MAX_SEARCHED = 20_000
R = TypeVar("R")

# Fields that are time spans, in seconds.
SPANS = frozenset({"age", "time"})
_UNITS = {"k": 1e3, "m": 1e6}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# A quoted text. A quote in it is doubled; the closing quote may be missing while the filter is typed.
_QUOTED = re.compile(r'"((?:[^"]|"")*)"?')
_WORD = re.compile(r'(?:[^\s"]|"(?:[^"]|"")*"?)+')


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a filter, such as `cost:>1`.

    If the term is `exact`, the whole value must equal the text; otherwise a part of it is
    enough. The text of a pattern is a regular expression.
    """

    field: str | None
    text: str
    negated: bool
    exact: bool = False
    is_pattern: bool = False

    @property
    def compares(self) -> bool:
        """Whether the term compares a number with `<` or `>`."""
        return self.field is not None and not self.exact and not self.is_pattern and self.text[0] in "<>"


def parse(text: str) -> list[Term]:
    """Split a filter into terms. Every text is a valid filter.

    A term that is still being typed matches at least the rows that the finished term will
    match.
    """
    terms = []
    for match in _WORD.finditer(text):
        word = match[0]
        negated = word.startswith("!")
        word = word[1:] if negated else word
        field, colon, value = word.partition(":")
        named = bool(colon) and field.isalpha()
        exact = named and value.startswith("=")
        is_pattern = (value if named else word).startswith("~")
        text = _unquoted(value[exact or is_pattern :] if named else word[is_pattern:])
        if text:
            text = text if is_pattern else text.lower()
            terms.append(Term(field.lower() if named else None, text, negated, exact, is_pattern))
    return terms


def pattern_problem(text: str) -> str:
    """Return why a regular expression in a filter is not used, or an empty text."""
    patterns = (compile_pattern(term.text) for term in parse(text) if term.is_pattern)
    return next((pattern.problem for pattern in patterns if pattern.problem), "")


def unknown_field(text: str, known: Collection[str]) -> str | None:
    """Return the first field of a filter that begins none of the known names."""
    fields = (term.field for term in parse(text) if term.field is not None)
    return next((field for field in fields if not any(name.startswith(field) for name in known)), None)


def words(text: str) -> list[str]:
    """Return the words of a filter: its terms as the user typed them, with quotes."""
    return _WORD.findall(text)


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda match: match[1].replace('""', '"'), word)


def quoted(value: object) -> str:
    """Return a value as one word of a filter, in quotes if it has spaces or quotes."""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if re.search(r'[\s"]', text) else text


def compile_filter(
    text: str, fields: Callable[[R], Mapping[str, object]], spans: Collection[str] = SPANS
) -> Callable[[R], bool] | None:
    """Compile a filter to a predicate on rows; return None for an empty filter.

    `fields` returns a row's searchable values by field name: a text, a number, several texts of
    which any may match, or None. Fields named in `spans` hold seconds. A term for a field that
    no row has matches nothing, so that a misspelt field shows an empty list and not all rows.
    """
    terms = parse(text)
    if not terms:
        return None

    def accept(row: R) -> bool:
        values = fields(row)
        return all(
            _is_incomplete(term, values) or _matches(term, values, spans) != term.negated for term in terms
        )

    return accept


def depends_on_time(text: str, spans: Collection[str] = SPANS) -> bool:
    """Return whether the result of a filter changes with time.

    This is the case if the filter compares a time span.
    """
    return any(
        term.compares and any(name.startswith(term.field or "") for name in spans) for term in parse(text)
    )


def _field_name(term: Term, values: Mapping[str, object]) -> str | None:
    if term.field is None or term.field in values:
        return term.field
    return next((name for name in values if name.startswith(term.field)), None)


def _is_incomplete(term: Term, values: Mapping[str, object]) -> bool:
    """Return whether a term compares a known field but has no valid number yet.

    An incomplete comparison matches every row, as does a pattern with a problem.
    """
    if term.is_pattern:
        return bool(compile_pattern(term.text).problem)
    if not term.compares or (name := _field_name(term, values)) is None:
        return False
    if isinstance(values[name], datetime):
        return not term.text[1:]
    return _number(term.text[1:], _UNITS) is None


def _matches(term: Term, values: Mapping[str, object], spans: Collection[str]) -> bool:
    if term.field is None:
        return _matches_any_field(term, values)
    name = _field_name(term, values)
    value = None if name is None else values[name]
    if not term.compares:
        return matches_value(term, value)
    if isinstance(value, datetime):
        at, limit = local_minute(value), term.text[1:].upper()
        return at >= limit if term.text[0] == ">" else at < limit
    number = _number(term.text[1:], _SECONDS if name in spans else _UNITS)
    if number is None or not isinstance(value, int | float):
        return False
    return value > number if term.text[0] == ">" else value < number


def _matches_any_field(term: Term, values: Mapping[str, object]) -> bool:
    text = term.text
    for value in values.values():
        if isinstance(value, str) and not term.is_pattern:
            if text in value[:_MAX_SEARCHED].lower():
                return True
        # A word is not searched in times, ages and prices, where it would match some digits by chance.
        elif value is not None and not isinstance(value, float | datetime) and matches_value(term, value):
            return True
    return False


def matches_value(term: Term, value: object) -> bool:
    """Return whether a term without `<` or `>` matches a value.

    A tuple matches if any of its items does.
    """
    if value is None:
        return False
    if isinstance(value, tuple):
        return any(matches_value(term, item) for item in value)
    if term.is_pattern:
        searched = local_minute(value) if isinstance(value, datetime) else str(value)
        return compile_pattern(term.text).search(searched)
    if isinstance(value, datetime):
        return local_minute(value).startswith(term.text.upper())
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)[
        :_MAX_SEARCHED
    ].lower()
    return text == term.text if term.exact else term.text in text


def local_minute(value: datetime) -> str:
    """Return a time in the form that filters compare: local, as in `2026-08-03T14:05`."""
    return value.astimezone().strftime("%Y-%m-%dT%H:%M")


def seconds_of(text: str) -> float | None:
    """Parse a time span such as `90`, `5m` or `1.5d` to seconds.

    Returns None for a text that is not a time span.
    """
    return _number(text, _SECONDS)


def _number(text: str, units: Mapping[str, float]) -> float | None:
    match = re.fullmatch(r"\$?(\d+(?:\.\d*)?|\.\d+)([a-z]?)", text)
    return None if match is None else float(match[1]) * units.get(match[2], 1.0)
