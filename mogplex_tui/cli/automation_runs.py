"""`mogplex-tui automations runs`: the job runs of one automation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import patiently
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_arguments import row_count
from mogplex_tui.cli.kind_output import print_rows
from mogplex_tui.cli.kind_records import record_of
from mogplex_tui.operate.job_rows import page_of_runs
from mogplex_tui.operate.kind_rows import collection_of
from mogplex_tui.operate.kinds import automations, jobs
from mogplex_tui.operate.model import RenderTime

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import Setting

# The route returns at most so many runs and has no further page.
_MOST = 50


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verb `runs`."""
    parser = add("runs", "the runs of an automation, newest first")
    parser.add_argument("record", metavar="AUTOMATION", help="its id, its name or the beginning of either")
    parser.add_argument(
        "--limit",
        type=row_count,
        default=_MOST,
        metavar="N",
        help=f"at most N runs; {_MOST} is the service's most",
    )


async def run_verb(args: argparse.Namespace, setting: Setting) -> int:
    """Print the runs of an automation and return the exit code."""
    found = await record_of(automations.KIND, setting, args.record)
    client = setting.session.client.at(Priority.ACTION)
    is_flow = found.row is not None and found.row.is_flow
    routes = client.flows if is_flow else client.automations
    runs = await patiently(lambda: routes.runs(found.key, min(args.limit, _MOST)))
    page = page_of_runs(runs)
    # The list of automations was just read, so that the rows have names.
    entries = [entry for _, entry in collection_of(setting.session, jobs.KIND).prepare(page.entries)]
    known = [entry for entry in entries if entry.row is not None]
    unreadable = [entry for entry in entries if entry.row is None]
    print_rows(jobs.KIND, setting.output, RenderTime(setting.session.clock.now()), known, unreadable)
    if not page.entries:
        say("There are no jobs.")
    return Exit.OK
