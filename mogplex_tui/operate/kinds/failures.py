"""Failures of automations: whose fault, in which phase, and whether a retry mended it (observability.md §8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, listed
from mogplex_tui.operate.kinds.parts import job_link, repo_link, session_needed

if TYPE_CHECKING:
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


async def _list(client: ClientView, _: Session) -> Listing:
    report = await client.observability.automation_failures()

    def dress(row: Any) -> dict[str, Any]:
        found = row.diagnostics
        return {
            **row.__dict__,
            "why": words.reason(row.reason) or row.reason_label,
            "next": _NEXT.get(found.failure_class or "", "Look at the job, then queue it again."),
        }

    return listed(report.records, dress=dress, total=report.total)


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(
            item, "class: diagnostics.failure_label; why: why; status code: diagnostics.failure_status_code"
        ),
        c.group(item, "what to do: next"),
        c.group(item, "phase: diagnostics.execution_phase; time limit: diagnostics.timeout_bucket_label"),
        c.group(
            item,
            "tried again: diagnostics.retry_attempted; retries: diagnostics.retry_count; attempts: diagnostics.attempts",
        ),
        c.group(item, "repo: repo.full_name; agent: agent.name; model: agent.model; set off by: source_type"),
        [c.when(item, "at", "created_at", context)],
    ]


KIND = Kind(
    name="failures",
    title="Failures",
    noun="failure",
    aliases=("failure", "fail", "fa"),
    contract="observability.md §8.3",
    roads=(
        Road(Family.OBSERVABILITY, _list, frozenset({"automation_dispatch_events"}), every=90.0, blind=30.0),
    ),
    fields=(
        c.age("created_at", key="age", priority=0),
        c.text("diagnostics.failure_label", "CLASS", 22, "warn", key="class", priority=0),
        c.text(
            "diagnostics.failure_message",
            "MESSAGE",
            30,
            "error",
            key="message",
            flex=3,
            min_width=26,
            priority=1,
        ),
        c.text("repo.full_name", "REPO", 16, key="repo", flex=1, min_width=12, cut="middle", priority=0),
        c.text("agent.name", "AGENT", 14, "dim", key="agent", priority=3),
        c.text("source_type", "SET OFF BY", 12, "dim", key="source", priority=3),
        c.count("diagnostics.attempts", "TRIES", 5, key="tries", priority=2),
    ),
    search=c.searching(
        "diagnostics.failure_label",
        "why",
        "reason",
        "repo.full_name",
        "agent.name",
        "source_type",
        "diagnostics.failure_message",
    ),
    default_sort=c.by("created_at"),
    label=lambda record: (
        f"{c.value(record, 'diagnostics.failure_label')} {c.value(record, 'repo.full_name') or ''}".strip()
    ),
    facts=_facts,
    links=lambda item: [
        *job_link(item, "job_run_id"),
        *repo_link(item, "repo.id", "repo.full_name"),
        *(
            [Link("agent", str(c.value(item, "agent.name")), "agents", key=agent)]
            if (agent := c.value(item, "agent.id"))
            else []
        ),
    ],
    texts=lambda item: [("Message", text)] if (text := c.value(item, "diagnostics.failure_message")) else [],
    empty="No automation has failed.",
    needs=session_needed("Failures"),
)
