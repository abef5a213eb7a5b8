"""Approvals that automations and the orchestrator wait for.

routing.md §3.15 and §3.16 describe them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.request_checks import utf16_length
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement, Subject
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.column_formats import sort_key
from mogplex_tui.operate.combined_reads import ListPart, in_parts
from mogplex_tui.operate.common_joins import automation_names
from mogplex_tui.operate.model import (
    Action,
    Change,
    Confirmation,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Parameter,
    Related,
    RenderTime,
    RowPage,
    SortKey,
    Source,
    TextBlock,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.approvals import ControlApproval, FlowApproval
    from mogplex_tui.live.session import Session

_FAMILIES = (Family.FLOWS, Family.APPROVALS)
_MORE = "Showing the oldest 50 approvals of automations; there are more."
_LONGEST_NOTE = 2_000
_TIME_LEFT = formats.time_left(3_600)
# The most characters of a question in the name of its approval.
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """An open approval: a question that a person must answer.

    `kind` is `tool` or `step` if an automation asks, and `control` if the orchestrator asks.
    `automation` is the name of the automation. `is_expired` tells whether the time to answer
    has passed, and `is_input_cut` whether the service sent only the beginning of `tool_input`.
    """

    id: str
    kind: str
    question: str
    tool_name: str | None
    who: str | None
    repo: str | None
    step: str | None
    urgency: str | None
    tool_input: str | None
    if_denied: str
    job_run_id: str | None
    run_id: str | None
    flow_id: str | None
    ai_call_id: str | None
    created_at: datetime | None
    expires_at: datetime | None
    automation: str | None = None
    is_expired: bool = False
    is_input_cut: bool = False

    @property
    def status(self) -> str:
        """The state `waiting`, or `expired` if the approval can no longer be answered."""
        return "expired" if self.is_expired else "waiting"

    @property
    def by(self) -> str | None:
        """The agent, step or orchestrator that asks; if unknown, the automation."""
        return self.who or self.automation

    @property
    def other_tool_name(self) -> str | None:
        """The name of the tool, None if the question is just that name."""
        return None if self.tool_name == self.question else self.tool_name

    @property
    def whole_input(self) -> str | None:
        """The tool's input, followed by a note if the service has cut it."""
        if self.tool_input is None or not self.is_input_cut:
            return self.tool_input
        # The service ends a cut text with an ellipsis.
        length = utf16_length(self.tool_input) - 1
        return f"{self.tool_input}\n\nCut by the service, which sends only the first {length:,} characters."


def _from_flow_approval(approval: FlowApproval) -> ApprovalRow:
    config = approval.wait_config
    tool, step = config.get("toolName"), config.get("nodeLabel")
    return ApprovalRow(
        id=approval.id,
        kind=approval.source,
        question=approval.question,
        tool_name=tool if isinstance(tool, str) else None,
        who=approval.requester,
        repo=approval.repo,
        step=step if isinstance(step, str) and step else approval.node_id,
        urgency=None,
        tool_input=approval.tool_input,
        if_denied=approval.denial_effect,
        job_run_id=approval.job_run_id,
        run_id=None,
        flow_id=approval.flow_id,
        ai_call_id=None,
        created_at=approval.created_at,
        expires_at=approval.expires_at,
        is_input_cut=approval.is_input_cut,
    )


def _from_control_approval(approval: ControlApproval) -> ApprovalRow:
    repo = approval.repo
    return ApprovalRow(
        id=approval.id,
        kind=approval.source,
        question=approval.question,
        tool_name=approval.tool_name,
        who=approval.requester,
        repo=repo if isinstance(repo, str) else None,
        step=None,
        urgency=approval.urgency,
        tool_input=approval.input_text,
        if_denied=approval.denial_effect,
        job_run_id=None,
        run_id=approval.run_id,
        flow_id=None,
        ai_call_id=approval.ai_call_id,
        created_at=approval.created_at,
        expires_at=approval.expires_at,
    )


async def _read_flows(client: ClientView, _: Session) -> RowPage[ApprovalRow]:
    response = await client.approvals.flow_approvals()
    page = page_of(response.approvals, _from_flow_approval, lambda row: row.id)
    return replace(page, notices=(_MORE,) if response.has_more else ())


async def _read_control(client: ClientView, _: Session) -> RowPage[ApprovalRow]:
    return page_of(await client.approvals.control_approvals(), _from_control_approval, lambda row: row.id)


_READ = in_parts(
    "approvals",
    ListPart("flows", Subject("approvals of automations"), _read_flows, Family.FLOWS),
    ListPart("control", Subject("approvals of the orchestrator"), _read_control, Family.APPROVALS),
)


def _fill(session: Session) -> Callable[[ApprovalRow], ApprovalRow]:
    name_of, now = automation_names(session), session.clock.now()
    return lambda row: replace(
        row,
        automation=name_of(row.flow_id),
        is_expired=row.expires_at is not None and row.expires_at <= now,
    )


def _sort_key(row: ApprovalRow) -> tuple[SortKey, ...]:
    """Return a key that sorts approvals by expiry, the next to expire first.

    Approvals that never expire come after these, and expired approvals come last.
    """
    end = float("inf") if row.expires_at is None else row.expires_at.timestamp()
    return ((int(row.is_expired), 0.0 if row.is_expired else end), sort_key(row.created_at))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1].rstrip()}…"


def _note(text: str) -> str | None:
    if utf16_length(text) > _LONGEST_NOTE:
        raise ValueError(f"A note has at most {_LONGEST_NOTE} characters.")
    return text.strip() or None


