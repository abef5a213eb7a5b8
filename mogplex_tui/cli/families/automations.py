"""`mogplex-tui automations`: automations by the widest road that is open (routing.md §3; v1.md §5)."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mogplex_tui.cli.families import jobs, places
from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command, count
from mogplex_tui.operate import answers

_RUN_COLUMNS = tuple(
    column
    for column in jobs.FAMILY.columns
    if column.path not in ("cost_usd", "cost_source", "flow_id", "source_kind")
)


async def _over_v1(desk: Desk) -> Any:
    from mogplex_tui.api.errors import ServiceFailed
    from mogplex_tui.api.models.base import Rows

    found: Rows[Any] = Rows()
    cursor: str | None = None
    while True:
        try:
            page = await desk.client.automations.list(cursor=cursor)
        except ServiceFailed:
            if cursor is None:
                raise
            # The hosted service fails on every cursor; what came before it is worth showing.
            desk.notes.append(
                "The service could not give a further page: there are more automations than these."
            )
            return found
        found.extend(page.rows)
        found.bad += page.rows.bad
        cursor = page.next_cursor
        if cursor is None or (desk.limit is not None and found.total >= desk.limit):
            return found


def _switch(active: bool) -> Any:
    return (off(lambda desk: desk.client.flows.set_active(desk.key, active)),)


async def _publish_v1(desk: Desk) -> Any:
    return await desk.client.automations.publish(desk.key)


async def _trigger(desk: Desk) -> Any:
    from mogplex_tui.api.models.automation_drafts import AutomationTrigger

    repo = await places.repo_id(desk, desk.args.repo)
    given = None if desk.args.input is None else _object(desk.args.input)
    return await desk.client.automations.trigger(
        desk.key, AutomationTrigger(repo_id=repo, input=given), idempotency_key=desk.args.idempotency_key
    )


def _triggered(run: Any, desk: Desk) -> tuple[bool, str]:
    return answers.triggered(run, is_retry=desk.is_retry)


async def _test(desk: Desk) -> Any:
    given = None if desk.args.input is None else _object(desk.args.input)
    return await desk.client.flows.test(desk.key, given)


def _object(text: str) -> dict[str, Any]:
    from mogplex_tui.cli.common import Stop
    from mogplex_tui.cli.exits import Exit

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Stop(Exit.USAGE, "The input must be a JSON object.")
    return found


def _check_input(args: argparse.Namespace) -> None:
    if args.input not in (None, "-"):
        _object(args.input)


async def _secret(desk: Desk) -> Any:
    return {"webhook_secret": await desk.client.flows.webhook_secret(desk.key)}


_INPUT = option("--input", metavar="JSON", help="an object that its steps can read; - reads it from stdin")
_LIMIT = option(
    "--limit", type=count, default=50, metavar="N", help="at most N runs, 50 is the service's most"
)

FAMILY = Family(
    name="automations",
    noun="automation",
    columns=(
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("STATUS", "status"),
        Column("SOURCE", "source_kind", priority=3),
        Column("VERSION", "published_version.version_number", right=True, priority=3),
        Column("LAST", "last_run_status", priority=1),
        Column("SINCE", "last_run_started_at", priority=2),
        Column("RUNNING", "running_count", right=True, priority=2),
        Column("FAILED 24H", "failed_24h", right=True, priority=2),
        Column("PENDING", "pending_count", right=True, wide=True),
        Column("SUPPRESSED 24H", "suppressed_24h", right=True, wide=True),
        Column("PRESSURE", "last_pressure_reason", wide=True),
        Column("INSTALLATION", "installation_id", wide=True),
        Column("PUBLISHED", "published_version_id", wide=True),
        Column("UPDATED", "updated_at", priority=1),
        Column("DESCRIPTION", "description", wide=True),
    ),
    roads=(
        off(lambda desk: desk.client.flows.list()),
        v1(_over_v1, "names and states; `automations runs` shows the runs of one."),
    ),
    one=(
        off(lambda desk: desk.client.flows.get(desk.key)),
        v1(lambda desk: desk.client.automations.get(desk.key)),
    ),
    verbs=(
        Verb(
            "runs",
            "the runs of an automation, newest first",
            (
                off(lambda desk: desk.client.flows.runs(desk.key, min(desk.args.limit, 50))),
                v1(lambda desk: desk.client.automations.runs(desk.key, min(desk.args.limit, 50))),
            ),
            options=(_LIMIT,),
            changes=False,
            columns=_RUN_COLUMNS,
            noun="job",
        ),
        Verb(
            "publish",
            "make the draft the version that runs, and resume it",
            (off(lambda desk: desk.client.flows.publish(desk.key)), v1(_publish_v1)),
            question="Publish the draft of {}? It runs from now on.",
            done="{} is published.",
        ),
        Verb("resume", "let an automation begin work", _switch(True), done="{} is active."),
        Verb("pause", "let an automation begin no more work", _switch(False), done="{} is paused."),
        Verb(
            "trigger",
            "start an automation for a repository, over the token API",
            (v1(_trigger),),
            options=(
                option("--repo", required=True, metavar="REPO", help="owner/name or its id"),
                _INPUT,
                option("--idempotency-key", metavar="KEY", help="the same key starts nothing a second time"),
            ),
            told=_triggered,
            keyed=True,
            prints="job_run_id",
            check=_check_input,
        ),
        Verb(
            "test",
            "start an automation once with a test event",
            (off(_test),),
            options=(_INPUT,),
            told=_triggered,
            prints="job_run_id",
            check=_check_input,
        ),
        Verb(
            "duplicate",
            "copy an automation's draft, inactive",
            (off(lambda desk: desk.client.flows.duplicate(desk.key)),),
            done="{} is copied.",
        ),
        Verb(
            "webhook-secret",
            "make or replace the secret that signs deliveries; an old one dies now",
            (off(_secret),),
            question="Make a new webhook secret for {}? The old one dies now.",
            done="{} has a new webhook secret.",
            secret="webhook_secret",  # noqa: S106 -- the name of a field
        ),
        Verb(
            "delete",
            "delete an automation; its runs cannot be seen any more",
            (off(lambda desk: desk.client.flows.delete(desk.key)),),
            question="Delete {}? Its runs cannot be seen any more.",
            done="{} is deleted.",
        ),
    ),
)
add_arguments, run = command(FAMILY)
