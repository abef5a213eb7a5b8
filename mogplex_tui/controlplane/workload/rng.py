"""Deterministic random numbers, with a separate generator for each name."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

_T = TypeVar("_T")

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [low + high for high in _ALPHABET for low in _ALPHABET]


def stream(seed: int, *names: object) -> Random:
    """Return a random number generator for a seed and names.

    Equal arguments give generators of equal numbers.
    """
    return Random(":".join(str(part) for part in (seed, *names)))


# The variant of RFC 9562 fixes two bits of this digit.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_uuid(rng: Random) -> str:
    """Return a random version 4 UUID as lower-case text."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"


def token(rng: Random, prefix: str, length: int = 12) -> str:
    """Return `prefix` followed by random letters and digits, such as `cmd_4f0q…`."""
    bits = rng.getrandbits(5 * length)
    drawn = prefix
    while length > 1:
        drawn += _PAIRS[bits & 1023]
        bits >>= 10
        length -= 2
    return drawn + _ALPHABET[bits] if length else drawn


def between(rng: Random, low: float, high: float) -> float:
    """Return a random number from `low` to `high`, usually nearer to `low`.

    It is used for durations in seconds.
    """
    drawn = rng.random()
    return low + (high - low) * drawn * drawn


def pick(rng: Random, options: Sequence[_T]) -> _T:
    """Return a random one of `options`.

    This is much faster than Random.choice, which matters for the large number of calls while a
    database is seeded.
    """
    return options[int(rng.random() * len(options))]


def whole(rng: Random, low: int, high: int) -> int:
    """Return a random integer from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))
