"""A signed delivery is matched, queued, started, executed and finished."""

from __future__ import annotations

import json

import pytest

from tests.controlplane.engine.engine_driver import EngineDriver

LINE = [("start", "review"), ("review", "end")]


async def test_a_pull_request_becomes_a_reviewed_job_with_all_its_rows(engine: EngineDriver) -> None:
    repo_id = engine.factory.repo()
    flow_id = engine.flow([("review", "agent", {})], LINE)
    answer = await engine.send("pull_request", text="quick findings")
    assert answer == {
        "ok": True,
        "queued": 1,
        "started": 1,
        "deferred": 0,
        "startFailed": 0,
        "suppressed": 0,
        "reason_counts": {},
        "flow_waits": None,
        "sync": {"handled": False, "matchedUsers": 0},
    }
    job_id = engine.job()
    row = engine.factory.row("job_runs", job_id)
    assert (row["status"], row["last_start_source"], row["start_attempts"]) == ("running", "webhook", 1)
    about = json.loads(row["metadata"])
    assert about["source_type"] == "pr_opened" and about["repo_id"] == repo_id
    assert about["pr_title"] == "quick findings" and about["flow_id"] == flow_id
    engine.go(2)
    assert engine.nodes(job_id)["review"] == "running"
    assert engine.db.value("SELECT COUNT(*) FROM ai_calls") == 0
    row = engine.finish(job_id)
    assert row["status"] == "success" and row["error"] is None
    assert engine.nodes(job_id) == {"start": "success", "review": "success", "end": "success"}
    assert engine.ledger(job_id) == [
        ("enqueue", "queued", None),
        ("start", "started", None),
        ("control", "completed", "PR_REVIEW_POSTED"),
    ]
    call = engine.db.only("SELECT * FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert (call["type"], call["status"], call["model"]) == ("pr_review", "success", "acme/nova-1")
    assert (call["completed_at"] - call["started_at"]) // 1000 == call["duration_ms"]
    assert row["cost_usd"] == pytest.approx(call["cost_usd"])
    assert (row["input_tokens"], row["output_tokens"]) == (call["input_tokens"], call["output_tokens"])
    assert engine.db.value("SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?", (call["id"],)) == 0
    findings = engine.db.all("SELECT * FROM review_findings WHERE job_run_id = ? ORDER BY ordinal", (job_id,))
    assert [f["ordinal"] for f in findings] == list(range(len(findings))) and findings
    assert findings[0]["pr_number"] == about["pr_number"]
    assert engine.output(job_id, "review")["review"]["findings"]


async def test_late_cost_is_added_to_job(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE)
    await engine.send("pull_request", text="quick")
    job_id = engine.job()
    engine.finish(job_id)
    engine.go_until("SELECT cost_source = 'gateway' FROM ai_calls WHERE job_run_id = ?", (job_id,), 300)
    cost = engine.db.value("SELECT cost_usd FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert engine.factory.row("job_runs", job_id)["cost_usd"] == pytest.approx(cost)


async def test_second_event_on_same_head_is_suppressed(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE)
    payload = engine.body("pull_request", text="quick")
    assert (await engine.send("pull_request", payload, "one"))["queued"] == 1
    answer = await engine.send("pull_request", payload | {"action": "reopened"}, "two")
    assert (answer["queued"], answer["suppressed"]) == (0, 1)
    assert answer["reason_counts"] == {"IDEMPOTENT_DUPLICATE": 1}
    row = engine.db.only("SELECT * FROM automation_dispatch_events WHERE outcome = 'suppressed'")
    assert row["job_run_id"] is None and row["reason"] == "IDEMPOTENT_DUPLICATE"
    assert "review_dedup_key" in json.loads(row["metadata"])


async def test_active_push_run_suppresses_next_push(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE, event="push")
    assert (await engine.send("push"))["queued"] == 1
    assert (await engine.send("push"))["reason_counts"] == {"ACTIVE_DUPLICATE": 1}
    engine.finish(engine.job())
    assert (await engine.send("push"))["queued"] == 1


async def test_fourth_mention_in_conversation_is_suppressed(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE, event="mention")
    for _ in range(3):
        assert (await engine.send("issue_comment", text="@mogplex quick", number=7))["queued"] == 1
    answer = await engine.send("issue_comment", text="@mogplex quick", number=7)
    assert answer["reason_counts"] == {"MENTION_LOOP_BREAKER": 1}
    assert (await engine.send("issue_comment", text="@mogplex quick", number=8))["queued"] == 1
    engine.clock.advance(601)
    assert (await engine.send("issue_comment", text="@mogplex quick", number=7))["queued"] == 1


async def test_named_mention_starts_only_named_agent(engine: EngineDriver) -> None:
    engine.factory.repo()
    named = engine.flow(
        [("a", "agent", {"agentId": engine.agent("Fixer")})], [("start", "a"), ("a", "end")], "mention"
    )
    other = engine.flow([("a", "agent", {})], [("start", "a"), ("a", "end")], "mention")
    assert (await engine.send("issue_comment", text="@mogplex/fixer quick"))["queued"] == 1
    assert engine.factory.row("job_runs", engine.job())["flow_id"] == named
    assert (await engine.send("issue_comment", text="@mogplex quick"))["queued"] == 2
    assert {row[0] for row in engine.db.all("SELECT flow_id FROM job_runs")} == {named, other}


async def test_ninth_job_of_installation_is_deferred(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE)
    for number in range(8):
        assert (await engine.send("pull_request", text="quick", number=number + 1))["started"] == 1
    answer = await engine.send("pull_request", text="quick", number=9)
    assert (answer["queued"], answer["started"], answer["deferred"]) == (1, 0, 1)
    assert answer["reason_counts"] == {"INSTALLATION_CONCURRENCY_LIMIT": 1}
    job_id = engine.job()
    row = engine.factory.row("job_runs", job_id)
    assert (row["status"], row["last_start_error"]) == ("pending", "Installation concurrency limit reached")
    row = engine.finish(job_id)
    assert (row["status"], row["last_start_source"]) == ("success", "queue_release")
    assert ("start", "deferred", "INSTALLATION_CONCURRENCY_LIMIT") in engine.ledger(job_id)


@pytest.mark.parametrize(("queued", "reason"), [(25, "REPO_PENDING_LIMIT"), (24, None)])
async def test_a_repository_holds_25_live_jobs(engine: EngineDriver, queued: int, reason: str | None) -> None:
    repo_id = engine.factory.repo()
    flow_id = engine.flow([("review", "agent", {})], LINE)
    for _ in range(queued):
        engine.factory.job(flow_id, repo_id)
    answer = await engine.send("pull_request")
    assert answer["reason_counts"].get("REPO_PENDING_LIMIT") == (1 if reason else None)


@pytest.mark.parametrize(
    ("words", "reason", "klass"),
    [
        ("fail", "AUTOMATION_FAILED", "unknown"),
        ("ratelimit", "AUTOMATION_RATE_LIMITED", "rate_limited"),
        ("timeout", "AUTOMATION_TIMEOUT", "timeout"),
        ("denied", "AUTOMATION_AUTHENTICATION_FAILED", "authentication"),
    ],
)
async def test_model_failure_fails_job_with_diagnostics(
    engine: EngineDriver, words: str, reason: str, klass: str
) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE)
    await engine.send("pull_request", text=f"quick {words}")
    job_id = engine.job()
    row = engine.finish(job_id)
    assert row["status"] == "failed" and row["error"]
    assert engine.ledger(job_id)[-1] == ("control", "failed", reason)
    control = engine.db.only("SELECT metadata FROM automation_dispatch_events WHERE outcome = 'failed'")
    assert json.loads(control["metadata"])["model_failure_class"] == klass
    call = engine.db.only("SELECT status, error FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert tuple(call) == ("failed", row["error"])
    assert engine.nodes(job_id) == {"start": "success", "review": "failed"}


async def test_job_of_deleted_agent_fails_with_missing_config(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {"agentId": "00000000-0000-4000-8000-000000000000"})], LINE)
    await engine.send("pull_request")
    job_id = engine.job()
    row = engine.finish(job_id)
    assert (row["status"], row["error"]) == ("failed", "MISSING_CONFIG")
    assert [entry[0] for entry in engine.ledger(job_id)] == ["enqueue", "start"]


