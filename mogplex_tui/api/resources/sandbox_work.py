"""Streams that launch sandboxes, run commands and run coding CLIs in them."""

from __future__ import annotations

from typing import Any

from mogplex_tui.api.event_stream import EventStream
from mogplex_tui.api.models.sandbox_events import (
    BOOT_EVENTS,
    COMMAND_EVENTS,
    HARNESS_EVENTS,
    BootEvent,
    CommandDone,
    CommandEvent,
    CommandStarted,
    HarnessDone,
    HarnessEvent,
    HarnessSession,
    HarnessStarted,
    SandboxCreated,
    SandboxFound,
)
from mogplex_tui.api.models.sandbox_requests import CommandDraft, CommandId, HarnessDraft, LaunchDraft
from mogplex_tui.api.models.stream_events import Output
from mogplex_tui.api.models.unversioned_sandboxes import CommandResult, SandboxRecord
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.resources.sandbox_files import sandbox_route
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.transport import Request, Transport

BOOT_EXTRA_WAIT = 600.0
"""Seconds to wait for the next event of a boot.

After ten minutes the service treats a boot as stuck (sandboxes.md §2.4).
"""
COMMAND_EXTRA_WAIT = 5 * 3600.0
"""Seconds to wait for the next event of a command.

It is the lifetime of a machine, because the service sends nothing while a command is silent
(sandboxes.md §0, §2.4).
"""

_EVENTS = {"Accept": "text/event-stream"}
# If another request was faster, the stream comes with this status (sandboxes.md §4.5).
_STREAM_STATUSES = frozenset({409})


def _events_of_found(response: JsonResponse) -> list[BootEvent]:
    return [SandboxFound(type="found", sandbox=response.one(SandboxRecord, "sandbox"))]


def _events_of_result(response: JsonResponse) -> list[CommandEvent]:
    """Return the events for a command whose result came as JSON, not as a stream."""
    result = response.one(CommandResult)
    written = [("stdout", result.stdout), ("stderr", result.stderr)]
    events: list[CommandEvent] = [
        Output(type="log", stream=name, data=text) for name, text in written if text
    ]
    return [*events, CommandDone(type="done", exit_code=result.exit_code, cwd=result.cwd)]


class Boot(EventStream[BootEvent]):
    """The events of a booting sandbox; leaving the stream does not stop the boot.

    `sandbox` is the last record that was received. `record_id` is the id of the sandbox to use in
    other requests. `as_stream` is False if the response was not a stream because the same working
    tree already had a sandbox: `SandboxFound` is then the only event, and the sandbox may still be
    booting.
    """

    def __init__(self, transport: Transport, path: str, resource: str, body: Any = None) -> None:
        request = Request("POST", path, resource, body=body, headers=_EVENTS, extra_wait=BOOT_EXTRA_WAIT)
        super().__init__(
            transport, request, BOOT_EVENTS, from_json=_events_of_found, stream_statuses=_STREAM_STATUSES
        )
        self.sandbox: SandboxRecord | None = None
        self.record_id: str | None = None

    def _remember(self, event: BootEvent) -> None:
        if isinstance(event, SandboxCreated) and event.record_id:
            self.record_id = event.record_id
        record = getattr(event, "sandbox", None)
        if isinstance(record, SandboxRecord):
            self.sandbox = record
            self.record_id = record.id


class Execution(EventStream[CommandEvent]):
    """The events of a command in a sandbox; leaving the stream kills the command.

    `command_id` is the id to pass to `cancel_command`. It is None until the service has sent it. It
    stays None if the service answers with JSON and not with a stream.
    """

    def __init__(self, transport: Transport, path: str, resource: str, body: Any) -> None:
        request = Request("POST", path, resource, body=body, headers=_EVENTS, extra_wait=COMMAND_EXTRA_WAIT)
        super().__init__(transport, request, COMMAND_EVENTS, from_json=_events_of_result)
        self.command_id: str | None = None
        self.exit_code: int | None = None
        self.cwd: str | None = None

    def _remember(self, event: CommandEvent) -> None:
        if isinstance(event, CommandStarted):
            self.command_id = event.cmd_id or None
        elif isinstance(event, CommandDone):
            self.exit_code, self.cwd = event.exit_code, event.cwd


