"""Normalise the data of each node type; unknown keys are dropped.

routing.md §5.2 to §5.5.
"""

from __future__ import annotations

import math
from typing import Any

EVENTS = (
    "mention",
    "pr_opened",
    "issue_opened",
    "pr_comment",
    "issue_comment",
    "push",
    "ci_failure",
    "labeled",
    "tag_push",
    "schedule",
    "webhook",
    "slack_mention",
)
AUTHOR_FILTERS = ("any", "humans_only", "exclude_dependabot", "dependabot_only")
OPERATORS = (
    "exists",
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "greater_than",
    "less_than",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
)
_SWITCHES = ("autofix", "autofixSandbox", "autoMerge", "autoRevert", "requireApproval")

# Operation → default label, fields with the default of each; a default of None means text, number or null.
ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "sandbox.run_command": ("Run command", {"command": "", "workingDirectory": None}),
    "slack.send_message": (
        "Send Slack message",
        {
            "destination": ("channel", "trigger_thread"),
            "teamId": "",
            "channelId": "",
            "channelName": None,
            "message": "",
            "unfurlLinks": False,
        },
    ),
    "github.post_comment": ("Post comment", {"targetNumber": None, "body": ""}),
    "github.create_issue": ("Create issue", {"title": "", "body": "", "labels": []}),
    "github.update_labels": ("Update labels", {"targetNumber": None, "addLabels": [], "removeLabels": []}),
    "github.set_status": (
        "Set commit status",
        {
            "commitSha": None,
            "state": ("pending", "success", "failure", "error"),
            "context": "mogplex/workflow",
            "description": None,
            "targetUrl": None,
        },
    ),
    "github.submit_review": (
        "Submit review",
        {"pullRequestNumber": None, "event": ("COMMENT", "APPROVE", "REQUEST_CHANGES"), "body": ""},
    ),
    "github.merge_pull_request": ("Merge pull request", {"pullRequestNumber": None, "commitTitle": None}),
}

# Kind → its fields: a tuple is a choice with its default first, True and False are switches.
AWAITS: dict[str, dict[str, Any]] = {
    "github_label_added": {"labelName": "", "prOnly": False},
    "github_comment_added": {
        "bodyContains": "",
        "authorLogin": "",
        "prOnly": True,
        "matchTriggerIssue": True,
    },
    "ci_workflow_completed": {
        "workflowName": "",
        "conclusion": ("success", "any", "failure", "cancelled"),
        "matchTriggerSha": True,
    },
    "vercel_preview_ready": {"environment": "Preview", "matchTriggerSha": True},
    "manual_approval": {"prompt": ""},
}


def text_or_none(value: Any) -> str | None:
    """Return the value if it is a non-empty string, else None."""
    return value if isinstance(value, str) and value else None


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number_or(value: Any, default: float | None) -> Any:
    """Return the value if it is a finite number, else the default."""
    return value if is_number(value) else default


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in an array, or an empty list if the value is not an array."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the non-empty strings in an array; an empty list for any other value."""
    return [entry for entry in value if isinstance(entry, str) and entry] if isinstance(value, list) else []


def label(data: dict[str, Any], default: str) -> str:
    """Return the node's label, or the default if the label is missing or blank."""
    given = data.get("label")
    return given if isinstance(given, str) and given.strip() else default


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    return value if isinstance(value, str) and value in choices else choices[0]


def _field(value: Any, default: Any) -> Any:
    """Return the value of a node's field if it is allowed, else the field's default.

    The type of the default determines which values are allowed; see the comments of ACTIONS and
    AWAITS.
    """
    if isinstance(default, tuple):
        return _choice(value, default)
    if isinstance(default, bool):
        return value if isinstance(value, bool) else default
    if isinstance(default, list):
        return texts(value)
    if isinstance(default, str):
        return value if isinstance(value, str) and (value or not default) else default
    return value if is_number(value) else text_or_none(value)


