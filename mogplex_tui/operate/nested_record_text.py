"""Formats the records inside a record, such as dispatch events and steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.operate import formatting

if TYPE_CHECKING:
    from mogplex_tui.api.models.automations import AutomationRun, NodeRun, Wait
    from mogplex_tui.api.models.jobs import DispatchEvent, Finding
    from mogplex_tui.operate.model import RenderTime


def dispatch_event(entry: DispatchEvent) -> str:
    """Return a dispatch event as one line: time, event, outcome and reason.

    observability.md §8.1 describes the fields.
    """
    outcome, reason = formatting.state(entry.outcome)[1], formatting.reason(entry.reason)
    return f"{formatting.local_time(entry.created_at)}  {entry.event_kind:<8} {outcome:<14} {reason}"


def finding(review_finding: Finding) -> str:
    """Return a review finding as text: severity, title and place, then the body.

    The body begins on the second line. observability.md §7 describes the fields.
    """
    place = f"{review_finding.path or ''}{f':{review_finding.line}' if review_finding.line else ''}"
    return f"{review_finding.severity:<10} {review_finding.title}  {place}\n{review_finding.body}"


def wait(run_wait: Wait) -> str:
    """Return a wait of a run as one line: status, kind, question and expiry.

    v1.md §5.4 describes the fields.
    """
    question = run_wait.wait_config.get("prompt") or run_wait.wait_config.get("toolName") or ""
    expiry = f"  expires {formatting.local_time(run_wait.expires_at)}" if run_wait.expires_at else ""
    kind = run_wait.wait_kind.replace("_", " ")
    return f"{formatting.state(run_wait.status)[1]:<10} {kind}{f': {question}' if question else ''}{expiry}"


def step(run: NodeRun, moment: RenderTime) -> str:
    """Return a step of a run as one line: its state, name, error and duration."""
    duration = "" if run.duration_ms is None else f"  {formatting.millis(run.duration_ms)}"
    return f"{_step_state(run, moment)}{duration}"


# Statuses of steps that have ended without an error.
_ENDED_STATUSES = ("success", "completed", "skipped")


def _step_state(step: NodeRun, moment: RenderTime) -> str:
    """Return the symbol of a step's state and the step's name.

    Adds the error of a failed step and the elapsed time of a running step.
    """
    text = f"{formatting.state(step.status)[0]} {step.node_label or step.node_id}"
    if step.error:
        return f"{text}: {' '.join(step.error.split())}"
    if step.started_at is None or step.completed_at is not None:
        return text
    return f"{text} for {formatting.age(step.started_at, moment.now)}"


def automation_run(run: AutomationRun, moment: RenderTime) -> str:
    """Return an automation's run as two lines: its state, and its current steps.

    The second line names the steps that are running, waiting or failed, and gives the number of
    steps that are done (routing.md §3.13).
    """
    glyph, name = formatting.state(run.status)[:2]
    waits = "  waiting for an approval or an event" if run.active_wait_count else ""
    current_steps = [
        _step_state(step, moment) for step in run.node_runs if step.status not in _ENDED_STATUSES
    ]
    ended_steps = formatting.plural(len(run.node_runs) - len(current_steps), "step")
    steps = f"{'  '.join(current_steps)}, after {ended_steps}" if current_steps else ended_steps
    created, id = formatting.local_time(run.created_at), formatting.short_id(run.id)
    return f"{glyph} {name:<10} {created}  {id}{waits}\n    {steps}"


def chat_message(value: object) -> str:
    """Return a chat message as text: its role, its texts and the tools it names.

    Returns "" for a message without texts and tools. A message may be any JSON (library.md
    §12).
    """
    if not isinstance(value, dict):
        return ""
    raw_parts = value.get("parts")
    parts = [part for part in raw_parts if isinstance(part, dict)] if isinstance(raw_parts, list) else []
    texts = [str(part.get("text") or f"[{part.get('type') or 'part'}]") for part in parts]
    content = value.get("content")
    if not texts and isinstance(content, str):
        texts = [content]
    return f"{value.get('role') or 'unknown'}:\n" + "\n".join(texts) + "\n" if texts else ""
