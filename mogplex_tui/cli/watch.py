"""`mogplex-tui watch RUN`: wait for a state of a run; print each state it reaches.

The command also ends when the run has ended in another state. v1.md §7.6; auth.md §6.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.command_session import service_arguments
from mogplex_tui.cli.exit_codes import Exit

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.cli.run_records import RunRecords
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.scheduler import Feed

STATES = ("terminal", "pending", "running", "streaming", "success", "failed", "cancelled")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    service_arguments(parser)
    parser.add_argument("run", metavar="RUN", help="run ID, or a unique prefix of a listed ID")
    parser.add_argument(
        "--until",
        choices=STATES,
        default="terminal",
        help="state to wait for (terminal: any final state)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=None,
        metavar="SPAN",
        help="stop waiting after a time such as 30s, 10m or 2h",
    )
    parser.add_argument("--exit-status", action="store_true", help="exit with code 1 unless the run succeeds")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    if match is None or not int(match[1]):
        raise argparse.ArgumentTypeError("must be like 30s, 10m or 2h")
    return int(match[1]) * _SECONDS[match[2] or "s"]


def run(args: argparse.Namespace) -> int:
    """Wait until the run is in the given state and return the exit code.

    The code is 0 if the state was reached. It is 1 if the run ended in another state or if the
    time is up.
    """
    return run_headless(args, lambda command: _watch(command, args))


async def _watch(command: CommandSession, args: argparse.Namespace) -> int:
    from mogplex_tui.cli.event_follow import report_end
    from mogplex_tui.cli.run_records import RunRecords
    from mogplex_tui.operate.run_facts import name_of

    records = RunRecords(command)
    watcher = StateWatcher(command, records, await records.find(args.run))
    try:
        async with asyncio.timeout(args.timeout):
            row = await watcher.wait_until(args.until)
    except TimeoutError:
        current = watcher.row
        raise CommandError(
            Exit.FAILED, f"{name_of(current)} is still {current.state} after the timeout."
        ) from None
    code = report_end(command, row, exit_status=args.exit_status)
    return code if is_reached(row, args.until) else Exit.FAILED


def is_reached(row: RunRow, state: str) -> bool:
    """Return whether a run is in the given state.

    `terminal` means any state of a run that has ended. `running` and `streaming` count as the same
    state.
    """
    from mogplex_tui.live.run_row import ENDED_STATES

    if state == "terminal":
        return row.state in ENDED_STATES
    running_states = ("running", "streaming")
    return row.state == state or (state in running_states and row.state in running_states)


class StateWatcher:
    """Reads one run until it reaches a state, and prints each new state.

    How often the run is read depends on hints of the realtime stream and on the request budget.
    """

    def __init__(self, command: CommandSession, records: RunRecords, row: RunRow) -> None:
        self.command, self.records, self.row = command, records, row
        self._printed: str | None = None
        self._reported: str | None = None

    async def wait_until(self, state: str) -> RunRow:
        """Wait until the run reaches the state or ends, and return its row.

        Raises errors that a retry cannot resolve.
        """
        from mogplex_tui.cli.progress import progress
        from mogplex_tui.live.run_row import ENDED_STATES

        self._print()
        if is_reached(self.row, state) or self.row.state in ENDED_STATES:
            return self.row
        session, changed = self.command.session, asyncio.Event()
        feed = self._feed()
        feed.changed.subscribe(changed.set)
        session.scheduler.start()
        session.realtime.start()
        subscription = session.scheduler.subscribe(feed)
        try:
            async with progress(self._sentence):
                while not is_reached(self.row, state) and self.row.state not in ENDED_STATES:
                    await changed.wait()
                    changed.clear()
                    self._print()
                    self._report(feed)
        finally:
            subscription.drop()
        self._print()
        return self.row

    def _feed(self) -> Feed:
        from mogplex_tui.api.budget import Priority
        from mogplex_tui.cli import event_follow
        from mogplex_tui.live.scheduler import Feed

        session = self.command.session

        async def fetch() -> bool:
            before = self.row
            self.row = await self.records.reread(before, Priority.TAIL)
            return self.row != before

        metered = session.metered_off_v1()
        return Feed(
            f"watch:{self.row.key}",
            fetch,
            Priority.TAIL,
            every=event_follow.STATE_BLIND,
            poll_without_realtime=event_follow.STATE_BLIND,
            gap=event_follow.METERED_STATE_GAP if metered else event_follow.STATE_GAP,
            tables=frozenset({"ai_calls", "job_runs"}),
            metered=lambda: self.row.run_id is not None or session.metered_off_v1(),
        )

    def _sentence(self) -> str:
        from mogplex_tui.operate.run_facts import name_of

        return self.command.output.safe_text(f"{name_of(self.row)} is {self.row.state}")

    def _print(self) -> None:
        from mogplex_tui.cli.kind_output import print_json
        from mogplex_tui.operate.kinds.runs import KIND

        if self.row.state == self._printed:
            return
        self._printed = self.row.state
        output = self.command.output
        if output.as_json:
            print_json(KIND, output, self.row)
        else:
            output.line(self.row.run_id or self.row.key, self.row.state)
        output.flush()

    def _report(self, feed: Feed) -> None:
        """Print the error of the last read, unless it was printed before.

        Raises an error that a retry cannot resolve.
        """
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.cli.event_follow import PERMANENT_ERRORS

        error = feed.freshness.error
        if error is not None and (isinstance(error, PERMANENT_ERRORS) or not isinstance(error, MogplexError)):
            raise error
        sentence = None if error is None else str(error)
        if sentence and sentence != self._reported:
            with contextlib.suppress(BrokenPipeError):
                say(self.command.output.safe_text(sentence))
        self._reported = sentence
