"""Jobs: where each automation's run stands, why it waits or failed, what can be done (observability.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, listed
from mogplex_tui.operate.kinds.parts import job_link, reason, repo_link, session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


def _dress(job: Any) -> dict[str, Any]:
    return {
        **job.__dict__,
        "parent": job.flow_id or job.trigger_id or job.assignment_id,
        "live": job.is_live,
        "parent_kind": "automations" if job.flow_id else "triggers" if job.trigger_id else "assignments",
    }


async def _list(client: ClientView, session: Session) -> Listing:
    page = await client.observability.jobs()
    automations = session.store.set("automations").rows

    def dress(job: Any) -> dict[str, Any]:
        return _dress(job) | {"source": c.value(automations.get(job.flow_id), "name") or job.source_type}

    return listed(page.jobs, dress=dress, total=page.total)


async def _one(client: ClientView, item: Item) -> Item:
    job = await client.observability.job(item.key)
    return Item(
        item.key,
        {"source": job.source_type, **(item.record or {}), **_dress(job)},
        job.model_dump(mode="json"),
    )


def _if(path: str, why: str) -> Any:
    return lambda item: None if c.value(item, path) else f"{why} It is {c.value(item, 'status')}."


def _repaired(answer: Any) -> tuple[bool, str]:
    if answer.started:
        return True, "{} is started."
    return False, f"{{}} did not start: {words.reason(answer.reason) or 'the service does not say why'}."


def _requeued(answer: Any) -> tuple[bool, str]:
    if answer.suppressed or answer.job_run_id is None:
        return (
            False,
            f"{{}} was not queued again: {words.reason(answer.reason) or 'the service does not say why'}.",
        )
    said = f"{{}} runs again as job {words.short_id(answer.job_run_id)}"
    return True, said + (", in the version that failed." if answer.version_fallback_used else ".")


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        [*c.group(item, "status: status"), reason(item, "ledger says", "latest_dispatch_event.reason")],
        c.group(item, "error: error; last start error: last_start_error; cancel error: cancel_error"),
        c.group(item, "repo: repo.full_name; agent: agent.name; set off by: source_type; way: source_kind"),
        [
            c.when(item, "created", "created_at", context),
            c.when(item, "started", "started_at", context),
            c.when(item, "ended", "completed_at", context),
        ],
        c.group(
            item,
            "attempts: start_attempts; last attempt by: last_start_source; retry of: retry_of_job_run_id",
        ),
        c.group(item, "cost: cost_usd; tokens in: input_tokens; tokens out: output_tokens"),
        c.group(
            item, "pull request: metadata.pull_request_url; runtime: runtime_provider; handle: runtime_run_id"
        ),
    ]


def _links(item: Item) -> list[Link]:
    parent, call = c.value(item, "parent"), c.value(item, "latest_ai_call.id")
    return [
        *(
            [Link("from", str(c.value(item, "source")), c.value(item, "parent_kind"), key=parent)]
            if parent
            else []
        ),
        *repo_link(item, "repo.id", "repo.full_name"),
        *([Link("last call", str(call)[:8], "runs", key=call)] if call else []),
        *job_link(item, "retry_of_job_run_id", "retry of"),
        Link("ledger", "why it did or did not run", "dispatch", filter=f"jobrunid:{item.key[:8]}"),
    ]


def _texts(item: Item) -> list[tuple[str, str]]:
    ledger = [
        f"{words.local(each.created_at)}  {each.event_kind:<8} {each.outcome:<16} {words.reason(each.reason)}"
        for each in c.value(item, "dispatch_events") or ()
    ]
    findings = [
        f"{found.severity:<10} {found.title}  {found.path or ''}{f':{found.line}' if found.line else ''}\n{found.body}"
        for found in c.value(item, "review_findings") or ()
    ]
    return [
        (title, "\n".join(lines)) for title, lines in (("Ledger", ledger), ("Findings", findings)) if lines
    ]


KIND = Kind(
    name="jobs",
    title="Jobs",
    noun="job",
    aliases=("job", "jo"),
    contract="observability.md §7",
    roads=(
        Road(
            Family.OBSERVABILITY,
            _list,
            frozenset({"job_runs", "automation_dispatch_events"}),
            every=60.0,
            blind=10.0,
        ),
    ),
    fields=(
        c.state("status", width=12, priority=0),
        c.text("source", "SET OFF BY", 20, key="source", flex=1, min_width=16),
        c.text("repo.full_name", "REPO", 18, key="repo", flex=1, min_width=12, cut="middle"),
        c.text("agent.name", "AGENT", 14, "dim", key="agent", priority=4),
        c.age("created_at", key="age", priority=0),
        c.count("start_attempts", "TRIES", 5, key="tries", priority=2),
        c.count("input_tokens", "TOKENS", 7, key="tokens", priority=4),
        c.money("cost_usd", key="cost", priority=1),
        c.trouble("error|last_start_error|cancel_error"),
    ),
    search=c.searching(
        "status",
        "source",
        "source_type",
        "repo.full_name",
        "agent.name",
        "error",
        "last_start_error",
        "parent",
    ),
    default_sort=c.by("live", "created_at"),
    facts=_facts,
    links=_links,
    texts=_texts,
    one=_one,
    verbs=(
        Verb(
            "cancel",
            "cancel",
            "x",
            "Stop the job; asks first.",
            lambda client, item, _: client.observability.cancel_job(item.key),
            why_not=_if("cancelable", "Only a waiting or running job can be cancelled, once."),
            doing="cancelling",
            means=("Its agents are asked to stop; their branches and sandboxes stay.",),
            go="Cancel it",
            done="{} is cancelled.",
            many=True,
        ),
        Verb(
            "repair",
            "repair",
            "R",
            "Try again to start a job that waits.",
            lambda client, item, _: client.observability.repair_job(item.key),
            why_not=_if("repairable", "Only a job that has been pending for two minutes can be repaired."),
            doing="starting",
            told=_repaired,
            many=True,
        ),
        Verb(
            "requeue",
            "requeue",
            "Q",
            "Run a failed job again as a new one.",
            lambda client, item, _: client.observability.requeue_job(item.key),
            why_not=_if("requeueable", "Only a failed job can be queued again."),
            doing="queueing",
            means=("A new job does the work again, in the published version where that still fits.",),
            go="Queue it again",
            told=_requeued,
            many=True,
        ),
    ),
    empty="No jobs. :automations shows what starts them, :dispatch why something did not start.",
    needs=session_needed("Jobs") + " :automations shows the newest runs of each.",
)
