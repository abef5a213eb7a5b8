"""Takes up what an earlier process, or the seed, left alive, so that nothing stays live for ever."""

from __future__ import annotations

import json

from ..clock import MINUTE_US
from ..database import Row
from ..seed.job_plan import JobPlan, plan_job
from ..seed.rng import between
from ..seed.steer import Course, draw_course
from ..seed.steps import CallKind
from ..seed.stories import plan_agent
from ..writes import calls, job_control, jobs, nodes, runs
from .boxes import BootFailed, boot, watch_idle
from .jobs import REPAIR_SECONDS, answer, continue_job, end_of_call, finish, flow_of, release, see_through
from .play import play
from .runs import ENDLESS_TURNS, start_run
from .scheduler import Acts
from .stage import Part, Stage

# Ages at which housekeeping gives a live call up (observability.md §2.4), and a running job (runtime-model.md §4).
_CHAT_AGE_US = 5 * MINUTE_US
_CALL_AGE_US = 6 * 60 * MINUTE_US
_JOB_AGE_US = 6 * 60 * MINUTE_US
_LONG_STORY = 5_000
_LIVE = "status IN ('pending', 'streaming')"
# Named so that the index by user and status serves; there are few users.
_ANYBODY = "user_id IN (SELECT id FROM profiles)"


def take_up(stage: Stage) -> None:
    """Give every live row of the database an actor that will end it, or end what is too old."""
    _reap(stage)
    db = stage.plane.db
    for row in db.all("SELECT * FROM job_runs WHERE status IN ('pending', 'running')"):
        name = f"job:{row['id']}"
        for call in db.all(f"SELECT id FROM ai_calls WHERE job_run_id = ? AND {_LIVE}", (row["id"],)):
            stage.plays(call["id"], name)
        stage.spawn(name, _job(stage, stage.part(name), row), 0.1)
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


def _reap(stage: Stage) -> None:
    now, part = stage.now(), stage.part(f"reaper:{stage.now()}")
    with part.tx() as tx:
        for row in tx.all(f"SELECT id, type, started_at FROM ai_calls WHERE {_ANYBODY} AND {_LIVE}"):
            limit = _CHAT_AGE_US if row["type"] == "chat" else _CALL_AGE_US
            if stage.is_played(row["id"]):
                continue
            # A request to cancel that nobody has seen to is seen to here.
            calls.finalize_cancel(
                tx, row["id"], now, "Run cancelled", {"reason": "RECONCILED_CANCEL_REQUEST"}
            )
            if now - row["started_at"] >= limit:
                calls.reap_call(tx, row["id"], now)
        for row in tx.all(
            "SELECT id, ai_call_id FROM external_agent_runs WHERE status IN ('pending', 'streaming')"
        ):
            if not stage.is_played(row["ai_call_id"]):
                runs.mirror_call(tx, row["id"], now)


def housekeeping(stage: Stage) -> Acts:
    """Every five minutes: give up what is too old and has nobody who works on it (runtime-model.md §4)."""
    while True:
        yield 300.0
        _reap(stage)


def _run(stage: Stage, row: Row) -> None:
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


def _kind(row: Row) -> CallKind:
    if row["job_run_id"] is not None:
        return CallKind.NODE
    return CallKind.CHAT if row["type"] == "chat" else CallKind.CONTROL


def _call(stage: Stage, part: Part, row: Row) -> Acts:
    """Go on with a chat, a control run or a node's call from where it stands."""
    repo = None if row["repo_id"] is None else repo_key(stage, row["repo_id"])
    story = plan_agent(part.rng, _kind(row), row["model"], repo, 1.0)
    yield between(part.rng, 0.5, 2.0)
    yield from play(stage, part, row["id"], story, begun=row["status"] == "streaming")
    stage.left(row["id"])


def repo_key(stage: Stage, repo_id: str) -> str | None:
    """The seed's key of a repository, None for one that a person connected."""
    return next((repo.key for repo in stage.world.repos.values() if repo.id == repo_id), None)


