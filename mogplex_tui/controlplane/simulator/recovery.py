"""Continue work that an earlier process or the seed left live."""

from __future__ import annotations

from ..actors.call_player import play, settle_later
from ..actors.context import ActorContext, ActorRandom
from ..actors.sandbox_actors import BootFailed, boot, is_somebodys, watch_idle
from ..actors.scheduler import Acts
from ..automation.events import schedules
from ..db.clock import DAY_US, MINUTE_US
from ..db.database import Row
from ..maintenance import reapers
from ..workload.call_plan import CallKind
from ..workload.call_planner import plan_agent
from ..workload.rng import between
from ..workload.run_outcomes import Course, draw_course
from .run_actors import ENDLESS_TURNS, start_run

_LONG_STORY = 5_000
_LIVE = "status IN ('pending', 'streaming')"
# The statuses are listed so that the index by user and status is used; there are few users.
_ANYBODY = "user_id IN (SELECT id FROM profiles)"
# Costs that are settled at once (observability.md §6); calls older than a day are given up.
_BILLS = 500
# Minutes that a schedule catches up on after the process was held up.
_MISSED_MINUTES = 5


def take_up(stage: ActorContext) -> None:
    """Give every live row an actor that ends it, or end it if it is too old.

    Jobs are continued by their runner.
    """
    _reap(stage)
    db = stage.plane.db
    for row in db.all(
        "SELECT r.id, c.status, c.id AS call_id FROM external_agent_runs r JOIN ai_calls c"
        " ON c.id = r.ai_call_id WHERE r.status IN ('pending', 'streaming')"
    ):
        _run(stage, row)
    for row in db.all(
        f"SELECT * FROM ai_calls c WHERE {_ANYBODY} AND {_LIVE} AND NOT EXISTS"
        " (SELECT 1 FROM job_runs j WHERE j.id = c.job_run_id AND j.status IN ('pending', 'running'))"
        " AND NOT EXISTS (SELECT 1 FROM external_agent_runs r WHERE r.ai_call_id = c.id)"
    ):
        name = f"call:{row['id']}"
        stage.plays(row["id"], name)
        stage.spawn(name, _call(stage, stage.part(name), row), 0.2)
    for row in db.all(
        "SELECT * FROM sandboxes WHERE status IN ('creating', 'installing', 'running', 'pausing')"
    ):
        _box(stage, row)
    for row in db.all(
        f"SELECT id FROM ai_calls WHERE {_ANYBODY} AND gateway_generation_id IS NOT NULL"
        " AND cost_source IS NOT 'gateway' AND completed_at > ? ORDER BY completed_at LIMIT ?",
        (stage.now() - DAY_US, _BILLS),
    ):
        settle_later(stage, stage.part(f"late bill:{row['id']}").rng, row["id"])


def _reap(stage: ActorContext) -> None:
    plane, now = stage.plane, stage.now()
    ids = stage.part(f"reaper:{now}").ids
    reapers.finish_cancels(plane, ids, now, stage.is_played)
    reapers.zombie_rows(plane, ids, now, stage.is_played)
    reapers.expire_waits(plane, ids, now)


def housekeeping(stage: ActorContext) -> Acts:
    """Reap old work and retry jobs that did not start, every five minutes.

    runtime-model.md §4.
    """
    while True:
        yield between(stage.part(f"pause:{stage.now()}").rng, 299.0, 301.0)
        _reap(stage)
        ids = stage.part(f"repair:{stage.now()}").ids
        reapers.reconcile_jobs(stage.plane, ids, stage.now())
        reapers.repair_jobs(stage.plane, ids, stage.now())


def repair_soon(stage: ActorContext) -> Acts:
    """Run the first repair within seconds of the start."""
    yield between(stage.part("repair soon").rng, 25.0, 75.0)
    ids = stage.part(f"repair:{stage.now()}").ids
    reapers.repair_jobs(stage.plane, ids, stage.now())


def clocks(stage: ActorContext) -> Acts:
    """Run due schedules at every full minute."""
    last = stage.now() // MINUTE_US
    while True:
        yield stage.seconds_until((last + 1) * MINUTE_US)
        present = stage.now() // MINUTE_US
        for minute in range(max(last + 1, present - _MISSED_MINUTES), present + 1):
            ids = stage.part(f"clock:{minute}").ids
            schedules.tick(stage.plane, ids, minute * MINUTE_US)
        last = max(last, present)


def _run(stage: ActorContext, row: Row) -> None:
    course: Course | None = None
    begun = row["status"] == "streaming"
    if begun:
        course = draw_course(stage.part(f"run:{row['id']}:course").rng)
        events = stage.plane.db.value(
            "SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?", (row["call_id"],)
        )
        if events > _LONG_STORY:
            course = Course(ENDLESS_TURNS)
    start_run(stage, row["id"], course, begun)


def _call(stage: ActorContext, part: ActorRandom, row: Row) -> Acts:
    """Continue a chat or control run from its present state."""
    repo = None if row["repo_id"] is None else repo_key(stage, row["repo_id"])
    kind = CallKind.CHAT if row["type"] == "chat" else CallKind.CONTROL
    story = plan_agent(part.rng, kind, row["model"], repo, 1.0)
    yield between(part.rng, 0.5, 2.0)
    yield from play(stage, part, row["id"], story, begun=row["status"] == "streaming")
    stage.left(row["id"])


def repo_key(stage: ActorContext, repo_id: str) -> str | None:
    """Return the seed's key of a repository; None for one that a user connected."""
    return next((repo.key for repo in stage.world.repos.values() if repo.id == repo_id), None)


def _box(stage: ActorContext, row: Row) -> None:
    used = stage.plane.db.one(
        "SELECT 1 FROM external_agent_runs WHERE sandbox_record_id = ? AND status = 'pending'", (row["id"],)
    )
    if row["status"] in ("running", "pausing"):
        if row["status"] == "pausing" or not is_somebodys(stage.plane.db, row["id"]):
            watch_idle(stage, row["id"], 0.0)
    elif used is None:
        name = f"boot:{row['id']}"
        stage.spawn(name, _finish_boot(stage, stage.part(name), row), 0.5)


def _finish_boot(stage: ActorContext, part: ActorRandom, row: Row) -> Acts:
    key = repo_key(stage, row["repo_id"])
    if key is None or row["id"] in stage.booting:
        return
    try:
        yield from boot(stage, part, row["id"], stage.world.repos[key])
    except BootFailed:
        return
    watch_idle(stage, row["id"], 30.0)
