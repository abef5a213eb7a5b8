"""The data classes of a scenario, which load.py reads from a file.

This module imports no large modules, because the command line uses it. All durations are in
simulated seconds, which are divided by the speed of the plane.
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
    """A rule that calls of `subject` fail with the probability `share` (0…1).

    `subject` is a model id or `harness:NAME`, in which `*` matches any text. `failure` is a
    failure class of observability.md §8.3; None stands for a random class.
    """

    subject: str
    share: float
    failure: str | None


class Spend(NamedTuple):
    """A rule that calls of `subject` use `times` as many tokens as usual."""

    subject: str
    times: float


class Loop(NamedTuple):
    """An automation that is started again each time it has ended.

    The first round starts after `after` seconds, every other round `pause` seconds after the end of
    the previous one. Each round uses `growth` times the tokens of the previous round, up to `most`
    times the tokens of the first.
    """

    automation: str
    repo: str
    title: str
    after: float
    pause: float
    growth: float
    most: float

    def name(self, number: int) -> str:
        """Return the title of the round with a number; the first round has the number 1."""
        return f"{self.title} (round {number})"

    def round(self, title: object) -> int | None:
        """Return the number of the round with this title, or None for any other title."""
        if not isinstance(title, str):
            return None
        found = re.fullmatch(rf"{re.escape(self.title)} \(round (\d{{1,9}})\)", title)
        return None if found is None else int(found[1])

    def times(self, title: object) -> float:
        """Return the factor by which the loop multiplies the token counts of a round.

        `title` is the title of the work; the factor is 1 if it is not the title of a round.
        """
        number = self.round(title)
        if number is None:
            return 1.0
        # The power of a very late round would overflow.
        return float(min(self.most, self.growth ** min(number - 1, 200)))


class FaultBurst(NamedTuple):
    """A fault rule (faults/rules.py) that is active for a limited time.

    It becomes active after `after` seconds, stays active for `lasts` seconds (None: for ever) and
    becomes active again every `every` seconds (None: never).
    """

    rule: str
    after: float
    lasts: float | None
    every: float | None


@dataclass(frozen=True, slots=True)
class ScenarioPast:
    """The history that a scenario starts with.

    With `seeded` False the account is empty. `scale` is the default size of the history.
    `failures` and `spend` apply to work of the last 30 hours. `parked` is the number of job runs,
    and `questions` that of orchestrators' questions, that wait for a person. `loop_rounds` is the
    number of rounds of the loop that have already run. In the last hour, `broken_sandboxes`
    sandboxes failed to boot, and with them their runs, and `failed_calls` chats and runs failed
    according to `failures`.
    """

    seeded: bool = True
    scale: str = "small"
    failures: tuple[ModelFailures, ...] = ()
    spend: tuple[Spend, ...] = ()
    loop_rounds: int = 0
    parked: int = 0
    questions: int = 0
    broken_sandboxes: int = 0
    failed_calls: int = 0


@dataclass(frozen=True, slots=True)
class ScenarioEvents:
    """The events of a scenario after the start of the plane.

    `pace` multiplies the usual rate of new work, and `arrivals` are the weights of its kinds.
    `denials` maps routes to the share of starts that a quota refuses. `boot_failures` is the share
    of sandboxes that fail to boot, with the error `boot_error`. An orchestrator asks a question
    about every `questions_every` seconds. With `answered` False no simulated user answers
    questions.
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
        """Return whether boot `number` of a sandbox fails.

        The result depends only on the arguments and on `boot_failures`.
        """
        if not self.boot_failures:
            return False
        return Random(f"{seed}/boot/{record_id}/{number}").random() < self.boot_failures


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    `title` is its description, `past` its history, `now` its events, and `text` its source, which
    is stored in the database.
    """

    name: str
    title: str
    past: ScenarioPast
    now: ScenarioEvents
    text: str

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits of a hash of the scenario's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]
