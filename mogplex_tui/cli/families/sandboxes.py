"""`mogplex-tui sandboxes`: the machines that agents work in (sandboxes.md; v1.md §4)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.families import places
from mogplex_tui.cli.families.base import Column, Desk, Family, Printed, Road, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command
from mogplex_tui.cli.families.shaping import repo_name
from mogplex_tui.live import redact
from mogplex_tui.operate import answers

if TYPE_CHECKING:
    from mogplex_tui.api.models.sandbox_drafts import Extension
    from mogplex_tui.api.resources.sandbox_work import Boot

STATUSES = ("creating", "installing", "running", "pausing", "paused", "stopped", "error")


async def _list(desk: Desk) -> Any:
    rows = await desk.client.sandboxes.records()
    await _dress(desk, rows)
    if desk.args.verb == "list":
        repo = await places.repo_id(desk, desk.args.repo) if desk.args.repo else None
        rows[:] = [
            row for row in rows if repo in (None, row.repo_id) and desk.args.status in (None, row.status)
        ]
    return rows


async def _over_v1(desk: Desk) -> Any:
    listing = desk.args.verb == "list"
    repo = await places.repo_id(desk, desk.args.repo) if listing and desk.args.repo else None
    rows = await desk.client.sandboxes.list(repo_id=repo, status=desk.args.status if listing else None)
    await _dress(desk, rows)
    return rows


async def _dress(desk: Desk, rows: Any) -> None:
    if rows and desk.args.verb == "list" and desk.setting.output.form in ("table", "wide"):
        await places.learn_names(desk, rows)


async def _launch(desk: Desk) -> Any:
    return await _booted(desk, desk.client.sandboxes.launch(await _draft(desk)))


async def _launch_v1(desk: Desk) -> Any:
    return await desk.client.sandboxes.launch_and_wait(await _draft(desk))


async def _draft(desk: Desk) -> Any:
    from mogplex_tui.api.models.sandbox_drafts import LaunchDraft

    args = desk.args
    return LaunchDraft(
        repo_id=await places.repo_id(desk, args.repo),
        base_branch=args.base,
        working_branch=args.branch,
        create_branch=args.new_branch,
    )


async def _booted(desk: Desk, boot: Boot) -> Any:
    """Follow a boot to its end and return the record. Raises Stop when it failed."""
    from mogplex_tui.api.models.stream import EndKind
    from mogplex_tui.cli.common import Stop, say
    from mogplex_tui.cli.exits import Exit

    async with boot:
        async for event in boot:
            if event.type == "warning":
                warning = getattr(event, "message", "")
                say(desk.setting.output.shown(f"The service warns: {warning}"))
    end = boot.end
    if end is not None and end.kind is not EndKind.DONE and boot.as_stream:
        record = f" Its record is {boot.record_id}." if boot.record_id else ""
        raise Stop(Exit.FAILED, f"The sandbox did not boot: {end.message or end.kind}.{record}")
    return boot.sandbox or {"id": boot.record_id}


def _boots(start: Callable[[Desk], Boot]) -> tuple[Road, ...]:
    async def call(desk: Desk) -> Any:
        return await _booted(desk, start(desk))

    return (off(call),)


def _extension(args: argparse.Namespace) -> Extension:
    from mogplex_tui.api.models.sandbox_drafts import Extension

    return Extension(minutes=args.minutes)


async def _extend(desk: Desk) -> Any:
    extended = await desk.client.sandboxes.extend(desk.key, desk.args.minutes)
    return {"id": desk.key, "extended_by_ms": extended}


async def _logs(desk: Desk) -> Any:
    record = await desk.client.sandboxes.get(desk.key)
    return _printed(record.install_log, record.dev_log, record.id)


async def _logs_v1(desk: Desk) -> Any:
    found = await desk.client.sandboxes.logs(desk.key)
    return _printed(found.sandbox.install_log, found.sandbox.dev_log, found.sandbox.id)


async def _one_v1(desk: Desk) -> Any:
    return (await desk.client.sandboxes.logs(desk.key)).sandbox


def _printed(install: str | None, dev: str | None, key: str) -> Printed:
    lines = [f"install  {line}" for line in (install or "").splitlines()]
    lines += [f"dev      {line}" for line in (dev or "").splitlines()]
    return Printed(lines, {"id": key, "install_log": install, "dev_log": dev})


async def _exec(desk: Desk) -> Any:
    """Run a command and hand on what it writes while it does; its failure is the command's exit code 1."""
    from mogplex_tui.api.models.sandbox_drafts import CommandDraft
    from mogplex_tui.api.models.stream import EndKind, Output

    first, *rest = desk.args.words
    draft = CommandDraft(command=first, args=rest, cwd=desk.args.cwd)
    spout = Spout(desk)
    execution = desk.client.sandboxes.exec(desk.key, draft)
    async with execution:
        async for event in execution:
            if isinstance(event, Output):
                spout.take(event.stream, event.data)
    spout.end()
    end = execution.end
    if end is not None and end.kind is not EndKind.DONE:
        desk.notes.append(f"The command was {end.kind}: {end.message or 'the service does not say why'}.")
        desk.code = 1
    elif execution.exit_code:
        desk.notes.append(f"The command ended with exit code {execution.exit_code}.")
        desk.code = 1
    return Printed((), {"id": desk.key, "exit_code": execution.exit_code, "cwd": execution.cwd})


