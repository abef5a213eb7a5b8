"""Execution order of graphs: branches, joins, caught failures and waits."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.simulator import Simulator
from tests.controlplane.engine.engine_driver import EngineDriver

AGENT: dict[str, Any] = {}


async def start(
    engine: EngineDriver, event: str = "pull_request", text: str | None = "quick no findings", **said: Any
) -> str:
    answer = await engine.send(event, text=text, **said)
    assert answer["started"] == 1, answer
    return engine.job()


@pytest.mark.parametrize(
    ("title", "taken", "other"), [("quick urgent", "now", "later"), ("quick", "later", "now")]
)
async def test_condition_runs_one_branch_and_skips_other(
    engine: EngineDriver, title: str, taken: str, other: str
) -> None:
    engine.factory.repo()
    rules = [{"field": "metadata.pr_title", "operator": "contains", "value": "URGENT"}]
    engine.flow(
        [("ask", "condition", {"rules": rules}), ("now", "agent", AGENT), ("later", "agent", AGENT)],
        [
            ("start", "ask"),
            ("ask", "now", "true"),
            ("ask", "later", "false"),
            ("now", "end"),
            ("later", "end"),
        ],
    )
    job_id = await start(engine, text=title)
    assert engine.finish(job_id)["status"] == "success"
    nodes = engine.nodes(job_id)
    assert (nodes[taken], nodes[other]) == ("success", "skipped")
    skipped = engine.db.only("SELECT * FROM flow_node_runs WHERE status = 'skipped'")
    assert skipped["started_at"] is None and skipped["completed_at"] is not None
    assert engine.db.value("SELECT COUNT(*) FROM ai_calls WHERE job_run_id = ?", (job_id,)) == 1


async def test_parallel_branches_run_side_by_side_and_meet(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow(
        [("split", "parallel", {}), ("a", "agent", AGENT), ("b", "agent", AGENT), ("meet", "join", {})],
        [("start", "split"), ("split", "a"), ("split", "b"), ("a", "meet"), ("b", "meet"), ("meet", "end")],
    )
    job_id = await start(engine)
    engine.go_until(
        "SELECT COUNT(*) = 2 FROM flow_node_runs WHERE node_id IN ('a', 'b') AND status = 'running'"
    )
    assert "meet" not in engine.nodes(job_id)
    assert engine.finish(job_id)["status"] == "success"
    ends = engine.db.value("SELECT MAX(completed_at) FROM flow_node_runs WHERE node_id IN ('a', 'b')")
    assert engine.db.value("SELECT started_at FROM flow_node_runs WHERE node_id = 'meet'") >= ends
    assert engine.db.value("SELECT COUNT(*) FROM ai_calls WHERE job_run_id = ?", (job_id,)) == 2


@pytest.mark.parametrize(
    ("policy", "quorum", "end"),
    [("wait_for_any", None, "success"), ("quorum", 2, "success"), ("quorum", 3, "skipped")],
)
async def test_join_follows_policy(engine: EngineDriver, policy: str, quorum: int | None, end: str) -> None:
    engine.factory.repo()
    never = [{"field": "metadata.pr_title", "operator": "is_empty"}]
    slow = {"duration": 1, "unit": "minutes"}
    engine.flow(
        [
            ("split", "parallel", {}),
            ("a", "set_variable", {"assignments": [{"key": "a", "template": "1"}]}),
            ("b", "delay", slow),
            ("c", "condition", {"rules": never}),
            ("d", "agent", AGENT),
            ("meet", "join", {"policy": policy, "quorum": quorum}),
            ("tail", "agent", AGENT),
        ],
        [
            ("start", "split"), ("split", "a"), ("split", "b"), ("split", "c"), ("c", "d", "true"),
            ("c", "end", "false"), ("a", "meet"), ("b", "meet"), ("d", "meet"), ("meet", "tail"), ("tail", "end"),
        ],
    )  # fmt: skip
    job_id = await start(engine)
    assert engine.finish(job_id)["status"] == "success"
    nodes = engine.nodes(job_id)
    assert (nodes["d"], nodes["meet"], nodes["tail"]) == ("skipped", end, end)


async def test_error_edge_catches_failure(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow(
        [
            ("try", "action", {"operation": "sandbox.run_command", "command": "make check; exit 3"}),
            ("good", "agent", AGENT),
            (
                "tell",
                "action",
                {"operation": "github.post_comment", "body": "{{metadata.pr_title}} is broken"},
            ),
        ],
        [("start", "try"), ("try", "good"), ("try", "tell", "error"), ("good", "end"), ("tell", "end")],
    )
    job_id = await start(engine, number=12)
    assert engine.finish(job_id)["status"] == "success"
    nodes = engine.nodes(job_id)
    assert (nodes["try"], nodes["good"], nodes["tell"]) == ("failed", "skipped", "success")
    assert (
        engine.db.value("SELECT error FROM flow_node_runs WHERE node_id = 'try'")
        == "Command exited with code 3"
    )
    told = engine.output(job_id, "tell")
    assert told["body"] == "quick no findings is broken" and told["number"] == 12


async def test_failed_branch_ends_job_and_other_branches(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow(
        [
            ("split", "parallel", {}),
            ("bad", "action", {"operation": "sandbox.run_command", "command": "false"}),
            ("slow", "delay", {"duration": 2, "unit": "hours"}),
            ("meet", "join", {}),
            ("a", "agent", AGENT),
        ],
        [("start", "split"), ("split", "bad"), ("split", "slow"), ("bad", "meet"), ("slow", "meet"),
         ("meet", "a"), ("a", "end")],
    )  # fmt: skip
    job_id = await start(engine)
    row = engine.finish(job_id)
    assert (row["status"], row["error"]) == ("failed", "Command exited with code 1")
    assert engine.nodes(job_id)["slow"] == "cancelled"
    assert engine.ledger(job_id)[-1] == ("control", "failed", "AUTOMATION_FAILED")


async def test_variables_and_transforms_feed_later_nodes(engine: EngineDriver) -> None:
    engine.factory.repo()
    made = [{"key": "files", "template": "src/a.ts,docs/b.md"}]
    derived = [
        {"key": "list", "source": "state.files", "operation": "string_split", "argument": ","},
        {"key": "count", "source": "state.list", "operation": "array_length"},
        {"key": "docs", "source": "state.list", "operation": "files_match_glob", "argument": "docs/*"},
    ]
    rules = [
        {"field": "state.count", "operator": "greater_than", "value": "1"},
        {"field": "state.docs", "operator": "equals", "value": "true"},
        {"field": "repo.full_name", "operator": "in", "value": "acme/web, ACME/API"},
    ]
    engine.flow(
        [
            ("set", "set_variable", {"assignments": made}),
            ("derive", "transform", {"assignments": derived}),
            ("ask", "condition", {"rules": rules}),
            ("a", "agent", AGENT),
        ],
        [("start", "set"), ("set", "derive"), ("derive", "ask"), ("ask", "a", "true"), ("ask", "end", "false"),
         ("a", "end")],
    )  # fmt: skip
    job_id = await start(engine)
    engine.finish(job_id)
    assert engine.output(job_id, "derive")["variables"] == {
        "list": ["src/a.ts", "docs/b.md"],
        "count": 2,
        "docs": True,
    }
    assert engine.nodes(job_id)["a"] == "success"


async def test_delay_lasts_configured_time(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("nap", "delay", {"duration": 5, "unit": "minutes"}), ("a", "agent", AGENT)],
              [("start", "nap"), ("nap", "a"), ("a", "end")])  # fmt: skip
    job_id = await start(engine)
    engine.finish(job_id)
    nap = engine.db.only("SELECT started_at, completed_at FROM flow_node_runs WHERE node_id = 'nap'")
    assert nap["completed_at"] - nap["started_at"] == pytest.approx(300_000_000, abs=1_000_000)


@pytest.mark.parametrize("much", [1e7, 1e300])
async def test_huge_delay_is_waited_for(engine: EngineDriver, much: float) -> None:
    engine.factory.repo()
    flow_id = engine.flow(
        [
            ("split", "parallel", {}),
            ("nap", "delay", {"duration": much, "unit": "hours"}),
            ("ask", "await_event", {"config": {"kind": "manual_approval", "prompt": "Go on?"},
                                    "timeout": {"value": much, "unit": "days"}}),
            ("meet", "join", {}),
            ("a", "agent", AGENT),
        ],
        [("start", "split"), ("split", "nap"), ("split", "ask"), ("nap", "meet"), ("ask", "meet"), ("meet", "a"),
         ("a", "end")],
    )  # fmt: skip
    job_id = await start(engine)
    engine.go(60)
    assert {name: status for name, status in engine.nodes(job_id).items() if name in ("nap", "ask")} == {
        "nap": "running",
        "ask": "running",
    }
    run = (await engine.client.get(f"/api/flows/{flow_id}/runs/{job_id}")).json()["run"]
    assert run["active_wait_count"] == 1
    assert (await engine.client.get("/api/flows/approvals")).json()["approvals"][0]["job_run_id"] == job_id


def awaiting(
    engine: EngineDriver, config: dict[str, Any], timeout: dict[str, Any] | None = None, caught: bool = False
) -> str:
    edges: list[tuple[str, ...]] = [("start", "wait"), ("wait", "a"), ("a", "end")]
    if caught:
        edges.append(("wait", "end", "error"))
    return engine.flow(
        [("wait", "await_event", {"config": config, "timeout": timeout}), ("a", "agent", AGENT)], edges
    )


@pytest.mark.parametrize(
    ("config", "kind", "said", "wrong"),
    [
        ({"kind": "github_label_added", "labelName": "ready"}, "label", {"text": "ready"}, {"text": "wip"}),
        (
            {"kind": "github_comment_added", "bodyContains": "SHIP it"},
            "pull_request_review_comment",
            {"text": "please ship it", "number": 5},
            {"text": "please ship it", "number": 6},
        ),
        (
            {"kind": "ci_workflow_completed", "workflowName": "e2e", "matchTriggerSha": False},
            "workflow_success",
            {"text": "E2E"},
            {"text": "unit"},
        ),
        (
            {"kind": "vercel_preview_ready", "environment": "Preview", "matchTriggerSha": False},
            "deployment_status",
            {"text": "Preview"},
            {"text": "Production"},
        ),
    ],
)
async def test_a_parked_job_is_resumed_by_its_event_alone(
    engine: EngineDriver, config: dict[str, Any], kind: str, said: dict[str, Any], wrong: dict[str, Any]
) -> None:
    engine.factory.repo()
    awaiting(engine, config)
    job_id = await start(engine, number=5)
    engine.go(5)
    wait = engine.db.only("SELECT * FROM flow_waits WHERE job_run_id = ?", (job_id,))
    assert (wait["status"], wait["wait_kind"], wait["expires_at"]) == ("waiting", config["kind"], None)
    assert engine.factory.row("job_runs", job_id)["status"] == "running"
    empty = {"matched": 0, "resumed": 0, "alreadyResumed": 0, "completeFailed": 0, "failures": []}
    assert (await engine.send(kind, **wrong))["flow_waits"] == empty
    payload = engine.body(kind, **said)
    assert (await engine.send(kind, payload, "right"))["flow_waits"] == empty | {"matched": 1, "resumed": 1}
    assert (await engine.send(kind, payload, "right"))["flow_waits"] == empty | {
        "matched": 1,
        "alreadyResumed": 1,
    }
    after = engine.factory.row("flow_waits", wait["id"])
    assert (after["status"], after["resume_delivery_id"]) == ("resumed", "right")
    assert engine.finish(job_id)["status"] == "success"
    assert engine.nodes(job_id)["a"] == "success"


@pytest.mark.parametrize(("caught", "status"), [(False, "failed"), (True, "success")])
async def test_unanswered_wait_expires(engine: EngineDriver, caught: bool, status: str) -> None:
    engine.factory.repo()
    awaiting(
        engine, {"kind": "github_label_added", "labelName": "x"}, {"value": 3, "unit": "minutes"}, caught
    )
    job_id = await start(engine)
    row = engine.finish(job_id)
    assert row["status"] == status
    wait = engine.db.only("SELECT * FROM flow_waits WHERE job_run_id = ?", (job_id,))
    assert wait["status"] == "expired" and wait["expires_at"] - wait["created_at"] == 180_000_000
    assert engine.nodes(job_id)["wait"] == "failed"


@pytest.mark.parametrize(("decision", "status"), [("approve", "success"), ("deny", "failed")])
async def test_approval_decides_if_job_continues(engine: EngineDriver, decision: str, status: str) -> None:
    engine.factory.repo()
    awaiting(engine, {"kind": "manual_approval", "prompt": "Go?"}, {"value": 24, "unit": "hours"})
    job_id = await start(engine)
    engine.go(2_400)
    assert engine.factory.row("job_runs", job_id)["status"] == "running"
    listed = (await engine.client.get("/api/flows/approvals")).json()["approvals"]
    assert [entry["wait_config"] for entry in listed] == [{"kind": "manual_approval", "prompt": "Go?"}]
    body = {"decision": decision, "note": "not now"}
    response = await engine.client.post(f"/api/flows/approvals/{listed[0]['id']}", json=body)
    assert response.status_code == 200
    row = engine.finish(job_id)
    assert row["status"] == status
    if status == "failed":
        assert row["error"] == "A person denied this step: not now"


async def test_agent_with_approval_asks_before_each_tool(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {"requireApproval": True})], [("start", "a"), ("a", "end")])
    job_id = await start(engine)
    decisions = ["deny", "approve"]
    for decision in decisions:
        engine.go_until("SELECT 1 FROM flow_waits WHERE status = 'waiting'", seconds=60)
        (entry,) = (await engine.client.get("/api/flows/approvals")).json()["approvals"]
        config = entry["wait_config"]
        assert (
            config["kind"] == "tool_approval"
            and config["nodeId"] == "a"
            and config["agentName"] == "Reviewer"
        )
        assert config["repoFullName"] == "acme/api" and isinstance(config["toolInput"], str)
        await engine.client.post(f"/api/flows/approvals/{entry['id']}", json={"decision": decision})
    assert engine.finish(job_id)["status"] == "success"
    tools = engine.output(job_id, "a")["tool_calls"]
    assert tools[0]["output_preview"] == "A person denied this tool call"
    assert tools[1]["output_preview"] != tools[0]["output_preview"]


async def test_agent_questions_share_ten_minute_budget(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {"requireApproval": True})], [("start", "a"), ("a", "end")])
    job_id = await start(engine)
    assert engine.finish(job_id)["status"] == "success"
    waits = engine.db.all("SELECT status FROM flow_waits WHERE job_run_id = ?", (job_id,))
    assert [row[0] for row in waits] == ["expired"]


async def test_restarted_process_resumes_job(engine: EngineDriver) -> None:
    engine.factory.repo()
    awaiting(engine, {"kind": "manual_approval", "prompt": "Go?"}, {"value": 24, "unit": "hours"})
    job_id = await start(engine)
    engine.go(30)
    await engine.simulator.stop()
    wait_id = engine.db.value("SELECT id FROM flow_waits")
    engine.plane.db.set_meta("generation", "1")
    engine.simulator = Simulator(engine.plane, speed=1.0)
    engine.simulator.begin(arrivals=False)
    engine.go(30)
    assert engine.db.value("SELECT COUNT(*) FROM flow_waits") == 1
    await engine.client.post(f"/api/flows/approvals/{wait_id}", json={"decision": "approve"})
    assert engine.finish(job_id)["status"] == "success"
    assert list(engine.nodes(job_id)) == ["start", "wait", "a", "end"]


async def test_job_is_limited_to_thirty_minutes(engine: EngineDriver) -> None:
    engine.factory.repo()
    wait = {"config": {"kind": "manual_approval", "prompt": "Go?"}}
    engine.flow([("a", "agent", AGENT), ("w", "await_event", wait), ("b", "agent", AGENT)],
              [("start", "a"), ("a", "w"), ("w", "b"), ("b", "end")])  # fmt: skip
    job_id = await start(engine)
    engine.go_until("SELECT 1 FROM flow_waits WHERE status = 'waiting'")
    engine.db.all("UPDATE flow_node_runs SET duration_ms = 1800000 WHERE node_id = 'a'")
    wait_id = engine.db.value("SELECT id FROM flow_waits")
    await engine.client.post(f"/api/flows/approvals/{wait_id}", json={"decision": "approve"})
    row = engine.finish(job_id, 5)
    assert (row["status"], row["error"]) == ("failed", "The automation reached its time limit of 30 minutes")
    assert engine.ledger(job_id)[-1] == ("control", "failed", "AUTOMATION_TIMEOUT")


async def test_node_respects_own_limits(engine: EngineDriver) -> None:
    engine.factory.repo()
    limits = {"maxStepsOverride": 1, "timeoutMsOverride": 600_000}
    engine.flow([("a", "agent", limits), ("b", "agent", {"timeoutMsOverride": 1_000})],
              [("start", "a"), ("a", "b"), ("b", "end")])  # fmt: skip
    job_id = await start(engine)
    row = engine.finish(job_id)
    assert len(engine.output(job_id, "a")["tool_calls"]) == 1
    assert (row["status"], row["error"]) == ("failed", "The agent reached its time limit of 1 s")
