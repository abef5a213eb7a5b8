"""Boots, commands and coding CLI runs of a sandbox, as streams of events."""

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
"""Seconds to wait for the next event of a command: the lifetime of a machine.

The service sends no heartbeat (sandboxes.md §0, §2.4).
"""

_EVENTS = {"Accept": "text/event-stream"}
# If another request was faster, the stream comes with this status (sandboxes.md §4.5).
_STREAM_STATUSES = frozenset({409})


def _events_of_found(response: JsonResponse) -> list[BootEvent]:
    return [SandboxFound(type="found", sandbox=response.one(SandboxRecord, "sandbox"))]


def _events_of_result(response: JsonResponse) -> list[CommandEvent]:
    """Return the events for a command whose result came as JSON instead of a stream."""
    result = response.one(CommandResult)
    written = [("stdout", result.stdout), ("stderr", result.stderr)]
    events: list[CommandEvent] = [
        Output(type="log", stream=name, data=text) for name, text in written if text
    ]
    return [*events, CommandDone(type="done", exit_code=result.exit_code, cwd=result.cwd)]


class Boot(EventStream[BootEvent]):
    """The events of a booting sandbox. Leaving the stream does not stop the boot.

    `sandbox` is the newest record that was received, and `record_id` the sandbox's id, which every
    route takes. `as_stream` is False if the sandbox existed already: `SandboxFound` is then the
    only event, and the sandbox may still be booting.
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
    """The events of a command in a sandbox. Leaving the stream kills the command.

    `command_id` is the id to pass to `cancel_command`. It is None until the service has sent it,
    and always if the service answered with JSON instead of a stream.
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
    """The events of a coding CLI run. Leaving the stream cancels the run's AI call.

    `ai_call_id` is the id of that call, with which its events and its cost can be read.
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
    """Boots, commands and coding CLI runs of sandboxes, at `/api/sandbox`.

    Most methods return a stream; entering it with `async with` sends the request.
    """

    def launch(self, draft: LaunchDraft) -> Boot:
        """Return a stream that launches a sandbox and reports its boot.

        If the same working tree has a sandbox already, no other is created and the stream returns that
        one. Entering raises NotFound for a repository of another account, Throttled beyond the quota
        (3 active, 120 an hour, 10,000 a day), NotAllowed without access to hosted compute, and
        Unavailable.

        Contract: sandboxes.md §3.2.
        """
        return Boot(self._transport, "/api/sandbox", "the new sandbox", draft.body())

    def resume(self, sandbox_id: str) -> Boot:
        """Return a stream that resumes a paused, persistent sandbox and reports its boot.

        Entering raises BadRequest if the sandbox is not paused or not persistent, and Conflict while it
        pauses or boots. Contract: sandboxes.md §4.5.
        """
        root, name = sandbox_route(sandbox_id)
        return Boot(self._transport, f"{root}/resume", f"the resume of {name}")

    def restart(self, sandbox_id: str) -> Boot:
        """Return a stream that restarts a sandbox and reports its boot.

        A sandbox that is not persistent gets a new record. Contract: sandboxes.md §4.6.
        """
        root, name = sandbox_route(sandbox_id)
        return Boot(self._transport, f"{root}/restart", f"the restart of {name}")

    def exec(self, sandbox_id: str, command: CommandDraft) -> Execution:
        """Return a stream that runs a command in a sandbox and reports its output.

        If the service answers with JSON instead of a stream, the events are the same. Entering raises
        Throttled while another command runs in the sandbox and beyond 20 commands a minute or 120 an
        hour, and Conflict if the sandbox is not ready or a coding CLI has no AI credential.
        Contract: sandboxes.md §4.8.
        """
        root, name = sandbox_route(sandbox_id)
        return Execution(self._transport, f"{root}/exec", f"the command in {name}", command.body())

    async def run_command(
        self, sandbox_id: str, command: CommandDraft, extra_wait: float = 600.0
    ) -> CommandResult:
        """Run a command to its end and return its output and its exit code.

        `extra_wait` is how many seconds longer than usual the response may take. Raises the same errors
        as `exec`.
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

        The CLI commits, pushes and opens a pull request by itself. Entering raises Conflict if the
        sandbox is not ready, if the prepared call is not pending, and without an AI credential.
        Contract: sandboxes.md §4.15.
        """
        root, name = sandbox_route(sandbox_id)
        return HarnessRun(
            self._transport, f"{root}/harness", f"the {draft.harness} run in {name}", draft.body()
        )

    async def prepare_harness(self, sandbox_id: str, draft: HarnessDraft) -> str:
        """Create a pending AI call for a coding CLI run, and return the id of the call.

        Nothing is run.
        """
        root, name = sandbox_route(sandbox_id)
        body = {**draft.body(), "prepareOnly": True}
        response = await self._change(
            "POST", f"{root}/harness", f"the {draft.harness} run in {name}", body=body
        )
        return str(response.at("aiCallId"))
