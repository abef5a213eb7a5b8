"""The share of its cases that a test walks over unless all are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")


def share_of(cases: Iterable[Case], every_case: bool, *, step: int = 3, start: int = 0) -> list[Case]:
    """Return every `step`-th case from `start` on, or all with `every_case`.

    `every_case` is the value of the fixture of that name.
    """
    found = list(cases)
    return found if every_case else found[start::step]
