"""What the service answers to a change that can go well without doing anything: whether it did, and the sentence.

`{}` in a sentence stands for what the change was done to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.operate import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.models.automation_drafts import TriggeredRun
    from mogplex_tui.api.models.connections import ConnectionTest
    from mogplex_tui.api.models.flows import FlowTest
    from mogplex_tui.api.models.job_actions import JobRepaired, JobRequeued
    from mogplex_tui.api.models.keys import KeyVerdict

Told = tuple[bool, str]


def triggered(run: TriggeredRun | FlowTest) -> Told:
    """Return what setting an automation off came to; it may start, wait, or be suppressed (v1.md §5.3)."""
    if run.outcome == "suppressed":
        return False, f"{{}} was not set off: {words.why(run.reason)}."
    if run.started:
        return True, f"{{}} is set off: job {words.short_id(run.job_run_id)}."
    return True, f"{{}} is queued: {words.reason(run.reason) or 'it starts when there is room'}."


def repaired(found: JobRepaired) -> Told:
    """Return what another attempt to start a job came to (observability.md §7.4)."""
    if found.started:
        return True, "{} is started."
    return False, f"{{}} did not start: {words.why(found.reason)}."


def requeued(found: JobRequeued) -> Told:
    """Return what queueing a failed job again came to (observability.md §7.5)."""
    if found.suppressed or found.job_run_id is None:
        return False, f"{{}} was not queued again: {words.why(found.reason)}."
    said = f"{{}} runs again as job {words.short_id(found.job_run_id)}"
    return True, said + (", in the version that failed." if found.version_fallback_used else ".")


def extended(by_ms: int) -> Told:
    """Return by how much longer a sandbox lives; when it would end at all is told nowhere (sandboxes.md §4.7)."""
    return True, f"{{}} lives {words.seconds(by_ms / 1000)} longer."


def tested(found: ConnectionTest) -> Told:
    """Return what the test of a connection found (library.md §8)."""
    if found.healthy:
        tools = f", {found.tool_count} tools" if found.tool_count is not None else ""
        return True, f"{{}} works{tools}."
    return False, f"{{}} does not work: {found.error or found.summary or found.status}"


def verified(verdict: KeyVerdict) -> Told:
    """Return what a provider says of a key; that it could not be asked is not that the key is wrong (identity.md §5)."""
    if verdict.key_valid:
        return True, "{} works."
    why = verdict.key_error or "the provider could not be asked"
    return False, f"{{}} {'does not work' if verdict.key_valid is False else 'could not be tried'}: {why}."


def synced(repos: Sequence[object]) -> Told:
    """Return what reading GitHub came to (projects.md §7)."""
    return True, f"GitHub was read: {words.plural(len(repos), 'repository')} are here now."
