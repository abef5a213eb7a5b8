"""Sandboxes: the machines that agents work in (sandboxes.md; v1.md §4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import LoginRequired, NotSignedIn
from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.api.route_access import Family
from mogplex_tui.live import sandbox_logs
from mogplex_tui.live.reasons import PartialList, Requirement
from mogplex_tui.operate import change_results, common_parameters, parameter_choices
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.log_source import LogSource
from mogplex_tui.operate.model import (
    Action,
    Change,
    Confirmation,
    Creation,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Parameter,
    Result,
    RowPage,
    Source,
    Values,
    column,
    fact,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.sandboxes import Sandbox
    from mogplex_tui.api.models.unversioned_sandboxes import SandboxRecord
    from mogplex_tui.api.resources.sandbox_work import Boot
    from mogplex_tui.live.log_tail import LogLine
    from mogplex_tui.live.session import Session

_MOST_MINUTES = 300


@dataclass(frozen=True, slots=True)
class SandboxRow:
    """A sandbox, which is a machine that agents work in.

    In rows from the token API, the health, the stop reason and the payer are None. `machine` is the
    provider's name of the machine.
    """

    id: str
    status: str
    health: str | None
    error: str | None
    stop_reason: str | None
    repo_id: str | None
    machine: str | None
    base_branch: str
    working_branch: str
    root_directory: str | None
    preview_url: str | None
    runtime: str | None
    paid_by: str | None
    created_at: datetime | None
    last_active_at: datetime | None
    install_log: str | None = field(default=None, repr=False)
    dev_log: str | None = field(default=None, repr=False)
    repo_name: str | None = None

    @property
    def is_booting(self) -> bool:
        """Whether the sandbox is still being created or booted."""
        return self.status in ("creating", "installing")

    @property
    def did_not_boot(self) -> bool:
        """Whether the sandbox failed to start, or its boot was abandoned as too slow."""
        return self.status == "error" or self.stop_reason == "stuck_boot"

    @property
    def repo(self) -> str | None:
        """The name of the sandbox's repository, or its id if the name is not known."""
        return self.repo_name or self.repo_id


def _from_record(record: SandboxRecord) -> SandboxRow:
    return SandboxRow(
        id=record.id,
        status=record.status,
        health=record.health,
        error=record.error,
        stop_reason=record.stop_reason,
        repo_id=record.repo_id,
        machine=record.sandbox_id,
        base_branch=record.base_branch,
        working_branch=record.working_branch,
        root_directory=record.root_directory,
        preview_url=record.runtime_summary.preview_url,
        runtime=record.runtime,
        paid_by=record.billing_summary.label or None,
        created_at=record.created_at,
        last_active_at=record.last_active_at,
        install_log=record.install_log,
        dev_log=record.dev_log,
    )


def _from_v1(sandbox: Sandbox) -> SandboxRow:
    return SandboxRow(
        id=sandbox.id,
        status=sandbox.status,
        health=None,
        error=sandbox.error,
        stop_reason=None,
        repo_id=sandbox.repo_id,
        machine=sandbox.sandbox_id,
        base_branch=sandbox.base_branch,
        working_branch=sandbox.working_branch,
        root_directory=sandbox.root_directory,
        preview_url=sandbox.preview_url,
        runtime=None,
        paid_by=None,
        created_at=sandbox.created_at,
        last_active_at=sandbox.last_active_at,
    )


async def _read(client: ClientView, _: Session) -> RowPage[SandboxRow]:
    return page_of(await client.sandboxes.records(), _from_record, lambda row: row.id)


async def _read_v1(client: ClientView, _: Session) -> RowPage[SandboxRow]:
    return page_of(await client.sandboxes.list(), _from_v1, lambda row: row.id)


def _fill(session: Session) -> Callable[[SandboxRow], SandboxRow]:
    return lambda row: replace(row, repo_name=session.names.repo(row.repo_id))


async def _read_logs(client: ClientView, session: Session, key: str, row: SandboxRow) -> Sequence[LogLine]:
    return await sandbox_logs.read(client, session, key, row.install_log, row.dev_log)


def _only_in_states(*states: str) -> Callable[[SandboxRow], str | None]:
    """Return a function that checks whether a sandbox is in one of the given states.

    The function returns None if it is, or the reason why the action is not possible.
    """
    allowed = " or ".join(states)

    def unavailable(row: SandboxRow) -> str | None:
        return None if row.status in states else f"The sandbox is {row.status}; it must be {allowed}."

    return unavailable


# Parameters --------------------------------------------------------------------------------------------------------


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 1 <= minutes <= _MOST_MINUTES:
        raise ValueError(f"Give 1 to {_MOST_MINUTES} minutes.")
    return minutes


def _repo_id(text: str) -> str:
    if not is_uuid(text.strip()):
        raise ValueError("Choose a repository.")
    return text.strip().lower()


