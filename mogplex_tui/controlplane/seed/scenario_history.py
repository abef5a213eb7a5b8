"""Seed what a scenario adds: rounds of a loop, questions, sandboxes, failed calls."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

from ..db.batch_insert import Rows
from ..db.clock import HOUR_US, MINUTE_US, SECOND_US
from ..db.database import Tx
from ..runs.run_writes import LAUNCH_FAILED
from ..sample_data.loader import material, prompts
from ..scenarios.model import Loop, ModelFailures, Scenario
from ..workload.account import SeededAccount
from ..workload.call_plan import CallKind, CallPlan, Step
from ..workload.call_planner import Branches
from ..workload.job_planner import JobPlan, plan_job
from ..workload.orchestrator_questions import draw_question
from ..workload.rng import new_uuid, pick, stream, token, whole
from ..workload.scenario_odds import Odds, with_tokens_multiplied
from ..workload.v1_run_metadata import HARNESSES, accepted_step, external_metadata, request_hash
from .call_rows import CallFacts
from .families.automation import approval
from .job_history import JobHistory
from .run_history import History
from .sandbox_rows import write_past
from .working_hours import WorkingHours

_TITLES = {"pr_opened": "pr_title", "issue_opened": "issue_title"}
_START_SECONDS = 2.0
_BOOT_SECONDS = 40


def write_added(
    rows: Rows, tx: Tx, world: SeededAccount, direct: History, scenario: Scenario, seed: int, now: int
) -> None:
    """Collect the rows that a scenario adds to the usual history.

    They are made from separate random numbers, so that the usual history stays the same.
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
    broken = BrokenRuns(rows, tx, world, stream(seed, "added sandboxes"), now)
    for _ in range(past.broken_sandboxes):
        broken.write(scenario.now.boot_error or "The sandbox did not boot")
    rng = stream(seed, "added failures")
    for number in range(past.failed_calls):
        rule = past.failures[number % len(past.failures)]
        AddedCall(rows, tx, world, rng, now, rule).write()


class BrokenRuns(History):
    """A collector of coding runs of the last hour whose sandboxes failed to boot."""

    def write(self, error: str) -> None:
        """Collect the rows of one run and its sandbox, which both failed with `error`."""
        rng = self.rng
        prompt = pick(rng, prompts())
        repo = self.world.repos[prompt.repo]
        started = self.now - whole(rng, 2, 50) * MINUTE_US
        branch = f"mogplex/{prompt.slug}-{token(rng, '', 4)}"
        box = write_past(
            self.rows, rng, repo, branch, started, started + _BOOT_SECONDS * SECOND_US, True, error
        )
        # The call's metadata is that of the accepted run, before its sandbox had a name (v1.md §7.6).
        box = box._replace(name="pending")
        harness = self.harness()
        key, digest = f"mogplex-{token(rng, '', 16)}", request_hash(rng)
        base = Branches(repo.branch, branch, True)
        about = external_metadata(repo, harness, key, digest, base, box)
        run_id = new_uuid(rng)
        facts = CallFacts(
            user_id=repo.user_id,
            type="agent",
            model=f"harness:{harness}",
            repo_id=repo.id,
            started_at=started,
            metadata=about,
            id=new_uuid(rng),
            limit_claim_id=self.admit(
                "external_agent_run", started, repo.id, "external_agent_runs_per_minute", 60, 10
            ),
            prologue=(accepted_step(run_id, harness, branch),),
        )
        written = self.scribe.call(_unbooted(error), facts)
        self._run_row(run_id, facts, repo, prompt, base, (key, digest), about, box, written)


def _unbooted(error: str) -> CallPlan:
    """Return the plan of a call that fails because its sandbox does not boot."""
    ending = Step(float(_BOOT_SECONDS), "failed", LAUNCH_FAILED, {"error": error})
    return CallPlan(CallKind.HARNESS, (), (), ending, "failed", error, None, None, None, (), {})


class _LastHour(WorkingHours):
    """A source of random times (µs) within the last 50 minutes."""

    def draw(self, rng: Random, fresh: bool) -> int:  # noqa: ARG002 (the base class's own)
        return self._now - whole(rng, 60, 50 * 60) * SECOND_US


class AddedCall(History):
    """A collector of one call of the last hour that fails because of a scenario rule."""

    def __init__(
        self, rows: Rows, tx: Tx, world: SeededAccount, rng: Random, now: int, rule: ModelFailures
    ) -> None:
        super().__init__(rows, tx, world, rng, now, Odds((rule._replace(share=1.0),), rng=rng))
        self.rhythm, self._subject = _LastHour(now), rule.subject

    def fresh(self) -> bool:
        """Return True, because the call is from the last hour."""
        return True

    def model(self) -> str:
        """Return a random model to which the rule applies."""
        known = [row["id"] for row in material("models")]
        return str(pick(self.rng, [name for name in known if fnmatchcase(name, self._subject)]))

    def harness(self) -> str:
        """Return a random coding CLI to which the rule applies."""
        return pick(self.rng, [name for name in HARNESSES if fnmatchcase(f"harness:{name}", self._subject)])

    def write(self) -> None:
        """Collect the rows of a coding run or of a chat.

        It is a coding run if the rule applies to coding CLIs.
        """
        if self._subject.startswith("harness:"):
            self.run(sandbox_share=0.0)
        else:
            self.chat(CallKind.CHAT)


class AddedHistory(JobHistory):
    """A collector of the job runs that a scenario adds."""

    def rounds(self, loop: Loop, count: int) -> None:
        """Collect the rows of the first `count` rounds of a loop.

        The last of these rounds has just ended.
        """
        flow, repo = self.world.flows[loop.automation], self.world.repos[loop.repo]
        plans = []
        for number in range(1, count + 1):
            title = loop.name(number)
            plan = plan_job(self.rng, flow, repo, 0.0)
            plans.append(_dearer(plan, _TITLES[flow.event], title, loop.times(title)))
        end = self.now - 30 * SECOND_US
        starts: list[int] = []
        for plan in reversed(plans):
            # Includes time for the start and for the overhead of each node, as in JobHistory.job.
            seconds = plan.seconds() + _START_SECONDS + 30 + 3 * len(plan.nodes)
            starts.insert(0, end - int(seconds * SECOND_US))
            end = starts[0] - int(loop.pause * SECOND_US)
        for plan, start in zip(plans, starts, strict=True):
            self._finished(plan, start, _START_SECONDS, 0.0, None, False, False)


def _dearer(plan: JobPlan, where: str, title: str, times: float) -> JobPlan:
    nodes = tuple(
        node
        if node.agent is None
        else node._replace(
            agent=node.agent._replace(call_plan=with_tokens_multiplied(node.agent.call_plan, times))
        )
        for node in plan.nodes
    )
    return plan._replace(nodes=nodes, metadata={**plan.metadata, where: title})
