"""`mogplex-tui stats`: print cost, usage, jobs and dispatch in a time range.

observability.md §1.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.command_session import gather_with_retries, service_arguments
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.time_arguments import parse_since, to_utc

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats
    from mogplex_tui.cli.command_session import CommandSession

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    service_arguments(parser, forms=True)
    parser.add_argument(
        "--since",
        type=parse_since,
        default=DAY,
        metavar="WHEN",
        help="start of the time range: 30m, 24h, 7d, a date or a time (default: 24h)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the stats once and return the exit code."""
    return run_headless(args, lambda command: _stats(command, args.since))


async def _stats(command: CommandSession, start: timedelta | datetime) -> int:
    now = command.session.clock.now()
    begin = to_utc(start, now)
    starts = {"asked": begin, "hour": now - HOUR, "day": now - DAY, "week": now - WEEK}
    times = sorted(set(starts.values()))
    client = command.session.client.observability
    responses = await gather_with_retries([partial(client.stats, since=at) for at in times])
    by_start = dict(zip(times, responses, strict=True))
    windows = {name: by_start[start] for name, start in starts.items()}
    fields = stats_object(windows, begin, now)
    if command.output.as_json:
        command.output.object("stats", fields)
    elif command.output.form == "csv":
        _print_csv(command, fields)
    else:
        _print(command, fields, windows["asked"])
    return Exit.OK


def stats_object(windows: dict[str, Stats], begin: datetime, now: datetime) -> dict[str, Any]:
    """Return the figures of a time range as JSON fields.

    Costs are Decimal or None, durations are in ms and rates in percent. `windows` are the responses
    for the given range, the last hour, 24 h and 7 days. The cost is the sum over calls with a known
    price; it counts as "estimated", because a part may be computed. A cost of None is unknown.
    """
    from mogplex_tui.live.cost_windows import known
    from mogplex_tui.live.run_row import Cost

    selected = windows["asked"]
    figures = selected.summary
    spent = {
        name: known(window.summary.total_cost, window.summary.total_calls) for name, window in windows.items()
    }
    return {
        "as_of": now,
        "since": begin,
        "cost": {
            "provenance": Cost.ESTIMATED.value,
            "today": known(figures.cost_today, figures.calls_today),
            "per_hour": spent["hour"],
            "day": spent["day"],
            "week": spent["week"],
            "since": spent["asked"],
            "calls_not_reconciled": figures.reconciliation_pending,
        },
        "usage": {
            "calls": figures.total_calls,
            "tokens": figures.tokens,
            "success_rate": figures.success_rate if figures.total_calls != 0 else None,
            "avg_duration_ms": figures.avg_duration_ms if figures.total_calls != 0 else None,
            "calls_today": figures.calls_today,
            "tokens_today": figures.measured_today,
            "sandbox_time_ms": figures.sandbox_time_ms,
            "sandboxes_running": figures.sandbox_active,
            "sandboxes": figures.sandbox_total,
        },
        "jobs": {
            "running": figures.job_runs_running,
            "pending": figures.job_runs_pending,
            "pending_stale": figures.job_runs_stale_pending,
            "oldest_pending_ms": figures.oldest_pending_age_ms if figures.job_runs_pending else None,
            "total": figures.job_runs_total,
            "concluded": figures.job_runs_concluded_in_range,
            "failed": figures.job_runs_failed_in_range,
            "repaired": figures.job_runs_repaired_in_range,
            "success_rate": figures.job_runs_success_rate_in_range,
        },
        "dispatch": {
            "suppressed": figures.suppressed_in_range,
            "deferred": figures.deferred_in_range,
            "start_failed": figures.start_failed_in_range,
            "limit_allowed": figures.limit_allowed_in_range,
            "limit_denied": figures.limit_denied_in_range,
        },
        "by_model": [row.model_dump() for row in selected.by_model],
        "by_type": [row.model_dump() for row in selected.by_type],
        "by_limit": [row.model_dump() for row in selected.limits_by_route],
    }