async def test_a_person_without_github_cannot_run_anything(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE)
    engine.db.all("UPDATE profiles SET github_oauth = 0")
    await engine.send("pull_request")
    job_id = engine.job()
    assert engine.finish(job_id)["error"] == "NO_GITHUB_CONNECTION"
    assert engine.ledger(job_id)[-1] == ("control", "failed", "NO_GITHUB_CONNECTION")


async def test_delivery_starts_no_foreign_automation(engine: EngineDriver) -> None:
    other = engine.factory.profile("jonas")
    flow_id = engine.flow([("review", "agent", {})], LINE)
    engine.factory.repo(user_id=other)
    assert (await engine.send("pull_request"))["queued"] == 0
    engine.db.all("UPDATE flows SET user_id = ? WHERE id = ?", (other, flow_id))
    assert (await engine.send("pull_request"))["queued"] == 1
    listed = await engine.client.get("/api/observability/jobs")
    assert listed.json()["total"] == 0


async def test_coding_cli_node_has_live_call_from_start(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("fix", "agent", {"harness": "codex", "role": "edit", "modelOverride": None})],
              [("start", "fix"), ("fix", "end")], event="ci_failure")  # fmt: skip
    await engine.send("check_run", text="quick unit")
    job_id = engine.job()
    engine.go_until("SELECT status = 'streaming' FROM ai_calls WHERE job_run_id = ?", (job_id,))
    call = engine.db.only("SELECT * FROM ai_calls WHERE job_run_id = ?", (job_id,))
    about = json.loads(call["metadata"])
    assert (call["type"], call["model"], about["source"]) == ("agent", "harness:codex", "automation")
    assert about["flow_node_id"] == "fix" and about["sandbox_record_id"]
    row = engine.finish(job_id)
    assert row["status"] == "success" and row["cost_usd"] is None
    kinds = [
        e[0]
        for e in engine.db.all("SELECT event_type FROM ai_call_events WHERE ai_call_id = ?", (call["id"],))
    ]
    assert "tool_started" in kinds and kinds[-1] == "finished"


async def test_cancelled_job_stops_at_current_node(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("review", "agent", {})], LINE)
    await engine.send("pull_request")
    job_id = engine.job()
    engine.go(3)
    response = await engine.client.post(f"/api/observability/jobs/{job_id}/cancel")
    assert response.status_code == 200
    engine.go(900)
    assert engine.factory.row("job_runs", job_id)["status"] == "cancelled"
    assert engine.nodes(job_id)["review"] == "cancelled"
    assert engine.db.value("SELECT COUNT(*) FROM ai_calls") == 0
    assert [entry[1] for entry in engine.ledger(job_id)] == [
        "queued",
        "started",
        "cancel_requested",
        "cancelled",
    ]
