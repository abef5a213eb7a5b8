"""Run nodes that use no model: actions, conditions, delays, waits and variables.

routing.md §5.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..actors.context import ActorContext, ActorRandom
from ..automation.events import waits
from ..automation.jobs import node_expressions as states
from ..db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ..workload.rng import between, token, whole
from .agent_nodes import NodeActs, NodeEnd
from .graph_progress import Node
from .running_job import Job, node_rows, state_of
from .suspension import sleep, wait_for

_DELAY_SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3_600.0}
_TIMEOUT_US = {"minutes": MINUTE_US, "hours": HOUR_US, "days": DAY_US}
# The longest delay; the clock cannot count further.
_CENTURY_US = 36_525 * DAY_US
# Commands that obviously fail.
_BAD_COMMAND = re.compile(r"(^|[;&|]\s*)(false|exit\s+[1-9]\d*)\s*$")


def pass_through(context: ActorContext, _random: ActorRandom, job: Job, node: Node) -> NodeActs:
    """Run a start, parallel, join or end node, which waits for 0.1 simulated seconds."""
    if not (yield from sleep(context, job.id, 0.1)):
        return None
    return NodeEnd("success", None, {"event": job.source_type} if node.type == "start" else {})


def condition(context: ActorContext, _random: ActorRandom, job: Job, node: Node) -> NodeActs:
    """Run a condition node: evaluate its condition."""
    if not (yield from sleep(context, job.id, 0.1)):
        return None
    matched = states.evaluate_condition(state_of(job, node_rows(context.plane.db, job.id)), node.data)
    return NodeEnd("success", None, {"matched": matched})


def variables(context: ActorContext, _random: ActorRandom, job: Job, node: Node) -> NodeActs:
    """Run a node that sets variables from templates or by transforms."""
    if not (yield from sleep(context, job.id, 0.1)):
        return None
    made = states.assign if node.type == "set_variable" else states.transform
    return NodeEnd(
        "success", None, {"variables": made(state_of(job, node_rows(context.plane.db, job.id)), node.data)}
    )


def delay(context: ActorContext, job: Job, node: Node, began_at: int) -> NodeActs:
    """Run a delay node: wait for its duration, in simulated time."""
    duration = node.data.get("duration")
    seconds = float(duration) if isinstance(duration, int | float) else 1.0
    seconds = min(seconds * _DELAY_SECONDS.get(str(node.data.get("unit")), 1.0), _CENTURY_US / SECOND_US)
    passed = (context.now() - began_at) / 1_000_000 * context.speed
    if not (yield from sleep(context, job.id, seconds - passed)):
        return None
    return NodeEnd("success", None, {"waited_seconds": seconds})


def await_event(context: ActorContext, random: ActorRandom, job: Job, node: Node) -> NodeActs:
    """Run a node that waits for an event or a person; a denial or timeout fails it."""
    config = waits.config_for_job(node.data.get("config") or {}, job.metadata)
    kind = str(config.get("kind") or waits.LABEL)
    timeout = node.data.get("timeout")
    lasts_us = None
    if isinstance(timeout, dict) and isinstance(timeout.get("value"), int | float):
        unit_us = _TIMEOUT_US.get(str(timeout.get("unit")), HOUR_US)
        lasts_us = int(min(timeout["value"] * unit_us, _CENTURY_US))
    answer = yield from wait_for(context, random, job, node, kind, config, lasts_us)
    if answer is None:
        return None
    if answer.status != "resumed":
        return NodeEnd("failed", f"Nothing came within the time of {node.label or node.id}")
    if kind == waits.MANUAL and answer.denied:
        note = answer.payload.get("note")
        return NodeEnd(
            "failed", f"A person denied this step: {note}" if note else "A person denied this step"
        )
    return NodeEnd("success", None, {"kind": kind, "payload": answer.payload})


def action(context: ActorContext, random: ActorRandom, job: Job, node: Node) -> NodeActs:
    """Run an action node: simulate one operation in a sandbox, on GitHub or in Slack."""
    operation = str(node.data.get("operation") or "sandbox.run_command")
    slow = operation == "sandbox.run_command"
    if not (
        yield from sleep(
            context, job.id, between(random.rng, 2.0, 12.0) if slow else between(random.rng, 0.4, 2.0)
        )
    ):
        return None
    state = state_of(job, node_rows(context.plane.db, job.id))
    done = _OPERATIONS.get(operation, _command)(random, job, node.data, state)
    if done.get("exit_code"):
        return NodeEnd("failed", f"Command exited with code {done['exit_code']}", None)
    return NodeEnd("success", None, {"operation": operation, **done})


Data = dict[str, Any]


def _number(job: Job, data: Data, key: str) -> int | None:
    """Return the pull request or issue number in an action's data, or else the job's."""
    own = data.get(key)
    if isinstance(own, int) and not isinstance(own, bool):
        return own
    found = job.metadata.get("pr_number", job.metadata.get("issue_number"))
    return found if isinstance(found, int) else None


def _command(_random: ActorRandom, _job: Job, data: Data, _state: states.State) -> Data:
    command = str(data.get("command") or "")
    bad = _BAD_COMMAND.search(command)
    code = 0 if bad is None else int(re.sub(r"\D", "", bad[2]) or 1)
    return {"command": command, "exit_code": code}


def _slack(random: ActorRandom, _job: Job, data: Data, state: states.State) -> Data:
    stamp = f"{whole(random.rng, 1_700_000_000, 1_799_999_999)}.{whole(random.rng, 0, 999_999):06d}"
    return {
        "channel": data.get("channelId"),
        "message": state.render(str(data.get("message") or "")),
        "ts": stamp,
    }


def _comment(random: ActorRandom, job: Job, data: Data, state: states.State) -> Data:
    number = _number(job, data, "targetNumber")
    comment_id = whole(random.rng, 2_100_000_000, 2_199_999_999)
    url = f"https://github.com/{job.repo.full_name}/issues/{number}#issuecomment-{comment_id}"
    return {"number": number, "body": state.render(str(data.get("body") or "")), "url": url}


def _issue(random: ActorRandom, job: Job, data: Data, state: states.State) -> Data:
    number = whole(random.rng, 1_901, 2_400)
    return {
        "number": number,
        "title": state.render(str(data.get("title") or "")),
        "labels": data.get("labels") or [],
        "url": f"https://github.com/{job.repo.full_name}/issues/{number}",
    }


def _labels(_random: ActorRandom, job: Job, data: Data, _state: states.State) -> Data:
    return {
        "number": _number(job, data, "targetNumber"),
        "added": data.get("addLabels") or [],
        "removed": data.get("removeLabels") or [],
    }


def _status(_random: ActorRandom, job: Job, data: Data, state: states.State) -> Data:
    return {
        "sha": data.get("commitSha") or job.metadata.get("head_sha"),
        "state": data.get("state"),
        "context": data.get("context") or "mogplex/workflow",
        "description": state.render(str(data.get("description") or "")),
    }


def _submit_review(random: ActorRandom, job: Job, data: Data, state: states.State) -> Data:
    return {
        "number": _number(job, data, "pullRequestNumber"),
        "event": data.get("event") or "COMMENT",
        "body": state.render(str(data.get("body") or "")),
        "review_id": token(random.rng, "PRR_", 14),
    }


def _merge(random: ActorRandom, job: Job, data: Data, _state: states.State) -> Data:
    number = _number(job, data, "pullRequestNumber")
    return {"number": number, "merged": True, "sha": f"{random.rng.getrandbits(160):040x}"}


_OPERATIONS: dict[str, Callable[[ActorRandom, Job, Data, states.State], Data]] = {
    "sandbox.run_command": _command,
    "slack.send_message": _slack,
    "github.post_comment": _comment,
    "github.create_issue": _issue,
    "github.update_labels": _labels,
    "github.set_status": _status,
    "github.submit_review": _submit_review,
    "github.merge_pull_request": _merge,
}
