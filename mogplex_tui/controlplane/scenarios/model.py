"""The values of a scenario, which load.py reads from a file.

Imports nothing heavy, because the command line uses it. All durations are in simulated seconds, which a plane's speed
divides.
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


class ModelFailures(NamedTuple):
    """Calls of `subject` fail with the probability `share` (0…1).

    `subject` is a model, or `harness:NAME`; `*` matches anything. `failure` is a class of observability.md §8.3, None
    for any.
    """

    subject: str
    share: float
    failure: str | None


class Spend(NamedTuple):
    """Calls of `subject` use `times` their usual tokens."""

    subject: str
    times: float


class Loop(NamedTuple):
    """An automation that starts itself again `pause` after the end of each round.

    The first round starts `after`; each uses `growth` times the tokens of the one before, up to `most` times the first.
    """

    automation: str
    repo: str
    title: str
    after: float
    pause: float
    growth: float
    most: float

    def name(self, number: int) -> str:
        """Return the title of a round, counted from 1."""
        return f"{self.title} (round {number})"

    def round(self, title: object) -> int | None:
        """Return the round of a title, None for another title."""
        if not isinstance(title, str):
            return None
        found = re.fullmatch(rf"{re.escape(self.title)} \(round (\d{{1,9}})\)", title)
        return None if found is None else int(found[1])

    def times(self, title: object) -> float:
        """Return the factor of a title's tokens; 1 for work outside the loop."""
        number = self.round(title)
        if number is None:
            return 1.0
        # The power of a very late round would overflow.
        return float(min(self.most, self.growth ** min(number - 1, 200)))


class FaultBurst(NamedTuple):
    """A fault (faults/rules.py) active from `after` for `lasts`, again `every`.

    `lasts` None is unlimited.
    """

    rule: str
    after: float
    lasts: float | None
    every: float | None


@dataclass(frozen=True, slots=True)
class ScenarioPast:
    """The state of a plane at its start.

    `failures` and `spend` apply to the last 30 hours. `scale` is the size unless the command sets another; `questions`
    wait for a person in addition to the `parked` job runs; `loop_rounds` of the loop and `broken_sandboxes` are in the
    past. An account that is not `seeded` is empty.
    """

    seeded: bool = True
    scale: str = "small"
    failures: tuple[ModelFailures, ...] = ()
    spend: tuple[Spend, ...] = ()
    loop_rounds: int = 0
    parked: int = 0
    questions: int = 0
    broken_sandboxes: int = 0


@dataclass(frozen=True, slots=True)
class ScenarioEvents:
    """The events after the start.

    `pace` is a factor of the usual arrivals, and `arrivals` the weights of their kinds; `denials` is the share of
    starts that a quota refuses, by route. `boot_failures` is the share of sandboxes that do not boot, with
    `boot_error`. A question arrives every `questions_every` seconds; unless `answered`, no simulated user answers.
    """

    pace: float = 1.0
    arrivals: Mapping[str, float] = field(
        default_factory=lambda: {"run": 30, "chat": 22, "control": 14, "job": 34}
    )
    failures: tuple[ModelFailures, ...] = ()
    spend: tuple[Spend, ...] = ()
    denials: Mapping[str, float] = field(default_factory=dict)
    loop: Loop | None = None
    boot_failures: float = 0.0
    boot_error: str | None = None
    questions_every: float | None = None
    answered: bool = True
    faults: tuple[FaultBurst, ...] = ()

    def boot_fails(self, seed: int, record_id: str, number: int) -> bool:
        """Return whether boot `number` of a sandbox fails; repeated calls agree."""
        if not self.boot_failures:
            return False
        return Random(f"{seed}/boot/{record_id}/{number}").random() < self.boot_failures


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: its name, a line about it, and its text as stored."""

    name: str
    title: str
    past: ScenarioPast
    now: ScenarioEvents
    text: str

    @property
    def digest(self) -> str:
        """Return eight hexadecimal digits of the scenario's content."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]
