"""What runs in a sandbox and is followed while it does: boots, commands, coding CLIs (sandboxes.md §3.2, §4.5 to §4.9,
§4.15).
"""

from __future__ import annotations

from typing import Any

from mogplex_tui.api.event_stream import EventStream
from mogplex_tui.api.models.sandbox_drafts import CommandDraft, CommandId, HarnessDraft, LaunchDraft
from mogplex_tui.api.models.sandbox_events import (
    BOOT_WORDS,
    COMMAND_WORDS,
    HARNESS_WORDS,
    BootEvent,
    CommandBegan,
    CommandDone,
    CommandEvent,
    Found,
    HarnessBegan,
    HarnessDone,
    HarnessEvent,
    SandboxCreated,
    SessionKnown,
)
from mogplex_tui.api.models.sandbox_records import CommandResult, SandboxRecord
from mogplex_tui.api.models.stream import Output
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.resources.sandbox_files import sandbox_route
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.transport import Request, Transport

BOOT_SILENCE = 600.0
"""Seconds that a boot may say nothing: after ten minutes the service takes it for stuck (sandboxes.md §2.4)."""
WORK_SILENCE = 5 * 3600.0
"""Seconds that a command may say nothing: as long as a machine lives, for there is no heartbeat (§0, §2.4)."""

_EVENTS = {"Accept": "text/event-stream"}
# A lost race is told as a stream under a status of refusal (sandboxes.md §4.5).
_LOST_RACE = frozenset({409})


def _found(response: JsonResponse) -> list[BootEvent]:
    return [Found(type="found", sandbox=response.one(SandboxRecord, "sandbox"))]


def _ran(response: JsonResponse) -> list[CommandEvent]:
    """The events that a command which ran at once would have told."""
    result = response.one(CommandResult)
    written = [("stdout", result.stdout), ("stderr", result.stderr)]
    found: list[CommandEvent] = [Output(type="log", stream=name, data=text) for name, text in written if text]
    return [*found, CommandDone(type="done", exit_code=result.exit_code, cwd=result.cwd)]


class Boot(EventStream[BootEvent]):
    """A boot being followed; leaving it does not stop it.

    `sandbox` is the newest record that was told, `record_id` the id that every route takes. `as_stream` is False when
    a sandbox was there already: then `Found` is the only event, and it may still be booting elsewhere.
    """

    def __init__(self, transport: Transport, path: str, resource: str, body: Any = None) -> None:
        request = Request("POST", path, resource, body=body, headers=_EVENTS, extra_wait=BOOT_SILENCE)
        super().__init__(transport, request, BOOT_WORDS, from_json=_found, stream_statuses=_LOST_RACE)
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
    """A command being followed; leaving it early kills the command.

    `command_id` is what `cancel_command` takes, None while it is not known and for what the service answered at once.
    """

    def __init__(self, transport: Transport, path: str, resource: str, body: Any) -> None:
        request = Request("POST", path, resource, body=body, headers=_EVENTS, extra_wait=WORK_SILENCE)
        super().__init__(transport, request, COMMAND_WORDS, from_json=_ran)
        self.command_id: str | None = None
        self.exit_code: int | None = None
        self.cwd: str | None = None

    def _remember(self, event: CommandEvent) -> None:
        if isinstance(event, CommandBegan):
            self.command_id = event.cmd_id or None
        elif isinstance(event, CommandDone):
            self.exit_code, self.cwd = event.exit_code, event.cwd


