"""Sandboxes, over the unversioned routes and the token API."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.sandbox_requests import Extension, LaunchDraft, PresenceReport
from mogplex_tui.api.models.sandboxes import Sandbox, SandboxLogs
from mogplex_tui.api.models.unversioned_sandboxes import (
    ActiveSandbox,
    Extended,
    PresenceSeen,
    Reconciled,
    SandboxDeleted,
    SandboxHealth,
    SandboxRecord,
    TerminalOffer,
)
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.resources.sandbox_files import SandboxFiles, sandbox_route
from mogplex_tui.api.resources.sandbox_work import BOOT_EXTRA_WAIT, SandboxStreams
from mogplex_tui.api.safe_text import short_id

# Seconds. The service looks at, pauses or destroys the machine before it responds (sandboxes.md §4).
_MACHINE_WAIT = 60.0
_MAX_TERMINAL_KEY = 128


class SandboxRecords(Resource):
    """Sandboxes: reading, pausing, stopping, extending and deleting them.

    `sandbox_id` is always the id of the sandbox's record, not that of its machine.
    """

    async def records(self) -> Rows[SandboxRecord]:
        """Return all sandboxes, whatever their status, the newest first.

        They are the sandboxes of the account, or of the active team. Contract: sandboxes.md §3.1.
        """
        return (await self._get("/api/sandbox", "the sandboxes")).rows(SandboxRecord, "sandboxes")

    async def active(self) -> Rows[ActiveSandbox]:
        """Return the sandboxes that are creating, installing, running or paused.

        The rows have only some of the fields of a sandbox. Contract: sandboxes.md §3.1.
        """
        return (await self._get("/api/sandbox", "the sandboxes", format="cli")).rows(ActiveSandbox)

    async def get(self, sandbox_id: str) -> SandboxRecord:
        """Return one sandbox; the service checks its current status for this request.

        Raises NotFound if there is no such sandbox. Contract: sandboxes.md §4.1.
        """
        root, name = sandbox_route(sandbox_id)
        return (await self._get(root, name)).one(SandboxRecord, "sandbox")

    async def health(self, sandbox_id: str) -> SandboxHealth:
        """Return one sandbox and its health, after a check that takes up to 5 seconds.

        Raises NotFound if there is no such sandbox. Contract: sandboxes.md §4.12.
        """
        root, name = sandbox_route(sandbox_id)
        return (await self._get(f"{root}/health", f"the health of {name}")).one(SandboxHealth)

    async def reconcile(self, sandbox_id: str) -> Reconciled:
        """Make the service correct the record of a sandbox to match its machine.

        The result says whether the correction is done or queued. Raises NotFound if there is no such
        sandbox. Contract: sandboxes.md §4.13.
        """
        root, name = sandbox_route(sandbox_id)
        return (await self._change("POST", f"{root}/reconcile", name, extra_wait=_MACHINE_WAIT)).one(
            Reconciled
        )

    async def pause(self, sandbox_id: str) -> SandboxRecord:
        """Pause a running sandbox and return its record.

        A sandbox that is not persistent can be paused, but not resumed. Raises BadRequest if the sandbox
        is not running, and Conflict while it is booting. Contract: sandboxes.md §4.4.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._change("POST", f"{root}/pause", name, extra_wait=_MACHINE_WAIT)
        return response.one(SandboxRecord, "sandbox")

    async def stop(self, sandbox_id: str) -> SandboxRecord:
        """Destroy the machine of a sandbox and its snapshots, and return its record.

        The record is not deleted. If the service could not confirm that the machine is gone, the record
        has the old status and an `error`. Raises NotFound if there is no such sandbox.
        Contract: sandboxes.md §4.3.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._change("POST", f"{root}/stop", name, extra_wait=_MACHINE_WAIT)
        return response.one(SandboxRecord, "sandbox")

    async def delete(self, sandbox_id: str) -> SandboxDeleted:
        """Destroy the machine of a sandbox, delete its record, and return the result.

        If the result has a `warning`, the record still exists. Raises NotFound if there is no such
        sandbox. Contract: sandboxes.md §4.2.
        """
        root, name = sandbox_route(sandbox_id)
        return (await self._change("DELETE", root, name, extra_wait=_MACHINE_WAIT)).one(SandboxDeleted)

    async def extend(self, sandbox_id: str, minutes: float) -> int | None:
        """Extend the lifetime of a running sandbox by 1 to 300 minutes.

        Returns the extension in milliseconds, or None if the response does not contain it.
        Contract: sandboxes.md §4.7.
        """
        root, name = sandbox_route(sandbox_id)
        body = Extension(minutes=minutes).body()
        return (await self._change("POST", f"{root}/extend", name, body=body)).one(Extended).extended_by_ms

    async def presence(self, sandbox_id: str, report: PresenceReport) -> PresenceSeen:
        """Report that a viewer has opened or closed a sandbox, and return the response.

        When no viewer is left, the service may pause the sandbox. Contract: sandboxes.md §4.14.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._change(
            "POST", f"{root}/presence", f"the presence in {name}", body=report.body()
        )
        return response.one(PresenceSeen)

    async def terminal(self, sandbox_id: str, key: str = "default") -> TerminalOffer:
        """Return the address of a terminal of the sandbox, if it has one.

        Usually it has none: `available` is then False, and `reason` says why. `key` names the terminal
        session. Contract: sandboxes.md §4.16.
        """
        root, name = sandbox_route(sandbox_id)
        body = {"terminalSessionKey": key.strip()[:_MAX_TERMINAL_KEY] or "default"}
        response = await self._change("POST", f"{root}/terminal/connect", f"a terminal in {name}", body=body)
        return response.one(TerminalOffer)

    async def end_terminal(self, sandbox_id: str, key: str = "default") -> None:
        """End a terminal session of the sandbox; do nothing if there is no such session.

        `key` names the session. Contract: sandboxes.md §4.17.
        """
        root, name = sandbox_route(sandbox_id)
        body = {"action": "kill", "terminalSessionKey": key.strip()[:_MAX_TERMINAL_KEY] or "default"}
        await self._change("POST", f"{root}/terminal/session", f"a terminal in {name}", body=body)