def start(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a start node (routing.md §5.3).

    Fields that apply only to events of another type than the node's `event` are dropped.
    """
    event = data.get("event") if data.get("event") in EVENTS else "mention"
    out: dict[str, Any] = {
        "label": label(data, "Start"),
        "event": event,
        "isDefault": data.get("isDefault") is True,
    }
    narrowed = _filter(data.get("filter"), event)
    if narrowed is not None:
        out["filter"] = narrowed
    if event == "labeled":
        if isinstance(data.get("labelName"), str):
            out["labelName"] = data["labelName"].strip()
        out["labelPrOnly"] = data.get("labelPrOnly") is True
    kept = {
        "tag_push": ("tagPattern",),
        "schedule": ("scheduleCron", "scheduleTimezone"),
        "slack_mention": ("slackTeamId", "slackChannelId", "slackChannelName"),
    }
    for name in kept.get(str(event), ()):
        if isinstance(data.get(name), str):
            out[name] = data[name].strip() if name == "scheduleCron" else data[name]
    return out


def _filter(value: Any, event: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    out: dict[str, Any] = {"scope": _choice(value.get("scope"), ("all", "org", "personal"))}
    ids = value.get("installationIds")
    numbers = [entry for entry in ids if is_number(entry)] if isinstance(ids, list) else []
    if numbers:
        out["installationIds"] = numbers
    repos = texts(value.get("repos"))
    if repos:
        out["repos"] = repos
    if event == "pr_opened" and value.get("authorFilter") in AUTHOR_FILTERS:
        out["authorFilter"] = value["authorFilter"]
    return None if out == {"scope": "all"} else out


def agent(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise an agent node (routing.md §5.5).

    `modelOverride` is the model of the node; the model of its agent does not apply.
    """
    return {
        "label": label(data, "Agent"),
        "agentId": text_or_none(data.get("agentId")),
        "harness": _choice(data.get("harness"), ("mogplex", "claude-code", "codex")),
        "role": _choice(data.get("role"), ("review", "edit", "triage")),
        **{name: data.get(name) is True for name in _SWITCHES},
        "modelOverride": text_or_none(data.get("modelOverride")),
        "maxStepsOverride": number_or(data.get("maxStepsOverride"), None),
        "timeoutMsOverride": number_or(data.get("timeoutMsOverride"), None),
        "systemPromptOverride": text_or_none(data.get("systemPromptOverride")),
    }


def action(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise an action node.

    An unknown operation becomes `sandbox.run_command` with an empty command.
    """
    operation = data.get("operation")
    known = isinstance(operation, str) and operation in ACTIONS
    name = str(operation) if known else "sandbox.run_command"
    default_label, fields = ACTIONS[name]
    out: dict[str, Any] = {"label": label(data, default_label), "operation": name}
    for key, default in fields.items():
        out[key] = _field(data.get(key) if known else None, default)
    return out


def condition(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a condition node.

    A node without rules gets one rule: `metadata.source_type` equals "".
    """
    rules = [
        {
            "field": rule["field"] if isinstance(rule.get("field"), str) else "",
            "operator": _choice(rule.get("operator"), ("equals", *OPERATORS)),
            "value": rule["value"] if isinstance(rule.get("value"), str) else "",
        }
        for rule in objects(data.get("rules"))
    ]
    first = {"field": "metadata.source_type", "operator": "equals", "value": ""}
    return {
        "label": label(data, "If"),
        "mode": _choice(data.get("mode"), ("all", "any")),
        "rules": rules or [first],
    }


def join(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a join node; a quorum that is not a number becomes None."""
    return {
        "label": label(data, "Merge"),
        "policy": _choice(data.get("policy"), ("wait_for_all", "wait_for_any", "quorum")),
        "quorum": number_or(data.get("quorum"), None),
    }


def delay(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a delay node; the duration may be a number or a numeric string."""
    duration = data.get("duration")
    if isinstance(duration, str):
        try:
            duration = float(duration)
        except ValueError:
            duration = None
        else:
            duration = int(duration) if duration.is_integer() else duration
    return {
        "label": label(data, "Wait"),
        "duration": number_or(duration, 1),
        "unit": _choice(data.get("unit"), ("seconds", "minutes", "hours")),
    }


def await_event(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a node that waits for an event.

    An unknown kind of event becomes `github_label_added`.
    """
    config = data["config"] if isinstance(data.get("config"), dict) else {}
    kind = _choice(config.get("kind"), tuple(AWAITS))
    out: dict[str, Any] = {"kind": kind}
    for key, default in AWAITS[kind].items():
        out[key] = _field(config.get(key), default)
    # Filled in while a job runs.
    if kind == "github_comment_added" and is_number(config.get("expectedIssueNumber")):
        out["expectedIssueNumber"] = config["expectedIssueNumber"]
    if kind in ("ci_workflow_completed", "vercel_preview_ready") and text_or_none(config.get("expectedSha")):
        out["expectedSha"] = config["expectedSha"]
    return {"label": label(data, "Await"), "config": out, "timeout": _timeout(data.get("timeout"))}


def _timeout(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict) or not is_number(value.get("value")) or value["value"] <= 0:
        return None
    return {"value": value["value"], "unit": _choice(value.get("unit"), ("hours", "minutes", "days"))}


def set_variable(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a node that sets variables from templates."""
    assignments = [
        {name: entry[name] if isinstance(entry.get(name), str) else "" for name in ("key", "template")}
        for entry in objects(data.get("assignments"))
    ]
    return {"label": label(data, "Set variable"), "assignments": assignments}


def transform(data: dict[str, Any]) -> dict[str, Any]:
    """Normalise a node that derives variables; incomplete entries are dropped.

    v1.md §5.5.
    """
    assignments = []
    for entry in objects(data.get("assignments")):
        key, source = text_or_none(entry.get("key")), text_or_none(entry.get("source"))
        if key is None or source is None:
            continue
        operation = text_or_none(entry.get("operation")) or "copy"
        made: dict[str, Any] = {"key": key, "source": source, "operation": operation}
        if isinstance(entry.get("argument"), str):
            made["argument"] = entry["argument"]
        assignments.append(made)
    return {"label": label(data, "Transform"), "assignments": assignments}
