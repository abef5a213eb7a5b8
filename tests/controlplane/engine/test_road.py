"""The road of a signed delivery: matched, queued, started, executed node by node, and finished."""

from __future__ import annotations

import json

import pytest

from tests.controlplane.engine.support import Desk

LINE = [("start", "review"), ("review", "end")]


async def test_a_pull_request_becomes_a_reviewed_job_with_all_its_rows(desk: Desk) -> None:
    repo_id = desk.world.repo()
    flow_id = desk.flow([("review", "agent", {})], LINE)
    answer = await desk.send("pull_request", text="quick findings")
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
    job_id = desk.job()
    row = desk.world.row("job_runs", job_id)
    assert (row["status"], row["last_start_source"], row["start_attempts"]) == ("running", "webhook", 1)
    about = json.loads(row["metadata"])
    assert about["source_type"] == "pr_opened" and about["repo_id"] == repo_id
    assert about["pr_title"] == "quick findings" and about["flow_id"] == flow_id
    desk.go(2)
    assert desk.nodes(job_id)["review"] == "running"
    assert desk.db.value("SELECT COUNT(*) FROM ai_calls") == 0
    row = desk.finish(job_id)
    assert row["status"] == "success" and row["error"] is None
    assert desk.nodes(job_id) == {"start": "success", "review": "success", "end": "success"}
    assert desk.ledger(job_id) == [
        ("enqueue", "queued", None),
        ("start", "started", None),
        ("control", "completed", "PR_REVIEW_POSTED"),
    ]
    call = desk.db.only("SELECT * FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert (call["type"], call["status"], call["model"]) == ("pr_review", "success", "acme/nova-1")
    assert (call["completed_at"] - call["started_at"]) // 1000 == call["duration_ms"]
    assert row["cost_usd"] == pytest.approx(call["cost_usd"])
    assert (row["input_tokens"], row["output_tokens"]) == (call["input_tokens"], call["output_tokens"])
    assert desk.db.value("SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?", (call["id"],)) == 0
    findings = desk.db.all("SELECT * FROM review_findings WHERE job_run_id = ? ORDER BY ordinal", (job_id,))
    assert [f["ordinal"] for f in findings] == list(range(len(findings))) and findings
    assert findings[0]["pr_number"] == about["pr_number"]
    assert desk.output(job_id, "review")["review"]["findings"]


async def test_the_bill_comes_later_and_reaches_the_job(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE)
    await desk.send("pull_request", text="quick")
    job_id = desk.job()
    desk.finish(job_id)
    desk.go_until("SELECT cost_source = 'gateway' FROM ai_calls WHERE job_run_id = ?", (job_id,), 300)
    cost = desk.db.value("SELECT cost_usd FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert desk.world.row("job_runs", job_id)["cost_usd"] == pytest.approx(cost)


async def test_a_second_event_on_the_same_head_is_suppressed(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE)
    payload = desk.body("pull_request", text="quick")
    assert (await desk.send("pull_request", payload, "one"))["queued"] == 1
    answer = await desk.send("pull_request", payload | {"action": "reopened"}, "two")
    assert (answer["queued"], answer["suppressed"]) == (0, 1)
    assert answer["reason_counts"] == {"IDEMPOTENT_DUPLICATE": 1}
    row = desk.db.only("SELECT * FROM automation_dispatch_events WHERE outcome = 'suppressed'")
    assert row["job_run_id"] is None and row["reason"] == "IDEMPOTENT_DUPLICATE"
    assert "review_dedup_key" in json.loads(row["metadata"])


async def test_an_active_push_run_suppresses_the_next_push(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE, event="push")
    assert (await desk.send("push"))["queued"] == 1
    assert (await desk.send("push"))["reason_counts"] == {"ACTIVE_DUPLICATE": 1}
    desk.finish(desk.job())
    assert (await desk.send("push"))["queued"] == 1


async def test_the_fourth_mention_of_a_conversation_is_stopped(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE, event="mention")
    for _ in range(3):
        assert (await desk.send("issue_comment", text="@mogplex quick", number=7))["queued"] == 1
    answer = await desk.send("issue_comment", text="@mogplex quick", number=7)
    assert answer["reason_counts"] == {"MENTION_LOOP_BREAKER": 1}
    assert (await desk.send("issue_comment", text="@mogplex quick", number=8))["queued"] == 1
    desk.clock.advance(601)
    assert (await desk.send("issue_comment", text="@mogplex quick", number=7))["queued"] == 1


async def test_a_named_mention_reaches_only_the_agent_of_that_name(desk: Desk) -> None:
    desk.world.repo()
    named = desk.flow(
        [("a", "agent", {"agentId": desk.agent("Fixer")})], [("start", "a"), ("a", "end")], "mention"
    )
    other = desk.flow([("a", "agent", {})], [("start", "a"), ("a", "end")], "mention")
    assert (await desk.send("issue_comment", text="@mogplex/fixer quick"))["queued"] == 1
    assert desk.world.row("job_runs", desk.job())["flow_id"] == named
    assert (await desk.send("issue_comment", text="@mogplex quick"))["queued"] == 2
    assert {row[0] for row in desk.db.all("SELECT flow_id FROM job_runs")} == {named, other}


async def test_the_ninth_job_of_an_installation_waits_for_room(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE)
    for number in range(8):
        assert (await desk.send("pull_request", text="quick", number=number + 1))["started"] == 1
    answer = await desk.send("pull_request", text="quick", number=9)
    assert (answer["queued"], answer["started"], answer["deferred"]) == (1, 0, 1)
    assert answer["reason_counts"] == {"INSTALLATION_CONCURRENCY_LIMIT": 1}
    job_id = desk.job()
    row = desk.world.row("job_runs", job_id)
    assert (row["status"], row["last_start_error"]) == ("pending", "Installation concurrency limit reached")
    row = desk.finish(job_id)
    assert (row["status"], row["last_start_source"]) == ("success", "queue_release")
    assert ("start", "deferred", "INSTALLATION_CONCURRENCY_LIMIT") in desk.ledger(job_id)


@pytest.mark.parametrize(("queued", "reason"), [(25, "REPO_PENDING_LIMIT"), (24, None)])
async def test_a_repository_holds_25_live_jobs(desk: Desk, queued: int, reason: str | None) -> None:
    repo_id = desk.world.repo()
    flow_id = desk.flow([("review", "agent", {})], LINE)
    for _ in range(queued):
        desk.world.job(flow_id, repo_id)
    answer = await desk.send("pull_request")
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
async def test_a_failing_model_fails_its_job_with_reason_and_diagnostics(
    desk: Desk, words: str, reason: str, klass: str
) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE)
    await desk.send("pull_request", text=f"quick {words}")
    job_id = desk.job()
    row = desk.finish(job_id)
    assert row["status"] == "failed" and row["error"]
    assert desk.ledger(job_id)[-1] == ("control", "failed", reason)
    control = desk.db.only("SELECT metadata FROM automation_dispatch_events WHERE outcome = 'failed'")
    assert json.loads(control["metadata"])["model_failure_class"] == klass
    call = desk.db.only("SELECT status, error FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert tuple(call) == ("failed", row["error"])
    assert desk.nodes(job_id) == {"start": "success", "review": "failed"}


async def test_a_job_whose_agent_is_gone_is_missing_its_configuration(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {"agentId": "00000000-0000-4000-8000-000000000000"})], LINE)
    await desk.send("pull_request")
    job_id = desk.job()
    row = desk.finish(job_id)
    assert (row["status"], row["error"]) == ("failed", "MISSING_CONFIG")
    assert [entry[0] for entry in desk.ledger(job_id)] == ["enqueue", "start"]


