"""Seed the nodes of job runs with their outputs, calls and waits."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ..automation.jobs.node_writes import decision_output
from ..db.batch_insert import Rows, encode
from ..db.clock import HOUR_US, MINUTE_US, SECOND_US
from ..engine.node_outputs import Outputs
from ..workload.account import SeededAccount
from ..workload.call_plan import CallKind
from ..workload.job_planner import AgentWork, JobPlan, NodePlan, WaitWork, node_metadata
from ..workload.rng import new_uuid, token
from .call_rows import CallFacts, Written
from .run_history import History


@dataclass
class NodeEnds:
    """The time at which the last collected node of a job ended, and the job's calls.

    `at` has no meaning if a node is still running.
    """

    at: int
    written: list[Written]


class NodeHistory:
    """A collector of the rows of jobs' nodes.

    `rng` is also used for the rows of the jobs.
    """

    def __init__(self, rows: Rows, world: SeededAccount, rng: Random, now: int, direct: History) -> None:
        self.rows = rows
        self.world = world
        self.rng = rng
        self.now = now
        self.direct = direct

    def run(
        self, plan: JobPlan, job_id: str, started: int, waits: float, cancelled: bool, live: bool = False
    ) -> NodeEnds:
        """Collect the rows of a job's nodes, in the order in which the nodes run.

        The last one is the first node that is cancelled or still running. A wait lasts for `waits`
        seconds.
        """
        ends, outputs = NodeEnds(started + SECOND_US // 2, []), Outputs(plan)

        def done(node: NodePlan, begin: int) -> None:
            self._row(plan, job_id, node, "success", begin, ends.at, output=outputs.of(node))

        for node in plan.nodes:
            begin = ends.at
            if node.skipped:
                self._row(plan, job_id, node, "skipped", None, begin)
            elif node.wait is not None:
                self._wait(plan, job_id, node, node.wait, begin, None if live else int(waits * SECOND_US))
                if live:
                    self._row(plan, job_id, node, "running", begin, None)
                    return ends
                ends.at = begin + int(waits * SECOND_US)
                done(node, begin)
            elif live and node.agent is not None and self._is_at_work(node.agent, begin):
                # Its call is written when the node ends (runtime-model.md §4, 7).
                self._row(plan, job_id, node, "running", begin, None)
                return ends
            elif cancelled and node.agent is not None and node.agent.call_plan.kind is CallKind.NODE:
                ends.at = begin + int(node.agent.call_plan.seconds() * 0.5 * SECOND_US)
                self._row(plan, job_id, node, "cancelled", begin, ends.at)
                return ends
            elif node.agent is not None:
                written = self._call(plan, job_id, node, node.agent, begin, cancelled, live)
                ends.written.append(written)
                if written.ended_at is not None and written.status == "success":
                    ends.at = written.ended_at
                    done(node, begin)
                else:
                    status = "running" if written.ended_at is None else written.status
                    self._row(plan, job_id, node, status, begin, written.ended_at, written.error)
                if written.ended_at is None or cancelled:
                    ends.at = written.ended_at or self.now
                    return ends
                ends.at = written.ended_at + 200_000
            else:
                ends.at = begin + int(node.seconds * SECOND_US)
                done(node, begin)
        return ends

    def _is_at_work(self, work: AgentWork, begin: int) -> bool:
        """Return whether a node that began at `begin` (µs) is still running now.

        The result is False for every node that does not use the built-in harness.
        """
        length = int((work.call_plan.seconds() + 2.0) * SECOND_US)
        return work.call_plan.kind is CallKind.NODE and begin + length > self.now

    def _row(
        self,
        plan: JobPlan,
        job_id: str,
        node: NodePlan,
        status: str,
        start: int | None,
        end: int | None,
        error: str | None = None,
        output: dict[str, Any] | None = None,
    ) -> None:
        self.rows.add(
            "flow_node_runs",
            id=new_uuid(self.rng),
            **plan.named(job_id),
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
        started, cli = begin + 300_000, work.call_plan.kind is CallKind.HARNESS
        partly = {"failed_with_partial_usage": True} if node.failed and not cli else {}
        facts = CallFacts(
            user_id=plan.flow.user_id,
            type=work.call_type,
            model=work.model,
            repo_id=plan.repo.id,
            started_at=started,
            metadata=node_metadata(plan, node, self.world) | partly,
            id=new_uuid(self.rng),
            job_run_id=job_id,
            wait=12.0 if cli else 0.4,
            cancelled=cancelled,
            live_until=self.now if cli and live and begin > self.now - 2 * MINUTE_US else None,
        )
        return self.direct.scribe.call(work.call_plan, facts)

    def _wait(
        self, plan: JobPlan, job_id: str, node: NodePlan, wait: WaitWork, begin: int, lasted: int | None
    ) -> None:
        self.rows.add(
            "flow_waits",
            id=new_uuid(self.rng),
            **plan.named(job_id),
            installation_id=plan.flow.installation_id,
            repo_id=plan.repo.id,
            node_id=node.node_id,
            wait_kind=wait.kind,
            wait_config=encode(wait.config),
            resume_token=token(self.rng, "", 32),
            status="waiting" if lasted is None else "resumed",
            expires_at=begin + wait.hours * HOUR_US,
            created_at=begin,
            resumed_at=None if lasted is None else begin + lasted,
            resume_payload=None if lasted is None else encode(decision_output("approve")),
        )
