"""Start new work at random times, so that usually one to four calls are live.

A scenario changes the rate of new work and the weights of its kinds. The usual rate is that of
the busy hours in the history (seed/busy_hours.py): change both together.
"""

from __future__ import annotations

from random import Random

from ..actors.context import ActorContext, ActorRandom
from ..actors.scheduler import Acts
from ..calls import admission_writes
from ..scenarios.model import KINDS
from ..workload.call_plan import CallKind
from ..workload.rng import between, pick, whole
from . import chat_actors, job_arrivals, run_actors
from .scenario_events import is_refused

_FEW, _MANY = 2, 4
_CLI_AT_ONCE = 2


class _PlannedEnds:
    """The planned end times of work in progress, in simulated seconds.

    Work that was cancelled counts as live until its planned end.
    """

    def __init__(self, pace: float) -> None:
        self._pace = pace
        # The live work of the seed: four calls and a run that boots, of different ages.
        self.ends: list[tuple[float, str]] = [
            (60.0, "run"),
            (80.0, "run"),
            (10.0, "chat"),
            (20.0, "control"),
            (25.0, "job"),
        ]

    def alive(self, now: float, kind: str | None = None) -> int:
        """Return the number of calls, runs and jobs that are planned to end after `now`.

        If `kind` is given, only work of this kind is counted.
        """
        return sum(1 for end, what in self.ends if end > now and kind in (None, what))

    def gap(self, rng: Random, now: float) -> float:
        """Return a random number of seconds until new work is started.

        The more work is live, the larger is the number.
        """
        usual, soon = between(rng, 35.0, 70.0) / self._pace, between(rng, 5.0, 14.0) / self._pace
        self.ends = [entry for entry in self.ends if entry[0] > now]
        if len(self.ends) < _FEW * self._pace:
            return soon
        if len(self.ends) >= _MANY * self._pace:
            return max(soon, min(end for end, _ in self.ends) - now + soon)
        return usual


def arrivals(context: ActorContext) -> Acts:
    """Start new work at random times for as long as the plane runs."""
    scenario = context.scenario.now
    rng, planned = context.random("agenda").rng, _PlannedEnds(scenario.pace)
    now, number = 0.0, 0
    while True:
        # A user who has just opened the console sees something start at once.
        gap = planned.gap(rng, now) if number else between(rng, 4.0, 7.0)
        yield gap
        now, number = now + gap, number + 1
        first = number == 1 and scenario.arrivals["chat"] > 0
        kind = "chat" if first else rng.choices(KINDS, weights=[scenario.arrivals[name] for name in KINDS])[0]
        if kind == "run" and planned.alive(now, "run") >= _CLI_AT_ONCE * scenario.pace:
            kind = "control"
        seconds = _start(context, context.random(f"{kind} {number}"), kind)
        planned.ends.append((now + seconds, kind))


def _start(context: ActorContext, random: ActorRandom, kind: str) -> float:
    if is_refused(context, random, kind):
        return 0.0
    if kind == "run":
        return run_actors.arrive(context, random)
    if kind == "job":
        return job_arrivals.arrive(context, random)
    return chat_actors.arrive(context, random, CallKind.CHAT if kind == "chat" else CallKind.CONTROL)


def rush(context: ActorContext) -> Acts:
    """From time to time, start more jobs than an installation may run at once."""
    rng, number = context.random("rush").rng, 0
    while True:
        yield between(rng, 900.0, 2400.0) / context.scenario.now.pace
        for _ in range(7):
            number += 1
            job_arrivals.arrive(
                context, context.random(f"rush {number}"), pick(rng, ("push", "review", "mention"))
            )
            yield between(rng, 0.2, 0.8)


def commands(context: ActorContext) -> Acts:
    """Record quota decisions on commands in sandboxes, most of which are allowed.

    observability.md §10.
    """
    random = context.random("commands")
    rng = random.rng
    while True:
        yield between(rng, 45.0, 160.0) / context.scenario.now.pace
        denied, remaining = rng.random() < 0.12, whole(rng, 3, 19)
        denied = denied or random.scenario_rng.random() < context.scenario.now.denials.get(
            "sandbox_exec", 0.0
        )
        box = context.plane.db.one(
            "SELECT id, repo_id FROM sandboxes WHERE user_id = ? AND status = 'running'"
            " ORDER BY last_active_at DESC LIMIT 1",
            (context.world.user_id,),
        )
        if box is None:
            continue
        with random.tx() as tx:
            admission_writes.record_limit(
                tx,
                user_id=context.world.user_id,
                route_key="sandbox_exec",
                decision="denied" if denied else "allowed",
                at=context.now(),
                sandbox_id=box["id"],
                repo_id=box["repo_id"],
                reason="Another sandbox command is already running" if denied else None,
                limit_name="sandbox_exec_in_flight" if denied else "sandbox_execs_per_minute",
                window_seconds=0 if denied else 60,
                limit_value=1 if denied else 20,
                remaining=0 if denied else remaining,
                retry_after_seconds=15 if denied else None,
            )