async def test_a_person_without_github_cannot_run_anything(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE)
    desk.db.all("UPDATE profiles SET github_oauth = 0")
    await desk.send("pull_request")
    job_id = desk.job()
    assert desk.finish(job_id)["error"] == "NO_GITHUB_CONNECTION"
    assert desk.ledger(job_id)[-1] == ("control", "failed", "NO_GITHUB_CONNECTION")


async def test_nothing_of_another_account_is_set_off(desk: Desk) -> None:
    other = desk.world.profile("jonas")
    flow_id = desk.flow([("review", "agent", {})], LINE)
    desk.world.repo(user_id=other)
    assert (await desk.send("pull_request"))["queued"] == 0
    desk.db.all("UPDATE flows SET user_id = ? WHERE id = ?", (other, flow_id))
    assert (await desk.send("pull_request"))["queued"] == 1
    listed = await desk.client.get("/api/observability/jobs")
    assert listed.json()["total"] == 0


async def test_a_coding_cli_has_a_live_call_from_the_start(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("fix", "agent", {"harness": "codex", "role": "edit", "modelOverride": None})],
              [("start", "fix"), ("fix", "end")], event="ci_failure")  # fmt: skip
    await desk.send("check_run", text="quick unit")
    job_id = desk.job()
    desk.go_until("SELECT status = 'streaming' FROM ai_calls WHERE job_run_id = ?", (job_id,))
    call = desk.db.only("SELECT * FROM ai_calls WHERE job_run_id = ?", (job_id,))
    about = json.loads(call["metadata"])
    assert (call["type"], call["model"], about["source"]) == ("agent", "harness:codex", "automation")
    assert about["flow_node_id"] == "fix" and about["sandbox_record_id"]
    row = desk.finish(job_id)
    assert row["status"] == "success" and row["cost_usd"] is None
    kinds = [
        e[0] for e in desk.db.all("SELECT event_type FROM ai_call_events WHERE ai_call_id = ?", (call["id"],))
    ]
    assert "tool_started" in kinds and kinds[-1] == "finished"


async def test_a_cancelled_job_stops_where_it_is(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("review", "agent", {})], LINE)
    await desk.send("pull_request")
    job_id = desk.job()
    desk.go(3)
    response = await desk.client.post(f"/api/observability/jobs/{job_id}/cancel")
    assert response.status_code == 200
    desk.go(900)
    assert desk.world.row("job_runs", job_id)["status"] == "cancelled"
    assert desk.nodes(job_id)["review"] == "cancelled"
    assert desk.db.value("SELECT COUNT(*) FROM ai_calls") == 0
    assert [entry[1] for entry in desk.ledger(job_id)] == [
        "queued",
        "started",
        "cancel_requested",
        "cancelled",
    ]