def _job(stage: Stage, part: Part, row: Row) -> Acts:
    job_id = row["id"]
    if row["status"] == "pending":
        yield REPAIR_SECONDS * part.rng.uniform(0.2, 0.6)
        result = jobs.start_in_steps(stage.plane.db, job_id, stage.now(), "repair", part.ids.opaque("run_"))
        if result.started:
            # The name of this actor is taken until it ends, so the job goes on under it.
            yield from _resume(stage, part, job_id, row)
        return
    yield from _resume(stage, part, job_id, row)


def _resume(stage: Stage, part: Part, job_id: str, row: Row) -> Acts:
    """Finish the node that a running job is in, then the ones behind it."""
    flow = flow_of(stage, row["flow_id"])
    repo_id = json.loads(row["metadata"]).get("repo_id")
    repo = next((repo for repo in stage.world.repos.values() if repo.id == repo_id), None)
    node = stage.plane.db.one(
        "SELECT * FROM flow_node_runs WHERE job_run_id = ? AND status = 'running' ORDER BY created_at DESC",
        (job_id,),
    )
    wait = stage.plane.db.one(
        "SELECT id FROM flow_waits WHERE job_run_id = ? AND status = 'waiting'", (job_id,)
    )
    too_old = row["started_at"] is not None and stage.now() - row["started_at"] > _JOB_AGE_US
    if flow is None or repo is None or (too_old and wait is None):
        _give_up(stage, part, job_id)
        return
    plan = plan_job(part.rng, flow, repo)
    call = stage.plane.db.one(f"SELECT * FROM ai_calls WHERE job_run_id = ? AND {_LIVE}", (job_id,))
    end: tuple[str, str | None] | None = ("success", None)
    if call is not None:
        stage.plays(call["id"], part.name)
        yield from _call(stage, part, call)
        end = end_of_call(stage, call["id"])
    elif wait is not None:
        yield from answer(stage, part, wait["id"])
    if node is None:
        yield from see_through(stage, part, job_id, plan, _nodes_done(stage, job_id, plan))
        return
    status, error = end or ("failed", None)
    with part.tx() as tx:
        nodes.finish_node_run(tx, node["id"], status, stage.now(), error=error)
    if status == "failed":
        finish(stage, part, job_id, plan, "failed", error)
        return
    position = next(
        (i for i, item in enumerate(plan.nodes) if item.node_id == node["node_id"]), len(plan.nodes)
    )
    yield from see_through(stage, part, job_id, plan, position + 1)


def _nodes_done(stage: Stage, job_id: str, plan: JobPlan) -> int:
    """How many nodes of the plan have run."""
    rows = stage.plane.db.all("SELECT node_id FROM flow_node_runs WHERE job_run_id = ?", (job_id,))
    done = {row["node_id"] for row in rows}
    return sum(1 for item in plan.nodes if item.node_id in done)


def _give_up(stage: Stage, part: Part, job_id: str) -> None:
    now = stage.now()
    with part.tx() as tx:
        for call_id in job_control.ask_children(tx, job_id, now):
            calls.finalize_cancel(tx, call_id, now, "Run cancelled", {"reason": "ZOMBIE_REAPED"})
        job_control.request_cancel(tx, job_id, now, "ZOMBIE_REAPED")
        job_control.finalize_cancel(tx, job_id, now, "ZOMBIE_REAPED", 0)
    release(stage, part, job_id)


def _box(stage: Stage, row: Row) -> None:
    used = stage.plane.db.one(
        "SELECT 1 FROM external_agent_runs WHERE sandbox_record_id = ? AND status = 'pending'", (row["id"],)
    )
    if row["status"] in ("running", "pausing"):
        watch_idle(stage, row["id"], 0.0)
    elif used is None:
        name = f"boot:{row['id']}"
        stage.spawn(name, _finish_boot(stage, stage.part(name), row), 0.5)


def _finish_boot(stage: Stage, part: Part, row: Row) -> Acts:
    key = repo_key(stage, row["repo_id"])
    if key is None or row["id"] in stage.booting:
        return
    try:
        yield from boot(stage, part, row["id"], stage.world.repos[key])
    except BootFailed:
        return
    watch_idle(stage, row["id"], 30.0)


def started_outside(stage: Stage, job_id: str) -> None:
    """A job was started by a request: see it through, unless somebody does already."""
    if f"job:{job_id}" not in stage.scheduler:
        continue_job(stage, job_id)
