"""State that all actors share: plane, random streams and the calls being played."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from random import Random

from ..core.plane import Plane
from ..db.clock import SECOND_US
from ..db.database import Tx
from ..db.ids import Ids
from ..scenarios.model import Scenario
from ..workload.account import SeededAccount, build_world
from ..workload.rng import stream
from ..workload.scenario_odds import Odds
from .scheduler import Acts, Scheduler


class ActorRandom:
    """One actor's random numbers and row ids, independent of other actors."""

    def __init__(self, context: ActorContext, name: str) -> None:
        self._context = context
        self.name = name
        self.rng: Random = stream(context.seed, context.generation, name)
        self.ids = Ids(f"{context.seed}/{context.generation}/{name}")

    @cached_property
    def chance(self) -> Random:
        """Random numbers for a scenario's additions; ordinary draws stay unchanged."""
        return stream(self._context.seed, self._context.generation, "scenario", self.name)

    @cached_property
    def odds(self) -> Odds:
        """The scenario's probabilities for the calls of this actor."""
        now = self._context.scenario.now
        return Odds(now.failures, now.spend, self.chance)

    def tx(self) -> AbstractContextManager[Tx]:
        """Open a write transaction that draws row ids from this actor's stream."""
        return self._context.plane.db.transaction(ids=self.ids)


class ActorContext:
    """The plane as the actors see it."""

    def __init__(self, plane: Plane, scheduler: Scheduler) -> None:
        self.plane = plane
        self.scheduler = scheduler
        self.seed = int(plane.db.meta("seed") or plane.settings.seed)
        self.scenario: Scenario = plane.scenario
        self.generation = plane.db.meta("generation") or "0"
        self.world: SeededAccount = build_world(self.seed, plane.user_id)
        # Sandboxes that are being booted; no second boot of them may start.
        self.booting: set[str] = plane.machines.booting
        self._players: dict[str, str] = {}

    def now(self) -> int:
        """The time of the present step, in µs."""
        return self.scheduler.now_us()

    @property
    def speed(self) -> float:
        """Simulated seconds per second of the clock."""
        return self.scheduler.speed

    def seconds_until(self, us: int) -> float:
        """Return the simulated seconds until an instant (µs), for an actor to yield."""
        return max(0.0, (us - self.now()) / SECOND_US * self.speed)

    def random(self, name: str) -> ActorRandom:
        """Return the random numbers and ids of an actor by its name."""
        return ActorRandom(self, name)

    def spawn(self, name: str, acts: Acts, after: float = 0.0) -> None:
        """Start an actor, unless one with this name exists."""
        if name not in self.scheduler:
            self.scheduler.spawn(name, acts, after)

    def plays(self, call_id: str, actor: str) -> None:
        """Record which actor plays a call, so that a cancel reaches it."""
        self._players[call_id] = actor

    def left(self, call_id: str) -> None:
        """Remove the actor of a call that has ended."""
        self._players.pop(call_id, None)

    def is_played(self, call_id: str) -> bool:
        """Return whether an actor plays this call."""
        return self._players.get(call_id, "") in self.scheduler

    def wake_player(self, call_id: str) -> None:
        """Let the actor of a call check it now."""
        self.scheduler.wake(self._players.get(call_id, ""))
