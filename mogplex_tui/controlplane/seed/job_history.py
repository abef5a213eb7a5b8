"""Seed two weeks of job runs with their dispatch events, findings and nodes."""

from __future__ import annotations

from random import Random
from typing import Any

from ..automation.events.cron import latest, tick_key, tick_payload
from ..automation.events.named_flow_start import payload_key, trial_key, trial_payload
from ..automation.events.work_queue import retry_metadata
from ..db.batch_insert import Rows, encode
from ..db.clock import DAY_US, MINUTE_US, SECOND_US, iso_app
from ..workload.account import SeededAccount
from ..workload.call_plan import CallKind
from ..workload.job_planner import JobPlan, finding_columns, flow_repos, plan_job, wait_seconds
from ..workload.rng import new_uuid, pick, token, whole
from ..workload.scenario_odds import CALM
from .call_rows import Written
from .node_history import NodeHistory
from .run_history import History
from .working_hours import WINDOW_DAYS

# How often each automation is started.
_FLOW_WEIGHTS = {"review": 34, "triage": 18, "ci": 14, "mention": 14, "push": 18, "nightly": 4}
_START_ERROR = "Runtime rejected the task: queue unavailable"


class JobHistory:
    """A collector of the rows of job runs that have ended, are running or are pending."""

    def __init__(self, rows: Rows, world: SeededAccount, rng: Random, now: int, direct: History) -> None:
        self.rows = rows
        self.world = world
        self.rng = rng
        self.now = now
        self.direct = direct
        self.nodes = NodeHistory(rows, world, rng, now, direct)
        # The time up to which a schedule's runs are still to be written, by flow: they are written backwards.
        self._untold: dict[str, int] = {}
        # Jobs that failed long ago: plans with ids and ends.
        self._failed: list[tuple[JobPlan, str, int]] = []

    def _plan(
        self, flow_key: str | None = None, failing: float = 0.13, without_tool_events: bool = False
    ) -> JobPlan:
        key = flow_key or self.rng.choices(list(_FLOW_WEIGHTS), weights=list(_FLOW_WEIGHTS.values()))[0]
        flow = self.world.flows[key]
        odds = self.direct.odds if failing and not without_tool_events else CALM
        return plan_job(
            self.rng, flow, pick(self.rng, flow_repos(self.world, flow)), failing, without_tool_events, odds
        )

    def job(self) -> int:
        """Collect the rows of a random finished job run; return the number of its calls.

        Occasionally they are only the row of an event that was suppressed, without a job run.
        """
        rng = self.rng
        fresh = self.direct.fresh()
        plan, draw = self._plan(without_tool_events=not fresh), rng.random()
        waits = sum(wait_seconds(rng) for node in plan.nodes if node.wait)
        delay = 2.0
        trouble = None
        if draw < 0.05:
            trouble, delay = "deferred", rng.uniform(20, 200)
        elif draw < 0.08:
            trouble, delay = "start_failed", rng.uniform(120, 400)
        elif draw < 0.13:
            self._suppressed(plan, fresh)
            return 0
        total = plan.seconds() + waits + delay + 30 + 3 * len(plan.nodes)
        created = self.direct.place(self.direct.rhythm.draw(rng, fresh), total)
        if plan.flow.event == "schedule":
            plan, created = self._at_scheduled_time(plan, created, total)
        cancelled = draw > 0.96 and any(node.agent for node in plan.nodes)
        missing = 0.94 < draw < 0.955
        failed_before = len(self._failed)
        made = self._finished(plan, created, delay, waits, trouble, cancelled, missing)
        if fresh:
            del self._failed[failed_before:]
        return made

    def retries(self, count: int) -> None:
        """Collect the rows of successful retries, for up to `count` jobs that failed.

        The jobs failed more than 30 hours ago.
        """
        for plan, job_id, ended in self._failed[:count]:
            # Drawn from its own random stream.
            rng = Random(f"retry {job_id}")
            again = plan_job(rng, plan.flow, plan.repo, 0.0, without_tool_events=True)
            version = plan.flow.version_id
            again = again._replace(
                metadata=plan.metadata | retry_metadata(version, version, "latest_published"),
                idempotency_key=None,
                start_source="manual_retry",
                retry_of=job_id,
            )
            others = JobHistory(self.rows, self.world, rng, self.now, self.direct)
            others._finished(again, ended + whole(rng, 2, 9) * MINUTE_US, 2.0, 0.0, None, False, False)

    def _at_scheduled_time(self, plan: JobPlan, created: int, seconds: float) -> tuple[JobPlan, int]:
        """Return the plan of a scheduled job and the time at which the job was created.

        The time is the latest one of the schedule for which no job run was collected. If there is none,
        the result is the plan of a manual run at the time `created`.
        """
        flow, start = plan.flow, plan.flow.spec["start"]
        text, zone = start["scheduleCron"], start["scheduleTimezone"]
        tick = latest(text, zone, self._untold.get(flow.id, self.direct.place(self.now, seconds)))
        if tick is None or tick < self.now - WINDOW_DAYS * DAY_US:
            return self._by_hand(plan, created), created
        self._untold[flow.id] = tick - MINUTE_US
        metadata = plan.metadata | {payload_key(flow.event): tick_payload(tick, text, zone)}
        return plan._replace(metadata=metadata, idempotency_key=tick_key("flow", flow.id, tick)), tick

    def _by_hand(self, plan: JobPlan, at: int) -> JobPlan:
        """Return the plan of a scheduled job, changed so that a user starts the job."""
        unique = (plan.idempotency_key or "").rpartition(":")[2]
        return plan._replace(
            metadata=plan.metadata | {payload_key(plan.flow.event): trial_payload(at)},
            idempotency_key=trial_key(plan.flow.id, unique),
            start_source="api",
        )

    def _ledger(
        self,
        plan: JobPlan,
        job_id: str | None,
        at: int,
        kind: str,
        outcome: str,
        reason: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.rows.add(
            "automation_dispatch_events",
            id=new_uuid(self.rng),
            **plan.named(job_id),
            repo_id=plan.repo.id,
            installation_id=plan.flow.installation_id,
            source_kind="flow" if plan.retry_of is None else "manual_retry",
            source_type=plan.flow.event,
            event_kind=kind,
            outcome=outcome,
            reason=reason,
            metadata=encode(metadata or {}),
            created_at=at,
        )

    def _suppressed(self, plan: JobPlan, fresh: bool) -> None:
        at = self.direct.rhythm.draw(self.rng, fresh)
        reasons = ["IDEMPOTENT_DUPLICATE", "ACTIVE_DUPLICATE", "REPO_PENDING_LIMIT"]
        reason = self.rng.choices(reasons, weights=(6, 3, 1))[0]
        if plan.flow.event == "mention":
            reason = "MENTION_LOOP_BREAKER"
        self._ledger(plan, None, at, "enqueue", "suppressed", reason, plan.metadata)

    def _start_rows(
        self, plan: JobPlan, job_id: str, at: int, trouble: str | None, delay: float
    ) -> tuple[int, str]:
        """Collect the rows of the dispatch events up to and including a job's start.

        Returns the time (µs) and the source of the start. `trouble` is None, "deferred" or
        "start_failed".
        """
        versions = {"flow_id": plan.flow.id, "flow_version_id": plan.flow.version_id}
        self._ledger(plan, job_id, at, "enqueue", "queued", None, plan.metadata)
        source, first = plan.start_source, at + SECOND_US
        if trouble == "deferred":
            reason = "INSTALLATION_CONCURRENCY_LIMIT"
            self._ledger(
                plan, job_id, first, "start", "deferred", reason, {"start_source": source, **versions}
            )
            source = "queue_release"
        elif trouble == "start_failed":
            self._ledger(
                plan,
                job_id,
                first,
                "start",
                "start_failed",
                _START_ERROR,
                {"start_source": source, **versions},
            )
            source = "repair"
        started = at + int(delay * SECOND_US)
        self._ledger(
            plan, job_id, started + 90_000, "start", "started", None, {"start_source": source, **versions}
        )
        return started, source

    def _finished(
        self,
        plan: JobPlan,
        created: int,
        delay: float,
        waits: float,
        trouble: str | None,
        cancelled: bool,
        missing: bool,
    ) -> int:
        job_id = new_uuid(self.rng)
        started, source = self._start_rows(plan, job_id, created, trouble, delay)
        if missing:
            columns = {"error": "MISSING_CONFIG", "completed_at": started + 700_000}
            self._job_row(plan, job_id, created, started, source, "failed", trouble, columns, [])
            return 0
        ends = self.nodes.run(plan, job_id, started, waits, cancelled)
        status = "cancelled" if cancelled else plan.status
        at = ends.at + SECOND_US // 2
        columns = {"error": plan.error if status == "failed" else None, "completed_at": at}
        handle = token(self.rng, "run_")
        if cancelled:
            columns |= {
                "cancel_requested_at": at - 900_000,
                "cancelled_at": at,
                "cancel_reason": "USER_REQUESTED",
            }
            control: dict[str, Any] = {"runtime_provider": "trigger", "runtime_run_id": handle}
            control["cancel_requested_at"] = iso_app(at - 900_000)
            self._ledger(plan, job_id, at - 900_000, "control", "cancel_requested", "USER_REQUESTED", control)
            control = {
                **control,
                "cancelled_at": iso_app(at),
                "ai_calls_cancellation_requested": len(ends.written),
            }
            self._ledger(plan, job_id, at, "control", "cancelled", "USER_REQUESTED", control)
        else:
            outcome = "completed" if status == "success" else "failed"
            self._ledger(plan, job_id, at, "control", outcome, plan.reason, plan.diagnostics)
            self._findings(plan, job_id, at)
        columns["runtime_run_id"] = handle
        if status == "failed":
            self._failed.append((plan, job_id, at))
        self._job_row(plan, job_id, created, started, source, status, trouble, columns, ends.written)
        return len(ends.written)

    def _findings(self, plan: JobPlan, job_id: str, at: int) -> None:
        for ordinal, finding in enumerate(plan.findings):
            columns = finding_columns(self.rng, plan, ordinal, finding)
            draw, number = self.rng.random(), whole(self.rng, 1901, 2400)
            filed = draw < 0.15
            # A user who cancels does so within the hour.
            gone = at + number * SECOND_US
            waved_off = 0.15 <= draw < 0.25 and gone < self.now
            self.rows.add(
                "review_findings",
                id=new_uuid(self.rng),
                user_id=plan.flow.user_id,
                job_run_id=job_id,
                **columns,
                status="issue_created" if filed else "dismissed" if waved_off else "open",
                issue_number=number if filed else None,
                issue_url=f"https://github.com/{plan.repo.full_name}/issues/{number}" if filed else None,
                dismissed_at=gone if waved_off else None,
                created_at=at,
                updated_at=gone if waved_off else at,
            )

    def _job_row(
        self,
        plan: JobPlan,
        job_id: str,
        created: int,
        started: int | None,
        source: str | None,
        status: str,
        trouble: str | None,
        columns: dict[str, Any],
        written: list[Written],
    ) -> None:
        costs = [call.cost for call in written if call.cost is not None]
        done = columns.get("completed_at")
        over = status in ("success", "failed")
        # Drawn for every job, so that other draws do not depend on how a job ended.
        handle = token(self.rng, "run_") if started else None
        urls = [call.delivered for call in written if call.delivered]
        more = {"pull_request_url": urls[-1]} if status == "success" and urls else {}
        self.rows.add(
            "job_runs",
            id=job_id,
            flow_id=plan.flow.id,
            flow_version_id=plan.flow.version_id,
            retry_of_job_run_id=plan.retry_of,
            runtime_provider="trigger" if started else None,
            runtime_run_id=columns.get("runtime_run_id", handle),
            idempotency_key=plan.idempotency_key,
            status=status,
            created_at=created,
            started_at=started,
            completed_at=done,
            input_tokens=sum(call.tokens.input or 0 for call in written) if over and written else None,
            output_tokens=sum(call.tokens.output or 0 for call in written) if over and written else None,
            cost_usd=round(sum(costs), 8) if costs else None,
            duration_ms=None if done is None or started is None else (done - started) // 1000,
            error=columns.get("error"),
            start_attempts=2 if trouble and started else 1,
            last_start_attempt_at=started or created + SECOND_US,
            last_start_error=columns.get("last_start_error"),
            last_start_source=source,
            cancel_requested_at=columns.get("cancel_requested_at"),
            cancelled_at=columns.get("cancelled_at"),
            cancel_reason=columns.get("cancel_reason"),
            metadata=encode(plan.metadata | more),
        )

    def parked(self, age_us: int) -> None:
        """Collect the rows of a run of the nightly flow that waits for a person's answer.

        A user started it `age_us` µs ago.
        """
        self._live(self._by_hand(self._plan("nightly", 0.0), self.now - age_us), age_us)

    def live(self, flow_key: str, age_s: float) -> None:
        """Collect the rows of a running job whose first agent is still working."""
        self._live(self._plan(flow_key, 0.0), int(age_s * SECOND_US))

    def _live(self, plan: JobPlan, age_us: int) -> None:
        job_id, created = new_uuid(self.rng), self.now - age_us
        started, source = self._start_rows(plan, job_id, created, None, 2.0)
        ends = self.nodes.run(plan, job_id, started, 0.0, False, live=True)
        self._job_row(plan, job_id, created, started, source, "running", None, {}, ends.written)

    def repairing(self) -> None:
        """Collect the rows of a running job whose coding CLI is working.

        Its diagnosis node has ended.
        """
        plan = self._plan("ci", 0.0)
        before = sum(
            node.agent.call_plan.seconds() + 3.0
            for node in plan.nodes
            if node.agent is not None and node.agent.call_plan.kind is CallKind.NODE
        )
        self._live(plan, int((before + 40.0) * SECOND_US))

    def waiting(self, flow_key: str, minutes: float) -> None:
        """Collect the rows of a pending job whose start failed `minutes` ago.

        The start has not been tried again.
        """
        plan = self._plan(flow_key, 0.0)
        job_id, created = new_uuid(self.rng), self.now - int(minutes * MINUTE_US)
        self._ledger(plan, job_id, created, "enqueue", "queued", None, plan.metadata)
        about = {"start_source": "webhook", "flow_id": plan.flow.id, "flow_version_id": plan.flow.version_id}
        self._ledger(plan, job_id, created + SECOND_US, "start", "start_failed", _START_ERROR, about)
        columns = {"last_start_error": _START_ERROR}
        self._job_row(plan, job_id, created, None, "webhook", "pending", None, columns, [])
