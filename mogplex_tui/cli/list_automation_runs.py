"""`mogplex-tui automations runs`: the job runs of one automation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_arguments import row_count
from mogplex_tui.cli.kind_output import print_rows
from mogplex_tui.cli.kind_records import find_record
from mogplex_tui.operate.job_rows import page_of_runs
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds import automations, jobs
from mogplex_tui.operate.model import RenderTime

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession

# The route returns at most so many runs and has no further page.
_MAX_RUNS = 50


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verb `runs`."""
    parser = add("runs", "list the runs of an automation, newest first")
    parser.add_argument("record", metavar="AUTOMATION", help="ID, name, or a unique prefix of either")
    parser.add_argument(
        "--limit",
        type=row_count,
        default=_MAX_RUNS,
        metavar="N",
        help=f"list at most N runs (maximum {_MAX_RUNS})",
    )


async def run_verb(args: argparse.Namespace, command: CommandSession) -> int:
    """Print the runs of an automation and return the exit code."""
    automation = await find_record(automations.KIND, command, args.record)
    client = command.session.client.at(Priority.ACTION)
    is_flow = automation.row is not None and automation.row.is_flow
    routes = client.flows if is_flow else client.automations
    runs = await with_retries(lambda: routes.runs(automation.key, min(args.limit, _MAX_RUNS)))
    page = page_of_runs(runs)
    # The list of automations was just read, so that the rows have names.
    entries = [entry for _, entry in new_collection(command.session, jobs.KIND).prepare(page.entries)]
    readable = [entry for entry in entries if entry.row is not None]
    unreadable = [entry for entry in entries if entry.row is None]
    print_rows(jobs.KIND, command.output, RenderTime(command.session.clock.now()), readable, unreadable)
    if not page.entries:
        say("There are no jobs.")
    return Exit.OK