def _print_csv(command: CommandSession, fields: dict[str, Any]) -> None:
    from mogplex_tui.operate.serialization import exact_text

    command.output.csv(("figure", "value"))
    for name, value in fields.items():
        if isinstance(value, dict):
            for part, figure in value.items():
                command.output.csv((f"{name}.{part}", exact_text(figure)))
        elif isinstance(value, list):
            for row in value:
                key, *figures = row.items()
                for part, figure in figures:
                    command.output.csv((f"{name}.{key[1]}.{part}", exact_text(figure)))
        else:
            command.output.csv((name, exact_text(value)))


def _print(command: CommandSession, fields: dict[str, Any], selected: Stats) -> None:
    from mogplex_tui.cli.output import Column
    from mogplex_tui.operate import formatting

    output = command.output
    for title, facts in _groups(fields):
        output.line(title)
        output.table([Column(""), Column("")], facts, titles=False, indent="  ")
    tables = (
        (("MODEL", "CALLS", "TOKENS"), [(row.model, row.count, row.tokens) for row in selected.by_model]),
        (("TYPE", "CALLS"), [(row.type, row.count) for row in selected.by_type]),
        (
            ("LIMIT", "ALLOWED", "DENIED"),
            [(row.route_key, row.allowed, row.denied) for row in selected.limits_by_route],
        ),
    )
    for titles, rows in tables:
        if not rows:
            continue
        columns = [Column(titles[0]), *(Column(title, right=True) for title in titles[1:])]
        output.line("")
        output.table(columns, [[row[0] or formatting.DASH, *map(formatting.count, row[1:])] for row in rows])


def _groups(fields: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    from mogplex_tui.operate import formatting

    cost, usage, jobs, dispatch = (fields[name] for name in ("cost", "usage", "jobs", "dispatch"))
    since, count = formatting.local_time(fields["since"]), formatting.count
    rate = cost["per_hour"]
    waiting = cost["calls_not_reconciled"]
    return [
        (
            "known cost",
            [
                ("today (UTC)", formatting.money(cost["today"])),
                ("last hour", formatting.money(rate) + ("" if rate is None else "/h")),
                ("24 hours", formatting.money(cost["day"])),
                ("7 days", formatting.money(cost["week"])),
                (f"since {since}", formatting.money(cost["since"])),
                ("calls not yet billed", _number(waiting)),
            ],
        ),
        (
            f"usage since {since}",
            [
                ("calls", f"{count(usage['calls'])}  ({count(usage['calls_today'])} today)"),
                ("tokens", f"{count(usage['tokens'])}  ({count(usage['tokens_today'])} today)"),
                ("success", _percent(usage["success_rate"])),
                ("average", formatting.millis(usage["avg_duration_ms"])),
                ("sandbox time", formatting.seconds(_in_seconds(usage["sandbox_time_ms"]))),
                (
                    "sandboxes running",
                    f"{_exact(usage['sandboxes_running'])} of {_exact(usage['sandboxes'])}",
                ),
            ],
        ),
        (
            "jobs",
            [
                ("running", _number(jobs["running"])),
                ("pending", f"{_exact(jobs['pending'])}  ({_exact(jobs['pending_stale'])} stale)"),
                ("oldest pending", formatting.seconds(_in_seconds(jobs["oldest_pending_ms"]))),
                (
                    "concluded",
                    f"{_exact(jobs['concluded'])}"
                    f"  ({_exact(jobs['failed'])} failed, {_exact(jobs['repaired'])} repaired)",
                ),
                ("success", _percent(jobs["success_rate"])),
            ],
        ),
        (
            "dispatch",
            [
                ("suppressed", _number(dispatch["suppressed"])),
                ("deferred", _number(dispatch["deferred"])),
                ("start failed", _number(dispatch["start_failed"])),
                (
                    "limits",
                    f"{_exact(dispatch['limit_allowed'])} allowed, {_exact(dispatch['limit_denied'])} denied",
                ),
            ],
        ),
    ]


def _number(value: int | None) -> str:
    from mogplex_tui.operate import formatting

    return formatting.count(value)


def _exact(value: int | None) -> str:
    from mogplex_tui.operate import formatting

    return formatting.DASH if value is None else str(value)


def _percent(value: float | None) -> str:
    from mogplex_tui.operate import formatting

    return formatting.DASH if value is None else f"{value:g}%"


def _in_seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
