"""Write what a scenario adds: loop rounds, questions, sandboxes and failed calls."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

from ..db.batch_insert import Rows
from ..db.clock import HOUR_US, MINUTE_US, SECOND_US
from ..db.database import Tx
from ..sample_data.loader import material, prompts
from ..scenarios.model import Loop, ModelFailures, Scenario
from ..workload.account import SeededAccount
from ..workload.call_plan import CallKind
from ..workload.job_planner import JobPlan, plan_job
from ..workload.orchestrator_questions import draw_question
from ..workload.rng import pick, stream, token, whole
from ..workload.scenario_odds import Odds, dearer
from ..workload.v1_run_metadata import HARNESSES
from .families.automation import approval
from .job_history import JobHistory
from .run_history import History
from .sandbox_rows import write_past
from .working_hours import WorkingHours

_TITLES = {"pr_opened": "pr_title", "issue_opened": "issue_title"}
_START_SECONDS = 2.0


def write_added(
    rows: Rows, tx: Tx, world: SeededAccount, direct: History, scenario: Scenario, seed: int, now: int
) -> None:
    """Collect the rows that a scenario adds to the usual history.

    They have their own random streams, so that the usual history stays the same.
    """
    past, loop = scenario.past, scenario.now.loop
    jobs = AddedHistory(rows, world, stream(seed, "added jobs"), now, direct)
    if loop is not None:
        jobs.rounds(loop, past.loop_rounds)
    for number in range(past.parked):
        jobs.parked(int((1.5 + 4.4 * number) * HOUR_US))
    rng = stream(seed, "added questions")
    for _ in range(past.questions):
        timing = {"minutes": whole(rng, 3, 1_200), "status": "pending", "expires": None}
        approval(rows, world, rng, {**draw_question(rng, world), **timing}, now)
    rng = stream(seed, "added sandboxes")
    for _ in range(past.broken_sandboxes):
        prompt = pick(rng, prompts())
        ended = now - whole(rng, 1, 50) * MINUTE_US
        branch = f"mogplex/{prompt.slug}-{token(rng, '', 4)}"
        repo, text = world.repos[prompt.repo], scenario.now.boot_error
        write_past(rows, rng, repo, branch, ended - 40 * SECOND_US, ended, True, text)
    rng = stream(seed, "added failures")
    for number in range(past.failed_calls):
        rule = past.failures[number % len(past.failures)]
        AddedCall(rows, tx, world, rng, now, rule).write()


class _LastHour(WorkingHours):
    """Draws times (µs) within the last 50 minutes."""

    def draw(self, rng: Random, fresh: bool) -> int:  # noqa: ARG002 (the base class's own)
        return self._now - whole(rng, 60, 50 * 60) * SECOND_US


class AddedCall(History):
    """Collects one call of the last hour that fails as a rule of the scenario says."""

    def __init__(
        self, rows: Rows, tx: Tx, world: SeededAccount, rng: Random, now: int, rule: ModelFailures
    ) -> None:
        super().__init__(rows, tx, world, rng, now, Odds((rule._replace(share=1.0),), rng=rng))
        self.rhythm, self._subject = _LastHour(now), rule.subject

    def fresh(self) -> bool:
        """Return True: the call is recent."""
        return True

    def model(self) -> str:
        """Draw a model that the rule is about."""
        known = [row["id"] for row in material("models")]
        return str(pick(self.rng, [name for name in known if fnmatchcase(name, self._subject)]))

    def harness(self) -> str:
        """Draw a coding CLI that the rule is about."""
        return pick(self.rng, [name for name in HARNESSES if fnmatchcase(f"harness:{name}", self._subject)])

    def write(self) -> None:
        """Collect the run of a coding CLI if the rule is about one, else a chat."""
        if self._subject.startswith("harness:"):
            self.run(sandbox_share=0.0)
        else:
            self.chat(CallKind.CHAT)


class AddedHistory(JobHistory):
    """Collects the job runs that a scenario adds."""

    def rounds(self, loop: Loop, count: int) -> None:
        """Collect the first `count` rounds of a loop; the last one has just ended."""
        flow, repo = self.world.flows[loop.automation], self.world.repos[loop.repo]
        plans = []
        for number in range(1, count + 1):
            title = loop.name(number)
            plan = plan_job(self.rng, flow, repo, 0.0)
            plans.append(_dearer(plan, _TITLES[flow.event], title, loop.times(title)))
        end = self.now - 30 * SECOND_US
        starts: list[int] = []
        for plan in reversed(plans):
            # The time of a node and a start besides the work, as for every past job.
            seconds = plan.seconds() + _START_SECONDS + 30 + 3 * len(plan.nodes)
            starts.insert(0, end - int(seconds * SECOND_US))
            end = starts[0] - int(loop.pause * SECOND_US)
        for plan, start in zip(plans, starts, strict=True):
            self._finished(plan, start, _START_SECONDS, 0.0, None, False, False)


def _dearer(plan: JobPlan, where: str, title: str, times: float) -> JobPlan:
    nodes = tuple(
        node
        if node.agent is None
        else node._replace(agent=node.agent._replace(call_plan=dearer(node.agent.call_plan, times)))
        for node in plan.nodes
    )
    return plan._replace(nodes=nodes, metadata={**plan.metadata, where: title})