class HarnessRun(EventStream[HarnessEvent]):
    """A coding CLI being followed; leaving it early cancels its call.

    `ai_call_id` is the call with its events and cost, `session_id` what a later talk can go on with.
    """

    def __init__(self, transport: Transport, path: str, resource: str, body: Any) -> None:
        request = Request("POST", path, resource, body=body, headers=_EVENTS, extra_wait=WORK_SILENCE)
        super().__init__(transport, request, HARNESS_WORDS)
        self.ai_call_id: str | None = None
        self.session_id: str | None = None
        self.pull_request_url: str | None = None

    def _remember(self, event: HarnessEvent) -> None:
        if isinstance(event, HarnessBegan):
            self.ai_call_id = event.ai_call_id or None
        elif isinstance(event, SessionKnown):
            self.session_id = event.session_id or None
        elif isinstance(event, HarnessDone):
            self.pull_request_url = event.pull_request_url


class SandboxWork(Resource):
    """Everything that is followed; each of the plain methods sends nothing until its `async with` is entered."""

    def launch(self, draft: LaunchDraft) -> Boot:
        """Return the launch of a sandbox to follow; one that is there for the same working tree is found instead.

        Opening raises NotFound for a repository that is not the caller's, Throttled for the boot quota (3 active, 120
        an hour, 10,000 a day), NotAllowed without access to hosted compute, Unavailable (§3.2).
        """
        return Boot(self._transport, "/api/sandbox", "the new sandbox", draft.body())

    def resume(self, sandbox_id: str) -> Boot:
        """Return the waking of a paused, persistent sandbox to follow.

        Opening raises BadRequest when it is not paused or not persistent, Conflict while it pauses or boots (§4.5).
        """
        root, name = sandbox_route(sandbox_id)
        return Boot(self._transport, f"{root}/resume", f"the waking of {name}")

    def restart(self, sandbox_id: str) -> Boot:
        """Return the restart of a sandbox to follow; one that is not persistent comes back as another record (§4.6)."""
        root, name = sandbox_route(sandbox_id)
        return Boot(self._transport, f"{root}/restart", f"the restart of {name}")

    def exec(self, sandbox_id: str, command: CommandDraft) -> Execution:
        """Return a command to follow; what the service answers at once arrives as the same events (§4.8).

        Opening raises Throttled while another command runs there and past 20 a minute or 120 an hour, Conflict while
        the sandbox is not ready or no AI credential is there for a coding CLI.
        """
        root, name = sandbox_route(sandbox_id)
        return Execution(self._transport, f"{root}/exec", f"the command in {name}", command.body())

    async def run_command(
        self, sandbox_id: str, command: CommandDraft, extra_wait: float = 600.0
    ) -> CommandResult:
        """Run a command to its end and return all that it wrote; `extra_wait` is in seconds. Refusals as `exec`."""
        root, name = sandbox_route(sandbox_id)
        response = await self._change(
            "POST", f"{root}/exec", f"the command in {name}", body=command.body(), extra_wait=extra_wait
        )
        return response.one(CommandResult)

    async def cancel_command(self, sandbox_id: str, command_id: str) -> None:
        """Send SIGINT to a running command; ServiceFailed when it has ended already (§4.9)."""
        root, name = sandbox_route(sandbox_id)
        body = CommandId(cmd_id=command_id).set_fields()
        await self._change("POST", f"{root}/exec/cancel", f"the command in {name}", body=body)

    def harness(self, sandbox_id: str, draft: HarnessDraft) -> HarnessRun:
        """Return the run of a coding CLI to follow; it commits, pushes and opens a pull request by itself (§4.15).

        Opening raises Conflict for a sandbox that is not ready or has stopped, for a call that is not pending, and
        without an AI credential.
        """
        root, name = sandbox_route(sandbox_id)
        return HarnessRun(
            self._transport, f"{root}/harness", f"the {draft.harness} run in {name}", draft.body()
        )

    async def prepare_harness(self, sandbox_id: str, draft: HarnessDraft) -> str:
        """Make the pending call of a run without running anything, and return the call's id."""
        root, name = sandbox_route(sandbox_id)
        body = {**draft.body(), "prepareOnly": True}
        response = await self._change(
            "POST", f"{root}/harness", f"the {draft.harness} run in {name}", body=body
        )
        return str(response.at("aiCallId"))
