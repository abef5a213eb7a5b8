"""Two weeks of automation runs: job rows, ledger, nodes, waits, calls and findings."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ..clock import HOUR_US, MINUTE_US, SECOND_US, iso_app
from .bulk import Rows, encode
from .history import History
from .job_plan import (
    AgentWork,
    JobPlan,
    NodePlan,
    WaitWork,
    finding_columns,
    flow_repos,
    node_metadata,
    plan_job,
    wait_seconds,
)
from .odds import CALM
from .rng import new_uuid, pick, token, whole
from .scribe import CallFacts, Written
from .steps import CallKind
from .world import World

# How often each automation is set off.
_FLOW_WEIGHTS = {"review": 34, "triage": 18, "ci": 14, "mention": 14, "push": 18, "nightly": 4}
_START_ERROR = "Runtime rejected the task: queue unavailable"


@dataclass
class _Ends:
    """What the nodes of one job came to."""

    at: int
    written: list[Written]
    parked: bool = False


class JobHistory:
    """Writes automation work of the past, and what of it is still parked, live or waiting to start."""

    def __init__(self, rows: Rows, world: World, rng: Random, now: int, direct: History) -> None:
        self.rows = rows
        self.world = world
        self.rng = rng
        self.now = now
        self.direct = direct

    def _plan(self, flow_key: str | None = None, failing: float = 0.13, thin: bool = False) -> JobPlan:
        key = flow_key or self.rng.choices(list(_FLOW_WEIGHTS), weights=list(_FLOW_WEIGHTS.values()))[0]
        flow = self.world.flows[key]
        odds = self.direct.odds if failing and not thin else CALM
        return plan_job(self.rng, flow, pick(self.rng, flow_repos(self.world, flow)), failing, thin, odds)

    def job(self) -> int:
        """One job run that is over, or one dispatch that was suppressed; returns how many calls it made."""
        rng = self.rng
        fresh = self.direct.fresh()
        plan, draw = self._plan(thin=not fresh), rng.random()
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
        cancelled = draw > 0.96 and any(node.agent for node in plan.nodes)
        missing = 0.94 < draw < 0.955
        return self._finished(plan, created, delay, waits, trouble, cancelled, missing)

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
            user_id=plan.flow.user_id,
            job_run_id=job_id,
            flow_id=plan.flow.id,
            flow_version_id=plan.flow.version_id,
            repo_id=plan.repo.id,
            installation_id=plan.flow.installation_id,
            source_kind="flow",
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
        """Ledger rows up to the start, and when and by what source it started."""
        about = {"flow_id": plan.flow.id, "flow_version_id": plan.flow.version_id}
        self._ledger(plan, job_id, at, "enqueue", "queued", None, plan.metadata)
        source, first = plan.start_source, at + SECOND_US
        if trouble == "deferred":
            reason = "INSTALLATION_CONCURRENCY_LIMIT"
            self._ledger(plan, job_id, first, "start", "deferred", reason, {"start_source": source, **about})
            source = "queue_release"
        elif trouble == "start_failed":
            self._ledger(
                plan, job_id, first, "start", "start_failed", _START_ERROR, {"start_source": source, **about}
            )
            source = "repair"
        started = at + int(delay * SECOND_US)
        self._ledger(
            plan, job_id, started + 90_000, "start", "started", None, {"start_source": source, **about}
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
        ends = self._run_nodes(plan, job_id, started, waits, cancelled)
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
            about: dict[str, Any] = {"runtime_provider": "trigger", "runtime_run_id": handle}
            about["cancel_requested_at"] = iso_app(at - 900_000)
            self._ledger(plan, job_id, at - 900_000, "control", "cancel_requested", "USER_REQUESTED", about)
            about = {
                **about,
                "cancelled_at": iso_app(at),
                "ai_calls_cancellation_requested": len(ends.written),
            }
            self._ledger(plan, job_id, at, "control", "cancelled", "USER_REQUESTED", about)
        else:
            outcome = "completed" if status == "success" else "failed"
            self._ledger(plan, job_id, at, "control", outcome, plan.reason, plan.diagnostics)
            self._findings(plan, job_id, at)
        self._job_row(plan, job_id, created, started, source, status, trouble, columns, ends.written)
        return len(ends.written)

    def _findings(self, plan: JobPlan, job_id: str, at: int) -> None:
        for ordinal, finding in enumerate(plan.findings):
            columns = finding_columns(self.rng, plan, ordinal, finding)
            filed = self.rng.random() < 0.15
            number = whole(self.rng, 1901, 2400)
            self.rows.add(
                "review_findings",
                id=new_uuid(self.rng),
                user_id=plan.flow.user_id,
                job_run_id=job_id,
                **columns,
                status="issue_created" if filed else "open",
                issue_number=number if filed else None,
                issue_url=f"https://github.com/{plan.repo.full_name}/issues/{number}" if filed else None,
                created_at=at,
                updated_at=at,
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
        self.rows.add(
            "job_runs",
            id=job_id,
            flow_id=plan.flow.id,
            flow_version_id=plan.flow.version_id,
            runtime_provider="trigger" if started else None,
            runtime_run_id=token(self.rng, "run_") if started else None,
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
            metadata=encode(plan.metadata),
        )

    def _node_row(
        self,
        plan: JobPlan,
        job_id: str,
        node: NodePlan,
        status: str,
        start: int | None,
        end: int | None,
        error: str | None,
    ) -> None:
        output = {"status": status} if end is not None and status == "success" else None
        self.rows.add(
            "flow_node_runs",
            id=new_uuid(self.rng),
            user_id=plan.flow.user_id,
            job_run_id=job_id,
            flow_id=plan.flow.id,
            flow_version_id=plan.flow.version_id,
            node_id=node.node_id,
            node_type=node.node_type,
            node_label=node.label,
            status=status,
            started_at=start,
            completed_at=end,
            duration_ms=None if start is None or end is None else (end - start) // 1000,
            error=error,
            output=None if output is None else encode(output),
            created_at=start or end or 0,
        )

    def _run_nodes(
        self, plan: JobPlan, job_id: str, started: int, waits: float, cancelled: bool, live: bool = False
    ) -> _Ends:
        """Write the nodes in order; a cancelled job stops in its first agent, a live one wherever it is now."""
        ends = _Ends(started + SECOND_US // 2, [])
        for node in plan.nodes:
            begin = ends.at
            if node.skipped:
                self._node_row(plan, job_id, node, "skipped", None, begin, None)
            elif node.wait is not None:
                if live:
                    self._park(plan, job_id, node, node.wait, begin)
                    ends.parked = True
                    return ends
                ends.at = begin + int(waits * SECOND_US)
                self._wait_row(plan, job_id, node, node.wait, begin, ends.at)
                self._node_row(plan, job_id, node, "success", begin, ends.at, None)
            elif live and node.agent is not None and self._is_at_work(node.agent, begin):
                # Its call is written when the node ends, never before (runtime-model.md §4, 7).
                self._node_row(plan, job_id, node, "running", begin, None, None)
                return ends
            elif cancelled and node.agent is not None and node.agent.story.kind is CallKind.NODE:
                ends.at = begin + int(node.agent.story.seconds() * 0.5 * SECOND_US)
                self._node_row(plan, job_id, node, "cancelled", begin, ends.at, None)
                return ends
            elif node.agent is not None:
                written = self._call(plan, job_id, node, node.agent, begin, cancelled, live)
                ends.written.append(written)
                status = "running" if written.ended_at is None else written.status
                self._node_row(plan, job_id, node, status, begin, written.ended_at, written.error)
                if written.ended_at is None or cancelled:
                    ends.at = written.ended_at or self.now
                    return ends
                ends.at = written.ended_at + 200_000
            else:
                ends.at = begin + int(node.seconds * SECOND_US)
                self._node_row(plan, job_id, node, "success", begin, ends.at, None)
        return ends

    def _is_at_work(self, work: AgentWork, begin: int) -> bool:
        """Whether a node of the service's own harness that began then is not over yet."""
        length = int((work.story.seconds() + 2.0) * SECOND_US)
        return work.story.kind is CallKind.NODE and begin + length > self.now

    def _call(
        self,
        plan: JobPlan,
        job_id: str,
        node: NodePlan,
        work: AgentWork,
        begin: int,
        cancelled: bool,
        live: bool,
    ) -> Written:
        started, cli = begin + 300_000, work.story.kind is CallKind.HARNESS
        facts = CallFacts(
            user_id=plan.flow.user_id,
            type=work.call_type,
            model=work.model,
            repo_id=plan.repo.id,
            started_at=started,
            metadata=node_metadata(plan, node, self.world),
            id=new_uuid(self.rng),
            job_run_id=job_id,
            wait=12.0 if cli else 0.4,
            cancelled=cancelled,
            live_until=self.now if cli and live and begin > self.now - 2 * MINUTE_US else None,
        )
        return self.direct.scribe.call(work.story, facts)

    def _wait_row(
        self, plan: JobPlan, job_id: str, node: NodePlan, wait: WaitWork, begin: int, end: int | None
    ) -> None:
        self.rows.add(
            "flow_waits",
            id=new_uuid(self.rng),
            user_id=plan.flow.user_id,
            job_run_id=job_id,
            flow_id=plan.flow.id,
            flow_version_id=plan.flow.version_id,
            installation_id=plan.flow.installation_id,
            repo_id=plan.repo.id,
            node_id=node.node_id,
            wait_kind=wait.kind,
            wait_config=encode(wait.config),
            resume_token=token(self.rng, "", 32),
            status="waiting" if end is None else "resumed",
            expires_at=begin + wait.hours * HOUR_US,
            created_at=begin,
            resumed_at=end,
            resume_payload=None if end is None else encode({"approved": True}),
        )

    def _park(self, plan: JobPlan, job_id: str, node: NodePlan, wait: WaitWork, begin: int) -> None:
        self._wait_row(plan, job_id, node, wait, begin, None)
        self._node_row(plan, job_id, node, "running", begin, None, None)

    def parked(self, age_us: int) -> None:
        """A nightly run that waits for a person's answer since about `age_us` ago."""
        self._live(self._plan("nightly", 0.0), age_us)

    def live(self, flow_key: str, age_s: float) -> None:
        """A job run whose first agent is at work."""
        self._live(self._plan(flow_key, 0.0), int(age_s * SECOND_US))

    def _live(self, plan: JobPlan, age_us: int) -> None:
        job_id, created = new_uuid(self.rng), self.now - age_us
        started, source = self._start_rows(plan, job_id, created, None, 2.0)
        ends = self._run_nodes(plan, job_id, started, 0.0, False, live=True)
        self._job_row(plan, job_id, created, started, source, "running", None, {}, ends.written)

    def repairing(self) -> None:
        """A job run whose coding CLI is at work, its diagnosis behind it."""
        plan = self._plan("ci", 0.0)
        before = sum(
            node.agent.story.seconds() + 3.0
            for node in plan.nodes
            if node.agent is not None and node.agent.story.kind is CallKind.NODE
        )
        self._live(plan, int((before + 40.0) * SECOND_US))

    def waiting(self, flow_key: str, minutes: float) -> None:
        """A job run whose start failed and that nobody has repaired yet."""
        plan = self._plan(flow_key, 0.0)
        job_id, created = new_uuid(self.rng), self.now - int(minutes * MINUTE_US)
        self._ledger(plan, job_id, created, "enqueue", "queued", None, plan.metadata)
        about = {"start_source": "webhook", "flow_id": plan.flow.id, "flow_version_id": plan.flow.version_id}
        self._ledger(plan, job_id, created + SECOND_US, "start", "start_failed", _START_ERROR, about)
        columns = {"last_start_error": _START_ERROR}
        self._job_row(plan, job_id, created, None, "webhook", "pending", None, columns, [])
