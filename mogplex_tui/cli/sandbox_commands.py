"""`mogplex-tui sandboxes exec`, `logs` and `health`: work with a sandbox.

None of these three verbs changes the sandbox's record.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Absent, LoginRequired, NotSignedIn
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_arguments import add_record
from mogplex_tui.cli.output import Column
from mogplex_tui.cli.progress import progress
from mogplex_tui.live import redact
from mogplex_tui.operate.executor import run_unlisted_change
from mogplex_tui.operate.serialization import escape_controls, exact_text

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.sandboxes import LoggedSandbox
    from mogplex_tui.api.models.unversioned_sandboxes import SandboxRecord
    from mogplex_tui.api.resources.sandbox_work import Execution
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.live.collection import Entry
    from mogplex_tui.operate.kinds.sandboxes import SandboxRow

_NOUN = "sandbox"


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verbs `exec`, `logs` and `health`."""
    execute = add("exec", "run a command in a sandbox and print its output (ctrl+c stops it)")
    add_record(execute, _NOUN, "record")
    execute.add_argument(
        "words", nargs="+", metavar="COMMAND", help="the command and its arguments, after --"
    )
    execute.add_argument(
        "--cwd", metavar="DIRECTORY", help="working directory (default: the repository's root)"
    )
    add_record(add("logs", "print the install and server logs of a sandbox"), _NOUN, "record")
    add_record(add("health", "check the machine and the preview of a sandbox"), _NOUN, "record")


async def run_verb(args: argparse.Namespace, command: CommandSession) -> int:
    """Run `exec`, `logs` or `health` and return the exit code."""
    from mogplex_tui.cli.kind_records import find_record
    from mogplex_tui.operate.kinds.sandboxes import KIND

    if args.verb == "exec":
        command.require_write_access("The exec")
        await command.require_write_scope("The exec")
    entry = await find_record(KIND, command, args.record)
    client = command.session.client.at(Priority.ACTION)
    if args.verb == "exec":
        return await _execute(client, command, entry, args)
    if args.verb == "logs":
        return await _print_logs(client, command, entry)
    machine = entry.key if entry.row is None else entry.row.machine
    async with progress(command.output.safe_text(f"Checking sandbox {machine}")):
        return await _print_health(client, command, entry)


async def _execute(
    client: ClientView, command: CommandSession, entry: Entry[SandboxRow], args: argparse.Namespace
) -> int:
    """Run a command in a sandbox, print its output and return the exit code.

    The exit code is 1 if the command fails.
    """
    from mogplex_tui.api.models.sandbox_requests import CommandDraft
    from mogplex_tui.api.models.stream_events import Output, StreamEndKind

    first, *rest = args.words
    draft = CommandDraft(command=first, args=rest, cwd=args.cwd)
    printer = _OutputPrinter(command, entry.key)

    async def follow() -> Execution:
        execution = client.sandboxes.exec(entry.key, draft)
        async with execution:
            async for event in execution:
                if isinstance(event, Output):
                    printer.add(event.stream, event.data)
        return execution

    subject = f"{_NOUN} {entry.key}"
    execution = await run_unlisted_change(
        command.session, "sandboxes.exec", subject, follow, title=f"exec in {subject}"
    )
    printer.finish()
    if command.output.as_json:
        fields = {"id": entry.key, "action": "exec", "exit_code": execution.exit_code, "cwd": execution.cwd}
        command.output.object(_NOUN, fields)
    end = execution.end
    if end is not None and end.kind is not StreamEndKind.DONE:
        reason = end.message or "the service does not say why"
        say(command.output.safe_text(f"The command was {end.kind}: {reason}."))
        return Exit.FAILED
    if execution.exit_code:
        say(f"The command ended with exit code {execution.exit_code}.")
        return Exit.FAILED
    return Exit.OK


class _OutputPrinter:
    """Prints the output of a sandbox command line by line, on stdout and stderr.

    With --json, each line is printed as a JSON object.
    """

    def __init__(self, command: CommandSession, key: str) -> None:
        self._output, self._key = command.output, key
        self._unfinished = {"stdout": "", "stderr": ""}

    def add(self, stream: str, piece: str) -> None:
        """Add a piece of output and print the lines that are complete.

        `stream` names the output stream that the piece comes from.
        """
        name = "stderr" if stream == "stderr" else "stdout"
        *lines, self._unfinished[name] = (self._unfinished[name] + piece).split("\n")
        for line in lines:
            self._print(name, line.removesuffix("\r"))
        self._output.flush()

    def finish(self) -> None:
        """Print the last line of each stream, if it has no line break."""
        for name, unfinished_line in self._unfinished.items():
            if unfinished_line:
                self._print(name, unfinished_line)

    def _print(self, name: str, line: str) -> None:
        if self._output.as_json:
            self._output.object("output", {"id": self._key, "stream": name, "line": line})
        elif name == "stdout":
            self._output.program_line(line)
        else:
            say(escape_controls(redact.text(line)))


async def _print_logs(client: ClientView, command: CommandSession, entry: Entry[SandboxRow]) -> int:
    """Print the lines of a sandbox's install and dev logs.

    Each line begins with the name of its log.
    """
    output, record = command.output, await _read_logs(client, entry.key)
    if output.as_json:
        output.object(
            _NOUN,
            {"id": entry.key, "install_log": record.install_log, "dev_log": record.dev_log},
        )
        return Exit.OK
    for name, log in (("install", record.install_log), ("dev", record.dev_log)):
        for line in (log or "").splitlines():
            output.program_line(f"{name:<7}  {line}")
    return Exit.OK


async def _read_logs(client: ClientView, key: str) -> SandboxRecord | LoggedSandbox:
    """Return the record of a sandbox, which contains its logs.

    The token API is used only if the credential cannot use the unversioned route.
    """
    try:
        return await with_retries(lambda: client.sandboxes.get(key))
    except (LoginRequired, NotSignedIn, Absent):
        if client.target.token is None:
            raise
    return (await with_retries(lambda: client.sandboxes.logs(key))).sandbox


async def _print_health(client: ClientView, command: CommandSession, entry: Entry[SandboxRow]) -> int:
    """Let the service check the health of a sandbox, and print the result."""
    output, health = command.output, await with_retries(lambda: client.sandboxes.health(entry.key))
    if output.form == "json":
        fields = redact.payload(health.model_dump(mode="json"))
        output.object(_NOUN, {"id": entry.key, **(fields if isinstance(fields, dict) else {})}, redacted=True)
        return Exit.OK
    facts = {"id": entry.key, "status": health.sandbox.status, "health": health.status}
    facts |= {
        name: exact_text(value)
        for name, value in health.health.items()
        if name != "status" and isinstance(value, str | int | float | bool)
    }
    if output.form == "csv":
        output.csv(facts.keys())
        output.csv(facts.values())
    else:
        output.table([Column(""), Column("")], list(facts.items()), titles=False, whole=True)
    return Exit.OK
