"""Sandboxes: over the token API (v1.md §4), and over the routes that can do more (sandboxes.md)."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.sandbox_drafts import Extension, LaunchDraft, PresenceReport
from mogplex_tui.api.models.sandbox_records import (
    Extended,
    LivingSandbox,
    PresenceSeen,
    Reconciled,
    SandboxDeleted,
    SandboxHealth,
    SandboxRecord,
    TerminalOffer,
)
from mogplex_tui.api.models.sandboxes import Sandbox, SandboxLogs
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.resources.sandbox_files import SandboxFiles, sandbox_route
from mogplex_tui.api.resources.sandbox_work import BOOT_SILENCE, SandboxWork
from mogplex_tui.api.safe_text import short_id

# A machine is looked at, paused or destroyed before the answer comes (sandboxes.md §4).
_MACHINE = 60.0
_MOST_KEY = 128


class SandboxLife(Resource):
    """Looking at a sandbox and ending its use; an id is the record's, never the machine's name."""

    async def records(self) -> Rows[SandboxRecord]:
        """Return all sandboxes of every status, the newest first; those of the active team when there is one (§3.1)."""
        return (await self._get("/api/sandbox", "the sandboxes")).rows(SandboxRecord, "sandboxes")

    async def living(self) -> Rows[LivingSandbox]:
        """Return those that are creating, installing, running or paused, in the short_id form (§3.1)."""
        return (await self._get("/api/sandbox", "the sandboxes", format="cli")).rows(LivingSandbox)

    async def get(self, sandbox_id: str) -> SandboxRecord:
        """Return one sandbox after the service asked its provider; looking may correct its status (§4.1)."""
        root, name = sandbox_route(sandbox_id)
        return (await self._get(root, name)).one(SandboxRecord, "sandbox")

    async def health(self, sandbox_id: str) -> SandboxHealth:
        """Return the record and its health after a look at provider and preview, up to 5 s long (§4.12)."""
        root, name = sandbox_route(sandbox_id)
        return (await self._get(f"{root}/health", f"the health of {name}")).one(SandboxHealth)

    async def reconcile(self, sandbox_id: str) -> Reconciled:
        """Have the record set right: queued where there is a background runtime, else done at once (§4.13)."""
        root, name = sandbox_route(sandbox_id)
        return (await self._change("POST", f"{root}/reconcile", name, extra_wait=_MACHINE)).one(Reconciled)

    async def pause(self, sandbox_id: str) -> SandboxRecord:
        """Pause a running sandbox; BadRequest when it does not run, Conflict while it boots (§4.4).

        One that is not persistent can be paused too, but never resumed.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._change("POST", f"{root}/pause", name, extra_wait=_MACHINE)
        return response.one(SandboxRecord, "sandbox")

    async def stop(self, sandbox_id: str) -> SandboxRecord:
        """Destroy the machine with its snapshots; the record stays (§4.3).

        A success may say that it could not be confirmed: then the status is what it was, and `error` tells.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._change("POST", f"{root}/stop", name, extra_wait=_MACHINE)
        return response.one(SandboxRecord, "sandbox")

    async def delete(self, sandbox_id: str) -> SandboxDeleted:
        """Destroy the machine and remove the record; with a warning it is still listed (§4.2)."""
        root, name = sandbox_route(sandbox_id)
        return (await self._change("DELETE", root, name, extra_wait=_MACHINE)).one(SandboxDeleted)

    async def extend(self, sandbox_id: str, minutes: float) -> int | None:
        """Let a running sandbox live 1 to 300 minutes longer; return by how many ms, if it says so (§4.7)."""
        root, name = sandbox_route(sandbox_id)
        body = Extension(minutes=minutes).body()
        return (await self._change("POST", f"{root}/extend", name, body=body)).one(Extended).extended_by_ms

    async def presence(self, sandbox_id: str, report: PresenceReport) -> PresenceSeen:
        """Tell that a viewer came or went; a release may lead to an auto-pause after its grace period (§4.14)."""
        root, name = sandbox_route(sandbox_id)
        response = await self._change(
            "POST", f"{root}/presence", f"the presence in {name}", body=report.body()
        )
        return response.one(PresenceSeen)

    async def terminal(self, sandbox_id: str, key: str = "default") -> TerminalOffer:
        """Ask for a terminal; `available` False with a reason is the usual answer (§4.16)."""
        root, name = sandbox_route(sandbox_id)
        body = {"terminalSessionKey": key.strip()[:_MOST_KEY] or "default"}
        response = await self._change("POST", f"{root}/terminal/connect", f"a terminal in {name}", body=body)
        return response.one(TerminalOffer)

    async def end_terminal(self, sandbox_id: str, key: str = "default") -> None:
        """End a terminal's session, there or not (§4.17)."""
        root, name = sandbox_route(sandbox_id)
        body = {"action": "kill", "terminalSessionKey": key.strip()[:_MOST_KEY] or "default"}
        await self._change("POST", f"{root}/terminal/session", f"a terminal in {name}", body=body)


class SandboxesResource(SandboxLife, SandboxFiles, SandboxWork):
    """`/api/sandbox/*`, and `/sandboxes` of the token API."""

    async def launch_and_wait(self, draft: LaunchDraft) -> Sandbox:
        """Launch over the token API, which answers when the boot has ended: that takes minutes (v1.md §4).

        Raises NotFound for a repository that is not the token's, Throttled for the quota (without a time to wait),
        Unavailable when the boot failed; a failed boot leaves a record in status `error`.
        """
        response = await self._change(
            "POST", v1("/sandboxes"), "the new sandbox", body=draft.body(), extra_wait=BOOT_SILENCE
        )
        return response.one(Sandbox, "sandbox")

    async def logs(self, sandbox_id: str) -> SandboxLogs:
        """Return the logs of a sandbox by its record id (not the provider's name)."""
        record = path_id(sandbox_id, "sandbox")
        return (await self._get(v1(f"/sandboxes/{record}/logs"), f"sandbox {short_id(record)}")).one(
            SandboxLogs
        )

    async def list(
        self, repo_id: str | None = None, status: str | None = None, limit: int = 200
    ) -> Rows[Sandbox]:
        """Return sandboxes by last activity over the token API, the newest first; at most 200."""
        repo_id = path_id(repo_id, "repository") if repo_id else None
        response = await self._get(
            v1("/sandboxes"), "the sandboxes", repo_id=repo_id, status=status, limit=limit
        )
        return response.rows(Sandbox, "sandboxes")
