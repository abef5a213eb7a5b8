"""Fault rules of the form "METHOD PATTERN KIND[:ARG] [xCOUNT] [p=PROBABILITY]".

Imports nothing heavy, because the command line reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

from .kinds import KINDS, Argument, BadArgumentError

FORM = "METHOD PATTERN KIND[:ARG] [xCOUNT | p=PROBABILITY]"

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class BadRuleError(ValueError):
    """An invalid rule; the message names the wrong word and the valid ones."""


class Pattern(NamedTuple):
    """The requests of a rule: methods (none: all), a path, and required parameters."""

    methods: frozenset[str]
    path: re.Pattern[str]
    query: tuple[tuple[str, re.Pattern[str]], ...]

    @property
    def is_rooted(self) -> bool:
        """Whether the path was given from its first slash on."""
        return self.path.pattern.startswith("/")

    def matches(self, method: str, path: str, query: str) -> bool:
        """Return whether a request matches; HEAD counts as GET, `query` is raw text."""
        if self.methods and method not in self.methods and not (method == "HEAD" and "GET" in self.methods):
            return False
        if self.path.fullmatch(path) is None:
            return False
        if not self.query:
            return True
        given = parse_qsl(query, keep_blank_values=True)
        return all(any(n == name and p.fullmatch(v) for n, v in given) for name, p in self.query)


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault: kind, requests, number of uses (None: unlimited) and probability."""

    text: str
    pattern: Pattern
    kind: str
    argument: Argument
    count: int | None = None
    probability: float = 1.0


def glob(text: str) -> re.Pattern[str]:
    """Compile a pattern in which `*` matches anything, slashes included."""
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def pattern(methods: str, where: str) -> Pattern:
    """Parse `GET`, `GET,POST` or `*`, and a path with `*` and parameters after `?`.

    Raises BadRuleError.
    """
    wanted = [] if methods == "*" else methods.upper().split(",")
    for method in wanted:
        if method not in _METHODS:
            raise BadRuleError(f"{method!r} is no method; it is one of {', '.join(_METHODS)}, or *")
    path, _, query = where.partition("?")
    if not path.startswith(("/", "*")):
        raise BadRuleError(f"the pattern {where!r} must begin with / or *")
    parameters = tuple((name, glob(value)) for name, value in parse_qsl(query, keep_blank_values=True))
    return Pattern(frozenset(wanted), glob(path), parameters)


def parse(text: str) -> Rule:
    """Parse one rule. Raises BadRuleError."""
    words = text.split()
    if len(words) < 3:
        raise BadRuleError(f"{text!r} is incomplete; a rule is {FORM}")
    where = pattern(words[0], words[1])
    kind, colon, given = words[2].partition(":")
    if kind not in KINDS:
        raise BadRuleError(f"{kind!r} is no kind of fault; it is one of {', '.join(KINDS)}")
    if colon and not given:
        raise BadRuleError(f"nothing stands after the colon of {words[2]!r}")
    try:
        argument = KINDS[kind](given)
    except BadArgumentError as error:
        raise BadRuleError(f"{kind} {error}") from None
    count, probability = _limits(words[3:])
    return Rule(" ".join(words), where, kind, argument, count, probability)


def _limits(words: list[str]) -> tuple[int | None, float]:
    count: int | None = None
    probability: float | None = None
    for word in words:
        if count is None and re.fullmatch(r"x[1-9]\d{0,8}", word, re.ASCII):
            count = int(word[1:])
        elif probability is None and re.fullmatch(r"p=(0?\.\d+|[01](\.0*)?)", word, re.ASCII):
            probability = float(word[2:])
        else:
            raise BadRuleError(
                f"{word!r} is neither xCOUNT nor p=PROBABILITY (from 0 to 1), or stands there twice"
            )
    return count, 1.0 if probability is None else probability
