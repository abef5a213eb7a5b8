"""`runs waterfall` and `jobs waterfall`: where the time of a run or a job went."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import error_message, with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.output import clip, width
from mogplex_tui.live.job_timeline import is_silent_job, job_spans
from mogplex_tui.live.job_timeline_feed import read_job
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.live.run_row import RunSource
from mogplex_tui.live.run_timeline import run_timeline
from mogplex_tui.live.timeline import Timeline
from mogplex_tui.operate import formatting, messages
from mogplex_tui.operate import waterfall as texts
from mogplex_tui.operate.waterfall import Waterfall, Window

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.run_records import RunRecords
    from mogplex_tui.live.run_row import RunRow

# The width of the text if stdout is not a terminal, and the greatest width of titles.
_WIDTH, _TITLE = 120, 44
_TIME, _COST = 7, 8
# Characters for a terminal that cannot show the glyphs of bars and states.
_ASCII = str.maketrans("█▒▌·‹›✗◐–", "#=|.<>x*-")


async def run_verb(args: argparse.Namespace, command: CommandSession) -> int:
    """Print the waterfall of the job that the arguments name; return the exit code."""
    from mogplex_tui.cli.kind_records import find_record
    from mogplex_tui.operate import kind_rows
    from mogplex_tui.operate.kinds import jobs

    job = await find_record(jobs.KIND, command, args.record)
    automation_id = None if job.row is None else job.row.job.flow_id
    return await _print_job(command, job.key, automation_id, kind_rows.name_of(jobs.KIND, job))


async def print_run(command: CommandSession, records: RunRecords, row: RunRow) -> int:
    """Print the waterfall of a run; return the exit code. Raises MogplexError."""
    if row.source is RunSource.JOB and row.job_id is not None:
        return await _print_job(command, row.job_id, row.automation_id, row.who or "job")
    feed, notices = RunEventsFeed(command.session, records.runs, row), []
    try:
        await with_retries(feed.fetch)
        notices = [notice] if (notice := messages.missing_events(feed)) else []
    except MogplexError as error:
        if not row.began:
            raise
        notices = [f"Its events could not be read. {error_message(error)}"]
    _print(command, run_timeline(feed.row, feed.tail.lines), notices)
    return Exit.OK


async def _print_job(command: CommandSession, job_id: str, automation_id: str | None, name: str) -> int:
    client = command.session.client.at(Priority.ACTION)
    job = await with_retries(lambda: read_job(client, job_id, automation_id))
    timeline = Timeline.of(job_spans(job, name, formatting.reason), is_silent=is_silent_job(job))
    _print(command, timeline, [])
    return Exit.OK


def _print(command: CommandSession, timeline: Timeline, notices: list[str]) -> None:
    """Print the spans of a timeline in the form that the arguments name."""
    if not timeline.spans:
        raise CommandError(Exit.FAILED, "The service reports no times of it.")
    waterfall, output = Waterfall(timeline, command.session.clock.now()), command.output
    if output.form == "json":
        for index in range(len(waterfall.spans)):
            output.object("span", texts.record(waterfall, index))
    elif output.form == "csv":
        fields = [texts.record(waterfall, index) for index in range(len(waterfall.spans))]
        output.csv(fields[0])
        for record in fields:
            output.csv("" if value is None else str(value) for value in record.values())
    else:
        _print_bars(command, waterfall)
    for notice in (*waterfall.notices(), *notices):
        say(output.safe_text(notice))


def _print_bars(command: CommandSession, waterfall: Waterfall) -> None:
    output = command.output
    across = shutil.get_terminal_size().columns if output.is_terminal else _WIDTH
    titles = [output.safe_text(texts.title(span)) for span in waterfall.spans]
    indents = ["  " * span.depth for span in waterfall.spans]
    titles = [indent + title for indent, title in zip(indents, titles, strict=True)]
    title_cells = min(max(map(width, titles)), _TITLE, across // 2)
    has_cost = any(span.cost is not None for span in waterfall.spans)
    cells = max(10, across - title_cells - _TIME - 4 - (_COST + 2 if has_cost else 0))
    window = Window(0.0, waterfall.whole)
    if waterfall.has_times:
        output.line(f"{formatting.seconds(waterfall.whole)}: {texts.times_text(waterfall.times())}")
    costs = ["COST", *map(texts.cost, waterfall.spans)] if has_cost else [""] * (len(titles) + 1)
    bars = [waterfall.axis(window, cells)]
    bars += [waterfall.bar(index, window, cells) for index in range(len(titles))]
    times = ["TIME", *(waterfall.time(index) for index in range(len(titles)))]
    for title, bar, time, cost in zip(["SPAN", *titles], bars, times, costs, strict=True):
        title = clip(title, title_cells)
        line = (
            f"{title}{' ' * (title_cells - width(title))}  {bar:<{cells}}  {time:>{_TIME}}  {cost:>{_COST}}"
        )
        output.program_line((line.translate(_ASCII) if output.ascii_only else line).rstrip())
