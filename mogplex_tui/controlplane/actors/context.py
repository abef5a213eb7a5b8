"""State that actors share: plane, random numbers, and the actor of each call."""

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
    """The random numbers and row ids of one actor.

    They depend only on the seed, the generation and the actor's name, so that other actors do not
    influence them. The generation counts how often the database has been opened.
    """

    def __init__(self, context: ActorContext, name: str) -> None:
        self._context = context
        self.name = name
        self.rng: Random = stream(context.seed, context.generation, name)
        self.ids = Ids(f"{context.seed}/{context.generation}/{name}")

    @cached_property
    def scenario_rng(self) -> Random:
        """Random numbers for a scenario's additional events.

        They are a separate stream, so that a scenario does not change what `rng` returns.
        """
        return stream(self._context.seed, self._context.generation, "scenario", self.name)

    @cached_property
    def odds(self) -> Odds:
        """The current scenario's probabilities for the calls of this actor."""
        now = self._context.scenario.now
        return Odds(now.failures, now.spend, self.scenario_rng)

    def tx(self) -> AbstractContextManager[Tx]:
        """Open a write transaction that draws row ids from this actor's stream."""
        return self._context.plane.db.transaction(ids=self.ids)


class ActorContext:
    """Everything that actors use: plane, scheduler, scenario and the seeded account."""

    def __init__(self, plane: Plane, scheduler: Scheduler) -> None:
        self.plane = plane
        self.scheduler = scheduler
        self.seed = int(plane.db.meta("seed") or plane.settings.seed)
        self.scenario: Scenario = plane.scenario
        self.generation = plane.db.meta("generation") or "0"
        self.world: SeededAccount = build_world(self.seed, plane.user_id)
        # Sandboxes that are being booted; no second boot of them may start.
        self.booting: set[str] = plane.sandbox_tasks.booting
        self._players: dict[str, str] = {}

    def now(self) -> int:
        """Return the time of the current step, in µs."""
        return self.scheduler.now_us()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self.scheduler.speed

    def seconds_until(self, us: int) -> float:
        """Return the simulated seconds until an instant (µs).

        An actor yields the result in order to run again at that instant.
        """
        return max(0.0, (us - self.now()) / SECOND_US * self.speed)

    def random(self, name: str) -> ActorRandom:
        """Return the random numbers and ids of the actor with this name."""
        return ActorRandom(self, name)

    def spawn(self, name: str, acts: Acts, after: float = 0.0) -> None:
        """Start an actor after some seconds, unless one with this name exists."""
        if name not in self.scheduler:
            self.scheduler.spawn(name, acts, after)

    def set_simulator(self, call_id: str, actor: str) -> None:
        """Record which actor simulates a call, so that `wake_simulator` finds the actor."""
        self._players[call_id] = actor

    def clear_simulator(self, call_id: str) -> None:
        """Forget which actor simulated a call, because the call has ended."""
        self._players.pop(call_id, None)

    def is_simulated(self, call_id: str) -> bool:
        """Return whether an actor simulates this call."""
        return self._players.get(call_id, "") in self.scheduler

    def wake_simulator(self, call_id: str) -> None:
        """Make the actor that simulates a call run its next step now."""
        self.scheduler.wake(self._players.get(call_id, ""))
