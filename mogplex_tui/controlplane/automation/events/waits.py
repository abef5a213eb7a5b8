"""Resume paused job runs when a delivery contains the event that they wait for.

routing.md §3.14, §5.5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...core.plane import Plane
from ...db.database import Row
from ...db.ids import Ids
from ..jobs import node_writes
from .github_events import Payload, is_bot, number, part, source_of, text

LABEL, COMMENT, CI, PREVIEW = (
    "github_label_added",
    "github_comment_added",
    "ci_workflow_completed",
    "vercel_preview_ready",
)
MANUAL, TOOL = "manual_approval", "tool_approval"


class Signal(NamedTuple):
    """The part of a delivery that is compared with the configurations of waits.

    `kind` is the kind of wait that the delivery can end, `repo` the repository's full name; the keys
    of `facts` depend on the kind.
    """

    kind: str
    repo: str
    facts: dict[str, Any]


def signal_of(event: str, payload: Payload) -> Signal | None:
    """Return the signal of a delivery, or None if no kind of wait listens to it."""
    repo = source_of(payload).repo
    read = _READERS.get(event)
    if repo is None or read is None:
        return None
    return read(repo, payload)


def _label(repo: str, payload: Payload) -> Signal | None:
    if payload.get("action") != "labeled":
        return None
    pull = part(payload, "pull_request")
    subject = pull or part(payload, "issue")
    facts = {
        "label": text(part(payload, "label").get("name")),
        "number": number(subject.get("number")),
        "is_pr": bool(pull) or "pull_request" in subject,
    }
    return Signal(LABEL, repo, facts)


def _comment(repo: str, payload: Payload) -> Signal | None:
    comment = part(payload, "comment")
    if payload.get("action") != "created" or is_bot(part(comment, "user")):
        return None
    pull = part(payload, "pull_request")
    subject = pull or part(payload, "issue")
    facts = {
        "body": text(comment.get("body")) or "",
        "author": text(part(comment, "user").get("login")),
        "number": number(subject.get("number")),
        "is_pr": bool(pull) or "pull_request" in subject,
        "url": text(comment.get("html_url")),
    }
    return Signal(COMMENT, repo, facts)


def _workflow(repo: str, payload: Payload) -> Signal | None:
    run = part(payload, "workflow_run")
    if payload.get("action") != "completed":
        return None
    facts = {
        "workflow": text(run.get("name")),
        "conclusion": text(run.get("conclusion")),
        "sha": text(run.get("head_sha")),
        "url": text(run.get("html_url")),
    }
    return Signal(CI, repo, facts)


def _deployment(repo: str, payload: Payload) -> Signal | None:
    status, deployment = part(payload, "deployment_status"), part(payload, "deployment")
    if status.get("state") != "success":
        return None
    facts = {
        "environment": text(status.get("environment")) or text(deployment.get("environment")),
        "sha": text(deployment.get("sha")),
        "url": text(status.get("environment_url")) or text(status.get("target_url")),
    }
    return Signal(PREVIEW, repo, facts)


_READERS = {
    "pull_request": _label,
    "issues": _label,
    "issue_comment": _comment,
    "pull_request_review_comment": _comment,
    "workflow_run": _workflow,
    "deployment_status": _deployment,
}


def satisfies(config: Mapping[str, Any], signal: Signal) -> bool:
    """Return whether a signal satisfies a wait's configuration."""
    return _FITS[signal.kind](config, signal.facts)


def _fits_label(config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    if config.get("prOnly") and not facts["is_pr"]:
        return False
    return facts["label"] is not None and config.get("labelName") in ("", None, facts["label"])


def _fits_comment(config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    if config.get("prOnly", True) and not facts["is_pr"]:
        return False
    expected = config.get("expectedIssueNumber")
    if config.get("matchTriggerIssue", True) and expected is not None and expected != facts["number"]:
        return False
    author = str(config.get("authorLogin") or "").lower()
    if author and author != str(facts["author"] or "").lower():
        return False
    return str(config.get("bodyContains") or "").lower() in facts["body"].lower()


def _fits_sha(config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    expected = config.get("expectedSha")
    return not config.get("matchTriggerSha", True) or expected is None or expected == facts["sha"]


def _fits_ci(config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    name = str(config.get("workflowName") or "").lower()
    if name and name != str(facts["workflow"] or "").lower():
        return False
    return config.get("conclusion", "success") in ("any", facts["conclusion"]) and _fits_sha(config, facts)


def _fits_preview(config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    wanted = str(config.get("environment") or "Preview").lower()
    return wanted == str(facts["environment"] or "").lower() and _fits_sha(config, facts)


_FITS = {LABEL: _fits_label, COMMENT: _fits_comment, CI: _fits_ci, PREVIEW: _fits_preview}


def resume(plane: Plane, ids: Ids, signal: Signal, delivery: str | None, at: int) -> dict[str, Any]:
    """Resume every waiting node whose configuration the signal satisfies.

    Returns the `flow_waits` counts of the webhook's response (system.md §2.1). Waits that the same
    delivery resumed earlier are counted as already resumed.
    """
    rows = plane.db.all(
        "SELECT w.id, w.status, w.wait_config, w.resume_delivery_id FROM flow_waits w JOIN repos r ON r.id = w.repo_id"
        " WHERE w.wait_kind = ? AND r.full_name = ? COLLATE NOCASE"
        " AND ((w.status = 'waiting' AND (w.expires_at IS NULL OR w.expires_at > ?)) OR w.resume_delivery_id = ?)"
        " ORDER BY w.created_at, w.id",
        (signal.kind, signal.repo, at, delivery),
    )
    met = [row for row in rows if _is_met(row, signal, delivery)]
    resumed = []
    with plane.db.transaction(ids=ids) as tx:
        for row in met:
            if node_writes.end_wait(tx, row["id"], "resumed", at, signal.facts):
                tx.update("flow_waits", row["id"], resume_delivery_id=delivery)
                resumed.append(row["id"])
    for wait_id in resumed:
        plane.callbacks.wait_resumed(wait_id)
    return {
        "matched": len(met),
        "resumed": len(resumed),
        "alreadyResumed": len(met) - len(resumed),
        "completeFailed": 0,
        "failures": [],
    }


def _is_met(row: Row, signal: Signal, delivery: str | None) -> bool:
    if row["status"] != "waiting":
        return delivery is not None and row["resume_delivery_id"] == delivery
    return satisfies(json.loads(row["wait_config"]), signal)


def config_for_job(config: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return a wait's configuration with the job's own issue number or commit added.

    routing.md §5.5.
    """
    filled = dict(config)
    if filled.get("kind") == COMMENT and filled.get("matchTriggerIssue", True):
        filled["expectedIssueNumber"] = metadata.get("issue_number", metadata.get("pr_number"))
    if filled.get("kind") in (CI, PREVIEW) and filled.get("matchTriggerSha", True):
        filled["expectedSha"] = metadata.get("head_sha")
    return filled
