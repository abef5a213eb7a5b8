"""Interprets responses that report success although nothing may have changed.

Most functions return whether the change took effect, and a sentence about it. In the
sentence, `{}` at the beginning and `{name}` elsewhere are placeholders for the record's
name, which `insert_name` replaces. Texts from the service are inserted with
`escape_braces`, so that their braces are not taken for placeholders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.errors import with_full_stop
from mogplex_tui.operate import formatting
from mogplex_tui.operate.messages import capitalized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.models.automation_requests import TriggeredRun
    from mogplex_tui.api.models.connections import ConnectionTest
    from mogplex_tui.api.models.flows import FlowTest
    from mogplex_tui.api.models.job_actions import JobRepaired, JobRequeued
    from mogplex_tui.api.models.keys import KeyTest
    from mogplex_tui.api.models.unversioned_sandboxes import Reconciled, SandboxDeleted, SandboxRecord

ChangeResult = tuple[bool, str]


# Advice by the service's reason for not starting work. There is none for a full installation, which starts it later.
_ADVICE = {
    "REPO_PENDING_LIMIT": "Retry when some of those jobs have finished.",
    "INSTALLATION_PENDING_LIMIT": "Retry when some of those jobs have finished.",
    "ACTIVE_DUPLICATE": "Retry when it has finished.",
    "REPO_NOT_FOUND": "Choose a repository in the start step and publish the automation again.",
    "FLOW_INACTIVE": "Activate it and retry.",
    "TRIGGER_MISMATCH": "Publish the automation again.",
}


def trigger_result(run: TriggeredRun | FlowTest, *, is_retry: bool = True) -> ChangeResult:
    """Return whether triggering an automation started a job, and a sentence.

    The service may also have queued or suppressed the work (v1.md §5.3, routing.md §3.11). With
    `is_retry`, a response that reports a known idempotency key counts as a success: an earlier
    attempt with this key, whose response was lost, has started the job.
    """
    job = escape_braces(formatting.short_id(run.job_run_id))
    if run.started:
        return True, f"{{}} was started: job {job}."
    if run.outcome == "suppressed" and run.reason == "IDEMPOTENT_DUPLICATE" and run.job_run_id:
        if is_retry:
            return True, f"{{}} was started by the earlier try: job {job}."
        return (
            False,
            f"Not started: this key was used before, for job {job}. Use a new key to start {{name}}.",
        )
    if run.outcome == "suppressed":
        return False, _not_queued(run.reason)
    if run.outcome != "queued":
        return (
            False,
            f"Not started: the service says {_text(run.outcome or 'nothing')}."
            " No job is known to be queued for {name}.",
        )
    status = getattr(run, "status", "pending")
    if status == "pending" or run.job_run_id is None:
        return False, f"Not started yet: {_reason_text(run.reason)}. {{}} is queued as job {job}."
    now = f"now {_text(status)}" if status else "no longer pending"
    return False, f"Not started: {_reason_text(run.reason)}. {{}} was queued as job {job}, which is {now}."


def repair_result(response: JobRepaired) -> ChangeResult:
    """Return whether a repair started a job, and a sentence (observability.md §7.4)."""
    if response.started:
        return True, "{} was started."
    if response.deferred or response.status in (None, "pending"):
        return False, f"Not started yet: {_reason_text(response.reason)}. {{}} stays queued."
    return False, f"Not started: {_reason_text(response.reason)}. {{}} is {_text(response.status or '')}."


def requeue_result(response: JobRequeued) -> ChangeResult:
    """Return whether requeueing a job started a new one (observability.md §7.5)."""
    if response.suppressed or response.job_run_id is None:
        return False, _not_queued(response.reason)
    job = escape_braces(formatting.short_id(response.job_run_id))
    if not response.started:
        return False, f"Not started yet: {_reason_text(response.reason)}. {{}} is queued again as job {job}."
    sentence = f"{{}} runs again as job {job}"
    return True, sentence + (", in the version that failed." if response.version_fallback_used else ".")


def insert_name(sentence: str, name: str) -> str:
    """Replace the placeholders in a sentence with the name of a record.

    Raises KeyError or ValueError for a sentence with other braces.
    """
    return sentence.format(capitalized(name), name=name)


def escape_braces(text: str) -> str:
    """Escape the braces of a text, so that `insert_name` does not replace them."""
    return text.replace("{", "{{").replace("}", "}}")


def _not_queued(reason: str | None) -> str:
    sentence = f"Not started: {_reason_text(reason)}. No job was queued for {{name}}."
    return " ".join(filter(None, (sentence, _ADVICE.get(reason or ""))))


def _reason_text(reason: str | None) -> str:
    return _text(formatting.reason_or_default(reason))


def _text(words_of_the_service: str) -> str:
    """Return a text from the service in the form in which a sentence includes it.

    Braces are escaped and full stops at the end are removed.
    """
    return escape_braces(words_of_the_service.rstrip("."))


def stop_result(record: SandboxRecord) -> ChangeResult:
    """Return whether a sandbox has stopped, and a sentence (sandboxes.md §4.3).

    The service answers 200 even if it cannot confirm the stop. A sandbox in the state `error`
    loses its machine and stays in that state.
    """
    if record.status == "stopped" or (
        record.status == "error" and "could not be" not in (record.error or "")
    ):
        return True, "{} is stopped."
    error = with_full_stop(_text(record.error or f"the sandbox is still {record.status}"))
    return False, f"Not confirmed: {error} {{}} may still be running: stop it again."


def delete_result(response: SandboxDeleted) -> ChangeResult:
    """Return whether a sandbox was deleted, and a sentence (sandboxes.md §4.2).

    A response with a warning means that the record still exists.
    """
    if response.warning:
        return (
            False,
            f"Not deleted: {with_full_stop(_text(response.warning))} {{}} is still listed: delete it again later.",
        )
    return True, "{} is deleted."


def boot_sentence(done: str, warnings: Sequence[str]) -> str:
    """Return the sentence about a sandbox that booted, with the service's warnings."""
    return " ".join([done, *(f"The service warns: {with_full_stop(_text(each))}" for each in warnings)])


