"""The dispatch ledger: why work did or did not start, in words (observability.md §8.1, §8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, dressed, listed, road

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.ledger import LedgerEntry
    from mogplex_tui.live.session import Session

# What happened while a job lasted is read in so many pages at most.
_PAGES = 5


def _started_by(metadata: Any) -> str:
    source = metadata.get("start_source")
    return f"by {str(source).replace('_', ' ')}" if source else ""


def _dressed(row: LedgerEntry) -> dict[str, Any]:
    return dressed(
        row,
        # Free text tells by itself what it means.
        code=row.reason if row.reason != words.reason(row.reason) else None,
        told=words.state(row.outcome)[1],
        why=words.reason(row.reason, row.metadata) or _started_by(row.metadata),
        job=(row.job_run_id or "")[:8],
    )


async def _list(client: ClientView, _: Session) -> Listing:
    page = await client.observability.automation_events()
    return listed(page.entries, dress=_dressed, total=page.total)


async def _older(client: ClientView, _: Session, since: datetime, until: datetime | None) -> Listing:
    items, total = list[Item](), None
    for number in range(1, _PAGES + 1):
        page = await client.observability.automation_events(number, since=since, until=until)
        listing = listed(page.entries, dress=_dressed, total=page.total)
        items, total = [*items, *listing.items], listing.total
        if not listing.items or (total is not None and len(items) >= total):
            break
    return Listing(items, total)


KIND = Kind(
    name="dispatch",
    title="Dispatch ledger",
    noun="ledger entry",
    aliases=("ledger", "events", "di"),
    contract="observability.md §8.1",
    roads=(road(Family.OBSERVABILITY, _list, "automation_dispatch_events", every=60, blind=15),),
    beside={"automations": Lender("whose")},
    lend=p.automation_names,
    older=_older,
    fields=(
        c.age("created_at", key="age", priority=0),
        c.text("event_kind", "STEP", 8, "dim", key="step", priority=1),
        c.state("outcome", "OUTCOME", 14, priority=0),
        c.text("why", "WHY", 40, flex=3, min_width=30),
        c.repo("repo.full_name", 16, priority=1),
        c.text("source_type", "SET OFF BY", 14, "dim", key="source", priority=2),
        c.text("automation|agent.name", "WHOSE", 16, "dim", key="whose", priority=3, flex=1),
        c.text("job", "JOB", 8, "dim", key="job", priority=4),
    ),
    search=c.searching("reason automation job_run_id flow_id trigger_id assignment_id"),
    default_sort=c.by("created_at"),
    label=c.named("{told} {repo.full_name}"),
    quiet=lambda item: c.value(item, "outcome") in ("queued", "started", "completed", "resumed"),
    facts=c.groups(
        "step: event_kind; outcome: outcome as state; why; code",
        "repo: repo.full_name; agent: agent.name; automation: automation|flow_id",
        "set off by: source_type; way: source_kind; start source: metadata.start_source",
        "at: created_at",
    ),
    links=p.links(
        p.to("jobs", "job", "job_run_id"),
        p.to("automations", "automation", "flow_id", "automation|flow_id"),
        p.to("triggers", "trigger", "trigger_id"),
        p.to("assignments", "assignment", "assignment_id"),
        p.to("agents", "agent", "agent.id", "agent.name"),
        p.to("projects", "repo", "repo.id|repo_id", "repo.full_name|repo_id"),
    ),
    empty="Nothing yet: no event has met anything in :automations, :triggers or :assignments.",
    needs=p.session_needed("Entries of the dispatch ledger")
    + " The page of a job in :jobs shows its own entries.",
)
