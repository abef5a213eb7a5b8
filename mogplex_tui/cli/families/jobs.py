"""`mogplex-tui jobs`: what automations, assignments and triggers set off (observability.md §7; v1.md §5.4)."""

from __future__ import annotations

from typing import Any

from mogplex_tui.cli.families import places
from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command
from mogplex_tui.cli.since import moment
from mogplex_tui.cli.since import option as since_option
from mogplex_tui.operate import answers, words

STATUSES = ("pending", "running", "success", "failed", "cancelled")
# Over the token API a read a piece: more would be most of a minute's budget.
MOST_AUTOMATIONS = 20


async def _list(desk: Desk) -> Any:
    args, observability = desk.args, desk.client.observability
    listing = args.verb == "list"
    repo = await places.repo_id(desk, args.repo) if listing and args.repo else None
    since = moment(args.since, desk.setting.session.clock.now()) if listing and args.since else None

    async def page(number: int, size: int) -> Any:
        found = await observability.jobs(
            page=number,
            limit=size,
            status=args.status if listing else None,
            source_kind=args.source_kind if listing else None,
            source_type=args.source_type if listing else None,
            repo_id=repo,
            only_repairable=listing and args.repairable,
            only_retried=listing and args.retried,
            since=since,
        )
        return found.jobs, found.total

    return await places.paged(desk, page)


async def _over_v1(desk: Desk) -> Any:
    from mogplex_tui.api.models.base import Rows

    automations = (await desk.client.automations.list()).rows
    if len(automations) > MOST_AUTOMATIONS:
        desk.notes.append(f"Looked into the newest {MOST_AUTOMATIONS} automations of {len(automations)}.")
    found: Rows[Any] = Rows()
    for automation in automations[:MOST_AUTOMATIONS]:
        runs = await desk.client.automations.runs(automation.id)
        found.extend(runs)
        found.bad += runs.bad
    found.sort(key=lambda job: job.created_at.timestamp() if job.created_at else 0.0, reverse=True)
    if desk.args.verb == "list":
        await _narrow(desk, found)
    return found


async def _narrow(desk: Desk, found: Any) -> None:
    args = desk.args
    repo = await places.repo_id(desk, args.repo) if args.repo else None
    since = moment(args.since, desk.setting.session.clock.now()) if args.since else None
    found[:] = [
        job
        for job in found
        if (args.status in (None, job.status))
        and (args.source_kind in (None, job.source_kind))
        and (args.source_type in (None, job.source_type))
        and (repo is None or (job.repo and job.repo.id == repo))
        and (not args.repairable or job.repairable)
        and (not args.retried or job.retry_of_job_run_id)
        and (since is None or (job.created_at and job.created_at >= since))
    ]


async def _one_over_v1(desk: Desk) -> Any:
    from mogplex_tui.api.errors import NotFound

    for job in await _over_v1(desk):
        if job.id == desk.key and job.flow_id:
            return await desk.client.automations.run(job.flow_id, job.id)
    raise NotFound(
        f"The service does not know job {desk.key[:8]}",
        advice="The token API shows the newest 50 runs of each automation alone",
    )


async def _cancel(desk: Desk) -> Any:
    return await desk.client.observability.cancel_job(desk.key)


async def _repair(desk: Desk) -> Any:
    return await desk.client.observability.repair_job(desk.key)


async def _requeue(desk: Desk) -> Any:
    return await desk.client.observability.requeue_job(desk.key, desk.args.version)


FAMILY = Family(
    name="jobs",
    noun="job",
    columns=(
        Column("ID", "id"),
        Column("STATUS", "status"),
        Column("KIND", "source_kind", priority=3),
        Column("TYPE", "source_type", priority=2),
        Column("REPOSITORY", "repo.full_name"),
        Column("AGENT", "agent.name", priority=2),
        Column("AGE", "created_at"),
        Column("TOOK", "duration_ms", right=True, priority=2, show=lambda ms, _: words.seconds(ms / 1000)),
        Column("COST", "cost_usd", right=True, priority=1, show=lambda cost, _: words.money(cost)),
        Column("COST SOURCE", "cost_source", wide=True),
        Column("INPUT", "input_tokens", right=True, wide=True),
        Column("OUTPUT", "output_tokens", right=True, wide=True),
        Column("AUTOMATION", "flow_id", wide=True),
        Column("RETRY OF", "retry_of_job_run_id", wide=True),
        Column("ATTEMPTS", "start_attempts", right=True, wide=True),
        Column("REPAIRABLE", "repairable", wide=True),
        Column("ERROR", "error|last_start_error", priority=4),
    ),
    roads=(off(_list), v1(_over_v1, "the runs of automations, without a cost.")),
    one=(
        off(lambda desk: desk.client.observability.job(desk.key)),
        v1(_one_over_v1, "the runs of automations, without a cost."),
    ),
    names=(),
    limit=50,
    options=(
        option("--status", choices=STATUSES, help="only these"),
        option("--repo", metavar="REPO", help="only this repository: owner/name or its id"),
        option("--source-kind", metavar="KIND", help="flow, trigger, assignment … as the column KIND has it"),
        option("--source-type", metavar="TYPE", help="pr_opened, cron … as the column TYPE has it"),
        option("--repairable", action="store_true", help="only those that wait to be started again"),
        option("--retried", action="store_true", help="only those that repeat another one"),
        since_option(),
    ),
    verbs=(
        Verb(
            "cancel",
            "end a job, and ask its calls to end",
            (off(_cancel),),
            question="Cancel {}, and ask its calls to end?",
            done="{} is cancelled.",
        ),
        Verb(
            "repair",
            "start a job again that was not started",
            (off(_repair),),
            told=lambda found, _: answers.repaired(found),
        ),
        Verb(
            "requeue",
            "run a failed job again, as a new one",
            (off(_requeue),),
            options=(
                option(
                    "--version",
                    choices=("same_version", "latest_published"),
                    default=None,
                    help="the version of its automation that runs (default: the published one where it fits)",
                ),
            ),
            told=lambda found, _: answers.requeued(found),
            prints="job_run_id",
        ),
    ),
)
add_arguments, run = command(FAMILY)
