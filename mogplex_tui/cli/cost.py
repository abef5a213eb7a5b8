"""`mogplex-tui cost`: where the money went, by one or two properties of the calls.

The calls of a range are read once and kept on disk, in the same file as the console's.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.route_access import Family
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import error_message, service_arguments, with_retries
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.output import Column
from mogplex_tui.cli.time_arguments import parse_range
from mogplex_tui.live.call_sums import CostDimension
from mogplex_tui.operate import cost_texts, formatting
from mogplex_tui.operate.time_ranges import EXPECTED, TimeSpan

if TYPE_CHECKING:
    from mogplex_tui.api.models.billing import Billing
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.operate.cost_report import CostReport

_BAR: Final = 20
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
# Pages of a hundred calls that a command reads with a browser session, and those that count against a token's budget.
_FREE_PAGES, _METERED_PAGES = 50, 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    service_arguments(parser, forms=True)
    parser.add_argument(
        "--by",
        type=_dimensions,
        default=(CostDimension.MODEL,),
        metavar="A[,B]",
        help=f"one or two of {', '.join(CostDimension)} (default: model)",
    )
    parser.add_argument(
        "--range",
        "--since",
        dest="range",
        type=parse_range,
        default=TimeSpan("24h", length=parse_range("24h").length),
        metavar="WHEN",
        help=f"{EXPECTED} (default: 24h)",
    )
    parser.add_argument(
        "--pages",
        type=_pages,
        metavar="N",
        help=f"read at most N older pages of 100 calls (default: {_FREE_PAGES}, with a token alone {_METERED_PAGES})",
    )


def _dimensions(text: str) -> tuple[CostDimension, ...]:
    names = [name.strip() for name in text.split(",")]
    try:
        chosen = tuple(CostDimension(name) for name in names)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be one or two of {', '.join(CostDimension)}") from None
    if len(chosen) > 2 or len(set(chosen)) < len(chosen):
        raise argparse.ArgumentTypeError("must be one or two different names")
    return chosen


def _pages(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a number")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Print the report once and return the exit code."""
    return run_headless(args, lambda command: _cost(command, args))


async def _cost(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.operate.cost_report import CostQuestion, read_report

    session = command.session
    await _read_names(command, args.by)
    await _read_calls(command, args.range, args.pages)
    question, now = CostQuestion(args.range, args.by), session.clock.now()
    names = {**session.names.repos, **session.names.agents, **session.names.automations}
    report = await session.call_history.query(
        lambda connection: read_report(connection, question, now, names)
    )
    billing = await _billing(command)
    output = command.output
    if output.form == "json":
        for group in report.groups:
            output.object("cost_group", cost_texts.group_fields(report, group))
        output.object("cost", cost_texts.summary_fields(report, billing))
    elif output.form == "csv":
        _print_csv(command, report)
    else:
        _print(command, report, billing)
    return Exit.OK


async def _read_names(command: CommandSession, dimensions: Sequence[CostDimension]) -> None:
    """Read the names of the groups; without them, names from disk or ids are shown."""
    from mogplex_tui.live.names import read_names
    from mogplex_tui.operate import automation_rows

    session = command.session
    if {CostDimension.REPO, CostDimension.AGENT, CostDimension.PULL_REQUEST} & set(dimensions):
        await read_names(session, Priority.TABLE)
    if CostDimension.AUTOMATION in dimensions and session.may_request(Family.FLOWS):
        with contextlib.suppress(MogplexError):
            await automation_rows.read(session.client.at(Priority.TABLE), session)


async def _read_calls(command: CommandSession, span: TimeSpan, pages: int | None) -> None:
    """Read the newest calls, and older pages of the range that are not on disk.

    If the service cannot be read, the calls on disk are used; without any, the error is raised.
    """
    from mogplex_tui.live.call_history_reader import CallHistoryReader
    from mogplex_tui.live.runs import Runs

    session = command.session
    runs = Runs(session)
    reader = CallHistoryReader(session.call_history, runs)
    since = span.interval(session.clock.now()).since
    try:
        await with_retries(runs.calls.read)
        reader.start()
        most = pages if pages is not None else _METERED_PAGES if session.metered_off_v1() else _FREE_PAGES
        await reader.read_back(since, most, Priority.TABLE)
    except MogplexError as error:
        if not await session.call_history.spans():
            raise
        say(command.output.safe_text(f"{error_message(error)} Calls that were read before are shown."))


async def _billing(command: CommandSession) -> Billing | None:
    """Return the plan and the balance, or None if the service does not show them."""
    try:
        return await command.session.client.at(Priority.TABLE).billing.get()
    except MogplexError:
        return None


def _print_csv(command: CommandSession, report: CostReport) -> None:
    from mogplex_tui.operate.serialization import exact_text

    for index, group in enumerate(report.groups):
        fields = cost_texts.group_fields(report, group)
        if not index:
            command.output.csv(fields)
        command.output.csv(map(exact_text, fields.values()))
    say(command.output.safe_text(cost_texts.coverage_text(report)))


def _print(command: CommandSession, report: CostReport, billing: Billing | None) -> None:
    output = command.output
    if report.groups:
        titles = [dimension.value.replace("-", " ").upper() for dimension in report.question.dimensions]
        columns = [
            *(Column(title) for title in titles),
            Column("COST", right=True),
            Column("", priority=5),
            Column("CALLS", right=True),
            Column("NO PRICE", right=True),
            Column("FAILED", right=True, priority=2),
            Column("TOKENS", right=True, priority=3),
            Column("CACHED", right=True, priority=4),
            Column("PER SUCCESS", right=True, priority=1),
        ]
        output.table(columns, list(_rows(report, ascii_only=output.ascii_only)))
        output.line("")
    else:
        output.line("No calls in this time.")
    forecasts = [*cost_texts.outlook_parts(report), *cost_texts.month_parts(report)]
    for line in (
        cost_texts.SEPARATOR.join(cost_texts.total_parts(report)),
        cost_texts.SEPARATOR.join(cost_texts.outcome_parts(report)),
        cost_texts.SEPARATOR.join(forecasts),
        cost_texts.billing_text(billing),
        f"calls: {cost_texts.coverage_text(report)}",
    ):
        if line:
            output.paragraph(line)


def _rows(report: CostReport, *, ascii_only: bool) -> Sequence[Sequence[str]]:
    most = max((group.sum.units for group in report.groups), default=0)
    return [
        [
            *cost_texts.labels(report, group),
            formatting.money(group.sum.cost),
            _bar(group.sum.units / most if most else 0.0, ascii_only=ascii_only),
            f"{group.sum.calls:,}",
            cost_texts.unpriced(group.sum) or formatting.DASH,
            f"{group.sum.failed:,}" if group.sum.failed else formatting.DASH,
            formatting.count(group.sum.tokens or None),
            cost_texts.share(group.sum.cached_share),
            formatting.money(group.sum.cost_per_success),
        ]
        for group in report.groups
    ]


def _bar(share: float, *, ascii_only: bool) -> str:
    if ascii_only:
        return "#" * round(share * _BAR)
    eighths = max(round(share * _BAR * 8), 1 if share else 0)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()
