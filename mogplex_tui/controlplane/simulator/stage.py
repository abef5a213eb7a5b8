"""What all actors share: the database, the world they act in, their own randomness, and who plays which call."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from random import Random

from ..core.plane import Plane
from ..db.clock import SECOND_US
from ..db.database import Tx
from ..db.ids import Ids
from ..scenarios.model import Scenario
from ..workload.account import World, build_world
from ..workload.odds import Odds
from ..workload.rng import stream
from .scheduler import Acts, Scheduler


class Part:
    """One actor's own randomness and row ids, so that nothing it does shifts another's story."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage = stage
        self.name = name
        self.rng: Random = stream(stage.seed, stage.generation, name)
        self.ids = Ids(f"{stage.seed}/{stage.generation}/{name}")

    @cached_property
    def chance(self) -> Random:
        """Numbers for what the scenario adds, so that an ordinary day's draws stay as they are."""
        return stream(self._stage.seed, self._stage.generation, "scenario", self.name)

    @cached_property
    def odds(self) -> Odds:
        """What the scenario says about the calls of this actor."""
        now = self._stage.scenario.now
        return Odds(now.failures, now.spend, self.chance)

    def tx(self) -> AbstractContextManager[Tx]:
        """A write transaction that draws row ids from this actor's stream."""
        return self._stage.plane.db.transaction(ids=self.ids)


class Stage:
    """The plane as the actors see it."""

    def __init__(self, plane: Plane, scheduler: Scheduler) -> None:
        self.plane = plane
        self.scheduler = scheduler
        self.seed = int(plane.db.meta("seed") or plane.settings.seed)
        self.scenario: Scenario = plane.scenario
        self.generation = plane.db.meta("generation") or "0"
        self.world: World = build_world(self.seed, plane.user_id)
        # Sandboxes that an actor or a request is booting; nobody else may boot them.
        self.booting: set[str] = plane.machines.booting
        self._players: dict[str, str] = {}

    def now(self) -> int:
        """The instant of the present step, in µs."""
        return self.scheduler.now_us()

    @property
    def speed(self) -> float:
        """How many seconds of the story pass in one of the clock."""
        return self.scheduler.speed

    def seconds_until(self, us: int) -> float:
        """Seconds of the story until an instant of the clock (µs), for an actor to yield."""
        return max(0.0, (us - self.now()) / SECOND_US * self.speed)

    def part(self, name: str) -> Part:
        """The randomness and ids of the actor of this name."""
        return Part(self, name)

    def spawn(self, name: str, acts: Acts, after: float = 0.0) -> None:
        """Start an actor; an equal name that still acts is left alone."""
        if name not in self.scheduler:
            self.scheduler.spawn(name, acts, after)

    def plays(self, call_id: str, actor: str) -> None:
        """Remember which actor plays a call, so that a cancel reaches it."""
        self._players[call_id] = actor

    def left(self, call_id: str) -> None:
        """Forget who played a call that is over."""
        self._players.pop(call_id, None)

    def is_played(self, call_id: str) -> bool:
        """Whether an actor plays this call."""
        return self._players.get(call_id, "") in self.scheduler

    def wake_player(self, call_id: str) -> None:
        """Let the actor of a call look at it now."""
        self.scheduler.wake(self._players.get(call_id, ""))
