"""Run a coding CLI in a sandbox: its stream, its AI call and its changes.

sandboxes.md §4.15.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from random import Random
from typing import Any

from ..calls import call_writes
from ..calls.pricing import Tokens
from ..core.event_channel import Channel
from ..core.sandbox_processes import Process, real_seconds
from ..db.database import Row
from ..http.endpoints import ApiRequest
from ..sample_data.loader import Prompt
from ..workload.call_plan import CallPlan, Step
from ..workload.call_planner import Branches, plan_harness
from ..workload.run_outcomes import steered_outcome
from .exec_routes import save_disk
from .sandbox_endpoint import team_of, text_of
from .vm import sandbox_lookup
from .vm.disk import Disk, TakenError
from .vm.repo_contents import sample_key

_CANCELLED = "Harness run cancelled"
_GONE = "The development environment stopped while the command ran."
_MODES = ("SAFE", "YOLO")
_CLI = {"claude-code": "claude", "codex": "codex"}


def about(request: ApiRequest, row: Row, body: Mapping[str, Any], *, prepared: bool) -> dict[str, Any]:
    """Return the call metadata of a harness run."""
    mode = text_of(body, "mode").upper()
    return {
        "source": "cli",
        "harness_id": body["harness"],
        "harness_mode": mode if mode in _MODES else "AUTO",
        "sandbox_record_id": row["id"],
        "sandbox_id": row["sandbox_id"],
        "repo": row["full_name"],
        "product_team_id": row["product_team_id"] or team_of(request),
        "ai_billing_source": "platform",
        "prepared": prepared,
    }


class HarnessRun:
    """One simulated run of a coding CLI; its events are sent to `channel`.

    Its call must be pending.
    """

    def __init__(
        self, request: ApiRequest, row: Row, call_id: str, body: Mapping[str, Any], process: Process
    ) -> None:
        self.channel = Channel()
        self._request = request
        self._row = row
        self._call_id = call_id
        self._body = body
        self._process = process
        self._disk = Disk.read(request.plane.db, row["id"], sandbox_lookup.repository(row))
        self._rng = Random(call_id)
        self._call_plan = self._plan()

    def _plan(self) -> CallPlan:
        row, prompt = self._row, text_of(self._body, "prompt")
        created = row["working_branch"] == row["base_branch"]
        working = f"mogplex/agent-{self._call_id.replace('-', '')[:12]}" if created else row["working_branch"]
        branches = Branches(row["base_branch"], working, created)
        outcome = steered_outcome(self._rng, prompt)
        if outcome.endless:
            outcome = outcome._replace(turns=60)
        task = Prompt(sample_key(sandbox_lookup.repository(row)), "task", prompt)
        first = self._rng.random() < 0.25
        return plan_harness(
            self._rng, self._body["harness"], row["full_name"] or "", task, branches, outcome, first
        )

    async def work(self) -> None:
        """Execute the run, then save the disk and close the channel.

        The disk is also saved and the channel also closed if the run raises an exception.
        """
        try:
            self.channel.put({"type": "run", "ai_call_id": self._call_id})
            if await self._play_opening():
                await self._play_steps()
        except Exception as error:
            self._fail(str(error))
            self.channel.put({"type": "error", "data": str(error)})
            raise
        finally:
            self._request.plane.sandbox_tasks.remove_process(self._process)
            save_disk(self._request, self._row["id"], self._disk)
            self.channel.end()

    async def _play_opening(self) -> bool:
        """Execute the steps before the CLI starts, and set the call to streaming.

        Returns False if the run has ended in one of these steps.
        """
        for step in self._call_plan.opening:
            if not await self._wait(step.after):
                return False
            self._write(step)
        with self._request.plane.db.transaction(ids=self._request.service.ids) as tx:
            patch = about(self._request, self._row, self._body, prepared=False)
            started = call_writes.begin_streaming(
                tx, self._call_id, self._process.command_id, self._now(), metadata=patch
            )
        if not started:
            self.channel.put({"type": "cancelled"})
            return False
        session = text_of(self._body, "resumeSessionId") or str(
            uuid.UUID(int=self._rng.getrandbits(128), version=4)
        )
        self.channel.put({"type": "session", "sessionId": session})
        return True

    async def _play_steps(self) -> None:
        """Execute the CLI's steps, then end the call and send the last event."""
        call_plan = self._call_plan
        for step in call_plan.steps:
            if not await self._wait(step.after):
                return
            self._write(step)
            self._send_output(step)
        if not await self._wait(call_plan.ending.after):
            return
        url = call_plan.metadata.get("pull_request_url")
        if call_plan.failure_class == "unknown" and "exit_code" not in call_plan.ending.payload:
            self._finish()
            self.channel.put({"type": "error", "data": call_plan.error or call_plan.ending.message})
            return
        for path in call_plan.metadata.get("auto_committed_files", ()):
            self._edit(path)
        self._disk.commit()
        self._finish()
        done = {
            "type": "done",
            "exitCode": call_plan.ending.payload["exit_code"],
            "error": call_plan.error,
            "failureCode": call_plan.ending.payload["failure_code"],
        }
        self.channel.put(done if url is None else {**done, "pullRequestUrl": url})

    async def _wait(self, seconds: float) -> bool:
        """Wait for a number of simulated seconds; return whether the run continues.

        If the run was cancelled or its machine stopped during the wait, the call is ended, the last
        event is sent and the result is False.
        """
        speed = self._request.plane.settings.speed
        alive = await self._process.sleep(real_seconds(seconds, speed))
        call = self._request.plane.db.one(
            "SELECT status, control_state FROM ai_calls WHERE id = ?", (self._call_id,)
        )
        if (
            call is None
            or call["status"] not in ("pending", "streaming")
            or call["control_state"] != "active"
        ):
            self._cancel()
            return False
        if alive:
            return True
        if self._process.abandoned:
            with self._request.plane.db.transaction(ids=self._request.service.ids) as tx:
                call_writes.request_cancel(
                    tx, self._call_id, self._now(), {"runtime_command_id": self._process.command_id}
                )
            self._cancel()
        else:
            self._fail(_GONE)
            self.channel.put({"type": "error", "data": _GONE})
        return False

    def _now(self) -> int:
        return self._request.plane.clock.now_us()

    def _cancel(self) -> None:
        payload = {"runtime_command_id": self._process.command_id, "install_logs_present": False}
        with self._request.plane.db.transaction(ids=self._request.service.ids) as tx:
            call_writes.finalize_cancel(tx, self._call_id, self._now(), _CANCELLED, payload)
        self.channel.put({"type": "cancelled"})

    def _fail(self, error: str) -> None:
        with self._request.plane.db.transaction(ids=self._request.service.ids) as tx:
            call_writes.finish_call(
                tx,
                self._call_id,
                "failed",
                self._now(),
                error=error,
                message="Harness stream failed",
                payload={"error": error},
            )

    def _write(self, step: Step) -> None:
        with self._request.plane.db.transaction(ids=self._request.service.ids) as tx:
            call_writes.append_event(
                tx,
                call_id=self._call_id,
                type=step.type,
                message=step.message,
                payload=step.payload,
                tool_name=step.tool,
                at=self._now(),
            )

    def _send_output(self, step: Step) -> None:
        """Send a step as output of the CLI: one line of JSON, or an install log."""
        if step.payload.get("stage") == "install":
            self.channel.put({"type": "install", "data": step.payload["logs"]})
            return
        line = {"cli": _CLI[self._body["harness"]], "type": step.type, "text": step.message}
        if step.tool is not None:
            line["tool"] = step.tool
        data = json.dumps(line, ensure_ascii=False) + "\n"
        self.channel.put({"type": "log", "stream": "stdout", "data": data})

    def _edit(self, path: str) -> None:
        """Simulate an edit by the CLI: append an empty line to a file."""
        before = self._disk.text(path) if self._disk.is_file(path) else ""
        try:
            self._disk.write(path, before + "\n")
        except TakenError:
            return

    def _finish(self) -> None:
        call_plan = self._call_plan
        spent = call_plan.usage
        tokens = None
        if spent is not None:
            tokens = Tokens(
                spent.input, spent.output, spent.cache_read, spent.cache_creation, spent.reasoning
            )
        with self._request.plane.db.transaction(ids=self._request.service.ids) as tx:
            call_writes.finish_call(
                tx,
                self._call_id,
                call_plan.status,
                self._now(),
                error=call_plan.error,
                tokens=tokens,
                tool_calls=call_plan.tool_calls,
                metadata=call_plan.metadata,
                message=call_plan.ending.message,
                payload=call_plan.ending.payload,
            )
