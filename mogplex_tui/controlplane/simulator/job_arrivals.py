"""Simulated GitHub events and manual starts that make automations run.

The events are dispatched by the same code as real deliveries.
"""

from __future__ import annotations

from ..actors.context import ActorContext, ActorRandom
from ..actors.scheduler import Acts
from ..automation.events import named_flow_start, work_queue
from ..automation.events.github_delivery import Delivery, deliver
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


def arrive(context: ActorContext, random: ActorRandom, flow_key: str | None = None) -> float:
    """Deliver a simulated event; return the planned seconds of the job that it starts.

    The result is 0 if no job was started. `flow_key` selects the flow for which the event is made;
    the default is a random flow.
    """
    rng = random.rng
    key = flow_key or rng.choices(list(_FLOW_WEIGHTS), weights=list(_FLOW_WEIGHTS.values()))[0]
    flow = context.world.flows[key]
    repo = pick(rng, flow_repos(context.world, flow))
    if key == "nightly":
        return _by_hand(context, random, flow)
    kind, seconds = _KINDS[key]
    draw, delivery_id = rng.random(), new_uuid(rng)
    payload = build(rng, kind, _about(repo))
    # Occasionally the runtime refuses a task, or GitHub delivers twice.
    delivery = Delivery(kind, delivery_id, payload, "story", 0.06 <= draw < 0.1, context.now())
    answer = deliver(context.plane, random.ids, delivery)
    if draw < 0.06:
        deliver(context.plane, random.ids, delivery)
    return seconds if answer.get("started") else 0.0


def retries(context: ActorContext) -> Acts:
    """Retry one of the recently failed jobs every few minutes (observability.md §7.5)."""
    random = context.random("retries")
    while True:
        yield between(random.rng, 200.0, 500.0) / context.scenario.now.pace
        _run_again(context, random)


def _run_again(context: ActorContext, random: ActorRandom) -> None:
    now = context.now()
    with random.tx() as tx:
        failed = tx.one(
            "SELECT j.id, f.published_version_id FROM job_runs j JOIN flows f ON f.id = j.flow_id"
            " WHERE j.status = 'failed' AND j.created_at > ? AND j.origin = 'story'"
            " AND f.user_id = ? AND f.status = 'active'"
            " AND NOT EXISTS (SELECT 1 FROM job_runs r WHERE r.retry_of_job_run_id = j.id)"
            " ORDER BY j.created_at DESC LIMIT 1",
            (now - int(_LATELY_S * SECOND_US / context.speed), context.world.user_id),
        )
        if failed is None:
            return
        job = dispatch_ledger.job_context(tx, failed["id"])
        version = failed["published_version_id"]
        extra = work_queue.retry_metadata(job["flow_version_id"], version, "latest_published")
        queued = work_queue.enqueue(tx, work_queue.retry_work(job, version, extra), now)
    if queued.queued and queued.job_id is not None:
        work_queue.start(context.plane, random.ids, queued.job_id, "manual_retry", now)


def _about(repo: Repo) -> DeliveryRepository:
    kind = "Organization" if repo.full_name.startswith("acme/") else "User"
    return DeliveryRepository(repo.full_name, repo.branch or "main", repo.installation_id, kind)


def _by_hand(context: ActorContext, random: ActorRandom, flow: Flow) -> float:
    """Start a scheduled automation as a user would; return its planned seconds.

    Returns 0 if it was not started.
    """
    found = named_flow_start.active_flow(context.plane, flow.id)
    if found is None:
        return 0.0
    fired = named_flow_start.start_flow(
        context.plane,
        random.ids,
        found,
        key=named_flow_start.trial_key(flow.id, new_uuid(random.rng)),
        payload=named_flow_start.trial_payload(context.now()),
        source="api",
        at=context.now(),
        origin="story",
    )
    return _NIGHTLY_SECONDS if fired.started else 0.0
