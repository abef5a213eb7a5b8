"""Handle a GitHub delivery: sync rows, resume waits, queue and start work.

system.md §2.1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...core.plane import Plane
from ...db.ids import Ids
from . import github_installations, matching, waits, work_queue
from .github_events import LISTENED, Event, Payload, Source, events, source_of


class Delivery(NamedTuple):
    """One GitHub webhook delivery.

    `event` is the x-github-event header. `key` is the x-github-delivery header, or a digest of the
    body if that header is missing. `origin` has the values of work_queue.Work. `refused` simulates a
    background runtime that refuses every start. `at` is the time of the delivery in µs; None means
    the current time.
    """

    event: str
    key: str
    payload: Payload
    origin: str = "outside"
    refused: bool = False
    at: int | None = None


@dataclass
class _Counts:
    """Counts of a delivery's dispatches, by result and by reason."""

    queued: int = 0
    started: int = 0
    deferred: int = 0
    failed: int = 0
    suppressed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def deliver(plane: Plane, ids: Ids, delivery: Delivery) -> dict[str, Any]:
    """Handle a delivery whose signature was verified; return the response body.

    routing.md §5.4.
    """
    at = plane.clock.now_us() if delivery.at is None else delivery.at
    delivery = delivery._replace(at=at)
    payload = delivery.payload
    sync = github_installations.apply(plane, ids, delivery.event, payload, at)
    if delivery.event == "check_run" and payload.get("action") == "rerequested":
        github_installations.rerun_review(plane, ids, payload, at)
    signal = waits.signal_of(delivery.event, payload)
    flow_waits = None if signal is None else waits.resume(plane, ids, signal, delivery.key, at)
    tail: dict[str, Any] = {"flow_waits": flow_waits, "sync": sync}
    delivered_events = events(delivery.event, payload) if delivery.event in LISTENED else []
    if not delivered_events:
        return {"ok": True, "skipped": True, **tail}
    source = _known_account(plane, source_of(payload))
    include_legacy = not plane.is_hosted
    matched = [
        (event, target)
        for event in delivered_events
        for target in matching.find_targets(plane.db, event, source, include_legacy)
    ]
    if not matched:
        return {"ok": True, "queued": 0, **tail}
    counts = _Counts()
    for event, target in matched:
        _dispatch(plane, ids, delivery, event, target, counts)
    return {
        "ok": True,
        "queued": counts.queued,
        "started": counts.started,
        "deferred": counts.deferred,
        "startFailed": counts.failed,
        "suppressed": counts.suppressed,
        "reason_counts": dict(counts.reasons),
        **tail,
    }


def _known_account(plane: Plane, source: Source) -> Source:
    """Return the source with the stored account type of its installation filled in.

    A source that already has an account type is returned unchanged.
    """
    if source.account_type is not None:
        return source
    kind = plane.db.value(
        "SELECT account_type FROM github_installations WHERE installation_id = coalesce(?, (SELECT"
        " github_installation_id FROM repos WHERE full_name = ? COLLATE NOCASE AND github_installation_id NOTNULL))",
        (source.installation_id, source.repo),
    )
    return source._replace(account_type=kind)


def work_of(delivery: Delivery, event: Event, target: matching.Target) -> work_queue.Work:
    """Return the work that an event starts for a target, with its idempotency key.

    routing.md §5.4.
    """
    metadata = work_queue.work_metadata(target, event.metadata)
    key = f"github-webhook:{target.kind}:{target.id}:{delivery.key}"
    pull, sha = metadata.get("pr_number"), metadata.get("head_sha")
    if event.type == "pr_opened" and pull is not None and sha is not None:
        repo, installation = target.repo_full_name, target.installation_id
        key = (
            f"github-pr-review:{target.kind}:{target.id}:{target.source_type}"
            f":{repo}:{installation}:{pull}:{sha}"
        )
        metadata["review_dedup_key"] = f"{repo}#{pull}@{sha[:12]}"
    check_duplicates = target.source_type in work_queue.DUPLICATE_SENSITIVE
    return work_queue.Work(target, metadata, key, check_duplicates, delivery.origin)


def _dispatch(
    plane: Plane, ids: Ids, delivery: Delivery, event: Event, target: matching.Target, counts: _Counts
) -> None:
    at = plane.clock.now_us() if delivery.at is None else delivery.at
    with plane.db.transaction(ids=ids) as tx:
        enqueued = work_queue.enqueue(tx, work_of(delivery, event, target), at)
    if not enqueued.queued or enqueued.job_id is None:
        counts.suppressed += 1
        counts.reasons[enqueued.reason or "ENQUEUE_FAILED"] += 1
        return
    counts.queued += 1
    result = work_queue.start(plane, ids, enqueued.job_id, "webhook", at, refused=delivery.refused)
    if result.started:
        counts.started += 1
    elif result.reason == "INSTALLATION_CONCURRENCY_LIMIT":
        counts.deferred += 1
        counts.reasons[result.reason] += 1
    else:
        counts.failed += 1