def boot_failure_sentence(cause: str, record_id: str, warnings: Sequence[str]) -> str:
    """Return the sentence about a sandbox that failed to boot.

    `record_id` is the id of the sandbox record that the failed boot created, or empty if it created
    none (sandboxes.md §3.2).
    """
    record = [f"Its record is {escape_braces(record_id)}."] if record_id else []
    return " ".join(
        [boot_sentence(f"The sandbox did not boot: {with_full_stop(_text(cause))}", warnings), *record]
    )


def reconcile_result(response: Reconciled) -> ChangeResult:
    """Return the result of comparing a sandbox with its machine (sandboxes.md §4.13)."""
    if response.queued:
        return True, "{} is queued to be reconciled."
    if response.sandbox is None:
        return True, "{} no longer exists: its record was removed."
    return True, f"{{}} is reconciled: it is {_text(response.sandbox.status)}."


def extension_sentence(by_ms: int | None) -> ChangeResult:
    """Return the sentence for extending a sandbox's lifetime (sandboxes.md §4.7).

    The service does not say when the sandbox ends.
    """
    by = "" if by_ms is None else f" by {formatting.seconds(by_ms / 1000)}"
    return True, f"The lifetime of {{name}} is extended{by}."


def connection_test_result(response: ConnectionTest) -> ChangeResult:
    """Return the result of a connection test (library.md §8)."""
    if response.healthy:
        tools = f", {response.tool_count} tools" if response.tool_count is not None else ""
        return True, f"{{}} works{tools}."
    return (
        False,
        f"{{}} does not work: {escape_braces(response.error or response.summary or response.status)}",
    )


def verification_result(verdict: KeyTest) -> ChangeResult:
    """Return whether a provider accepts an API key, and a sentence (identity.md §5).

    If the provider could not be asked, the sentence says that the key could not be checked.
    """
    if verdict.key_valid:
        return True, "{} works."
    error = verdict.key_error or "the provider could not be asked"
    return (
        False,
        f"{{}} {'does not work' if verdict.key_valid is False else 'could not be checked'}: {escape_braces(error)}.",
    )


def sync_result(repos: Sequence[object]) -> ChangeResult:
    """Return the result of syncing repositories with GitHub (projects.md §7)."""
    return True, f"Synced with GitHub: {formatting.plural(len(repos), 'repository')}."
