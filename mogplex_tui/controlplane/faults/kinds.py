"""The kinds of faults by name, with the parsers of their arguments.

The module must import no large modules, because the command line imports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FIELD = re.compile(r"\w+", re.ASCII)


class BadArgumentError(ValueError):
    """An invalid argument of a fault kind; the message says what the kind needs."""


class Argument(NamedTuple):
    """The parsed argument of a fault kind: up to two numbers, or names of JSON fields.

    Durations are in seconds.
    """

    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()


def _seconds(text: str, example: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadArgumentError(f"needs a length of time such as {example}, not {text!r}")
    return float(match[1]) * _SECONDS[match[2]]


def _latency(text: str) -> Argument:
    first, dash, second = text.partition("-")
    low = _seconds(first, "2s or 100ms-2s")
    high = _seconds(second, "2s or 100ms-2s") if dash else low
    if high < low:
        raise BadArgumentError(f"needs the shorter time first, not {text!r}")
    return Argument(low, high)


def _skew(text: str) -> Argument:
    sign = -1.0 if text.startswith("-") else 1.0
    return Argument(sign * _seconds(text.lstrip("+-"), "+5m or -90s"))


def _whole(text: str, low: int, high: int, what: str) -> float:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise BadArgumentError(f"needs {what}, not {text!r}")
    return float(text)


def _status(text: str) -> Argument:
    return Argument(_whole(text, 400, 599, "a status from 400 to 599"))


def _html(text: str) -> Argument:
    return Argument(_whole(text, 200, 599, "a status from 200 to 599") if text else 200)


def _retry(text: str) -> Argument:
    if text == "none":
        return Argument()
    return Argument(_whole(text, 0, 86_400, "seconds or 'none'") if text else 60)


def _count(text: str) -> Argument:
    return Argument(_whole(text, 0, 2**31, "a whole number") if text else None)


def _fields(text: str) -> Argument:
    names = tuple(text.split(",")) if text else ()
    for name in names:
        if not _FIELD.fullmatch(name):
            raise BadArgumentError(f"needs names of fields with commas between, not {text!r}")
    return Argument(names=names)


def _nothing(text: str) -> Argument:
    if text:
        raise BadArgumentError(f"takes nothing after a colon, not {text!r}")
    return Argument()


# name -> parser of its argument. Refusing kinds replace the service's response, the others change it.
REFUSING: dict[str, Callable[[str], Argument]] = {
    "status": _status,
    "401": _nothing,
    "403": _nothing,
    "404": _nothing,
    "409": _nothing,
    "429": _retry,
    "500": _nothing,
    "503": _nothing,
    "html": _html,
    "database-down": _nothing,
    "login": _nothing,
}
CHANGING: dict[str, Callable[[str], Argument]] = {
    "truncated": _count,
    "wrong-types": _fields,
    "unknown-fields": _nothing,
    "unknown-values": _fields,
    "duplicated": _nothing,
    "reordered": _nothing,
    "skew": _skew,
    "drop": _count,
    "silent": _count,
}
KINDS: dict[str, Callable[[str], Argument]] = {"latency": _latency, **REFUSING, **CHANGING}
