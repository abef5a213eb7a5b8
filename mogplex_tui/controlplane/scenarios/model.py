"""What a scenario says, as values; load.py reads them from a file. Loads nothing heavy: the command line uses it.

All lengths of time are seconds of the story, which a plane's speed divides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

KINDS = ("run", "chat", "control", "job")
# Starts that a quota can refuse, by the route key of their admission rows (observability.md §10).
ROUTES = ("external_agent_run", "chat", "sandbox_exec")


class Trouble(NamedTuple):
    """Calls of `subject` (a model, or `harness:NAME`; `*` stands for anything) fail with the chance `share` (0…1).

    `failure` is a class of observability.md §8.3, None for any.
    """

    subject: str
    share: float
    failure: str | None


class Spend(NamedTuple):
    """Calls of `subject` spend `times` the tokens that they would."""

    subject: str
    times: float


class Loop(NamedTuple):
    """An automation that sets itself off: each round begins `pause` after the end of the one before.

    The first begins `after`; each spends `growth` times what the one before did, up to `most` times the first.
    """

    automation: str
    repo: str
    title: str
    after: float
    pause: float
    growth: float
    most: float

    def name(self, number: int) -> str:
        """The title of a round, counted from 1."""
        return f"{self.title} (round {number})"

    def round(self, title: object) -> int | None:
        """Which round a title belongs to, None for another title."""
        if not isinstance(title, str):
            return None
        found = re.fullmatch(rf"{re.escape(self.title)} \(round (\d{{1,9}})\)", title)
        return None if found is None else int(found[1])

    def times(self, title: object) -> float:
        """How much more than usual the work with this title spends; 1 for work outside of the loop."""
        number = self.round(title)
        if number is None:
            return 1.0
        # Rounds far beyond the limit would overflow the power.
        return float(min(self.most, self.growth ** min(number - 1, 200)))


class Gust(NamedTuple):
    """A fault (faults/rules.py) that holds from `after` on for `lasts` (None: for good), `every` so often again."""

    rule: str
    after: float
    lasts: float | None
    every: float | None


@dataclass(frozen=True, slots=True)
class Past:
    """What has happened when a plane starts.

    `failures` and `spend` are those of the last 30 hours. `scale` is the size unless the command says another;
    `questions` wait for a person beside the `parked` job runs; `loop_rounds` of the loop and `broken_sandboxes` are
    behind us. Not `seeded` is an account with nothing in it.
    """

    seeded: bool = True
    scale: str = "small"
    failures: tuple[Trouble, ...] = ()
    spend: tuple[Spend, ...] = ()
    loop_rounds: int = 0
    parked: int = 0
    questions: int = 0
    broken_sandboxes: int = 0


@dataclass(frozen=True, slots=True)
class Now:
    """What happens from the start on.

    `pace` is how much more than on a calm day arrives, and `arrivals` the weights of its kinds; `denials` the share of
    starts that a quota refuses, by route. `boot_failures` is the share of sandboxes that do not boot, `boot_error` what
    they say. A question to a person comes `questions_every` so often; unless `answered`, nobody of the story answers.
    """

    pace: float = 1.0
    arrivals: Mapping[str, float] = field(
        default_factory=lambda: {"run": 30, "chat": 22, "control": 14, "job": 34}
    )
    failures: tuple[Trouble, ...] = ()
    spend: tuple[Spend, ...] = ()
    denials: Mapping[str, float] = field(default_factory=dict)
    loop: Loop | None = None
    boot_failures: float = 0.0
    boot_error: str | None = None
    questions_every: float | None = None
    answered: bool = True
    faults: tuple[Gust, ...] = ()

    def boot_fails(self, seed: int, record_id: str, number: int) -> bool:
        """Whether the boot of this `number` of a sandbox fails; the same however often it is asked."""
        if not self.boot_failures:
            return False
        return Random(f"{seed}/boot/{record_id}/{number}").random() < self.boot_failures


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: its name, a line about it, and its text as a database keeps it."""

    name: str
    title: str
    past: Past
    now: Now
    text: str

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that differ for differing scenarios."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]
