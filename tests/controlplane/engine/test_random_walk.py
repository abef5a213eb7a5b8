"""A random walk of requests, deliveries and time breaks no rule.

The rules are those of runtime-model.md §9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.controlplane.workload.github_payloads import KINDS
from tests.controlplane.api_paths import V1
from tests.controlplane.engine.engine_driver import EngineDriver, insert_assignment, insert_trigger
from tests.controlplane.machine_credentials import CRON, MACHINE
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.simulated_plane import invariant_violations
from tests.controlplane.transition_recorder import Transition, TransitionRecorder

STEPS = 160
PROMPTS = ("Fix the flaky test", "Work on it forever", "Fail quickly", "quick")
DUTIES = ("repair-jobs", "reconcile-job-runs", "zombie-row-reaper", "sandbox-reaper")
# What refuses now and then: the background runtime, the sandbox service, and the kill of a command.
REFUSALS = (
    "POST /runtime/tasks 503 x1",
    "DELETE /runtime/tasks/* 503 x1",
    "GET /api/sandbox/* 503 x1",
    "POST /api/sandbox/*/exec/cancel 500 x1",
)
BOX = "/api/sandbox"
JOBS = "/api/observability/jobs"


@pytest.fixture
async def engine(clock: ManualClock) -> AsyncIterator[EngineDriver]:
    settings = Settings(speed=0, seeded=False, rate_limit=None, cron_secret=CRON, fault_route=True)
    async with PlaneServer(settings, clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers, timeout=30) as client:
            yield EngineDriver(server, client, clock)


class RandomWalk:
    """One random walk: its random source and what it has requested."""

    def __init__(self, engine: EngineDriver, seed: int) -> None:
        self.engine, self.dice = engine, Random(seed)
        self.repos = [engine.factory.repo(name) for name in ("acme/api", "acme/web")]
        self.statuses: Counter[str] = Counter()
        self.sent: list[tuple[str, dict[str, Any], str]] = []
        _insert_start_rows(engine, self.repos)
        # Rows that the engine makes by itself are not the walk's.
        self.recorder = TransitionRecorder(engine.plane)
        self.moves = {
            self.delivery: 5,
            self.delivery_again: 1,
            self.start_run: 3,
            self.cancel_run: 2,
            self.cancel_call: 2,
            self.cancel_job: 2,
            self.start_job_again: 2,
            self.answer_wait: 3,
            self.ask_operator: 1,
            self.answer_operator: 1,
            self.launch: 2,
            self.change_sandbox: 4,
            self.remove_parent: 0.3,
            self.refuse: 2,
            self.duty: 2,
            self.time: 8,
        }

    async def step(self) -> None:
        move = self.dice.choices(list(self.moves), list(self.moves.values()))[0]
        await move()
        self.check()

    def check(self) -> list[Transition]:
        found = self.recorder.seen()
        assert invariant_violations(self.engine.db, self.engine.clock.us) == []
        return found

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        refusal_count = self.refusal_count()
        answer = await self.engine.client.request(method, path, **more)
        assert answer.status_code < 500 or self.refusal_count() > refusal_count, (method, path, answer.text)
        kind = "/".join(part for part in path.split("/") if "-" not in part)
        self.statuses[f"{method} {kind} {answer.status_code}"] += 1
        return answer

    def refusal_count(self) -> int:
        """Return how many requests the faults have refused so far."""
        assert self.engine.plane.faults is not None
        return sum(active.fired for active in self.engine.plane.faults.active)

    async def refuse(self) -> None:
        assert self.engine.plane.faults is not None
        self.engine.plane.faults.add(parse(self.dice.choice(REFUSALS)))

    def any_row(self, table: str, condition: str = "1") -> str:
        """Return the id of a random row, mostly a live one; an unknown id without any."""
        rows = self.engine.db.all(f"SELECT id FROM {table} WHERE {condition} ORDER BY rowid DESC LIMIT 12")
        return self.dice.choice(rows)["id"] if rows else "00000000-0000-4000-8000-000000000000"

    def live(self) -> str:
        return "status IN ('pending', 'streaming', 'running')" if self.dice.random() < 0.8 else "1"

    async def delivery(self) -> None:
        kind = self.dice.choice(list(KINDS))
        number = self.dice.randrange(1, 6)
        payload = self.engine.body(
            kind, text=self.dice.choice(("@mogplex quick", "quick fail", None)), number=number
        )
        await self._deliver(kind, payload, f"walk {len(self.sent)}")
        self.sent.append((kind, payload, f"walk {len(self.sent)}"))

    async def delivery_again(self) -> None:
        if self.sent:
            await self._deliver(*self.dice.choice(self.sent))

    async def _deliver(self, kind: str, payload: dict[str, Any], name: str) -> None:
        said = await self.engine.send(kind, payload, name)
        # Check at once: a delivery writes one enqueue row for each decision that it reports (runtime-model.md §9, 1).
        ledger = [change for change in self.check() if change.kind == "ledger"]
        assert len(ledger) == said.get("queued", 0) + said.get("suppressed", 0), (said, ledger)
        outcomes = Counter(change.new for change in ledger)
        assert (outcomes["queued"], outcomes["suppressed"]) == (
            said.get("queued", 0),
            said.get("suppressed", 0),
        )
        queued = [change.extra for change in ledger if change.new == "queued"]
        assert len(set(queued)) == len(queued) and None not in queued
        self.statuses[f"delivery {bool(ledger)}"] += 1

    async def start_run(self) -> None:
        body = {
            "repoId": self.dice.choice(self.repos),
            "harness": self.dice.choice(("codex", "claude-code")),
            "prompt": self.dice.choice(PROMPTS),
        }
        # Few keys: some are used again, for the same request or for another one.
        key = f"walk-{self.dice.randrange(60)}"
        await self.ask("POST", f"{V1}/runs", json=body, headers={"Idempotency-Key": key})

    async def cancel_run(self) -> None:
        await self.ask("POST", f"{V1}/runs/{self.any_row('external_agent_runs', self.live())}/cancel")

    async def cancel_call(self) -> None:
        await self.ask("POST", f"/api/observability/calls/{self.any_row('ai_calls', self.live())}/cancel")

    async def cancel_job(self) -> None:
        await self.ask("POST", f"{JOBS}/{self.any_row('job_runs', self.live())}/cancel")

    async def start_job_again(self) -> None:
        way = self.dice.choice(("repair", "requeue"))
        state = "pending" if way == "repair" else "failed"
        await self.ask("POST", f"{JOBS}/{self.any_row('job_runs', f'status = {state!r}')}/{way}", json={})

    async def answer_wait(self) -> None:
        wait = self.any_row("flow_waits", "status = 'waiting'" if self.dice.random() < 0.8 else "1")
        await self.ask(
            "POST", f"/api/flows/approvals/{wait}", json={"decision": self.dice.choice(("approve", "deny"))}
        )

    async def ask_operator(self) -> None:
        now = self.engine.clock.us
        with self.engine.db.transaction() as tx:
            row_id = tx.new_id()
            tx.insert(
                "control_approvals",
                id=row_id,
                user_id=self.engine.plane.user_id,
                tool_name="delete_branch",
                tool_call_id=row_id,
                summary="Delete it?",
                expires_at=now + 600_000_000,
                created_at=now,
            )

    async def answer_operator(self) -> None:
        path = f"/api/control/approvals/{self.any_row('control_approvals')}"
        await self.ask("POST", path, json={"decision": self.dice.choice(("approve", "deny"))})

    async def launch(self) -> None:
        body = {
            "repoId": self.dice.choice(self.repos),
            "workingBranch": self.dice.choice(("main", "fix", "try")),
        }
        await self.ask("POST", BOX, json=body | {"createBranch": body["workingBranch"] != "main"})

    async def change_sandbox(self) -> None:
        path = f"{BOX}/{self.any_row('sandboxes')}"
        way = self.dice.choice(("pause", "resume", "stop", "restart", "reconcile", "", ""))
        method = "POST" if way else self.dice.choice(("GET", "GET", "DELETE"))
        await self.ask(method, f"{path}/{way}" if way else path)

    async def remove_parent(self) -> None:
        kind, path = self.dice.choice(
            (
                ("flows", "/api/flows/{}"),
                ("assignments", "/api/assignments?id={}"),
                ("triggers", "/api/triggers?id={}"),
            )
        )
        await self.ask("DELETE", path.format(self.any_row(kind)))

    async def duty(self) -> None:
        await self.ask("GET", f"/api/cron/{self.dice.choice(DUTIES)}", headers=MACHINE)

    async def time(self) -> None:
        self.engine.go(self.dice.choice((1, 1, 3, 10, 40, 130, 700)))


def _insert_start_rows(engine: EngineDriver, repos: list[str]) -> None:
    """Create automations that wait, branch, fail or call a coding CLI."""
    asks = {"config": {"kind": "manual_approval", "prompt": "Go?"}}
    waits = {"config": {"kind": "github_label_added", "labelName": "", "prOnly": False}}
    line = [("start", "a"), ("a", "end")]
    engine.flow([("a", "agent", {})], line)
    engine.flow([("a", "agent", {"harness": "claude-code"})], line, event="ci_failure")
    engine.flow(
        [("w", "await_event", asks), ("a", "agent", {})],
        [("start", "w"), ("w", "a"), ("a", "end")],
        event="push",
    )
    engine.flow([("w", "await_event", waits)], [("start", "w"), ("w", "end")], event="issue_opened")
    engine.flow(
        [("nap", "delay", {"duration": 5, "unit": "minutes"})],
        [("start", "nap"), ("nap", "end")],
        event="mention",
    )
    insert_assignment(engine, repos[0], "pr_review")
    insert_trigger(engine, "mention")


def _assert_progress(walk: RandomWalk) -> None:
    """Assert that the walk got past refusals often enough to prove something."""
    for kind, old, new in (
        ("call", "pending", "streaming"),
        ("call", "streaming", "success"),
        ("control", "cancel_requested", "cancelled"),
        ("job", "pending", "running"),
        ("job", "running", "success"),
        ("job", "running", "cancelled"),
        ("job", "running", "pending"),
        ("sandbox", "installing", "running"),
        ("sandbox", "running", "paused"),
        ("ledger", "enqueue", "queued"),
    ):
        assert walk.recorder.counts[f"{kind} {old} {new}"], (kind, old, new)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", [3, 8, 21])
async def test_random_walk_breaks_no_rule(engine: EngineDriver, seed: int) -> None:
    walk = RandomWalk(engine, seed)
    for _ in range(STEPS):
        await walk.step()
    # Left alone for hours, all of it comes to its end.
    assert engine.plane.faults is not None and walk.refusal_count() > 1
    engine.plane.faults.clear()
    for _ in range(3):
        engine.go(600)
        engine.clock.advance(7 * 3600)
        engine.go(600)
        for duty in DUTIES:
            await walk.ask("GET", f"/api/cron/{duty}", headers=MACHINE)
        walk.check()
    live = "status IN ('pending', 'streaming')"
    for table in ("ai_calls", "external_agent_runs"):
        assert engine.db.value(f"SELECT COUNT(*) FROM {table} WHERE {live}") == 0
    _assert_progress(walk)
