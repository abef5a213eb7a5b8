"""Run started jobs, with one actor per node, and continue them after a restart."""

from __future__ import annotations

from typing import Any

from ..actors.context import ActorContext, ActorRandom
from ..actors.scheduler import Acts
from ..automation.jobs import node_writes
from ..calls import call_writes
from . import agent_nodes, job_completion, step_nodes
from .agent_nodes import NodeActs, NodeEnd
from .graph_progress import Node, next_step
from .running_job import Job, UnresolvedJobError, load, node_rows, progress
from .suspension import is_running


class JobRunner:
    """Runs the automation jobs of a plane.

    The progress of a job is stored only in its node runs, so that any process can continue it.
    """

    def __init__(self, context: ActorContext) -> None:
        self._context = context
        self._actors: dict[str, set[str]] = {}

    def start_or_continue(self, job_id: str) -> None:
        """Start or continue a job, unless this runner is already running it."""
        if job_id in self._actors:
            return
        name = f"job:{job_id}"
        self._actors[job_id] = {name}
        for call in self._live_calls(job_id):
            self._context.set_simulator(call, name)
        self._context.spawn(name, self._begin(job_id), 0.4)

    def handle_stop(self, job_id: str) -> None:
        """Wake the actors of a job's nodes, so that they notice that the job was stopped."""
        for name in self._actors.get(job_id, ()):
            self._context.scheduler.wake(name)

    def handle_resume(self, wait_id: str) -> None:
        """Wake the node of a resumed wait, or continue its job if the node has no actor."""
        row = self._context.plane.db.one(
            "SELECT job_run_id, node_id FROM flow_waits WHERE id = ?", (wait_id,)
        )
        if row is None:
            return
        name = _actor(row["job_run_id"], row["node_id"])
        if not self._context.scheduler.wake(name):
            self.start_or_continue(row["job_run_id"])

    def forget(self, job_id: str) -> None:
        """Stop tracking a job, for example after an error in one of its actors."""
        self._actors.pop(job_id, None)

    def _live_calls(self, job_id: str) -> list[str]:
        rows = self._context.plane.db.all(
            "SELECT id FROM ai_calls WHERE job_run_id = ? AND status IN ('pending', 'streaming')", (job_id,)
        )
        return [row["id"] for row in rows]

    def _cancel_live_calls(self, job_id: str) -> None:
        """Cancel the live calls of a job that was stopped before its nodes were started."""
        with self._context.random(f"let go:{job_id}").tx() as tx:
            for call_id in self._live_calls(job_id):
                payload = {"reason": "PARENT_JOB_CANCELLED"}
                call_writes.finalize_cancel(
                    tx, call_id, self._context.now(), "Harness run cancelled", payload
                )

    def _begin(self, job_id: str) -> Acts:
        yield 0.1
        try:
            job = load(self._context, job_id)
        except UnresolvedJobError as missing:
            self.forget(job_id)
            job_completion.fail_unresolved(self._context, job_id, str(missing))
            return
        if job is None:
            self.forget(job_id)
            self._cancel_live_calls(job_id)
            return
        for row in node_rows(self._context.plane.db, job_id):
            node = job.graph.nodes.get(row["node_id"])
            if row["status"] == "running" and node is not None:
                self._spawn(job, node, row["id"], row["started_at"] or row["created_at"])
        self._actors.get(job_id, set()).discard(f"job:{job_id}")
        self._advance(job)

    def _advance(self, job: Job) -> None:
        """Start every node that can run now; end the job when no node is left."""
        if not is_running(self._context, job.id):
            self.forget(job.id)
            return
        while True:
            rows = node_rows(self._context.plane.db, job.id)
            seen, done = progress(rows)
            ends = job.graph.of_type("end")
            step = next_step(job.graph, seen, done)
            if any(end.id in done for end in ends) or not (step.run or step.skip or set(seen) - set(done)):
                self.handle_stop(job.id)
                self.forget(job.id)
                job_completion.succeed(self._context, job)
                return
            for node_id in step.skip:
                self._skip(job, job.graph.nodes[node_id])
            for node_id in step.run:
                self._run(job, job.graph.nodes[node_id])
            if not step.skip:
                return

    def _node_random(self, job: Job, node: Node) -> ActorRandom:
        return self._context.random(_actor(job.id, node.id))

    def _skip(self, job: Job, node: Node) -> None:
        self._write(job, node, "skipped", completed_at=self._context.now())

    def _run(self, job: Job, node: Node) -> None:
        now = self._context.now()
        self._spawn(job, node, self._write(job, node, "running", started_at=now), now)

    def _write(self, job: Job, node: Node, status: str, **instants: Any) -> str:
        """Insert the row of a node that starts or is skipped, and return the row's id."""
        with self._node_random(job, node).tx() as tx:
            return node_writes.insert_node_run(
                tx,
                user_id=job.user_id,
                job_run_id=job.id,
                node_id=node.id,
                node_type=node.type,
                node_label=node.label,
                status=status,
                created_at=self._context.now(),
                **instants,
            )

    def _spawn(self, job: Job, node: Node, run_id: str, began_at: int) -> None:
        name = _actor(job.id, node.id)
        self._actors.setdefault(job.id, set()).add(name)
        self._context.spawn(name, self._act(job, node, run_id, began_at))

    def _act(self, job: Job, node: Node, run_id: str, began_at: int) -> Acts:
        random = self._node_random(job, node)
        # Ids of the node run's own rows were drawn from the same random stream.
        random.ids.uuid()
        end = yield from self._work(random, job, node, began_at)
        self._actors.get(job.id, set()).discard(_actor(job.id, node.id))
        if end is None or not self._write_result(random, job, run_id, end):
            if not self._actors.get(job.id):
                self.forget(job.id)
            return
        if end.status == "failed" and not job.graph.has_error_edge(node.id):
            self.handle_stop(job.id)
            self.forget(job.id)
            job_completion.fail(self._context, job, end)
            return
        self._advance(job)

    def _work(self, random: ActorRandom, job: Job, node: Node, began_at: int) -> NodeActs:
        context = self._context
        if node.type == "agent":
            return agent_nodes.run_agent_node(context, random, job, node, began_at)
        if node.type == "delay":
            return step_nodes.delay(context, job, node, began_at)
        known = {
            "action": step_nodes.action,
            "condition": step_nodes.condition,
            "set_variable": step_nodes.variables,
            "transform": step_nodes.variables,
            "await_event": step_nodes.await_event,
        }
        return known.get(node.type, step_nodes.pass_through)(context, random, job, node)

    def _write_result(self, random: ActorRandom, job: Job, run_id: str, end: NodeEnd) -> bool:
        """Write the result of a node; return False if its job is no longer running."""
        with random.tx() as tx:
            row = tx.one("SELECT status FROM job_runs WHERE id = ?", (job.id,))
            if row is None or row["status"] != "running":
                return False
            return node_writes.finish_node_run(
                tx, run_id, end.status, self._context.now(), error=end.error, output=end.output
            )


def _actor(job_id: str, node_id: str) -> str:
    return f"node:{job_id}:{node_id}"
