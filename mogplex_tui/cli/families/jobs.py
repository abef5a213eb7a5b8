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
_OF_AUTOMATIONS = "{} of automations, without agents; no jobs of assignments and triggers."


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
    from mogplex_tui.cli.common import code_of
    from mogplex_tui.cli.headless import patiently, sentence
    from mogplex_tui.live import v1_jobs

    jobs = await v1_jobs.newest(desk.client, patiently)
    found, errors = jobs.rows(), jobs.errors()
    if errors and len(errors) == len(jobs.of_each):
        raise errors[0]
    if errors:
        desk.code = code_of(errors[0]) if desk.args.verb == "list" else desk.code
        missing = words.plural(len(errors), "automation")
        desk.notes.append(f"The list is not whole: the runs of {missing} are missing. {sentence(errors[0])}")
    if jobs.left_out:
        desk.notes.append(
            f"Listed are the runs of the newest {len(jobs.of_each)} automations; "
            f"{words.plural(jobs.left_out, 'older automation')} left out."
        )
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
    from mogplex_tui.live import v1_jobs

    job = await v1_jobs.one(desk.client, desk.key)
    return job.model_copy(update={"cost_usd": v1_jobs.cost_of(job)})


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
    roads=(
        off(_list),
        v1(_over_v1, _OF_AUTOMATIONS.format("the newest 50 runs") + " `jobs get` has the cost of one."),
    ),
    one=(
        off(lambda desk: desk.client.observability.job(desk.key)),
        v1(_one_over_v1, _OF_AUTOMATIONS.format("runs")),
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