class Spout:
    """Makes lines of the pieces that a command writes: stdout to stdout, stderr to stderr, as objects for --json."""

    def __init__(self, desk: Desk) -> None:
        self._output, self._key = desk.setting.output, desk.key
        self._rest = {"stdout": "", "stderr": ""}

    def take(self, stream: str, piece: str) -> None:
        """Take in a piece and write the lines that are whole."""
        name = "stderr" if stream == "stderr" else "stdout"
        *lines, self._rest[name] = (self._rest[name] + piece).split("\n")
        for line in lines:
            self._write(name, line.removesuffix("\r"))
        self._output.flush()

    def end(self) -> None:
        """Write what had no end of a line."""
        for name, rest in self._rest.items():
            if rest:
                self._write(name, rest)

    def _write(self, name: str, line: str) -> None:
        from mogplex_tui.cli.common import say
        from mogplex_tui.cli.output import harmless

        if self._output.as_json:
            self._output.object("output", {"id": self._key, "stream": name, "line": line})
        elif name == "stdout":
            self._output.written(line)
        else:
            say(harmless(redact.text(line)))


def _check_launch(args: argparse.Namespace) -> None:
    from mogplex_tui.cli.common import Stop
    from mogplex_tui.cli.exits import Exit

    if args.new_branch and not args.branch:
        raise Stop(Exit.USAGE, "A new branch needs a name: give --branch too.")


_BRANCHES = (
    option("--repo", required=True, metavar="REPO", help="owner/name or its id"),
    option("--base", metavar="BRANCH", help="where to start from (default: the repository's)"),
    option("--branch", metavar="BRANCH", help="where to work (default: the base)"),
    option("--new-branch", action="store_true", help="make the branch"),
)

FAMILY = Family(
    name="sandboxes",
    noun="sandbox",
    columns=(
        Column("ID", "id"),
        Column("STATUS", "status"),
        Column("HEALTH", "health", priority=2),
        Column("REPOSITORY", "repo_id", show=repo_name),
        Column("BRANCH", "working_branch", priority=1),
        Column("BASE", "base_branch", wide=True),
        Column("AGE", "created_at"),
        Column("ACTIVE", "last_active_at", priority=2),
        Column("PAID BY", "billing_summary.label", wide=True),
        Column("NAME", "sandbox_id", wide=True),
        Column("STOPPED BY", "stop_reason", wide=True),
        Column("PREVIEW", "runtime_summary.preview_url|preview_url", wide=True),
        Column("ERROR", "error", priority=3),
    ),
    roads=(off(_list), v1(_over_v1, "at most 200, without health and who pays.")),
    one=(
        off(lambda desk: desk.client.sandboxes.get(desk.key)),
        v1(_one_v1, "its state and its logs."),
    ),
    names=("sandbox_id",),
    options=(
        option("--repo", metavar="REPO", help="only this repository: owner/name or its id"),
        option("--status", choices=STATUSES, help="only these"),
    ),
    verbs=(
        Verb(
            "launch",
            "start a sandbox and wait until it runs, or find the one that is there",
            (off(_launch), v1(_launch_v1)),
            options=_BRANCHES,
            takes_one=False,
            doing="Booting",
            done="The sandbox is there.",
            check=_check_launch,
        ),
        Verb(
            "resume",
            "wake a paused sandbox",
            _boots(lambda desk: desk.client.sandboxes.resume(desk.key)),
            doing="Waking {}",
            done="{} runs.",
        ),
        Verb(
            "restart",
            "boot a sandbox anew",
            _boots(lambda desk: desk.client.sandboxes.restart(desk.key)),
            question="Restart {}? What runs in it ends.",
            doing="Restarting {}",
            done="{} runs again.",
        ),
        Verb(
            "pause",
            "pause a running sandbox; one that is not persistent cannot be woken again",
            (off(lambda desk: desk.client.sandboxes.pause(desk.key)),),
            doing="Pausing {}",
            done="{} is paused.",
        ),
        Verb(
            "stop",
            "destroy the machine with its snapshots; the record stays",
            (off(lambda desk: desk.client.sandboxes.stop(desk.key)),),
            question="Stop {}? Its machine and snapshots are destroyed.",
            doing="Stopping {}",
            told=lambda record, _: answers.sandbox_stopped(record),
        ),
        Verb(
            "extend",
            "let a sandbox live longer",
            (off(_extend),),
            draft=_extension,
            options=(option("--minutes", type=float, required=True, metavar="N", help="1 to 300"),),
            done="{} lives longer.",
        ),
        Verb(
            "reconcile",
            "have the record set right",
            (off(lambda desk: desk.client.sandboxes.reconcile(desk.key)),),
            doing="Looking at {}",
            done="{} is looked at.",
            prints="sandbox.id",
        ),
        Verb(
            "health",
            "a look at machine and preview",
            (off(lambda desk: desk.client.sandboxes.health(desk.key)),),
            changes=False,
            doing="Looking at {}",
        ),
        Verb(
            "exec",
            "run a command in a sandbox and print what it writes; leaving it ends the command",
            (off(_exec),),
            options=(
                option("words", nargs="+", metavar="COMMAND", help="the command and its arguments, after --"),
                option("--cwd", metavar="DIRECTORY", help="where (default: the repository's root directory)"),
            ),
        ),
        Verb("logs", "what its install and its server printed", (off(_logs), v1(_logs_v1)), changes=False),
        Verb(
            "delete",
            "destroy the machine and remove the record",
            (off(lambda desk: desk.client.sandboxes.delete(desk.key)),),
            question="Delete {}? Its machine is destroyed.",
            doing="Deleting {}",
            told=lambda found, _: answers.sandbox_deleted(found),
        ),
    ),
)
add_arguments, run = command(FAMILY)
