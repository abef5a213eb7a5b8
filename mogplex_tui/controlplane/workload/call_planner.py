"""Plan calls of coding CLIs, chats, control runs and agent nodes of automations."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from ..sample_data.loader import Prompt, material, models, script, work
from .call_plan import CallKind, CallPlan, Step, Usage
from .rng import between, pick, token, whole
from .run_outcomes import RunOutcome
from .tool_uses import Toolbox

_ANTHROPIC = "anthropic/"
INTERRUPTED = "The development environment stopped while the run was in progress"


class Branches(NamedTuple):
    """The base branch and the working branch of a run.

    `created` is True if the run creates the working branch.
    """

    base: str
    working: str
    created: bool


def usage(rng: Random, model: str, effort: float) -> Usage:
    """Return random token counts for a call.

    They are proportional to `effort`, which is 1.0 for an ordinary review.
    """
    fresh = int(between(rng, 2_500, 26_000) * effort)
    output = int(between(rng, 500, 4_200) * effort)
    cached = int(fresh * rng.uniform(1.0, 6.0)) if rng.random() < 0.75 else 0
    written = int(fresh * rng.uniform(0.2, 0.7)) if model.startswith(_ANTHROPIC) and cached else 0
    reasoning = int(output * rng.uniform(0.1, 0.5)) if rng.random() < 0.5 else 0
    return Usage(max(1, fresh), max(1, output), cached, written, reasoning)


def pick_failure(rng: Random) -> tuple[str, str]:
    """Return a random failure class and one of its error texts.

    observability.md §8.3, §9.
    """
    classes: dict[str, Any] = material("errors")
    weights = [row["weight"] for row in classes.values()]
    name = rng.choices(list(classes), weights=weights)[0]
    return name, pick(rng, classes[name]["texts"])


def _tool_work(rng: Random, tools: Toolbox, outcome: RunOutcome) -> None:
    """Plan the tool uses of a coding run: reading code, changing it, running tests."""
    if tools.without_tool_events:
        tools.skim(6 + outcome.turns * 4)
        return
    tools.plan()
    for _ in range(whole(rng, 2, 5)):
        tools.look()
    for turn in range(outcome.turns):
        for _ in range(whole(rng, 0, 3)):
            tools.look()
        tools.edit()
        if rng.random() < 0.5:
            tools.edit()
        last = turn == outcome.turns - 1
        tools.test(ok=outcome.passes if last else rng.random() < 0.45)


def _started(harness: str) -> Step:
    payload = {"harness_id": harness, "ai_billing_source": "platform"}
    return Step(0.4, "started", f"Harness run started: {harness}", payload)


def _opening(rng: Random, harness: str, branches: Branches) -> tuple[Step, ...]:
    sync = {
        "stage": "git_sync",
        "base_branch": branches.base,
        "working_branch": branches.working,
        "created_branch": branches.created,
    }
    opening = [
        _started(harness),
        Step(between(rng, 0.6, 3.0), "log", f"Synchronized {branches.working}", sync),
    ]
    names: list[str] = pick(rng, work("mcp"))
    if harness == "claude-code" and names:
        loaded = {"stage": "mcp_config", "outcome": "ok", "server_count": len(names), "server_names": names}
        message = f"Loaded {len(names)} MCP server(s) for Claude Code"
        opening.append(Step(0.3, "log", message, loaded))
    return tuple(opening)


def _delivery(rng: Random, repo_name: str, branches: Branches, changed: bool, files: list[str]) -> Step:
    url = f"https://github.com/{repo_name}/pull/{whole(rng, 210, 1900)}" if changed else None
    payload = {
        "stage": "git_delivery",
        "changed": changed,
        "pull_request_url": url,
        "base_branch": branches.base,
        "working_branch": branches.working,
        "auto_committed_files": files if changed else [],
    }
    message = "Pull request ready" if changed else "No code changes to deliver"
    return Step(between(rng, 0.8, 3.5), "log", message, payload)


def _harness_ending(outcome: RunOutcome) -> tuple[Step, str, str | None, str | None]:
    """Return the last step of a coding run, and its status, error and failure class.

    They depend on `outcome` (v1.md §8.1, §8.2).
    """
    if outcome.failure is None:
        done = {"exit_code": 0, "failure_code": None}
        return Step(0.5, "finished", "Harness run finished", done), "success", None, None
    if outcome.failure == "stream":
        broken = {"error": INTERRUPTED}
        return Step(1.0, "failed", "Harness stream failed", broken), "failed", INTERRUPTED, "unknown"
    exit_code = 1 if outcome.failure == "command_failed" else 2
    failed = {"exit_code": exit_code, "failure_code": outcome.failure}
    error = f"Agent run exited with code {exit_code}."
    klass = "unknown"
    if outcome.failure == "rate_limited":
        error, klass = "The model provider's rate limit was reached (429).", "rate_limited"
    elif outcome.failure == "model_access_denied":
        error, klass = "Access denied: this key may not use the selected model.", "authentication"
    return Step(0.5, "failed", "Harness run failed", failed), "failed", error, klass


def plan_harness(
    rng: Random,
    harness: str,
    repo_name: str,
    prompt: Prompt,
    branches: Branches,
    outcome: RunOutcome,
    first_use: bool = False,
    without_tool_events: bool = False,
) -> CallPlan:
    """Plan the call of a coding CLI whose sandbox is ready (v1.md §8.1).

    With `first_use` the call installs the CLI first.
    """
    command = token(rng, "cmd_")
    tools = Toolbox(
        rng, script(prompt.repo), prompt.focus, prompt.term, without_tool_events=without_tool_events
    )
    steps: list[Step] = []
    if first_use:
        package = work_package(harness)
        logs = pick(rng, work("install_logs"))
        payload = {"stage": "install", "logs": logs}
        steps.append(Step(between(rng, 2.0, 6.0), "log", f"Installed {package}", payload))
    _tool_work(rng, tools, outcome)
    steps += tools.timeline()
    ending, status, error, klass = _harness_ending(outcome)
    metadata: dict[str, Any] = {}
    if status == "success":
        files = sorted({call["input"]["path"] for call in tools.calls if call["name"] == "editFile"})[:6]
        delivery = _delivery(rng, repo_name, branches, outcome.changes, files)
        steps.append(delivery)
        metadata = {key: delivery.payload[key] for key in ("base_branch", "working_branch")}
        metadata["auto_committed_files"] = delivery.payload["auto_committed_files"]
        if outcome.changes:
            metadata["pull_request_url"] = delivery.payload["pull_request_url"]
    spent = usage(rng, _ANTHROPIC if harness == "claude-code" else "openai/", 2.5)
    # Half of the CLI runs report no tokens, and none has a cost (observability.md §6).
    return CallPlan(
        kind=CallKind.HARNESS,
        opening=_opening(rng, harness, branches),
        steps=tuple(steps),
        ending=ending,
        status=status,
        error=error,
        failure_class=klass,
        usage=spent if rng.random() < 0.5 else None,
        runtime_command_id=command,
        tool_calls=tuple(tools.calls),
        metadata=metadata,
    )


def work_package(harness: str) -> str:
    """Return the name of the package that is installed to get a coding CLI."""
    packages: dict[str, str] = material("work")["packages"]
    return packages[harness]


def _agent_ending(kind: CallKind, spent: Usage, count: int, error: str | None) -> Step:
    payload = {
        "finish_reason": "stop" if error is None else "error",
        "tool_calls_count": count,
        "total_tokens": spent.input + spent.output,
        "error": error,
    }
    word = "finished" if error is None else "failed"
    return Step(0.6, word, f"{kind.subject} {word}", payload)


def plan_agent(
    rng: Random,
    kind: CallKind,
    model: str,
    repo_key: str | None,
    effort: float,
    failure: tuple[str, str] | None = None,
    focus: tuple[str, ...] = (),
    without_tool_events: bool = False,
) -> CallPlan:
    """Plan the call of a chat, a control run or an automation's agent node.

    `failure` is the failure class and the error text of a call that fails (v1.md §8.3).
    """
    tools = Toolbox(
        rng, script(repo_key or "api"), focus, "", pace=0.8, without_tool_events=without_tool_events
    )
    uses = whole(rng, 1, 6) if kind is CallKind.CHAT else whole(rng, 4, 14)
    if failure is not None:
        uses //= 2
    if without_tool_events:
        tools.look()
        tools.uses, tools.seconds = uses, tools.seconds * uses
    for number in range(0 if without_tool_events else uses):
        if number == 0 and kind is CallKind.CONTROL:
            tools.plan()
        else:
            tools.look()
    spent = usage(rng, model, effort if failure is None else effort * 0.4)
    klass, error = failure or (None, None)
    opening = (Step(0.0, "started", f"{kind.subject} started", {"model": model, "tool_enabled": True}),)
    writing = Step(between(rng, 2.0, 9.0) * effort, "", "", {})
    ending = _agent_ending(kind, spent, tools.uses, error)
    ending = Step(ending.after + writing.after, ending.type, ending.message, ending.payload)
    return CallPlan(
        kind=kind,
        opening=opening,
        steps=tools.timeline(),
        ending=ending,
        status="success" if error is None else "failed",
        error=error,
        failure_class=klass,
        usage=spent,
        runtime_command_id=None,
        tool_calls=tuple(tools.calls),
        metadata={},
    )


_CHAT_WEIGHTS = (6, 10, 3, 8, 4, 6, 4, 3, 4, 2, 2, 2, 2, 1, 2, 0)


def chat_model(rng: Random) -> str:
    """Return a random model of the catalogue; popular models are more likely."""
    return rng.choices(models(), weights=_CHAT_WEIGHTS)[0].id