NOTE = Parameter("note", "note (optional)", _note, accepts_stdin=True)


def _answer(decision: str) -> Callable[[Change[ApprovalRow]], Awaitable[None]]:
    async def answer(change: Change[ApprovalRow]) -> None:
        approvals = change.client.approvals
        send = approvals.answer_control if change.row.kind == "control" else approvals.answer_flow
        await send(change.key, decision, change.values[NOTE])

    return answer


def _similarity_key(row: ApprovalRow) -> tuple[object, ...]:
    """Return a key that is equal for similar approvals.

    They have the same automation or orchestrator, and the same tool or step.
    """
    subject = (row.flow_id, row.step) if row.kind == "step" else (row.tool_name or row.question,)
    return row.kind, row.by, row.is_expired, *subject


def _preview(row: ApprovalRow, moment: RenderTime) -> tuple[str, str]:
    """Return a summary of an approval, and the tool's input.

    The summary has the question, its origin and the time left.
    """
    left = None if row.expires_at is None else f"expires in {_TIME_LEFT.show(row.expires_at, moment).text}"
    heading = "   ".join(filter(None, (row.question, row.other_tool_name, row.by, row.repo, left)))
    return heading, row.whole_input or "No tool input."


def _decision(id: str, key: str, help: str, in_progress: str, done: str) -> Action[ApprovalRow]:
    return Action(
        id,
        key,
        help,
        _answer(id),
        in_progress,
        _FAMILIES,
        done,
        parameters=(NOTE,),
        unavailable_reason=lambda row: "It has expired." if row.is_expired else None,
        preview=_preview,
        confirmation=Confirmation(["The decision is final."], id.capitalize()),
        is_bulk=True,
        help_has_title=True,
    )


KIND = Kind[ApprovalRow](
    name="approvals",
    title="Approvals",
    noun="approval",
    aliases=("approval", "ap"),
    contract="routing.md §3.15, §3.16",
    sources=tuple(
        Source(
            family,
            _READ,
            poll=15,
            poll_without_realtime=10,
            tables=frozenset({"job_runs"}),
            tables_are_complete=False,
        )
        for family in _FAMILIES
    ),
    join=Join(_fill, related={"automations": Related(columns=("requester",))}, depends_on_time=True),
    open_until=lambda row: row.expires_at,
    similarity_key=_similarity_key,
    columns=(
        column("status", "STATE", lambda row: row.status, formats.state(), Layout(11), is_text=True),
        column(
            "expires",
            "EXPIRES",
            lambda row: row.expires_at,
            _TIME_LEFT,
            Layout(7),
            field="expires_at",
        ),
        column("kind", "KIND", lambda row: row.kind, formats.text("dim"), Layout(7, 3), is_text=True),
        column(
            "question",
            "QUESTION",
            lambda row: row.question,
            formats.text(),
            Layout(44, flex=3, min_width=34),
            field="question",
            is_text=True,
        ),
        column(
            "requester",
            "REQUESTER",
            lambda row: row.by,
            formats.text(),
            Layout(16, 1, flex=1, min_width=10),
            is_text=True,
        ),
        column(
            "repo",
            "REPO",
            lambda row: row.repo,
            formats.text(),
            Layout(16, 2, flex=1, min_width=12, cut="middle"),
            is_text=True,
        ),
        column(
            "urgency", "URGENCY", lambda row: row.urgency, formats.text("dim"), Layout(8, 3), is_text=True
        ),
        column("age", "AGE", lambda row: row.created_at, formats.AGE, Layout(4, 1), field="created_at"),
    ),
    hidden_filters={
        "asked": lambda row: row.question,
        "by": lambda row: row.by,
        "toolname": lambda row: row.tool_name,
        "flowid": lambda row: row.flow_id,
        "jobrunid": lambda row: row.job_run_id,
    },
    default_sort=_sort_key,
    label=lambda row: f"“{_shortened(row.question)}”",
    facts=(
        (
            Fact("question", lambda row: row.question),
            Fact("tool", lambda row: row.other_tool_name, optional=True),
            Fact("kind", lambda row: row.kind),
            Fact("urgency", lambda row: row.urgency),
        ),
        (
            Fact("requested by", lambda row: row.by),
            Fact("repo", lambda row: row.repo),
            Fact("step", lambda row: row.step),
            Fact("run", lambda row: row.run_id, optional=True),
            Fact("if denied", lambda row: row.if_denied),
        ),
        (
            Fact("expires", lambda row: row.expires_at),
            Fact("created", lambda row: row.created_at),
        ),
    ),
    links=(
        Link(
            "job",
            "jobs",
            lambda row: row.automation or (row.job_run_id or "")[:8],
            key=lambda row: row.job_run_id,
        ),
        Link(
            "automation",
            "automations",
            lambda row: row.automation or (row.flow_id or "")[:8],
            key=lambda row: row.flow_id,
        ),
        Link("call", "runs", lambda row: row.tool_name or "", key=lambda row: row.ai_call_id),
    ),
    texts=(TextBlock("Tool input", lambda row: row.whole_input),),
    texts_first=True,
    actions=(
        _decision(
            "approve",
            "a",
            "Approve the request; a note is optional",
            "approving",
            "{} is approved.",
        ),
        _decision(
            "deny",
            "d",
            "Deny the request; a note is optional",
            "denying",
            "{} is denied.",
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No pending approvals.",
    needs=Requirement("approvals", alternative=":jobs state:waiting shows jobs that wait for an approval."),
)
