"""Fault rules of the form "METHOD PATTERN KIND[:ARG] [xCOUNT] [p=PROBABILITY]".

The module must import no large modules, because the command line imports it.
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
    """An invalid fault rule; the message names the wrong part and what is allowed."""


class Pattern(NamedTuple):
    """The requests that a rule matches: by method, path and query parameters.

    An empty set of methods matches all methods.
    """

    methods: frozenset[str]
    path: re.Pattern[str]
    query: tuple[tuple[str, re.Pattern[str]], ...]

    @property
    def is_rooted(self) -> bool:
        """Whether the path pattern starts with a slash rather than with `*`."""
        return self.path.pattern.startswith("/")

    def matches(self, method: str, path: str, query: str) -> bool:
        """Return whether a request matches; a HEAD request also matches GET.

        `query` is the raw query string.
        """
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
    """One fault rule: pattern, kind, argument, maximum number of uses and probability.

    `count` None means that the number of uses is not limited.
    """

    text: str
    pattern: Pattern
    kind: str
    argument: Argument
    count: int | None = None
    probability: float = 1.0


def glob(text: str) -> re.Pattern[str]:
    """Compile a pattern in which `*` matches any text, including slashes."""
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def pattern(methods: str, where: str) -> Pattern:
    """Parse the methods and the path pattern of a rule.

    `methods` is `*` or names such as `GET,POST`; `where` is a path with `*` for any text, and
    optionally query parameters after `?`. Raises BadRuleError.
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
    """Parse one fault rule. Raises BadRuleError."""
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