class HarnessRun(EventStream[HarnessEvent]):
    """The events of a coding CLI run; leaving the stream cancels the run's AI call.

    `ai_call_id` is the id of the AI call, with which its events and its cost can be read.
    `session_id` can be passed to a later run, which then continues the session.
    """

    def __init__(self, transport: Transport, path: str, resource: str, body: Any) -> None:
        request = Request("POST", path, resource, body=body, headers=_EVENTS, extra_wait=COMMAND_EXTRA_WAIT)
        super().__init__(transport, request, HARNESS_EVENTS)
        self.ai_call_id: str | None = None
        self.session_id: str | None = None
        self.pull_request_url: str | None = None

    def _remember(self, event: HarnessEvent) -> None:
        if isinstance(event, HarnessStarted):
            self.ai_call_id = event.ai_call_id or None
        elif isinstance(event, HarnessSession):
            self.session_id = event.session_id or None
        elif isinstance(event, HarnessDone):
            self.pull_request_url = event.pull_request_url


class SandboxStreams(Resource):
    """Streams that launch sandboxes, run commands and coding CLIs, at `/api/sandbox`.

    Most methods return a stream. The request is sent when the stream is entered with `async with`;
    the docstrings of the methods say which errors this raises.
    """

    def launch(self, draft: LaunchDraft) -> Boot:
        """Return a stream that launches a sandbox and reports its boot.

        If a sandbox for the same working tree exists, the stream returns that sandbox and launches no
        other. Entering raises NotFound for a repository of another account, Throttled if a quota is used
        up (3 active, 120 an hour, 10,000 a day), NotAllowed if the account has no credit or plan for
        hosted sandboxes, and Unavailable.

        Contract: sandboxes.md §3.2.
        """
        return Boot(self._transport, "/api/sandbox", "the new sandbox", draft.body())

    def resume(self, sandbox_id: str) -> Boot:
        """Return a stream that resumes a paused, persistent sandbox and reports its boot.

        Entering raises BadRequest if the sandbox is not paused or not persistent, and Conflict while it
        is pausing or booting. Contract: sandboxes.md §4.5.
        """
        root, name = sandbox_route(sandbox_id)
        return Boot(self._transport, f"{root}/resume", f"the resume of {name}")

    def restart(self, sandbox_id: str) -> Boot:
        """Return a stream that restarts a sandbox and reports its boot.

        If the sandbox is not persistent, the service creates a new record with a new id for it.
        Contract: sandboxes.md §4.6.
        """
        root, name = sandbox_route(sandbox_id)
        return Boot(self._transport, f"{root}/restart", f"the restart of {name}")

    def exec(self, sandbox_id: str, command: CommandDraft) -> Execution:
        """Return a stream that runs a command in a sandbox and reports its output.

        If the service answers with JSON and not with a stream, the stream yields the same events.
        Entering raises Throttled while another command runs in the sandbox and if a limit is used up (20
        commands a minute, 120 an hour). It raises Conflict if the sandbox is not ready, or if the command
        is a coding CLI for which the account has no AI credential. Contract: sandboxes.md §4.8.
        """
        root, name = sandbox_route(sandbox_id)
        return Execution(self._transport, f"{root}/exec", f"the command in {name}", command.body())

    async def run_command(
        self, sandbox_id: str, command: CommandDraft, extra_wait: float = 600.0
    ) -> CommandResult:
        """Run a command until it ends, and return its output and its exit code.

        `extra_wait` is how many seconds longer than usual the response may take. Raises the same errors
        as entering the stream of `exec`.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._change(
            "POST", f"{root}/exec", f"the command in {name}", body=command.body(), extra_wait=extra_wait
        )
        return response.one(CommandResult)

    async def cancel_command(self, sandbox_id: str, command_id: str) -> None:
        """Send SIGINT to a running command.

        Raises ServiceFailed if the command has ended. Contract: sandboxes.md §4.9.
        """
        root, name = sandbox_route(sandbox_id)
        body = CommandId(cmd_id=command_id).set_fields()
        await self._change("POST", f"{root}/exec/cancel", f"the command in {name}", body=body)

    def harness(self, sandbox_id: str, draft: HarnessDraft) -> HarnessRun:
        """Return a stream that runs a coding CLI in a sandbox and reports its events.

        The CLI commits and pushes its changes and opens a pull request. Entering raises Conflict if the
        sandbox is not ready, if the call `draft.ai_call_id` is not pending, or if the account has no AI
        credential. Contract: sandboxes.md §4.15.
        """
        root, name = sandbox_route(sandbox_id)
        return HarnessRun(
            self._transport, f"{root}/harness", f"the {draft.harness} run in {name}", draft.body()
        )

    async def prepare_harness(self, sandbox_id: str, draft: HarnessDraft) -> str:
        """Create a pending AI call for a later coding CLI run, and return the call's id.

        The coding CLI is not started.
        """
        root, name = sandbox_route(sandbox_id)
        body = {**draft.body(), "prepareOnly": True}
        response = await self._change(
            "POST", f"{root}/harness", f"the {draft.harness} run in {name}", body=body
        )
        return str(response.at("aiCallId"))
