"""The share of its cases that a test walks over unless all are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")


def share_of(cases: Iterable[Case], every_case: bool, *, step: int = 3, start: int = 0) -> list[Case]:
    """Return every n-th case from a place on, or all of them with `every_case`, the fixture of that name."""
    found = list(cases)
    return found if every_case else found[start::step]
