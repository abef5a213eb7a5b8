"""Statistics compared with rows made by hand (observability.md §1 and §6)."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import cancel_and_release, job_writes
from mogplex_tui.controlplane.calls import admission_writes, call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import HOUR_US, MINUTE_US, SECOND_US, iso_db
from tests.controlplane.manual_clock import NOON, ManualClock
from tests.controlplane.row_factory import RowFactory

PRICES = {"pricing_input": 0.000002, "pricing_output": 0.00001}


async def read(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    body: dict[str, Any] = (await client.get("/api/observability/stats" + query)).json()
    return body


@pytest.fixture
def priced(factory: RowFactory) -> RowFactory:
    factory.model("acme/nova-1", **PRICES)
    return factory


async def test_stats_of_empty_account(client: httpx.AsyncClient) -> None:
    body = await read(client)
    assert body["by_model"] == body["by_type"] == body["limits_by_route"] == []
    rate = body["summary"].pop("job_runs_success_rate_in_range")
    assert rate is None
    assert set(body["summary"].values()) == {0}


async def test_stats_window_and_today_since_midnight(client: httpx.AsyncClient, priced: RowFactory) -> None:
    def call(age_h: float, status: str, tokens: Tokens, duration_ms: int | None = None, **more: Any) -> None:
        started = NOON - round(age_h * HOUR_US)
        model = more.pop("model", "acme/nova-1")
        priced.call(
            model=model, status=status, started_at=started, tokens=tokens, duration_ms=duration_ms, **more
        )

    # 1 000·0.000002 + 500·0.00001 = 0.007
    call(1, "success", Tokens(input=1_000, output=500, reasoning=99), 1_000)
    # + cache read at a tenth of input, cache creation at 1.25 of it: 0.002 + 0.0002 + 0.0025
    call(2, "success", Tokens(input=1_000, cache_read=1_000, cache_creation=1_000), 2_002, type="chat")
    call(9.5, "failed", Tokens(output=1_000_000), None)
    call(11, "streaming", Tokens(), None, model="harness:codex")
    call(100, "cancelled", Tokens(), 3_000, model="harness:codex")
    body = await read(client)
    summary = body["summary"]
    assert (summary["total_calls"], summary["calls_today"]) == (5, 3)
    assert (summary["total_tokens"], summary["tokens_today"]) == (1_004_500, 1_004_500)
    assert (summary["total_cost"], summary["cost_today"]) == (10.01, 10.01)
    assert summary["avg_duration_ms"] == 2_001
    assert summary["success_rate"] == 40
    assert body["by_model"] == [
        {"model": "acme/nova-1", "count": 3, "tokens": 1_004_500},
        {"model": "harness:codex", "count": 2, "tokens": 0},
    ]
    assert body["by_type"] == [{"type": "agent", "count": 4}, {"type": "chat", "count": 1}]
    # Both ends belong to the window; today ignores it.
    bounded = (await read(client, "?from=2026-08-05T08:00:00Z&to=2026-08-05T09:00:00%2B00:00"))["summary"]
    assert (bounded["total_calls"], bounded["total_tokens"], bounded["calls_today"]) == (2, 4_500, 3)
    assert (bounded["total_cost"], bounded["success_rate"]) == (0.01, 100)
    day = (await read(client, "?from=2026-08-05"))["summary"]
    assert day["total_calls"] == 3
    assert (await read(client, "?from=yesterday&to="))["summary"]["total_calls"] == 5


@pytest.mark.parametrize("seed", range(5))
async def test_stats_of_each_window_sum_its_rows(
    client: httpx.AsyncClient, priced: RowFactory, seed: int
) -> None:
    dice = random.Random(seed)
    made = [
        priced.call(
            model=dice.choice(["acme/nova-1", "harness:codex"]),
            type=dice.choice(["chat", "agent"]),
            started_at=NOON - dice.randrange(5 * HOUR_US),
            tokens=Tokens(input=dice.choice([None, 7_000])),
        )
        for _ in range(60)
    ]
    with priced.plane.db.transaction() as tx:
        for call in dice.sample(made, 30):
            call_writes.begin_streaming(tx, call, None, NOON)
            call_writes.update_usage(tx, call, Tokens(output=dice.randrange(90_000)))
            if dice.random() < 0.7:
                call_writes.finish_call(tx, call, dice.choice(["success", "failed"]), NOON)
        for call in dice.sample(made, 10):
            tx.execute("DELETE FROM ai_calls WHERE id = ?", (call,))
    for _ in range(6):
        start, end = sorted(NOON - dice.randrange(6 * HOUR_US) for _ in range(2))
        if dice.random() < 0.3:
            start -= start % HOUR_US
        rows = priced.plane.db.all("SELECT * FROM ai_calls WHERE started_at BETWEEN ? AND ?", (start, end))
        query = httpx.QueryParams({"from": iso_db(start), "to": iso_db(end)})
        body = await read(client, f"?{query}")
        summary = body["summary"]
        durations = [row["duration_ms"] for row in rows if row["duration_ms"] is not None]
        good = sum(row["status"] == "success" for row in rows)
        assert summary["total_calls"] == len(rows)
        assert summary["total_tokens"] == sum(
            (row["input_tokens"] or 0) + (row["output_tokens"] or 0) for row in rows
        )
        assert summary["total_cost"] == pytest.approx(sum(row["cost_usd"] or 0 for row in rows), abs=0.0051)
        assert summary["avg_duration_ms"] == pytest.approx(sum(durations) / max(1, len(durations)), abs=0.5)
        assert summary["success_rate"] == pytest.approx(100 * good / max(1, len(rows)), abs=0.051)
        for group, key in (("by_model", "model"), ("by_type", "type")):
            assert {entry[key]: entry["count"] for entry in body[group]} == Counter(row[key] for row in rows)


@pytest.mark.parametrize(
    ("columns", "tokens", "cost"),
    [
        (PRICES, Tokens(), None),
        (PRICES, Tokens(reasoning=10), None),
        (PRICES, Tokens(input=3, output=1), 0.000016),
        (PRICES | {"pricing_cache_read": 0.001}, Tokens(input=0, cache_read=2), 0.002),
        ({"pricing_output": 0.001}, Tokens(output=2), 0.002),
        ({"pricing_output": 0.001}, Tokens(input=1, output=2), None),
        ({}, Tokens(input=1), None),
        ({}, Tokens(input=0), None),
    ],
)
def test_cost_estimate_follows_from_tokens_and_prices(
    factory: RowFactory, columns: dict[str, Any], tokens: Tokens, cost: float | None
) -> None:
    factory.model("acme/nova-1", **columns)
    row = factory.row("ai_calls", factory.call(model="acme/nova-1", tokens=tokens))
    assert (row["cost_usd"], row["cost_source"]) == (cost, "trigger")


def test_cost_owner(priced: RowFactory) -> None:
    with pytest.raises(ValueError, match="tokens"):
        priced.call(cost_usd=1.0)
    job = priced.job(priced.flow(), start=True)
    first = priced.call(model="acme/nova-1", job_run_id=job, tokens=Tokens(input=1_000))
    assert priced.row("job_runs", job)["cost_usd"] == 0.002
    with priced.plane.db.transaction() as tx:
        call_writes.update_usage(tx, first, Tokens(input=5_000))
    # A later usage re-prices the call and not the job; writing the bill refreshes the job.
    assert priced.row("ai_calls", first)["cost_usd"] == 0.01
    assert priced.row("job_runs", job)["cost_usd"] == 0.002
    with priced.plane.db.transaction() as tx:
        call_writes.reconcile_cost(tx, first, 0.123456789)
        call_writes.update_usage(tx, first, Tokens(input=9_000))
    row = priced.row("ai_calls", first)
    assert (row["cost_usd"], row["cost_source"]) == (0.12345679, "gateway")
    assert priced.row("job_runs", job)["cost_usd"] == 0.12345679


async def test_calls_with_pending_cost(client: httpx.AsyncClient, factory: RowFactory) -> None:
    old, fresh = NOON - HOUR_US - 1, NOON - HOUR_US
    for completed, source in ((old, "trigger"), (None, "trigger"), (fresh, "trigger"), (old, "gateway")):
        factory.call(gateway_generation_id="gen", completed_at=completed, cost_source=source)
    factory.call(completed_at=old)
    assert (await read(client, "?from=2027-01-01"))["summary"]["reconciliation_pending"] == 2


async def test_sandbox_time_is_clipped_to_window(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    factory.sandbox(repo, created_at=NOON - 30 * HOUR_US, last_active_at=NOON - 25 * HOUR_US, status="paused")
    factory.sandbox(
        repo, created_at=NOON - 30 * HOUR_US, last_active_at=NOON - 23 * HOUR_US, status="stopped"
    )
    factory.sandbox(repo, created_at=NOON - 2 * HOUR_US, last_active_at=NOON - 2 * HOUR_US, status="running")
    factory.sandbox(
        repo,
        created_at=NOON - HOUR_US,
        last_active_at=NOON - HOUR_US,
        status="installing",
        working_branch="feat",
    )
    summary = (await read(client))["summary"]
    assert (summary["sandbox_total"], summary["sandbox_active"]) == (4, 1)
    assert summary["sandbox_time_ms"] == 3 * 3_600_000
    bounded = (await read(client, "?from=2026-08-05T08:30:00Z&to=2026-08-05T09:00:00Z"))["summary"]
    assert bounded["sandbox_time_ms"] == 1_800_000


async def test_jobs_and_their_anchors(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    flow = factory.flow()

    def job(age_h: float, status: str, **columns: Any) -> str:
        created = NOON - round(age_h * HOUR_US)
        with factory.plane.db.transaction() as tx:
            return job_writes.insert_job(
                tx, flow_id=flow, flow_version_id=None, created_at=created, status=status, **columns
            )

    job(30, "failed", started_at=NOON - 30 * HOUR_US, completed_at=NOON - 23 * HOUR_US)
    job(2, "failed")
    job(3, "success", completed_at=NOON - HOUR_US)
    job(4, "success", completed_at=NOON - HOUR_US, last_start_source="repair", last_start_attempt_at=NOON)
    job(5, "cancelled")
    job(1, "running")
    job(6, "pending", last_start_attempt_at=NOON - 2 * MINUTE_US)
    job(0, "pending")
    job(0.01, "pending", last_start_attempt_at=NOON - MINUTE_US)
    summary = (await read(client))["summary"]
    assert {name: summary[f"job_runs_{name}"] for name in ("total", "running", "pending")} == {
        "total": 9,
        "running": 1,
        "pending": 3,
    }
    assert summary["job_runs_stale_pending"] == 1
    assert summary["oldest_pending_age_ms"] == 120_000
    assert summary["job_runs_failed_in_range"] == 1
    assert summary["job_runs_repaired_in_range"] == 1
    assert summary["job_runs_concluded_in_range"] == 4
    assert summary["job_runs_success_rate_in_range"] == 50
    clock.advance(60)
    assert (await read(client))["summary"]["job_runs_stale_pending"] == 2


async def test_pressure_and_limits_in_range(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow()
    with factory.plane.db.transaction() as tx:
        for reason, age in (("ACTIVE_DUPLICATE", 1), ("REPO_PENDING_LIMIT", 2), ("ACTIVE_DUPLICATE", 30)):
            job_writes.suppress(
                tx,
                user_id=factory.user,
                flow_id=flow,
                flow_version_id=None,
                repo_id=None,
                installation_id=88,
                source_type="push",
                reason=reason,
                at=NOON - age * HOUR_US,
            )
        for route, decision, age in (
            ("chat", "allowed", 1),
            ("sandbox_exec", "allowed", 1),
            ("sandbox_exec", "denied", 2),
            ("sandbox_exec", "denied", 25),
        ):
            admission_writes.record_limit(
                tx, user_id=factory.user, route_key=route, decision=decision, at=NOON - age * HOUR_US
            )
    deferred = factory.job(flow)
    with factory.plane.db.transaction() as tx:
        job_writes.defer(tx, deferred, NOON - SECOND_US, "webhook")
        job_writes.count_attempt(tx, deferred, NOON - SECOND_US, "repair")
        job_writes.claim(tx, deferred, NOON - SECOND_US)
        assert job_writes.start_failed(tx, deferred, NOON - SECOND_US, "runtime refused")
        cancel_and_release.request_cancel(tx, deferred, NOON, "USER_REQUESTED")
    body = await read(client)
    summary = body["summary"]
    assert (summary["suppressed_in_range"], summary["deferred_in_range"]) == (2, 1)
    assert summary["start_failed_in_range"] == 1
    assert (summary["limit_allowed_in_range"], summary["limit_denied_in_range"]) == (2, 1)
    assert body["limits_by_route"] == [
        {"route_key": "sandbox_exec", "allowed": 1, "denied": 1},
        {"route_key": "chat", "allowed": 1, "denied": 0},
    ]
    wide = (await read(client, "?from=2026-08-01&to=2026-08-04T10:00:00Z"))["summary"]
    assert (wide["suppressed_in_range"], wide["limit_denied_in_range"]) == (1, 1)