MINUTES = Parameter(
    "minutes", f"minutes to extend the lifetime by, 1 to {_MOST_MINUTES}", _minutes, default="30"
)
REPO = Parameter(
    "repo",
    "repository (owner/name or ID)",
    _repo_id,
    live_choices=parameter_choices.repository_choices,
    choices_are_names=True,
)
BASE = common_parameters.optional_text("base", "base branch, if not the default branch")
BRANCH = common_parameters.optional_text("branch", "working branch, if not the base branch")
NEW_BRANCH = common_parameters.flag("new_branch", "whether to create the branch")


def _problem(values: Values) -> str | None:
    if values[NEW_BRANCH] and not values[BRANCH]:
        return "A new branch needs a name: give the branch too."
    return None


# Requests ----------------------------------------------------------------------------------------------------------


async def _follow_boot(boot: Boot, done: str, key: str = "") -> Result:
    """Wait for the end of a sandbox's boot and return the result.

    If the booted record is not `key`, the service created it for this boot, and the result has
    its id.
    """
    from mogplex_tui.api.models.stream_events import StreamEndKind

    warnings = []
    async with boot:
        async for event in boot:
            if event.type == "warning":
                warnings.append(getattr(event, "message", ""))
    end, record = boot.end, boot.record_id or ""
    if end is not None and end.kind is not StreamEndKind.DONE and boot.as_stream:
        return Result(False, change_results.boot_failure_sentence(end.message or end.kind, record, warnings))
    return Result(True, change_results.boot_sentence(done, warnings), new_id="" if record == key else record)


async def _launch(client: ClientView, values: Values) -> Result:
    from mogplex_tui.api.models.sandbox_requests import LaunchDraft

    draft = LaunchDraft(
        repo_id=values[REPO],
        base_branch=values[BASE],
        working_branch=values[BRANCH],
        create_branch=values[NEW_BRANCH],
    )
    has_token = client.target.token is not None
    if client.access.may_ask(Family.SANDBOX) or not has_token:
        try:
            return await _follow_boot(client.sandboxes.launch(draft), "The sandbox is running.")
        except (LoginRequired, NotSignedIn):
            if not has_token:
                raise
    sandbox = await client.sandboxes.launch_and_wait(draft)
    return Result(True, "The sandbox is running.", new_id=sandbox.id)


async def _stop(change: Change[SandboxRow]) -> Result:
    return Result(*change_results.stop_result(await change.client.sandboxes.stop(change.key)))


async def _resume(change: Change[SandboxRow]) -> Result:
    return await _follow_boot(change.client.sandboxes.resume(change.key), "{} is running.", change.key)


async def _restart(change: Change[SandboxRow]) -> Result:
    return await _follow_boot(change.client.sandboxes.restart(change.key), "{} is running again.", change.key)


async def _extend(change: Change[SandboxRow]) -> Result:
    extended = await change.client.sandboxes.extend(change.key, change.values[MINUTES])
    return Result(*change_results.extension_sentence(extended))


async def _reconcile(change: Change[SandboxRow]) -> Result:
    return Result(*change_results.reconcile_result(await change.client.sandboxes.reconcile(change.key)))


async def _delete(change: Change[SandboxRow]) -> Result:
    return Result(*change_results.delete_result(await change.client.sandboxes.delete(change.key)))


_ACTIONS: tuple[Action[SandboxRow], ...] = (
    Action(
        "stop",
        "x",
        "Stop the sandbox: destroys the machine, keeps the record",
        _stop,
        in_progress="stopping",
        help_has_title=True,
        families=(Family.SANDBOX,),
        unavailable_reason=_only_in_states("running", "paused", "installing", "creating", "error"),
        confirmation=Confirmation(
            ["The machine and its snapshots are destroyed; unpushed work on it is lost."], "Stop sandbox"
        ),
        is_bulk=True,
    ),
    Action(
        "pause",
        "p",
        "Pause the sandbox: keeps the disk, stops billing",
        lambda change: change.client.sandboxes.pause(change.key),
        in_progress="pausing",
        help_has_title=True,
        done="{} is paused.",
        families=(Family.SANDBOX,),
        unavailable_reason=_only_in_states("running"),
    ),
    Action(
        "resume",
        "u",
        "Resume a paused sandbox",
        _resume,
        in_progress="resuming",
        help_has_title=True,
        families=(Family.SANDBOX,),
        unavailable_reason=_only_in_states("paused"),
    ),
    Action(
        "restart",
        "R",
        "Boot the sandbox again",
        _restart,
        in_progress="restarting",
        families=(Family.SANDBOX,),
        unavailable_reason=_only_in_states("running", "error", "stopped"),
        confirmation=Confirmation(["Processes on the machine are interrupted."], "Restart"),
        in_footer=False,
    ),
    Action(
        "extend",
        "+",
        "Extend the lifetime of a running sandbox",
        _extend,
        in_progress="extending",
        help_has_title=True,
        families=(Family.SANDBOX,),
        parameters=(MINUTES,),
        unavailable_reason=_only_in_states("running"),
        in_footer=False,
    ),
    Action(
        "reconcile",
        "",
        "Compare the record with the machine and correct it",
        _reconcile,
        in_progress="reconciling",
        families=(Family.SANDBOX,),
        in_footer=False,
    ),
    Action(
        "delete",
        "ctrl+d",
        "Destroy the machine and remove the record",
        _delete,
        in_progress="deleting",
        families=(Family.SANDBOX,),
        confirmation=Confirmation(
            ["The machine and its snapshots are destroyed, and the record with its logs is removed."],
            "Delete sandbox",
        ),
        in_footer=False,
    ),
)


