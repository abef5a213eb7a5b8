"""Jobs: where each automation's run stands, why it waits or failed, what can be done (observability.md §7)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate import answers, passages, words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, dressed, listed, road, with_more
from mogplex_tui.operate.kinds.readings import Part, of_parts
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.jobs import Job
    from mogplex_tui.live.session import Session


def _dressed(job: Job) -> dict[str, Any]:
    """A job can be repaired two minutes after its last attempt to start; without one, after it was made (§7)."""
    since = job.last_start_attempt_at or job.created_at or job.started_at
    due = None if since is None else words.clock(since + timedelta(minutes=2))
    failed, live = job.id if job.status == "failed" else None, job.id if job.is_live else None
    # Only the token API counts the waits of a run; it does not say whether a person or an event is awaited.
    waits: int = getattr(job, "active_wait_count", 0)
    parked = "parked" if job.is_live and waits else None
    return dressed(
        job, "parent parent_kind is_live tokens", repair_from=due, failed=failed, live=live, parked=parked
    )


async def _list(client: ClientView, _: Session) -> Listing:
    page = await client.observability.jobs()
    return listed(page.jobs, dress=_dressed, total=page.total)


async def _list_v1(client: ClientView, session: Session) -> Listing:
    """Read the runs of the newest automations; keep the old rows where that fails."""
    from mogplex_tui.live import v1_jobs

    jobs = await v1_jobs.newest(client)

    def part(each: v1_jobs.RunsOfOne) -> Part:
        async def read(_: ClientView, __: Session) -> Listing:
            if each.error is not None:
                raise each.error
            return listed(each.runs, dress=_dressed)

        return Part(each.automation.id, f"Runs of {each.automation.name or each.automation.id[:8]} are", read)

    listing = await of_parts(client, session, "jobs", map(part, jobs.of_each))
    if jobs.left_out:
        shown = _TOKEN_SHOWS.format(f"of the newest {v1_jobs.MOST_AUTOMATIONS} automations")
        return listing._replace(
            notice=f"{session.lacking(Family.OBSERVABILITY, shown)} {listing.notice}".strip()
        )
    return listing


async def _one(client: ClientView, item: Item) -> Item:
    if client.access.worth_asking(Family.OBSERVABILITY):
        job = await client.observability.job(item.key)
        return with_more(item, _dressed(job), job.model_dump(mode="json"))
    from mogplex_tui.live import v1_jobs

    run = await v1_jobs.one(client, item.key, c.value(item, "flow_id"))
    return with_more(item, {**_dressed(run), "cost_usd": v1_jobs.cost_of(run)}, run.model_dump(mode="json"))


_TOKEN_SHOWS = p.token_shows("the newest 50 runs {}", "other jobs, agents, costs and actions on jobs")
_LASTED = "created_at completed_at"
_TABLES = "job_runs ai_calls automation_dispatch_events"
KIND = Kind(
    name="jobs",
    title="Jobs",
    noun="job",
    aliases=("job", "jo"),
    contract="observability.md §7",
    roads=(
        road(Family.OBSERVABILITY, _list, _TABLES, every=60, blind=10).partly(),
        # Each automation costs a request. The runs themselves say that they wait.
        road(Family.V1, _list_v1, every=120, blind=60).hiding(
            _TOKEN_SHOWS.format("of each automation"), "agent cost approvals"
        ),
    ),
    label=c.named("{automation|source_type} {repo.full_name}"),
    beside={"automations": Lender("source"), "approvals": p.WAITING},
    lend=p.lending(p.automation_names, p.parked),
    fields=(
        c.state("stands|parked|status", key="status", width=12, priority=0),
        c.text("automation|source_type", "SET OFF BY", 22, key="source", flex=1, min_width=16),
        c.repo("repo.full_name", priority=1),
        c.text("agent.name", "AGENT", 14, "dim", key="agent", priority=4),
        c.age("created_at", key="age", priority=0),
        c.count("start_attempts", "TRIES", 5, key="tries", priority=7),
        c.count("tokens", "TOKENS", 6, priority=5),
        c.money("cost_usd", key="cost", priority=1),
        c.trouble("error|last_start_error|cancel_error", words.LEAST_CAUSE),
    ),
    search=c.searching("automation source_type last_start_error parent", project="repo.id"),
    default_sort=c.by("is_live", "created_at"),
    facts=c.groups(
        "status: stands|parked|status as state; ledger says: latest_dispatch_event.reason as reason",
        "error: error as error; last start error: last_start_error as error; cancel error: cancel_error as error",
        "repo: repo.full_name; agent: agent.name; set off by: source_type; way: source_kind",
        "created: created_at; started: started_at; ended: completed_at; took: duration_ms as span",
        "attempts: start_attempts; last attempt by: last_start_source; retry of: retry_of_job_run_id",
        "cost: cost_usd; tokens in: input_tokens; tokens out: output_tokens",
        "pull request: metadata.pull_request_url; runtime: runtime_provider; handle: runtime_run_id",
    ),
    links=p.links(
        p.to("{parent_kind}", "from", "parent", "automation|source_type"),
        p.to("projects", "repo", "repo.id", "repo.full_name"),
        p.to("agents", "agent", "agent.id", "agent.name"),
        p.to("runs", "last call", "latest_ai_call.id"),
        p.among("runs", "calls", "its calls", "id:{id:8}"),
        p.to("jobs", "retry of", "retry_of_job_run_id"),
        p.among("approvals", "approvals", "what waits for a person", "jobrunid:{live:8}"),
        p.among("failures", "failure", "why it failed", "jobrunid:{failed:8}", _LASTED),
        p.among("dispatch", "ledger", "why it did or did not run", "jobrunid:{id:8}", _LASTED),
    ),
    texts=c.texts(
        ("Waits", "waits", passages.wait),
        ("Steps", "node_runs", passages.step),
        ("Ledger", "dispatch_events", passages.ledger_entry),
        ("Findings", "review_findings", passages.finding),
    ),
    one=_one,
    url=lambda item: str(c.value(item, "metadata.pull_request_url") or ""),
    verbs=(
        verb("cancel", "x", "Stop the job; asks first.")
        .sends(lambda client, item, _: client.observability.cancel_job(item.key))
        .only(p.having("cancelable", "Only a live job can be cancelled, once. It is {status or unknown}."))
        .asks("Its agents are asked to stop; their branches and sandboxes stay.", go="Cancel it")
        .says("cancelling", "{} is cancelled.")
        .for_many(),
        verb("repair", "R", "Try again to start a job that waits.")
        .sends(lambda client, item, _: client.observability.repair_job(item.key))
        .only(
            p.while_in("pending", why="Only a waiting job can be repaired. It is {status or unknown}."),
            p.having(
                "repairable",
                "It can be repaired from {repair_from} on: two minutes after the last attempt to start it.",
            ),
        )
        .tells("starting", answers.repaired)
        .for_many(),
        verb("requeue", "Q", "Run a failed job again as a new one.")
        .sends(lambda client, item, _: client.observability.requeue_job(item.key))
        .only(p.having("requeueable", "Only a failed job can be queued again. It is {status or unknown}."))
        .asks("A new job does the work again, in the published version if that fits.", go="Queue it again")
        .tells("queueing", answers.requeued)
        .for_many(),
    ),
    quiet=lambda item: c.value(item, "status") in ("success", "cancelled"),
    empty="No jobs. :automations shows what starts them, :dispatch why something did not start.",
    needs=p.login_needed("Jobs"),
)
