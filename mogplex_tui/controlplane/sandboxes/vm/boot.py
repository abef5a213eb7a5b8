"""Boot simulated machines to launch, resume or restart a sandbox.

A boot reports its progress as events, and continues after its client has disconnected
(sandboxes.md §3.2, §4.5, §4.6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from ...core.plane import Plane
from ...core.sandbox_processes import real_seconds
from ...db.database import Row
from ...db.ids import Ids
from .. import sandbox_writes
from ..sandbox_serializers import record
from ..states import Change, apply_change
from . import sandbox_lookup
from .repo_contents import Repository, manager, texts

log = logging.getLogger("mogplex.controlplane")

Say = Callable[[Mapping[str, Any]], None]

NO_ACCESS = "git clone failed: repository not found or access revoked"
NO_ANSWER = "VM did not answer within 90 s"
_CRASHED = "The sandbox could not be started because of an internal error"


class Kind(Enum):
    """The purpose of a boot; the value is the word for it in messages to the client."""

    LAUNCH = "creation"
    RESUME = "resume"
    RESTART = "restart"


class Boot:
    """One boot of a sandbox's machine.

    The record's status must be `creating` for a launch, and `installing` for a resume or restart.
    `say` is called with every event. `snapshot` is the snapshot to restore; if it is None, the
    repository is cloned.
    """

    def __init__(
        self, plane: Plane, ids: Ids, record_id: str, kind: Kind, say: Say, snapshot: str | None = None
    ) -> None:
        self._plane = plane
        self._ids = ids
        self._record_id = record_id
        self._kind = kind
        self._send = say
        self._snapshot = snapshot
        row = self._row()
        self._number: int = row["boot_attempts"]
        self._repo: Repository = sandbox_lookup.repository(row)
        self._name = sandbox_lookup.machine_name(
            row["user_id"],
            row["product_team_id"],
            row["repo_id"] or "",
            row["working_branch"],
            row["root_directory"],
        )
        self._ready = False

    def _row(self) -> Row:
        row = sandbox_lookup.sandbox(self._plane.db, self._record_id)
        if row is None:
            raise LookupError(self._record_id)
        return row

    async def run(self) -> None:
        """Execute the boot and report its success or failure as an event.

        No exception is raised.
        """
        machines = self._plane.sandbox_tasks
        machines.booting.add(self._record_id)
        try:
            await (self._launch() if self._kind is Kind.LAUNCH else self._wake())
        except LookupError:
            self._report_conflict("bootstrap")
        except Exception:
            log.exception("boot of %s", self._record_id)
            self._fail(_CRASHED, "bootstrap")
        finally:
            machines.booting.discard(self._record_id)
        if self._ready:
            self._plane.callbacks.sandbox_running(self._record_id)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(real_seconds(seconds, self._plane.settings.speed))

    def _change(self, how: Change, **columns: Any) -> bool:
        with self._plane.db.transaction(ids=self._ids) as tx:
            return apply_change(
                tx, self._record_id, how, self._plane.clock.now_us(), boot=self._number, **columns
            )

    def _send_event(self, kind: str, **more: Any) -> None:
        """Send an event of type `kind` that includes the current record."""
        self._send({"type": kind, **more, "sandbox": record(self._row())})

    async def _launch(self) -> None:
        self._send_event("status", status="creating")
        await self._sleep(1.5)
        if self._snapshot is not None:
            self._send({"type": "snapshot_restore", "snapshotId": self._snapshot})
            await self._sleep(0.8)
        if not self._change(Change.VM_CREATED, sandbox_id=self._name, snapshot_id=self._snapshot):
            self._report_conflict("create")
            return
        self._send_event("sandbox_created", sandboxId=self._name, recordId=self._record_id)
        row = self._row()
        if row["github_installation_id"] is None:
            await self._send_log("workspace", texts()["workspace"][:1])
            self._fail(NO_ACCESS, "bootstrap")
            return
        log_text = await self._send_log("workspace", texts()["workspace"])
        if row["working_branch"] != row["base_branch"]:
            log_text += await self._send_log("workspace", texts()["branch"])
        self._send_event("status", status="installing")
        log_text += await self._send_log("install", self._logs()["install"])
        if not self._update_record(install_log=log_text):
            self._report_conflict("bootstrap")
            return
        await self._serve()

    async def _wake(self) -> None:
        shown = record(self._row())
        shown["install_log"] = shown["dev_log"] = None
        self._send(
            {
                "type": "sandbox_created",
                "sandboxId": self._name,
                "recordId": self._record_id,
                "sandbox": shown,
            }
        )
        await self._sleep(1.0)
        await self._send_log("rebuild", texts()["rebuild"])
        await self._serve()

    async def _serve(self) -> None:
        """Start the dev server and set the record to running.

        If the scenario makes the boot fail, the record is set to `error`.
        """
        scenario = self._plane.scenario.now
        if scenario.boot_fails(self._plane.settings.seed, self._record_id, self._number):
            self._fail(scenario.boot_error or NO_ANSWER, "bootstrap")
            return
        dev_log = await self._send_log("dev", self._logs()["dev"])
        url, now = sandbox_lookup.preview_address(self._name), self._plane.clock.now_us()
        if not self._update_record(preview_url=url):
            self._report_conflict("bootstrap")
            return
        self._send_event("preview_url", url=url)
        await self._sleep(0.5)
        booted = self._change(
            Change.BOOTED,
            sandbox_id=self._name,
            dev_log=dev_log,
            last_boot_completed_at=now,
            last_health_check_at=now,
            last_preview_http_status=200,
            last_preview_error=None,
            last_boot_error=None,
            last_active_at=now,
        )
        if not booted:
            self._report_conflict("bootstrap")
            return
        self._ready = True
        self._send_event("status", status="running")
        self._send_event("ready")

    def _logs(self) -> Mapping[str, list[str]]:
        logs: Mapping[str, list[str]] = texts()["python" if manager(self._repo) == "uv" else "node"]
        return logs

    async def _send_log(self, phase: str, lines: list[str]) -> str:
        """Send the lines of a log one by one; return all lines as one text."""
        row, repo, text = self._row(), self._repo, ""
        values = {
            "repo": repo.name,
            "full_name": repo.full_name,
            "branch": row["working_branch"] if lines == texts()["branch"] else row["base_branch"],
            "manager": manager(repo),
            "n": repo.number("packages", 180, 1_400),
            "s": repo.number("install", 4, 19),
            "ms": repo.number("ready", 480, 2_400),
            "objects": repo.number("objects", 900, 24_000),
            "port": row["dev_port"] or 3000,
            "sha": repo.sha("commit 0")[:7],
        }
        for line in lines:
            await self._sleep(0.7)
            output = line.format(**values)
            text += output
            self._send({"type": "log", "phase": phase, "data": output})
        return text

    def _update_record(self, **columns: Any) -> bool:
        """Update columns if the record is still installing for this boot.

        Returns False if another request has changed the record in the meantime.
        """
        with self._plane.db.transaction(ids=self._ids) as tx:
            row = tx.one(
                "SELECT 1 FROM sandboxes WHERE id = ? AND status = 'installing' AND boot_attempts = ?",
                (self._record_id, self._number),
            )
            if row is not None:
                sandbox_writes.set_sandbox(tx, self._record_id, **columns)
        return row is not None

    def _report_conflict(self, phase: str) -> None:
        """Send the event that ends a boot because another request has changed the record."""
        if self._kind is not Kind.LAUNCH:
            message = f"Sandbox {self._kind.value} was cancelled before it became ready."
            self._send({"type": "cancelled", "reason": "conflict", "message": message})
        elif phase == "create":
            message = "Sandbox creation was superseded by a newer state change."
            self._send({"type": "error", "message": message, "phase": phase})
        else:
            message = "Sandbox creation was cancelled before it became ready."
            self._send({"type": "error", "message": message, "phase": phase})

    def _fail(self, message: str, phase: str) -> None:
        if not self._change(Change.FAILED, error=message, last_boot_error=message):
            self._report_conflict(phase)
            return
        if self._kind is Kind.LAUNCH:
            self._send_event("status", status="error")
        self._send(
            {"type": "error", "message": message, "phase": phase if self._kind is Kind.LAUNCH else "dev"}
        )
