"""Simulated events that start automations through the real dispatch."""

from __future__ import annotations

from ..actors.context import ActorContext, ActorRandom
from ..actors.scheduler import Acts
from ..automation.events import dispatch, named_flow_start
from ..automation.events.github_webhook import Delivery, deliver
from ..automation.jobs import dispatch_ledger
from ..db.clock import SECOND_US
from ..workload.account import Flow, Repo
from ..workload.github_payloads import DeliveryRepository, build
from ..workload.job_planner import flow_repos
from ..workload.rng import between, new_uuid, pick

_FLOW_WEIGHTS = {"review": 36, "triage": 16, "ci": 14, "mention": 14, "push": 16, "nightly": 2}
# The kind of delivery each automation listens to, and the usual seconds of its work.
_KINDS = {
    "review": ("pull_request", 50.0),
    "triage": ("issues", 30.0),
    "ci": ("check_run", 130.0),
    "mention": ("issue_comment", 40.0),
    "push": ("push", 40.0),
}
_NIGHTLY_SECONDS = 90.0
# The greatest age of a job that is run again, in simulated seconds.
_LATELY_S = 1_200.0


def arrive(stage: ActorContext, part: ActorRandom, flow_key: str | None = None) -> float:
    """Deliver an event; return its planned seconds, 0 if nothing started."""
    rng = part.rng
    key = flow_key or rng.choices(list(_FLOW_WEIGHTS), weights=list(_FLOW_WEIGHTS.values()))[0]
    flow = stage.world.flows[key]
    repo = pick(rng, flow_repos(stage.world, flow))
    if key == "nightly":
        return _by_hand(stage, part, flow)
    kind, seconds = _KINDS[key]
    draw, delivery_id = rng.random(), new_uuid(rng)
    payload = build(rng, kind, _about(repo))
    # Occasionally the runtime refuses a task, or GitHub delivers twice.
    delivery = Delivery(kind, delivery_id, payload, "story", 0.06 <= draw < 0.1, stage.now())
    answer = deliver(stage.plane, part.ids, delivery)
    if draw < 0.06:
        deliver(stage.plane, part.ids, delivery)
    return seconds if answer.get("started") else 0.0


def retries(stage: ActorContext) -> Acts:
    """Occasionally run recently failed jobs again (observability.md §7.5)."""
    part = stage.part("retries")
    while True:
        yield between(part.rng, 200.0, 500.0) / stage.scenario.now.pace
        _run_again(stage, part)


def _run_again(stage: ActorContext, part: ActorRandom) -> None:
    now = stage.now()
    with part.tx() as tx:
        failed = tx.one(
            "SELECT j.id, f.published_version_id FROM job_runs j JOIN flows f ON f.id = j.flow_id"
            " WHERE j.status = 'failed' AND j.created_at > ? AND j.origin = 'story'"
            " AND f.user_id = ? AND f.status = 'active'"
            " AND NOT EXISTS (SELECT 1 FROM job_runs r WHERE r.retry_of_job_run_id = j.id)"
            " ORDER BY j.created_at DESC LIMIT 1",
            (now - int(_LATELY_S * SECOND_US / stage.speed), stage.world.user_id),
        )
        if failed is None:
            return
        job = dispatch_ledger.job_context(tx, failed["id"])
        version = failed["published_version_id"]
        extra = dispatch.retry_metadata(job["flow_version_id"], version, "latest_published")
        queued = dispatch.enqueue(tx, dispatch.retry_work(job, version, extra), now)
    if queued.queued and queued.job_id is not None:
        dispatch.start(stage.plane, part.ids, queued.job_id, "manual_retry", now)


def _about(repo: Repo) -> DeliveryRepository:
    kind = "Organization" if repo.full_name.startswith("acme/") else "User"
    return DeliveryRepository(repo.full_name, repo.branch or "main", repo.installation_id, kind)


def _by_hand(stage: ActorContext, part: ActorRandom, flow: Flow) -> float:
    """Start a scheduled automation manually before its time."""
    found = named_flow_start.active_flow(stage.plane, flow.id)
    if found is None:
        return 0.0
    fired = named_flow_start.fire(
        stage.plane,
        part.ids,
        found,
        key=named_flow_start.trial_key(flow.id, new_uuid(part.rng)),
        payload=named_flow_start.trial_payload(stage.now()),
        source="api",
        at=stage.now(),
        origin="story",
    )
    return _NIGHTLY_SECONDS if fired.started else 0.0
