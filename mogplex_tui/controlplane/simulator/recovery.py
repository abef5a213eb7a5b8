"""Continue unfinished work after the plane's start, and run periodic tasks.

The unfinished work is that of the seed or of an earlier process.
"""

from __future__ import annotations

from ..actors.call_player import schedule_billing, simulate_call
from ..actors.context import ActorContext, ActorRandom
from ..actors.sandbox_actors import BootFailed, boot, booted_by_request, watch_idle
from ..actors.scheduler import Acts
from ..automation.events import schedules
from ..db.clock import DAY_US, MINUTE_US
from ..db.database import Row
from ..maintenance import reapers
from ..workload.call_plan import CallKind
from ..workload.call_planner import plan_agent
from ..workload.rng import between
from ..workload.run_outcomes import RunOutcome, draw_outcome
from .run_actors import ENDLESS_TURNS, start_run

_LONG_STORY = 5_000
_LIVE = "status IN ('pending', 'streaming')"
# The statuses are listed so that the index by user and status is used; there are few users.
_ANYBODY = "user_id IN (SELECT id FROM profiles)"
# Costs that are settled at once (observability.md §6); calls older than a day are given up.
_BILLS = 500
# Minutes that a schedule catches up on after the process was held up.
_MISSED_MINUTES = 5


def resume_unfinished(context: ActorContext) -> None:
    """Start an actor for each unfinished run, call and sandbox.

    Work that is too old is ended. Unfinished jobs are not handled here: engine/job_runner.py
    continues them.
    """
    _reap(context)
    db = context.plane.db
    for row in db.all(
        "SELECT r.id, c.status, c.id AS call_id FROM external_agent_runs r JOIN ai_calls c"
        " ON c.id = r.ai_call_id WHERE r.status IN ('pending', 'streaming')"
    ):
        _run(context, row)
    for row in db.all(
        f"SELECT * FROM ai_calls c WHERE {_ANYBODY} AND {_LIVE} AND NOT EXISTS"
        " (SELECT 1 FROM job_runs j WHERE j.id = c.job_run_id AND j.status IN ('pending', 'running'))"
        " AND NOT EXISTS (SELECT 1 FROM external_agent_runs r WHERE r.ai_call_id = c.id)"
    ):
        name = f"call:{row['id']}"
        context.set_simulator(row["id"], name)
        context.spawn(name, _call(context, context.random(name), row), 0.2)
    for row in db.all(
        "SELECT * FROM sandboxes WHERE status IN ('creating', 'installing', 'running', 'pausing')"
    ):
        _box(context, row)
    for row in db.all(
        f"SELECT id FROM ai_calls WHERE {_ANYBODY} AND gateway_generation_id IS NOT NULL"
        " AND cost_source IS NOT 'gateway' AND completed_at > ? ORDER BY completed_at LIMIT ?",
        (context.now() - DAY_US, _BILLS),
    ):
        schedule_billing(context, context.random(f"late bill:{row['id']}").rng, row["id"])


def _reap(context: ActorContext) -> None:
    plane, now = context.plane, context.now()
    ids = context.random(f"reaper:{now}").ids
    reapers.finish_cancels(plane, ids, now, context.is_simulated)
    reapers.zombie_rows(plane, ids, now, context.is_simulated)
    reapers.expire_waits(plane, ids, now)


def housekeeping(context: ActorContext) -> Acts:
    """Every five minutes, end abandoned work and start jobs that failed to start.

    runtime-model.md §4.
    """
    while True:
        yield between(context.random(f"pause:{context.now()}").rng, 299.0, 301.0)
        _reap(context)
        ids = context.random(f"repair:{context.now()}").ids
        reapers.reconcile_jobs(context.plane, ids, context.now())
        reapers.repair_jobs(context.plane, ids, context.now())


def repair_soon(context: ActorContext) -> Acts:
    """About a minute after the plane's start, start the jobs that failed to start."""
    yield between(context.random("repair soon").rng, 25.0, 75.0)
    ids = context.random(f"repair:{context.now()}").ids
    reapers.repair_jobs(context.plane, ids, context.now())


def clocks(context: ActorContext) -> Acts:
    """At every full minute, start the automations whose schedule is due."""
    last = context.now() // MINUTE_US
    while True:
        yield context.seconds_until((last + 1) * MINUTE_US)
        present = context.now() // MINUTE_US
        for minute in range(max(last + 1, present - _MISSED_MINUTES), present + 1):
            ids = context.random(f"clock:{minute}").ids
            schedules.tick(context.plane, ids, minute * MINUTE_US)
        last = max(last, present)


def _run(context: ActorContext, row: Row) -> None:
    outcome: RunOutcome | None = None
    is_streaming = row["status"] == "streaming"
    if is_streaming:
        outcome = draw_outcome(context.random(f"run:{row['id']}:course").rng)
        events = context.plane.db.value(
            "SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?", (row["call_id"],)
        )
        if events > _LONG_STORY:
            outcome = RunOutcome(ENDLESS_TURNS)
    start_run(context, row["id"], outcome, is_streaming)


def _call(context: ActorContext, random: ActorRandom, row: Row) -> Acts:
    """Continue an unfinished chat or control run from its present status."""
    repo = None if row["repo_id"] is None else repo_key(context, row["repo_id"])
    kind = CallKind.CHAT if row["type"] == "chat" else CallKind.CONTROL
    call_plan = plan_agent(random.rng, kind, row["model"], repo, 1.0)
    yield between(random.rng, 0.5, 2.0)
    yield from simulate_call(context, random, row["id"], call_plan, is_streaming=row["status"] == "streaming")
    context.clear_simulator(row["id"])


def repo_key(context: ActorContext, repo_id: str) -> str | None:
    """Return the key of a repository in the sample data.

    Returns None for a repository that a user has connected, which is not in the sample data.
    """
    return next((repo.key for repo in context.world.repos.values() if repo.id == repo_id), None)


def _box(context: ActorContext, row: Row) -> None:
    used = context.plane.db.one(
        "SELECT 1 FROM external_agent_runs WHERE sandbox_record_id = ? AND status = 'pending'", (row["id"],)
    )
    if row["status"] in ("running", "pausing"):
        if row["status"] == "pausing" or not booted_by_request(context.plane.db, row["id"]):
            watch_idle(context, row["id"], 0.0)
    elif used is None:
        name = f"boot:{row['id']}"
        context.spawn(name, _finish_boot(context, context.random(name), row), 0.5)


def _finish_boot(context: ActorContext, random: ActorRandom, row: Row) -> Acts:
    key = repo_key(context, row["repo_id"])
    if key is None or row["id"] in context.booting:
        return
    try:
        yield from boot(context, random, row["id"], context.world.repos[key])
    except BootFailed:
        return
    watch_idle(context, row["id"], 30.0)