KIND = Kind[SandboxRow](
    name="sandboxes",
    title="Sandboxes",
    noun="sandbox",
    aliases=("sandbox", "sbx", "sb"),
    contract="sandboxes.md, v1.md §4",
    sources=(
        Source(Family.SANDBOX, _read, poll=60, poll_without_realtime=20, tables=frozenset({"sandboxes"})),
        Source(
            Family.V1,
            _read_v1,
            poll=60,
            poll_without_realtime=20,
            tables=frozenset({"sandboxes"}),
            notice=PartialList("states and errors", Requirement("health and changes of sandboxes")),
        ),
    ),
    join=Join(_fill, names=True),
    failed_filter="state:error",
    live_filter="state:running",
    columns=(
        column("status", "STATE", lambda row: row.status, formats.state(), Layout(12), is_text=True),
        column(
            "repo",
            "REPO",
            lambda row: row.repo,
            formats.text(),
            Layout(18, flex=1, min_width=12, cut="middle"),
            is_text=True,
        ),
        column(
            "branch",
            "BRANCH",
            lambda row: row.working_branch,
            formats.text(),
            Layout(22, 1, flex=2, min_width=12, cut="middle"),
            field="working_branch",
            is_text=True,
        ),
        column("health", "HEALTH", lambda row: row.health, formats.DIM_REASON, Layout(12, 3)),
        column(
            "active",
            "ACTIVE",
            lambda row: row.last_active_at,
            formats.AGE,
            Layout(6),
            field="last_active_at",
        ),
        column("age", "AGE", lambda row: row.created_at, formats.AGE, Layout(4, 4), field="created_at"),
        formats.error_or_reason_column(lambda row: row.error, lambda row: row.stop_reason, "error"),
    ),
    hidden_filters={
        "state": lambda row: row.status,
        "sandboxid": lambda row: row.machine,
        "runtime": lambda row: row.runtime,
        "project": lambda row: row.repo_id,
    },
    default_sort=lambda row: (formats.sort_key(row.last_active_at),),
    descending=True,
    other_names=lambda row: (row.machine,) if row.machine else (),
    label=lambda row: f"{row.repo_name or 'sandbox'} {row.working_branch}",
    facts=(
        (
            fact("status", lambda row: row.status, formats.state()),
            fact("health", lambda row: row.health, formats.REASON),
            fact("stop reason", lambda row: row.stop_reason, formats.REASON),
            fact("error", lambda row: row.error, formats.text("error")),
        ),
        (
            Fact("repo", lambda row: row.repo),
            Fact("branch", lambda row: row.working_branch),
            Fact("base branch", lambda row: row.base_branch),
            Fact("root directory", lambda row: row.root_directory),
        ),
        (
            Fact("preview", lambda row: row.preview_url),
            Fact("runtime", lambda row: row.runtime),
            Fact("paid by", lambda row: row.paid_by, optional=True),
        ),
        (
            Fact("created", lambda row: row.created_at),
            Fact("last active", lambda row: row.last_active_at),
        ),
        (Fact("machine", lambda row: row.machine),),
    ),
    links=(
        Link("repo", "projects", lambda row: row.repo_name or "", key=lambda row: row.repo_id),
        Link("runs", "runs", lambda _: "all runs", filter=lambda row: f"sandbox:{quoted(row.id[:8])}"),
    ),
    page_in_browser=lambda row: row.preview_url or "",
    logs=LogSource(
        _read_logs,
        frozenset({"sandboxes"}),
        is_over=lambda row: row.status in ("stopped", "error"),
        uses_v1=sandbox_logs.uses_v1,
        empty="No log lines yet. The install and the dev server write here.",
    ),
    creations=(
        Creation(
            "launch",
            # No key: on a record's page, `n` goes to the next match in the log.
            "",
            "Start a sandbox for a branch, or reuse the existing one",
            parameters=(REPO, BASE, BRANCH, NEW_BRANCH),
            name=lambda values: f"of repository {values[REPO][:8]}",
            request=_launch,
            in_progress="launching",
            families=(Family.SANDBOX, Family.V1),
            problem=_problem,
        ),
    ),
    actions=_ACTIONS,
    created_at=lambda row: row.created_at,
    empty="No sandboxes. A run or an automation starts one when it needs it.",
    needs=Requirement("sandboxes", accepts_token=True),
)
