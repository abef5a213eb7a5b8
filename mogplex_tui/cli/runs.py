"""`mogplex-tui runs`: list, read, follow, start and cancel runs."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.command_session import service_arguments
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_arguments import add_parameter, add_verb, parameter_texts
from mogplex_tui.cli.list_command import ListCommand, add_list
from mogplex_tui.operate.kinds.runs import KIND
from mogplex_tui.operate.model import Values
from mogplex_tui.operate.run_actions import CANCEL, START

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.live.run_row import RunRow

_RUN = "run, call or job ID, or a unique prefix of a listed ID"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    service_arguments(parser, forms=True)
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
    add_list(verbs, KIND)
    get = add_verb(verbs, "get", "show a run: state, repository, tokens, cost, IDs")
    get.add_argument("run", metavar="RUN", help=_RUN)
    events = add_verb(verbs, "events", "print the events of a run, oldest first")
    events.add_argument("run", metavar="RUN", help=_RUN)
    events.add_argument("--follow", "-f", action="store_true", help="follow until the run finishes")
    _exit_status(events)
    explain = add_verb(verbs, "explain", "explain why a run failed")
    explain.add_argument("run", metavar="RUN", help=_RUN)
    waterfall = add_verb(verbs, "waterfall", "show where the time of a run went")
    waterfall.add_argument("run", metavar="RUN", help=_RUN)
    start_arguments(add_verb(verbs, START.id, "start a run and print its ID"))
    cancel = add_verb(verbs, CANCEL.id, "cancel a run and print its final state")
    cancel.add_argument("run", metavar="RUN", help=_RUN)
    cancel.add_argument("--yes", "-y", action="store_true", help="skip the confirmation prompt")


def start_arguments(parser: argparse.ArgumentParser, positional: Sequence[str] = ()) -> None:
    """Add the parameters of a run to start, and the options for following it.

    The parameters named in `positional` are positional arguments; the others are options.
    """
    for parameter in START.parameters:
        add_parameter(parser, replace(parameter, positional=parameter.name in positional), None)
    parser.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="key for safe retries: the same request with it starts no second run",
    )
    parser.add_argument(
        "--follow", "-f", action="store_true", help="print the events of the run until it finishes"
    )
    _exit_status(parser)


def _exit_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exit-status", action="store_true", help="exit with code 1 unless the run succeeds")


def run(args: argparse.Namespace) -> int:
    """Run the verb that the arguments name and return its exit code."""
    if args.verb != "start":
        verbs = {
            "list": _list,
            "get": _get,
            "events": _events,
            "explain": _explain,
            "waterfall": _waterfall,
            "cancel": _cancel,
        }
        return run_headless(args, lambda command: verbs[args.verb](command, args))
    return start_from(args)


def start_from(args: argparse.Namespace) -> int:
    """Start the run that the arguments describe and return the exit code."""
    from mogplex_tui.cli.start_and_cancel import start

    try:
        # Before the event loop starts, because reading stdin in it could not be interrupted.
        texts = parameter_texts(START.parameters, args)
    except CommandError as error:
        say(str(error))
        return error.code
    return run_headless(args, lambda command: start(command, args, Values(texts)))


async def _list(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.cli.run_records import RunRecords

    return await ListCommand(KIND, command, RunRecords(command), args).run()


async def _get(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.api.errors import MogplexError
    from mogplex_tui.cli.kind_output import print_record
    from mogplex_tui.cli.run_records import RunRecords

    records = RunRecords(command)
    row = await records.find(args.run)
    # If the events cannot be read, the run is printed with dashes for the values that only they name.
    with contextlib.suppress(MogplexError):
        row = await records.learn_from_events(row)
    if command.output.form in ("json", "csv"):
        print_record(KIND, command.output, row)
    else:
        _print_facts(command, row)
    _report_hidden_values(command, row)
    return Exit.OK


def _print_facts(command: CommandSession, row: RunRow) -> None:
    from mogplex_tui.api.route_access import Family
    from mogplex_tui.cli.output import Column
    from mogplex_tui.operate.model import RenderTime
    from mogplex_tui.operate.record_page import facts_of
    from mogplex_tui.operate.run_facts import facts

    session = command.session
    declared = facts(calls_open=session.may_request(Family.OBSERVABILITY))
    lines = [("state", row.state)]
    for group in facts_of(declared, row, RenderTime(session.clock.now())):
        lines += [(label, value) for label, value, _ in group]
    lines += [(label, value) for label, value in (("prompt", row.prompt), ("error", row.error)) if value]
    is_wide = command.output.form == "wide"
    command.output.table([Column(""), Column("")], lines, titles=False, whole=is_wide)


def _report_hidden_values(command: CommandSession, row: RunRow) -> None:
    from mogplex_tui.api.errors import LoginRequired
    from mogplex_tui.api.route_access import Family, Reach
    from mogplex_tui.live.run_row import RunSource

    facts = {"model": row.model, "tokens": row.tokens, "cost": row.cost}
    hidden = [name for name, value in facts.items() if value is None]
    if row.source is RunSource.CALL or not hidden or command.session.may_request(Family.OBSERVABILITY):
        return
    *first, last = hidden
    names = f"The {', '.join(first)} and {last} of this run" if first else f"The {last} of this run"
    access = command.session.access.reach(Family.OBSERVABILITY)
    if access.reach is Reach.NEEDS_SESSION:
        need = "need" if first else "needs"
        say(f"{names} {need} a browser session: {LoginRequired.default_advice}.")
    else:
        say(command.output.safe_text(f"{names} cannot be seen. {access.reason}"))


async def _events(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.cli.event_follow import EventFollower, report_end
    from mogplex_tui.cli.run_records import RunRecords

    records = RunRecords(command)
    follower = EventFollower(command, records, await records.find(args.run))
    row = await (follower.follow_until_end() if args.follow else follower.print_present_events())
    if args.follow or args.exit_status:
        return report_end(command, row, exit_status=args.exit_status)
    return Exit.OK


async def _explain(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.cli.explain import explain
    from mogplex_tui.cli.run_records import RunRecords

    records = RunRecords(command)
    return await explain(command, records, await records.find(args.run))


async def _waterfall(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.cli.run_records import RunRecords
    from mogplex_tui.cli.waterfall import print_run

    records = RunRecords(command)
    return await print_run(command, records, await records.find(args.run))


async def _cancel(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.cli.start_and_cancel import cancel

    return await cancel(command, args)
