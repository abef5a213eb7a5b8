"""Seed two weeks of coding runs, chats and control runs."""

from __future__ import annotations

from random import Random
from typing import Any

from ..db.batch_insert import Rows, encode
from ..db.clock import SECOND_US
from ..db.database import Tx
from ..sample_data.loader import Prompt, material, prompts
from ..workload.account import Repo, SeededAccount
from ..workload.call_plan import CallKind
from ..workload.call_planner import Branches, chat_model, pick_failure, plan_agent, plan_harness
from ..workload.rng import between, new_uuid, pick, token, whole
from ..workload.run_outcomes import draw_outcome
from ..workload.scenario_odds import CALM, Odds
from ..workload.v1_run_metadata import (
    HARNESSES,
    SandboxRef,
    accepted_step,
    attached,
    external_metadata,
    request_hash,
)
from .call_rows import CallFacts, CallWriter, Written
from .sandbox_rows import write_past
from .working_hours import WorkingHours

# The share of work of the last hours, which keeps all its events.
_FRESH = 0.2


class History:
    """A collector of the rows of coding runs, chats and control runs.

    `odds` change the outcomes of work of the last 30 hours.
    """

    def __init__(
        self, rows: Rows, tx: Tx, world: SeededAccount, rng: Random, now: int, odds: Odds = CALM
    ) -> None:
        self.rows = rows
        self.world = world
        self.rng = rng
        self.now = now
        self.odds = odds
        self.rhythm = WorkingHours(now)
        self.scribe = CallWriter(rows, tx)
        self._old_key = new_uuid(rng)

    def fresh(self) -> bool:
        """Return at random whether the next call or run is from the last 30 hours.

        Only such recent work has all of its events.
        """
        return self.rng.random() < _FRESH

    def model(self) -> str:
        """Return the random model of a finished chat or control run."""
        return chat_model(self.rng)

    def harness(self) -> str:
        """Return the random coding CLI of a finished run."""
        return pick(self.rng, HARNESSES)

    def place(self, started_at: int, seconds: float) -> int:
        """Return the start time `started_at` (µs), or an earlier one if necessary.

        Work that starts at this time and takes `seconds` has ended at least a minute ago.
        """
        return min(started_at, self.now - int((seconds + 60) * SECOND_US))

    def run(self, sandbox_share: float) -> None:
        """Collect the rows of one finished coding run that was started through the v1 API.

        `sandbox_share` is the probability that they include the run's sandbox.
        """
        rng, fresh = self.rng, self.fresh()
        prompt = pick(rng, prompts())
        repo = self.world.repos[prompt.repo]
        harness = self.harness()
        run_id, call_id = new_uuid(rng), new_uuid(rng)
        created = rng.random() < 0.45
        asked = f"mogplex/{prompt.slug}" if created else repo.branch
        branches = Branches(
            repo.branch, asked if created else f"mogplex/agent-{call_id[:8]}{call_id[9:13]}", True
        )
        outcome = draw_outcome(rng)
        if fresh:
            outcome = self.odds.outcome(harness, outcome)
        first_use = rng.random() < 0.2
        call_plan = plan_harness(
            rng, harness, repo.full_name, prompt, branches, outcome, first_use, not fresh
        )
        boot = between(rng, 6.0, 40.0)
        started = self.place(self.rhythm.draw(rng, fresh), call_plan.seconds() + boot + 30)
        keep, cancelled = rng.random() < sandbox_share, rng.random() < 0.06
        box = None
        if keep:
            ended = started + int((boot + call_plan.seconds()) * SECOND_US)
            box = write_past(self.rows, rng, repo, f"{asked}-{run_id[:4]}", started, ended, False)
        key, digest = f"mogplex-{token(rng, '', 16)}", request_hash(rng)
        base = Branches(repo.branch, asked, created)
        metadata = external_metadata(repo, harness, key, digest, base, box)
        claim = self.admit("external_agent_run", started, repo.id, "external_agent_runs_per_minute", 60, 10)
        facts = CallFacts(
            user_id=repo.user_id,
            type="agent",
            model=f"harness:{harness}",
            repo_id=repo.id,
            started_at=started,
            metadata=attached(metadata),
            id=call_id,
            limit_claim_id=claim,
            prologue=(accepted_step(run_id, harness, asked),),
            wait=boot,
            cancelled=cancelled,
        )
        written = self.scribe.call(call_plan, facts)
        self._run_row(run_id, facts, repo, prompt, base, (key, digest), metadata, box, written)

    def _run_row(
        self,
        run_id: str,
        facts: CallFacts,
        repo: Repo,
        prompt: Prompt,
        branches: Branches,
        request: tuple[str, str],
        metadata: dict[str, Any],
        box: SandboxRef | None,
        written: Written,
    ) -> None:
        status = written.status
        if written.ended_at is None and box is not None and box.name != "pending":
            status = "streaming"
        ended = written.ended_at or facts.live_until or facts.started_at
        self.rows.add(
            "external_agent_runs",
            id=run_id,
            user_id=repo.user_id,
            repo_id=repo.id,
            ai_call_id=facts.id,
            sandbox_record_id=None if box is None else box.id,
            idempotency_key=request[0],
            request_hash=request[1],
            harness=facts.metadata["harness_id"],
            status=status,
            prompt=prompt.text,
            base_branch=branches.base,
            working_branch=branches.working,
            create_branch=int(branches.created),
            root_directory=repo.root,
            runtime_provider="trigger",
            runtime_run_id=token(self.rng, "run_"),
            error=written.error,
            metadata=encode(metadata),
            created_at=facts.started_at,
            updated_at=ended,
        )

    def live_run(self, prompt: Prompt, harness: str, box: SandboxRef, age: float, boot: float) -> None:
        """Collect the rows of a coding run in progress, which began `age` seconds ago.

        It is pending until its sandbox has booted, which takes `boot` seconds, and then streaming.
        """
        rng = self.rng
        repo = self.world.repos[prompt.repo]
        run_id, call_id = new_uuid(rng), new_uuid(rng)
        created = box.branch != repo.branch
        work_branch = box.branch if created else f"mogplex/agent-{call_id[:8]}{call_id[9:13]}"
        outcome = draw_outcome(rng)._replace(turns=9)
        call_plan = plan_harness(
            rng, harness, repo.full_name, prompt, Branches(repo.branch, work_branch, True), outcome
        )
        key, digest = f"mogplex-{token(rng, '', 16)}", request_hash(rng)
        base = Branches(repo.branch, box.branch, created)
        metadata = external_metadata(repo, harness, key, digest, base, box)
        started = self.now - int(age * SECOND_US)
        claim = self.admit("external_agent_run", started, repo.id, "external_agent_runs_per_minute", 60, 10)
        facts = CallFacts(
            user_id=repo.user_id,
            type="agent",
            model=f"harness:{harness}",
            repo_id=repo.id,
            started_at=started,
            metadata=attached(metadata) if box.name != "pending" else metadata,
            id=call_id,
            limit_claim_id=claim,
            prologue=(accepted_step(run_id, harness, box.branch),),
            wait=boot,
            live_until=self.now,
        )
        written = self.scribe.call(call_plan, facts)
        self._run_row(run_id, facts, repo, prompt, base, (key, digest), metadata, box, written)

    def chat(self, kind: CallKind, live_age: float | None = None) -> None:
        """Collect the rows of one chat or control run.

        If `live_age` is given, it is in progress and began that many seconds ago; otherwise it has
        ended.
        """
        rng, fresh = self.rng, live_age is not None or self.fresh()
        row = pick(rng, material("chats"))
        repo = None if row["repo"] is None else self.world.repos[row["repo"]]
        model = self.model() if live_age is None else "anthropic/claude-sonnet-5"
        failure = pick_failure(rng) if live_age is None and rng.random() < 0.07 else None
        odds = self.odds if fresh and live_age is None else CALM
        failure, effort = odds.failure(model, failure), 0.5 if kind is CallKind.CHAT else 1.6
        call_plan = odds.apply_spend(
            model, plan_agent(rng, kind, model, row["repo"], effort, failure, without_tool_events=not fresh)
        )
        if live_age is None:
            started = self.place(self.rhythm.draw(rng, fresh), call_plan.seconds() + 30)
        else:
            started = self.now - int(live_age * SECOND_US)
        claim = self.admit(
            "chat", started, None if repo is None else repo.id, "chat_starts_per_hour", 3600, 30
        )
        metadata = {"source": kind.value, "prompt_preview": row["prompt"]}
        if repo is not None:
            metadata["repo"] = repo.full_name
        facts = CallFacts(
            user_id=self.world.user_id,
            type="chat" if kind is CallKind.CHAT else "agent",
            model=model,
            repo_id=None if repo is None else repo.id,
            started_at=started,
            metadata=metadata,
            id=new_uuid(rng),
            conversation_id=token(rng, "conv_", 10),
            limit_claim_id=claim,
            cancelled=live_age is None and rng.random() < 0.04,
            live_until=None if live_age is None else self.now,
        )
        self.scribe.call(call_plan, facts)

    def admit(self, route: str, at: int, repo_id: str | None, name: str, window: int, limit: int) -> str:
        """Collect the row of the quota decision that allowed a start.

        Returns the id of the start's claim. Occasionally a refused start, 20 seconds earlier, is
        collected, too.
        """
        claim = new_uuid(self.rng)
        self._limit(route, at, repo_id, claim, None, (name, window, limit))
        if self.rng.random() < 0.03:
            denied = {
                "chat": ("Too many concurrent chat runs", "concurrent_chat_runs", 0, 2),
                "external_agent_run": ("Too many active sandboxes", "active_sandboxes", 0, 3),
            }[route]
            kind = "chat" if route == "chat" else "sandbox_boot"
            self._limit(kind, at - 20 * SECOND_US, repo_id, None, denied[0], denied[1:])
        return claim

    def _limit(
        self,
        route: str,
        at: int,
        repo_id: str | None,
        claim: str | None,
        reason: str | None,
        limit: tuple[str, int, int],
    ) -> None:
        refused = reason is not None
        self.rows.add(
            "limit_events",
            id=new_uuid(self.rng),
            user_id=self.world.user_id,
            route_key=route,
            resource_id=self._old_key if route == "external_agent_run" else None,
            repo_id=repo_id,
            decision="denied" if refused else "allowed",
            reason=reason,
            limit_name=limit[0],
            window_seconds=limit[1],
            limit_value=limit[2],
            remaining=0 if refused else whole(self.rng, 1, limit[2] - 1),
            retry_after_seconds=15 if refused else None,
            claim_id=claim,
            metadata="{}",
            created_at=at,
        )
