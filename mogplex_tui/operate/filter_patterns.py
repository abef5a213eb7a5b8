"""Regular expressions in filters, restricted so that no search takes long.

Python cannot interrupt a search, and a pattern such as `(a+)+b` takes minutes on some texts. So
a pattern is accepted only if the number of ways to match a text is small: it grows at most with
the square of the text's length, and for a pattern whose number of ways grows, only a shorter
part of the text is searched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from re import _constants as codes
from re import _parser as parser
from typing import Any, Final, NamedTuple

_MAX_LENGTH: Final = 200
_MAX_CHOICES: Final = 64
# The characters of a text that are searched, by the number of repeats in a row.
_SEARCHED: Final = (20_000, 2_000, 300)
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_ASSERTIONS = (codes.ASSERT, codes.ASSERT_NOT, codes.GROUPREF, codes.GROUPREF_EXISTS)


class Pattern(NamedTuple):
    """A function that searches a text for a pattern.

    `problem` is the reason if the pattern was refused, otherwise "".
    """

    search: Callable[[str], bool]
    problem: str = ""


class _Cost(NamedTuple):
    """The size of a pattern's search.

    `repeats` is the number of open-ended repeats in a row, `choices` the number of alternatives at
    one position.
    """

    repeats: int
    choices: int


class _Refused(ValueError):
    """Raised for a pattern whose search could take long."""


@lru_cache(maxsize=64)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern that ignores case.

    If the pattern is refused, the result matches every text, and its `problem` says why.
    """
    try:
        if len(text) > _MAX_LENGTH:
            raise _Refused(f"a pattern has at most {_MAX_LENGTH} characters")
        pattern = re.compile(text, re.IGNORECASE)
        cost = _cost_of(parser.parse(text))
        if cost.repeats >= len(_SEARCHED):
            raise _Refused(f"at most {len(_SEARCHED) - 1} open-ended repeats in a row")
    except (re.error, _Refused, OverflowError, RecursionError) as error:
        reason = error.msg if isinstance(error, re.error) else str(error)
        return Pattern(lambda _: True, f"~{text}: {reason}")
    limit = _SEARCHED[cost.repeats]
    return Pattern(lambda searched: pattern.search(searched[:limit]) is not None)


def _cost_of(items: Iterable[tuple[object, Any]]) -> _Cost:
    repeats, choices = 0, 1
    for code, argument in items:
        cost = _item_cost(code, argument)
        repeats += cost.repeats
        choices *= cost.choices
        if choices > _MAX_CHOICES:
            raise _Refused("too many alternatives")
    return _Cost(repeats, choices)


def _item_cost(code: object, argument: Any) -> _Cost:
    if code in _ASSERTIONS:
        raise _Refused("lookarounds and references are not supported")
    if code is codes.SUBPATTERN:
        return _cost_of(argument[-1])
    if code is codes.ATOMIC_GROUP:
        return _cost_of(argument)
    if code is codes.BRANCH:
        costs = [_cost_of(branch) for branch in argument[1]]
        return _Cost(max(cost.repeats for cost in costs), sum(cost.choices for cost in costs))
    if code not in _REPEATS:
        return _Cost(0, 1)
    least, most, repeated = argument
    inner = _cost_of(repeated)
    if most <= 1:
        return _Cost(inner.repeats, inner.choices + (least == 0))
    if inner.repeats or inner.choices > 1:
        raise _Refused("a repeat must not contain repeats or alternatives")
    return _Cost(0 if least == most else 1, 1)
