"""The simulator: it starts and runs a plane's actors, and reacts to HTTP requests."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback

from ..actors import sandbox_actors
from ..actors.context import ActorContext
from ..actors.scheduler import Scheduler
from ..automation.jobs import cancel_and_release, job_writes, node_writes
from ..calls import call_writes
from ..core.plane import Plane
from ..db.clock import SECOND_US
from ..engine.job_runner import JobRunner
from ..runs import run_writes
from . import recovery, scenario_events, work_arrivals
from .job_arrivals import retries
from .run_actors import start_run

# Steps in one go before other tasks of the event loop get their turn.
_BATCH = 20
FAULT = "The simulated worker stopped with an internal error"


class Simulator:
    """A simulation of the work of a plane's account; at speed 0 it does nothing.

    In an event loop call `start()` and `stop()`. In a test with a fixed clock call `begin()` once
    and then `step_until(us)`, which does not wait. `speed` overrides `plane.settings.speed`.
    """

    def __init__(self, plane: Plane, speed: float | None = None) -> None:
        self._plane = plane
        self._speed = plane.settings.speed if speed is None else speed
        self.scheduler = Scheduler(plane.clock.now_us, max(self._speed, 1e-9), self._fault)
        self._context = ActorContext(plane, self.scheduler)
        self._runner = JobRunner(self._context)
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, arrivals: bool = True) -> None:
        """Start the actors for unfinished work and, if `arrivals` is True, for new work."""
        if self._speed <= 0:
            return
        self._subscribe()
        for row in self._plane.db.all(
            "SELECT id FROM job_runs WHERE status = 'running' ORDER BY created_at, id"
        ):
            self._runner.start_or_continue(row["id"])
        recovery.resume_unfinished(self._context)
        self._context.spawn("housekeeping", recovery.housekeeping(self._context))
        self._context.spawn("reaper", sandbox_actors.reaper(self._context))
        self._context.spawn("room", sandbox_actors.keep_slot_free(self._context))
        self._context.spawn("repair soon", recovery.repair_soon(self._context))
        self._context.spawn("clocks", recovery.clocks(self._context))
        scenario_events.begin(self._context, arrivals)
        if arrivals and self._context.scenario.now.pace > 0:
            self._context.spawn("agenda", work_arrivals.arrivals(self._context))
            self._context.spawn("rush", work_arrivals.rush(self._context))
            self._context.spawn("retries", retries(self._context))
            self._context.spawn("commands", work_arrivals.commands(self._context))

    def step_until(self, us: int) -> int:
        """Execute every step of an actor that is due by `us` (µs), each at its own time.

        Returns the number of steps.
        """
        return self.scheduler.run_until(us)

    def start(self, arrivals: bool = True) -> None:
        """Call `begin`, and run the actors in a new task of the running event loop."""
        self.begin(arrivals)
        if self._speed > 0:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="simulator")

    async def stop(self) -> None:
        """Stop all actors; a later start continues their work from the database."""
        self._unsubscribe()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.scheduler.clear()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            if self.scheduler.run_due(_BATCH) == _BATCH:
                await asyncio.sleep(0)
                continue
            due = self.scheduler.next_due_us()
            wait = None if due is None else max(0.001, (due - self._plane.clock.now_us()) / SECOND_US)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._bell.wait()

    def _subscribe(self) -> None:
        callbacks = self._plane.callbacks
        callbacks.on_run_started.append(self._run_started)
        callbacks.on_cancel.append(self._cancelled)
        callbacks.on_job_started.append(self._job_started)
        callbacks.on_job_cancelled.append(self._job_cancelled)
        callbacks.on_wait_resumed.append(self._wait_resumed)
        callbacks.on_sandbox_running.append(self._sandbox_running)

    def _unsubscribe(self) -> None:
        callbacks = self._plane.callbacks
        for listeners, own in (
            (callbacks.on_run_started, self._run_started),
            (callbacks.on_cancel, self._cancelled),
            (callbacks.on_job_started, self._job_started),
            (callbacks.on_job_cancelled, self._job_cancelled),
            (callbacks.on_wait_resumed, self._wait_resumed),
            (callbacks.on_sandbox_running, self._sandbox_running),
        ):
            with contextlib.suppress(ValueError):
                listeners.remove(own)

    def _run_started(self, run_id: str) -> None:
        start_run(self._context, run_id)
        self._bell.set()

    def _cancelled(self, call_id: str) -> None:
        self._context.wake_simulator(call_id)
        self._bell.set()

    def _job_started(self, job_id: str) -> None:
        self._runner.start_or_continue(job_id)
        self._bell.set()

    def _wait_resumed(self, wait_id: str) -> None:
        self._runner.handle_resume(wait_id)
        self._bell.set()

    def _job_cancelled(self, job_id: str) -> None:
        self._runner.handle_stop(job_id)
        self._bell.set()

    def _sandbox_running(self, record_id: str) -> None:
        sandbox_actors.watch_idle(self._context, record_id)
        self._bell.set()

    def _fault(self, name: str, error: Exception) -> None:
        """Report an exception that an actor raised, and store its work as failed."""
        print(f"simulator: {name} stopped", file=sys.stderr)  # noqa: T201
        traceback.print_exception(error, file=sys.stderr)
        kind, _, row_id = name.partition(":")
        if kind == "node":
            kind, row_id = "job", row_id.partition(":")[0]
        try:
            self._clean_up(kind, row_id)
        except Exception:
            traceback.print_exc(file=sys.stderr)

    def _clean_up(self, kind: str, row_id: str) -> None:
        now, random = self._context.now(), self._context.random(f"fault {kind}:{row_id}")
        with random.tx() as tx:
            call_ids: list[str] = [row_id] if kind == "call" else []
            if kind == "run":
                call_ids = [
                    r[0] for r in tx.all("SELECT ai_call_id FROM external_agent_runs WHERE id = ?", (row_id,))
                ]
            elif kind == "job":
                call_ids = cancel_and_release.request_call_cancels(tx, row_id, now)
            for call_id in call_ids:
                if kind == "job":
                    call_writes.finalize_cancel(
                        tx, call_id, now, "Run cancelled", {"reason": "AUTOMATION_FAILED"}
                    )
                else:
                    payload = {"error": FAULT}
                    call_writes.finish_call(
                        tx, call_id, "failed", now, error=FAULT, message="Run failed", payload=payload
                    )
            if kind == "run":
                run_writes.mirror_call(tx, row_id, now)
            elif kind == "job":
                node_writes.end_all(tx, row_id, "failed", now, error=FAULT)
                job_writes.finish(tx, row_id, "failed", now, reason="AUTOMATION_FAILED", error=FAULT)
        if kind == "job":
            self._runner.handle_stop(row_id)
            self._runner.forget(row_id)
