"""Failures of automations: whose fault, in which phase, and whether a retry mended it (observability.md §8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

# What a person has to do first; everything else may pass by itself.
_NEXT = {
    "authentication": "Renew the credential first: :provider-keys, :connections.",
    "configuration": "Mend the setting first: :models, :provider-keys.",
    "rate_limited": "Wait, then queue it again.",
    "provider_unavailable": "Wait, then queue it again.",
    "dependency_unavailable": "Wait, then queue it again.",
    "timeout": "Queue it again, or make the task smaller.",
}


async def _list(client: ClientView, session: Session) -> Listing:
    return await _older(client, session, None, None)


async def _older(client: ClientView, _: Session, since: datetime | None, until: datetime | None) -> Listing:
    report = await client.observability.automation_failures(since=since, until=until)

    def dress(row: Any) -> dict[str, Any]:
        next_step = _NEXT.get(row.diagnostics.failure_class or "", "Look at the job, then queue it again.")
        message = (row.diagnostics.failure_message or "").strip() or None
        why = words.reason(row.reason, row.metadata) or row.reason_label
        # A failure outside of the model has a reason and no message.
        return dressed(
            row,
            message=message,
            # A fact shows the first line; the long text shows all lines.
            whole=message if message and "\n" in message else None,
            why=why,
            summary=message or why,
            next=next_step,
        )

    return listed(report.records, dress=dress, total=report.total)


KIND = Kind(
    name="failures",
    title="Failures",
    noun="failure",
    aliases=("failure", "fail", "fa"),
    contract="observability.md §8.3",
    roads=(road(Family.OBSERVABILITY, _list, "automation_dispatch_events", every=90, blind=30),),
    fields=(
        c.age("created_at", key="age", priority=0),
        c.text("diagnostics.failure_label", "CLASS", 22, "warn", key="class", priority=0),
        c.text("summary", "MESSAGE", 34, key="message", flex=3, min_width=30, priority=0),
        c.repo("repo.full_name", 16, priority=0),
        c.text("agent.name", "AGENT", 14, "dim", key="agent", priority=3),
        c.text("source_type", "SET OFF BY", 12, "dim", key="source", priority=3),
        c.count("diagnostics.attempts", "TRIES", 5, key="tries", priority=2),
    ),
    older=_older,
    search=c.searching("why reason job_run_id"),
    default_sort=c.by("created_at"),
    label=c.named("{diagnostics.failure_label} {repo.full_name}"),
    facts=c.groups(
        "class: diagnostics.failure_label; message?: message as error; why; status code: diagnostics.failure_status_code",
        "what to do: next",
        "phase: diagnostics.execution_phase; time limit: diagnostics.timeout_bucket_label",
        "tried again: diagnostics.retry_attempted; retries: diagnostics.retry_count; attempts: diagnostics.attempts",
        "repo: repo.full_name; agent: agent.name; model: agent.model; set off by: source_type",
        "at: created_at",
    ),
    links=p.links(
        p.to("jobs", "job", "job_run_id"),
        p.to("projects", "repo", "repo.id", "repo.full_name"),
        p.to("agents", "agent", "agent.id", "agent.name"),
        p.to("models", "model", "agent.model", "agent.model"),
    ),
    texts=c.texts(("Message", "whole")),
    empty="No automation has failed.",
    needs=p.session_needed("Failures") + " :jobs state:failed shows failed runs of automations.",
)
