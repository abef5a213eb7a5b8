"""Runs a headless command: retries reads and maps errors to exit codes."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mogplex_tui.api.errors import BudgetBlocked, InvalidInput, MogplexError, with_full_stop
from mogplex_tui.cli.command_context import CommandError, code_of, say, settings_of, state_name, target_of
from mogplex_tui.cli.exit_codes import Exit

if TYPE_CHECKING:
    from mogplex_tui.cli.output import Output
    from mogplex_tui.config.settings import Settings
    from mogplex_tui.live.changes_in_flight import QueuedChange
    from mogplex_tui.live.session import Session

T = TypeVar("T")

# Seconds that a command waits before it retries a read. A message gives the length of a longer wait.
MAX_RETRY_WAIT = 5.0
FORMS = ("table", "wide", "json", "csv")


class CommandSession:
    """The API session, the output and the settings of a running command."""

    def __init__(self, session: Session, output: Output, settings: Settings) -> None:
        self.session, self.output, self.settings = session, output, settings

    def require_write_access(self, operation: str) -> None:
        """Raise CommandError if the settings are read-only."""
        if self.settings.read_only.value:
            origin = self.settings.read_only.origin
            raise CommandError(
                Exit.NOT_ALLOWED, f"{operation} was not sent: read-only mode is set by {origin}."
            )

    async def require_write_scope(self, operation: str) -> None:
        """Raise CommandError if a change must not be sent because the token is read-only.

        The service checks the token's scope only on v1 routes, so this method checks it for the other
        routes. The check costs a request if the session has a token and no session cookie.
        """
        from mogplex_tui.operate.action_registry import fetch_read_only_reason

        if self.session.token_changes_unversioned and (refusal := await fetch_read_only_reason(self.session)):
            raise CommandError(Exit.NOT_ALLOWED, f"{operation} was not sent. {refusal}")


def service_arguments(
    parser: argparse.ArgumentParser, *, outermost: bool = True, forms: bool = False
) -> None:
    """Add the options that every headless command accepts before and after its verb.

    `outermost` is true for the parser of the command, whose options have defaults, and false for
    the parser of a verb. `forms` adds the option for the output format, for commands that print
    rows.
    """
    parser.add_argument(
        "--json",
        action="store_true",
        default=False if outermost else argparse.SUPPRESS,
        help="print NDJSON (UTC times, money as strings)",
    )
    if forms:
        parser.add_argument(
            "--output",
            "-o",
            choices=FORMS,
            default="table" if outermost else argparse.SUPPRESS,
            help="output format: table, wide (all columns, full IDs), json (NDJSON) or csv",
        )
    # Suppressed defaults: an option given before the command's name must still hold after it.
    parser.add_argument(
        "--context",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="context to use (MOGPLEX_CONTEXT)",
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="base URL of the service (MOGPLEX_BASE_URL)",
    )
    parser.add_argument(
        "--read-only",
        action="store_true",
        default=argparse.SUPPRESS,
        help="refuse all changes, whatever the token allows",
    )


def run(
    arguments: argparse.Namespace,
    main: Callable[[CommandSession], Awaitable[int]],
    *,
    reports_session: bool = False,
) -> int:
    """Run a headless command and return its exit code.

    Errors are printed on stderr; a closed output pipe is not an error. When the browser session has
    expired, this is reported, unless the command reports it itself (`reports_session`).

    Raises KeyboardInterrupt for ctrl+c, which the parser turns into exit code 130.
    """
    from mogplex_tui.cli.output import discard_stdout

    try:
        return _run_in_session(arguments, main, reports_session)
    except BrokenPipeError:
        discard_stdout()
        return Exit.OK


def _run_in_session(
    arguments: argparse.Namespace, main: Callable[[CommandSession], Awaitable[int]], reports_session: bool
) -> int:
    try:
        settings = settings_of(arguments)
        target = target_of(settings)
    except CommandError as error:
        say(str(error))
        return error.code
    # Imported here because `info` and `login` use this module's arguments and need none of these.
    from mogplex_tui.cli import interrupt
    from mogplex_tui.cli.output import Output
    from mogplex_tui.config.log_file import log_to_file
    from mogplex_tui.config.paths import state_dir
    from mogplex_tui.live import redact
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.shell_completion_index import save_known_records

    log_to_file(redact.text)
    # The console's own state directory, so that it lists runs that commands start.
    context = state_name(settings)
    form = getattr(arguments, "output", "table")
    output = Output(as_json=arguments.json or form == "json", scrub=target.scrub, form=form)

    async def guarded() -> int:
        session = Session(target, directory=state_dir(context), read_only=settings.read_only.value)
        session.file_errors.subscribe(lambda sentence: say(output.safe_text(sentence)))
        session.in_flight.while_queued = partial(_report_queued, session, output)
        if not reports_session:
            _report_session_expiry(session)
        try:
            return await main(CommandSession(session, output, settings))
        finally:
            output.flush()
            save_known_records(session)
            await session.stop()

    try:
        return interrupt.run(guarded())
    except CommandError as error:
        say("\n".join(map(output.safe_text, str(error).splitlines())))
        return error.code
    except MogplexError as error:
        say(output.safe_text(error_message(error)))
        return Exit.USAGE if isinstance(error, InvalidInput) else code_of(error)


@asynccontextmanager
async def _report_queued(session: Session, output: Output, change: QueuedChange) -> AsyncGenerator[None]:
    """Report a change that waits for a rate limit, with a countdown on a terminal.

    Ctrl+c cancels the change.
    """
    import asyncio

    from mogplex_tui.cli.progress import progress
    from mogplex_tui.operate.messages import queued_change

    say(output.safe_text(f"{queued_change(change, session.clock.now())} ctrl+c cancels it."))
    try:
        async with progress(lambda: output.safe_text(f"Waiting: {change.word}")):
            yield
    except asyncio.CancelledError:
        say(output.safe_text(f"The {change.title} was given up and not sent."))
        raise


def _report_session_expiry(session: Session) -> None:
    """Report that the session cookie has expired and the token replaces it.

    The message is printed once.
    """
    from mogplex_tui.live.session import TOKEN_REPLACES_SESSION

    def on_change() -> None:
        if session.token_replaces_session:
            stop()
            say(TOKEN_REPLACES_SESSION)

    stop = session.access.cookie.subscribe(on_change)


def error_message(error: MogplexError) -> str:
    """Return the message of an error, with advice to retry if a retry can help.

    The advice is needed because a command, unlike the console, does not retry later by itself.
    """
    if isinstance(error, BudgetBlocked) and error.retry_after is not None:
        return f"{with_full_stop(error.message)} Try again after that."
    return str(error)


async def pause(seconds: float) -> None:
    """Wait for a number of seconds between two attempts."""
    import asyncio

    await asyncio.sleep(seconds)


async def with_retries(read: Callable[[], Awaitable[T]]) -> T:
    """Call `read`, and call it again after short-lived errors (errors.md §5).

    Raises the last error.
    """
    from mogplex_tui.operate.send_with_retries import send_with_retries

    async def wait(error: MogplexError, seconds: float) -> None:
        say(f"{with_full_stop(error.message)} Trying again.")
        await pause(seconds)

    return await send_with_retries(
        read, method="GET", wait=wait, may_wait=lambda _, seconds: seconds <= MAX_RETRY_WAIT
    )


async def gather_with_retries(reads: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Run several reads at once, each with retries, and return their results.

    Raises the first error and cancels the other reads.
    """
    import asyncio

    tasks = [asyncio.ensure_future(with_retries(read)) for read in reads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        # A read that continued would report the closed session as a broken connection.
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
