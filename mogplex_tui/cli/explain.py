"""`runs explain` and `jobs explain`: why a run or a job failed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.cli.command_context import CommandError
from mogplex_tui.cli.command_session import error_message, with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.list_command import ListNeeds
from mogplex_tui.live.run_events_feed import RunEventsFeed
from mogplex_tui.operate import failure_report, messages

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.run_records import RunRecords
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.operate.job_rows import JobRow


async def run_verb(args: argparse.Namespace, command: CommandSession) -> int:
    """Explain the failure of the job that the arguments name; return the exit code."""
    from mogplex_tui.cli.kind_records import find_record
    from mogplex_tui.cli.run_records import RunRecords
    from mogplex_tui.operate.job_rows import run_of
    from mogplex_tui.operate.kinds import jobs

    job = await find_record(jobs.KIND, command, args.record)
    if job.row is None:
        raise CommandError(Exit.FAILED, f"Job {job.key} could not be read.")
    return await explain(command, RunRecords(command), run_of(job.row))


async def explain(command: CommandSession, records: RunRecords, row: RunRow) -> int:
    """Print why a run or a job failed; return the exit code.

    What cannot be read is left out. Raises CommandError if the run has not failed.
    """
    session = command.session
    if (reason := failure_report.missing_reason(row)) is not None:
        raise CommandError(Exit.USAGE, f"{reason} Its state is {row.state}.")
    await records.read_list(ListNeeds(is_bare=False, is_filtered=False, with_hidden=False))
    feed = RunEventsFeed(session, records.runs, row)
    try:
        await with_retries(feed.fetch)
        events_missing = messages.missing_events(feed) or ""
    except MogplexError as error:
        events_missing = f"Its events could not be read. {error_message(error)}"
    report = failure_report.failure_report(
        feed.row,
        feed.tail.lines,
        records.rows.values(),
        await _job(command, row.job_id),
        session.clock.now(),
        complete_since=records.runs.set.whole_since,
        events_missing=events_missing,
    )
    if command.output.form == "json":
        command.output.object("explanation", failure_report.as_json(report), redacted=True)
    else:
        for line in failure_report.as_text(report).splitlines():
            command.output.program_line(line)
    return Exit.OK


async def _job(command: CommandSession, job_id: str | None) -> JobRow | None:
    """Return a run's job with its dispatch log, None if it cannot be read."""
    from mogplex_tui.operate.job_rows import read_single

    if job_id is None:
        return None
    client = command.session.client.at(Priority.TABLE)
    try:
        return (await with_retries(lambda: read_single(client, job_id, None))).row
    except MogplexError:
        return None