class SandboxesResource(SandboxRecords, SandboxFiles, SandboxStreams):
    """Sandboxes, at `/api/sandbox` and on the token API at `/sandboxes`.

    Contract: sandboxes.md, v1.md §4.
    """

    async def launch_and_wait(self, draft: LaunchDraft) -> Sandbox:
        """Launch a sandbox over the token API, and return it when it has booted.

        A boot takes minutes. Raises NotFound for a repository that the token cannot use, Throttled if a
        quota is used up (the error does not say how long to wait), and Unavailable if the boot failed; a
        record with the status `error` then remains.

        Contract: v1.md §4.
        """
        response = await self._change(
            "POST", v1("/sandboxes"), "the new sandbox", body=draft.body(), extra_wait=BOOT_EXTRA_WAIT
        )
        return response.one(Sandbox, "sandbox")

    async def logs(self, sandbox_id: str) -> SandboxLogs:
        """Return the logs of a sandbox, over the token API.

        `sandbox_id` is the id of its record. Raises NotFound if there is no such sandbox.
        """
        record = path_id(sandbox_id, "sandbox")
        return (await self._get(v1(f"/sandboxes/{record}/logs"), f"sandbox {short_id(record)}")).one(
            SandboxLogs
        )

    async def list(
        self, repo_id: str | None = None, status: str | None = None, limit: int = 200
    ) -> Rows[Sandbox]:
        """Return at most 200 sandboxes, over the token API.

        The most recently active sandbox comes first.
        """
        repo_id = path_id(repo_id, "repository") if repo_id else None
        response = await self._get(
            v1("/sandboxes"), "the sandboxes", repo_id=repo_id, status=status, limit=limit
        )
        return response.rows(Sandbox, "sandboxes")
