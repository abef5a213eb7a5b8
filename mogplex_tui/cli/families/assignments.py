"""`mogplex-tui assignments`: one repository, one agent, one kind of work (routing.md §1)."""

from __future__ import annotations

from typing import Any

from mogplex_tui.cli.families import places
from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option
from mogplex_tui.cli.families.machine import command
from mogplex_tui.cli.families.shaping import agent_name, repo_name

TYPES = ("pr_review", "cron_refactor", "cron", "push_review", "issue_triage", "ci_failure")


async def _list(desk: Desk) -> Any:
    rows = await desk.client.assignments.list()
    if rows:
        await places.learn_names(desk, rows, agents=True)
    wanted = getattr(desk.args, "repo", None)
    if wanted and desk.args.verb == "list":
        repo = await places.repo_id(desk, wanted)
        rows[:] = [row for row in rows if row.repo_id == repo]
    return rows


async def _create(desk: Desk) -> Any:
    from mogplex_tui.api.models.routing import AssignmentDraft

    args = desk.args
    return await desk.client.assignments.create(
        AssignmentDraft(
            repo_id=await places.repo_id(desk, args.repo),
            agent_id=await places.agent_id(desk, args.agent),
            type=args.type,
            cron_schedule=args.cron,
            enabled=not args.disabled,
        )
    )


def _switch(enabled: bool) -> Any:
    async def call(desk: Desk) -> Any:
        from mogplex_tui.api.models.routing import AssignmentChange

        return await desk.client.assignments.update(desk.key, AssignmentChange(enabled=enabled))

    return (off(call),)


FAMILY = Family(
    name="assignments",
    noun="assignment",
    columns=(
        Column("ID", "id"),
        Column("REPOSITORY", "repo_id", show=repo_name),
        Column("AGENT", "agent_id", show=agent_name),
        Column("TYPE", "type"),
        Column("ENABLED", "enabled"),
        Column("SCHEDULE", "cron_schedule", priority=3),
        Column("LAST", "last_run_status", priority=1),
        Column("SINCE", "last_run_started_at", priority=2),
        Column("RUNNING", "running_count", right=True, wide=True),
        Column("PENDING", "pending_count", right=True, wide=True),
        Column("FAILED 24H", "failed_24h", right=True, priority=2),
        Column("SUPPRESSED 24H", "suppressed_24h", right=True, wide=True),
        Column("PRESSURE", "last_pressure_reason", wide=True),
        Column("ERROR", "last_run_error", wide=True),
    ),
    roads=(off(_list),),
    names=(),
    options=(option("--repo", metavar="REPO", help="only this repository: owner/name or its id"),),
    verbs=(
        Verb(
            "create",
            "give an agent a kind of work in a repository",
            (off(_create),),
            options=(
                option("--repo", required=True, metavar="REPO", help="owner/name or its id"),
                option("--agent", required=True, metavar="AGENT", help="its name, slug or id"),
                option("--type", required=True, choices=TYPES, help="the kind of work"),
                option("--cron", metavar="SCHEDULE", help="when, in UTC, for the kinds with a schedule"),
                option("--disabled", action="store_true", help="make it, but let it not begin"),
            ),
            takes_one=False,
            done="The assignment is created.",
        ),
        Verb("enable", "let an assignment begin work", _switch(True), done="{} is enabled."),
        Verb("disable", "let an assignment begin no more work", _switch(False), done="{} is disabled."),
        Verb(
            "delete",
            "delete an assignment with its job runs",
            (off(lambda desk: desk.client.assignments.delete(desk.key)),),
            question="Delete {} with its job runs?",
            done="{} is deleted.",
        ),
    ),
)
add_arguments, run = command(FAMILY)
