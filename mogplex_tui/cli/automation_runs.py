"""`mogplex-tui automations runs`: the runs of one automation, as jobs (routing.md §3.13, v1.md §5.3)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.cli.common import say
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.headless import patiently
from mogplex_tui.cli.kind_arguments import row_count
from mogplex_tui.cli.kind_commands import record_of
from mogplex_tui.cli.kind_output import print_rows
from mogplex_tui.operate.job_rows import page_of_runs
from mogplex_tui.operate.kinds.base import collection_of
from mogplex_tui.operate.kinds.registry import typed_kind
from mogplex_tui.operate.kinds.typed import for_screens, listing_of
from mogplex_tui.operate.model import Moment

if TYPE_CHECKING:
    from mogplex_tui.cli.headless import Setting

# The service returns no more, and has no further page.
_MOST = 50


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add `runs`."""
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
    """Print the runs and return the exit code."""
    found = await record_of(typed_kind("automations"), setting, args.record)
    client = setting.session.client.at(Priority.ACTION)
    routes = client.flows if found.record.is_flow else client.automations
    runs = await patiently(lambda: routes.runs(found.key, min(args.limit, _MOST)))
    page, jobs = page_of_runs(runs), typed_kind("jobs")
    # With the names of automations, which were just read.
    rows = collection_of(setting.session, for_screens(jobs)).prepare(listing_of(page).items)
    items = [item for _, item in rows]
    known = [item for item in items if item.record is not None]
    unreadable = [item for item in items if item.record is None]
    print_rows(jobs, setting.output, Moment(setting.session.clock.now()), known, unreadable)
    if not page.entries:
        say("There are no jobs.")
    return Exit.OK
