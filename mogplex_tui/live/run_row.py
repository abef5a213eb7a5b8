"""The row of a run, a call or a job, independent of the route it was read from.

runtime-model.md §1, §3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from mogplex_tui.api.clock import aware
from mogplex_tui.live.failure_class import FailureClass

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.calls import Call
    from mogplex_tui.api.models.jobs import Job
    from mogplex_tui.api.models.runs import RunDetail

LIVE_STATES = frozenset({"pending", "streaming", "running", "cancelling"})
ENDED_STATES = frozenset({"success", "failed", "cancelled"})


class RunSource(StrEnum):
    """The kind of record behind a row, which decides how it is re-read and cancelled."""

    CALL = "call"
    RUN = "run"
    JOB = "job"


class Cost(StrEnum):
    """Where a cost comes from: billed, estimated from list prices, or unknown.

    observability.md §6.
    """

    KNOWN = "known"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class RunRow(NamedTuple):
    """A row of the list of runs: a v1 run, an AI call or an automation's job.

    Times are aware; tokens are counts; cost is in US dollars. `state` is the state that the service
    reports, or `cancelling` while the console waits for the end of a cancelled run.
    """

    key: str
    source: RunSource
    state: str
    call_id: str | None = None
    run_id: str | None = None
    job_id: str | None = None
    automation_id: str | None = None
    repo_id: str | None = None
    repo: str | None = None
    who: str | None = None
    agent_id: str | None = None
    # The automation whose job made the call, its name if known, and its step. Calls of other jobs have none.
    flow_id: str | None = None
    automation: str | None = None
    step: str | None = None
    harness: str | None = None
    kind: str | None = None
    model: str | None = None
    branch: str | None = None
    base_branch: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None
    cost_source: Cost = Cost.UNKNOWN
    # Whether the row's route has costs; the same record may also come from routes that have none.
    cost_listed: bool = False
    # Whether tokens and cost were seen before a cancel, which makes the service forget both.
    before_cancel: bool = False
    error: str | None = None
    # The class of the failure and its most specific message, which the error of a call is not.
    failure_class: FailureClass | None = None
    cause: str | None = None
    sandbox_id: str | None = None
    sandbox_name: str | None = None
    pull_request: str | None = None
    external: bool = False
    cancel_requested: bool = False
    prompt: str | None = None
    # The pull request, the issue, the check or the conversation that the run is about.
    pull_number: int | None = None
    issue_number: int | None = None
    title: str | None = None
    check: str | None = None
    conversation_id: str | None = None
    # The reason why the record could not be parsed; all other fields are then guesses.
    unreadable: str | None = None
    # The record that could not be parsed, as indented JSON without secrets.
    raw: str | None = None
    # The word for a queued change; it belongs to this session and is not stored.
    queued: str | None = None
    # The account that owns the call.
    user_id: str | None = None

    @property
    def row(self) -> RunRow:
        """This row itself; rows of other kinds have their record here.

        The property allows code for entries of other kinds to handle runs too. See
        `mogplex_tui.operate.kind_rows`.
        """
        return self

    @property
    def unreadable_reason(self) -> str | None:
        """The reason why the record could not be parsed; None if it was parsed."""
        return self.unreadable

    @property
    def in_progress(self) -> str | None:
        """The word for a queued change of the run, or None if no change is queued.

        A cancel that was sent is shown as the row's state and not here.
        """
        return self.queued

    @property
    def live(self) -> bool:
        """Whether the run has not ended, so that its state may still change."""
        return self.state in LIVE_STATES

    @property
    def cost_is_read(self) -> bool:
        """Whether the row was read from a route that returns costs; v1 routes do not.

        v1.md §5.4, §7.5.
        """
        return self.source is RunSource.CALL or self.cost_listed or self.cost is not None

    @property
    def has_usage(self) -> bool:
        """Whether the tokens or the cost of the run are known."""
        return self.tokens is not None or self.cost is not None

    @property
    def began(self) -> datetime | None:
        """The time by which the list is ordered: the start, or the creation time.

        The creation time is used if the run has no start time.
        """
        return self.started_at or self.created_at


def duration_seconds(row: RunRow, now: datetime) -> float | None:
    """Return the duration of a run in seconds, up to `now` if it is live.

    Returns None if the duration is unknown or the run is pending.
    """
    if row.duration_ms is not None:
        return row.duration_ms / 1000
    if row.live and row.began is not None and row.state != "pending":
        return (now - row.began).total_seconds()
    if row.ended_at is not None and row.began is not None:
        return (row.ended_at - row.began).total_seconds()
    return None


def pull_request_name(row: RunRow) -> str | None:
    """Return the pull request that a run is about or has opened, as `acme/web#12`."""
    if row.pull_number is not None:
        return f"{row.repo or row.repo_id or ''}#{row.pull_number}"
    if row.pull_request is None:
        return None
    address, _, number = row.pull_request.rpartition("/pull/")
    repo = "/".join(address.split("/")[-2:])
    return f"{repo}#{number}" if number.isdecimal() and repo else row.pull_request


def without_secrets(error: str | None) -> str | None:
    """Return an error message with credentials masked.

    The message may quote a command that contains a credential.
    """
    if not error:
        return error
    # Most rows have no error, and loading the rules takes time before the first frame.
    from mogplex_tui.live import redact

    return redact.text(error)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def from_call(call: Call) -> RunRow:
    """Make the row of an AI call.

    The metadata of a failed call may contain sentences in place of values
    (observability.md §2.1, §9), so a value is used as a branch or name only if it looks like one.
    """
    meta = call.metadata or {}
    harness = _text(meta.get("harness_id")) or (
        call.model.removeprefix("harness:") if (call.model or "").startswith("harness:") else None
    )
    agent_id = _text(meta.get("agent_id"))
    return RunRow(
        key=call.id,
        source=RunSource.CALL,
        state=call.status or "unknown",
        call_id=call.id,
        run_id=_text(meta.get("external_run_id")),
        job_id=call.job_run_id,
        repo_id=call.repo_id,
        repo=_repo(meta.get("repo")) or _repo(meta.get("repo_full_name")),
        # An agent with an unknown name has no name for now; never use the step or the type of the call.
        who=_word(meta.get("agent_name")) or harness or (None if agent_id else call.type),
        agent_id=agent_id,
        flow_id=_word(meta.get("flow_id")),
        step=_word(meta.get("flow_node_label")),
        harness=harness,
        kind=call.type,
        model=None if (call.model or "").startswith("harness:") else call.model,
        branch=_first_branch(meta, "working_branch", "head_branch"),
        base_branch=_branch(meta.get("base_branch")),
        created_at=call.started_at,
        started_at=call.started_at,
        ended_at=call.completed_at,
        duration_ms=call.duration_ms,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cached_tokens=_sum(call.cache_read_input_tokens, call.cache_creation_input_tokens),
        tokens=call.tokens,
        cost=call.cost_usd,
        cost_source=cost_source(call.cost_usd, call.cost_source),
        error=without_secrets(call.error),
        sandbox_id=_text(meta.get("sandbox_record_id")),
        sandbox_name=_text(meta.get("sandbox_id")),
        pull_request=_link(meta.get("pull_request_url")) or _link(meta.get("pr_url")),
        external="external_request_id" in meta,
        cancel_requested=call.cancel_requested_at is not None,
        conversation_id=call.conversation_id,
        user_id=call.user_id,
        **_subject(meta),
    )


def cost_source(cost: Decimal | None, source: str | None) -> Cost:
    """Return whether a cost is billed, estimated or unknown (observability.md §6)."""
    if cost is None:
        return Cost.UNKNOWN
    return Cost.KNOWN if source in ("gateway", "manual") else Cost.ESTIMATED


def keep_previous_spend(row: RunRow, before: RunRow | None) -> RunRow:
    """Return a cancelled run's row with the tokens and cost of its previous row.

    The service forgets both when a run is cancelled (observability.md §3). A row that has tokens or
    a cost, or that is in another state, is returned unchanged.
    """
    if row.state != "cancelled" or row.has_usage or before is None or not before.has_usage:
        return row
    if before.state in ("success", "failed"):
        return row
    return row._replace(
        input_tokens=before.input_tokens,
        output_tokens=before.output_tokens,
        cached_tokens=before.cached_tokens,
        tokens=before.tokens,
        cost=before.cost,
        cost_source=Cost.UNKNOWN if before.cost is None else Cost.ESTIMATED,
        before_cancel=True,
    )


def from_run(run: RunDetail, *, prompt: str | None = None, repo: str | None = None) -> RunRow:
    """Make the row of a v1 run, which has no model, tokens or cost (v1.md §7.5)."""
    ended = run.status in ENDED_STATES
    begun = run.created_at
    over = run.updated_at if ended else None
    took = int((over - begun).total_seconds() * 1000) if over and begun else None
    return RunRow(
        key=run.ai_call_id or run.run_id,
        source=RunSource.RUN,
        state=run.status or "unknown",
        call_id=run.ai_call_id,
        run_id=run.run_id,
        repo_id=run.repo_id,
        repo=repo,
        who=run.harness or None,
        harness=run.harness or None,
        kind="agent",
        branch=run.branch.working or None,
        base_branch=run.branch.base or None,
        created_at=begun,
        started_at=begun,
        ended_at=over,
        duration_ms=took,
        error=without_secrets(run.error),
        sandbox_id=run.sandbox_record_id,
        sandbox_name=run.sandbox_id,
        external=True,
        prompt=prompt,
    )


def from_job(run: Job, automation_id: str | None, automation: str | None) -> RunRow:
    """Make the row of a job; jobs that were read from v1 have no cost.

    observability.md §7.1, v1.md §5.4.
    """
    meta = run.metadata or {}
    return RunRow(
        key=run.id,
        source=RunSource.JOB,
        state=run.status or "unknown",
        job_id=run.id,
        automation_id=automation_id,
        repo_id=run.repo.id if run.repo else None,
        repo=(run.repo.full_name if run.repo else None) or _text(meta.get("repo_full_name")),
        who=automation,
        kind=run.source_type,
        branch=_first_branch(meta, "head_branch", "working_branch", "head_ref"),
        base_branch=_first_branch(meta, "base_branch", "base_ref", "default_branch"),
        created_at=run.created_at,
        started_at=run.started_at or run.created_at,
        ended_at=run.completed_at,
        duration_ms=run.duration_ms,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        tokens=_sum(run.input_tokens, run.output_tokens),
        cost=run.cost_usd,
        cost_source=cost_source(run.cost_usd, None),
        error=without_secrets(run.error),
        pull_request=_link(meta.get("pull_request_url")),
        cancel_requested=run.cancel_requested_at is not None,
        **_subject(meta),
    )


class _Subject(TypedDict):
    """The fields of a row about a pull request, issue or check.

    They are the same in the metadata of calls and of jobs.
    """

    pull_number: int | None
    issue_number: int | None
    title: str | None
    check: str | None


def _subject(meta: Mapping[str, object]) -> _Subject:
    """Return the pull request, issue or check in the metadata of a call or job.

    routing.md §5.4.
    """
    pull, issue = _number(meta.get("pr_number")), _number(meta.get("issue_number"))
    return {
        "pull_number": pull,
        "issue_number": issue,
        "title": _word(meta.get("issue_title" if pull is None else "pr_title")),
        "check": _word(meta.get("workflow_name")) or _word(meta.get("check_name")),
    }


def unreadable(key: str, reason: str, raw: object = None) -> RunRow:
    """Make the row of a record that could not be parsed, with its JSON and the reason."""
    at = instant(raw.get("started_at") or raw.get("created_at")) if isinstance(raw, dict) else None
    # Most lists have no such row, and loading the rules takes time before the first frame.
    from mogplex_tui.live import redact

    shown = json.dumps(redact.payload(raw), indent=2, ensure_ascii=False)
    return RunRow(
        key=key,
        source=RunSource.CALL,
        state="unreadable",
        created_at=at,
        unreadable=reason,
        error=reason,
        raw=shown,
    )


def unreadable_rows(bad: Iterable[BadRow], place: str) -> list[tuple[str, RunRow]]:
    """Make keys and rows for records that could not be parsed.

    The key is the id of the record. For a record without an id, it is made from `place` and a
    number.
    """
    pairs = []
    for number, row in enumerate(bad):
        record_id = row.raw.get("id") if isinstance(row.raw, dict) else None
        key = record_id if isinstance(record_id, str) and record_id else f"unreadable-{place}-{number}"
        pairs.append((key, unreadable(key, row.reason, row.raw)))
    return pairs


def instant(value: object) -> datetime | None:
    """Parse a time from a record that is otherwise unreadable; return None if invalid."""
    try:
        return aware(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _sum(*values: int | None) -> int | None:
    present = [value for value in values if value is not None]
    return sum(present) if present else None


def _number(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _word(value: object) -> str | None:
    text = _text(value)
    # A sanitised sentence ends with an incident id, in one of two spellings; a name never does.
    return text if text and "ncident MOG-" not in text else None


def _link(value: object) -> str | None:
    text = _text(value)
    return text if text and text.startswith(("https://", "http://")) and " " not in text else None


def _repo(value: object) -> str | None:
    text = _text(value)
    return text if text and "/" in text and " " not in text else None


def _branch(value: object) -> str | None:
    text = _text(value)
    return text if text and " " not in text else None


def _first_branch(meta: Mapping[str, object], *names: str) -> str | None:
    return next((branch for name in names if (branch := _branch(meta.get(name)))), None)
