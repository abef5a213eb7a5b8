"""A published graph is walked in its own order: branches, joins, failures that are caught, waits that park."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.simulator import Simulator
from tests.controlplane.engine.support import Desk

AGENT: dict[str, Any] = {}


async def start(
    desk: Desk, event: str = "pull_request", text: str | None = "quick no findings", **said: Any
) -> str:
    answer = await desk.send(event, text=text, **said)
    assert answer["started"] == 1, answer
    return desk.job()


@pytest.mark.parametrize(
    ("title", "taken", "other"), [("quick urgent", "now", "later"), ("quick", "later", "now")]
)
async def test_a_condition_takes_one_side_and_skips_the_other(
    desk: Desk, title: str, taken: str, other: str
) -> None:
    desk.world.repo()
    rules = [{"field": "metadata.pr_title", "operator": "contains", "value": "URGENT"}]
    desk.flow(
        [("ask", "condition", {"rules": rules}), ("now", "agent", AGENT), ("later", "agent", AGENT)],
        [
            ("start", "ask"),
            ("ask", "now", "true"),
            ("ask", "later", "false"),
            ("now", "end"),
            ("later", "end"),
        ],
    )
    job_id = await start(desk, text=title)
    assert desk.finish(job_id)["status"] == "success"
    nodes = desk.nodes(job_id)
    assert (nodes[taken], nodes[other]) == ("success", "skipped")
    skipped = desk.db.only("SELECT * FROM flow_node_runs WHERE status = 'skipped'")
    assert skipped["started_at"] is None and skipped["completed_at"] is not None
    assert desk.db.value("SELECT COUNT(*) FROM ai_calls WHERE job_run_id = ?", (job_id,)) == 1


async def test_parallel_branches_run_side_by_side_and_meet(desk: Desk) -> None:
    desk.world.repo()
    desk.flow(
        [("split", "parallel", {}), ("a", "agent", AGENT), ("b", "agent", AGENT), ("meet", "join", {})],
        [("start", "split"), ("split", "a"), ("split", "b"), ("a", "meet"), ("b", "meet"), ("meet", "end")],
    )
    job_id = await start(desk)
    desk.go_until(
        "SELECT COUNT(*) = 2 FROM flow_node_runs WHERE node_id IN ('a', 'b') AND status = 'running'"
    )
    assert "meet" not in desk.nodes(job_id)
    assert desk.finish(job_id)["status"] == "success"
    ends = desk.db.value("SELECT MAX(completed_at) FROM flow_node_runs WHERE node_id IN ('a', 'b')")
    assert desk.db.value("SELECT started_at FROM flow_node_runs WHERE node_id = 'meet'") >= ends
    assert desk.db.value("SELECT COUNT(*) FROM ai_calls WHERE job_run_id = ?", (job_id,)) == 2


@pytest.mark.parametrize(
    ("policy", "quorum", "end"),
    [("wait_for_any", None, "success"), ("quorum", 2, "success"), ("quorum", 3, "skipped")],
)
async def test_a_join_fires_as_its_policy_says(desk: Desk, policy: str, quorum: int | None, end: str) -> None:
    desk.world.repo()
    never = [{"field": "metadata.pr_title", "operator": "is_empty"}]
    slow = {"duration": 1, "unit": "minutes"}
    desk.flow(
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
    job_id = await start(desk)
    assert desk.finish(job_id)["status"] == "success"
    nodes = desk.nodes(job_id)
    assert (nodes["d"], nodes["meet"], nodes["tail"]) == ("skipped", end, end)


async def test_a_failure_with_an_error_edge_is_caught(desk: Desk) -> None:
    desk.world.repo()
    desk.flow(
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
    job_id = await start(desk, number=12)
    assert desk.finish(job_id)["status"] == "success"
    nodes = desk.nodes(job_id)
    assert (nodes["try"], nodes["good"], nodes["tell"]) == ("failed", "skipped", "success")
    assert (
        desk.db.value("SELECT error FROM flow_node_runs WHERE node_id = 'try'")
        == "Command exited with code 3"
    )
    told = desk.output(job_id, "tell")
    assert told["body"] == "quick no findings is broken" and told["number"] == 12


async def test_a_failing_branch_ends_the_job_and_stops_the_others(desk: Desk) -> None:
    desk.world.repo()
    desk.flow(
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
    job_id = await start(desk)
    row = desk.finish(job_id)
    assert (row["status"], row["error"]) == ("failed", "Command exited with code 1")
    assert desk.nodes(job_id)["slow"] == "cancelled"
    assert desk.ledger(job_id)[-1] == ("control", "failed", "AUTOMATION_FAILED")


async def test_variables_and_transforms_feed_later_nodes(desk: Desk) -> None:
    desk.world.repo()
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
    desk.flow(
        [
            ("set", "set_variable", {"assignments": made}),
            ("derive", "transform", {"assignments": derived}),
            ("ask", "condition", {"rules": rules}),
            ("a", "agent", AGENT),
        ],
        [("start", "set"), ("set", "derive"), ("derive", "ask"), ("ask", "a", "true"), ("ask", "end", "false"),
         ("a", "end")],
    )  # fmt: skip
    job_id = await start(desk)
    desk.finish(job_id)
    assert desk.output(job_id, "derive")["variables"] == {
        "list": ["src/a.ts", "docs/b.md"],
        "count": 2,
        "docs": True,
    }
    assert desk.nodes(job_id)["a"] == "success"


async def test_a_delay_lasts_as_long_as_it_says(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("nap", "delay", {"duration": 5, "unit": "minutes"}), ("a", "agent", AGENT)],
              [("start", "nap"), ("nap", "a"), ("a", "end")])  # fmt: skip
    job_id = await start(desk)
    desk.finish(job_id)
    nap = desk.db.only("SELECT started_at, completed_at FROM flow_node_runs WHERE node_id = 'nap'")
    assert nap["completed_at"] - nap["started_at"] == pytest.approx(300_000_000, abs=1_000_000)


@pytest.mark.parametrize("much", [1e7, 1e300])
async def test_a_time_without_end_is_waited_for_all_the_same(desk: Desk, much: float) -> None:
    desk.world.repo()
    flow_id = desk.flow(
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
    job_id = await start(desk)
    desk.go(60)
    assert {name: status for name, status in desk.nodes(job_id).items() if name in ("nap", "ask")} == {
        "nap": "running",
        "ask": "running",
    }
    run = (await desk.client.get(f"/api/flows/{flow_id}/runs/{job_id}")).json()["run"]
    assert run["active_wait_count"] == 1
    assert (await desk.client.get("/api/flows/approvals")).json()["approvals"][0]["job_run_id"] == job_id


def awaiting(
    desk: Desk, config: dict[str, Any], timeout: dict[str, Any] | None = None, caught: bool = False
) -> str:
    edges: list[tuple[str, ...]] = [("start", "wait"), ("wait", "a"), ("a", "end")]
    if caught:
        edges.append(("wait", "end", "error"))
    return desk.flow(
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
    desk: Desk, config: dict[str, Any], kind: str, said: dict[str, Any], wrong: dict[str, Any]
) -> None:
    desk.world.repo()
    awaiting(desk, config)
    job_id = await start(desk, number=5)
    desk.go(5)
    wait = desk.db.only("SELECT * FROM flow_waits WHERE job_run_id = ?", (job_id,))
    assert (wait["status"], wait["wait_kind"], wait["expires_at"]) == ("waiting", config["kind"], None)
    assert desk.world.row("job_runs", job_id)["status"] == "running"
    empty = {"matched": 0, "resumed": 0, "alreadyResumed": 0, "completeFailed": 0, "failures": []}
    assert (await desk.send(kind, **wrong))["flow_waits"] == empty
    payload = desk.body(kind, **said)
    assert (await desk.send(kind, payload, "right"))["flow_waits"] == empty | {"matched": 1, "resumed": 1}
    assert (await desk.send(kind, payload, "right"))["flow_waits"] == empty | {
        "matched": 1,
        "alreadyResumed": 1,
    }
    after = desk.world.row("flow_waits", wait["id"])
    assert (after["status"], after["resume_delivery_id"]) == ("resumed", "right")
    assert desk.finish(job_id)["status"] == "success"
    assert desk.nodes(job_id)["a"] == "success"


@pytest.mark.parametrize(("caught", "status"), [(False, "failed"), (True, "success")])
async def test_a_wait_that_nobody_ends_expires(desk: Desk, caught: bool, status: str) -> None:
    desk.world.repo()
    awaiting(desk, {"kind": "github_label_added", "labelName": "x"}, {"value": 3, "unit": "minutes"}, caught)
    job_id = await start(desk)
    row = desk.finish(job_id)
    assert row["status"] == status
    wait = desk.db.only("SELECT * FROM flow_waits WHERE job_run_id = ?", (job_id,))
    assert wait["status"] == "expired" and wait["expires_at"] - wait["created_at"] == 180_000_000
    assert desk.nodes(job_id)["wait"] == "failed"


@pytest.mark.parametrize(("decision", "status"), [("approve", "success"), ("deny", "failed")])
async def test_a_person_decides_whether_the_job_goes_on(desk: Desk, decision: str, status: str) -> None:
    desk.world.repo()
    awaiting(desk, {"kind": "manual_approval", "prompt": "Go?"}, {"value": 24, "unit": "hours"})
    job_id = await start(desk)
    desk.go(2_400)
    assert desk.world.row("job_runs", job_id)["status"] == "running"
    listed = (await desk.client.get("/api/flows/approvals")).json()["approvals"]
    assert [entry["wait_config"] for entry in listed] == [{"kind": "manual_approval", "prompt": "Go?"}]
    body = {"decision": decision, "note": "not now"}
    response = await desk.client.post(f"/api/flows/approvals/{listed[0]['id']}", json=body)
    assert response.status_code == 200
    row = desk.finish(job_id)
    assert row["status"] == status
    if status == "failed":
        assert row["error"] == "A person denied this step: not now"


async def test_an_agent_that_needs_approval_asks_before_every_tool(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("a", "agent", {"requireApproval": True})], [("start", "a"), ("a", "end")])
    job_id = await start(desk)
    decisions = ["deny", "approve"]
    for decision in decisions:
        desk.go_until("SELECT 1 FROM flow_waits WHERE status = 'waiting'", seconds=60)
        (entry,) = (await desk.client.get("/api/flows/approvals")).json()["approvals"]
        config = entry["wait_config"]
        assert (
            config["kind"] == "tool_approval"
            and config["nodeId"] == "a"
            and config["agentName"] == "Reviewer"
        )
        assert config["repoFullName"] == "acme/api" and isinstance(config["toolInput"], str)
        await desk.client.post(f"/api/flows/approvals/{entry['id']}", json={"decision": decision})
    assert desk.finish(job_id)["status"] == "success"
    tools = desk.output(job_id, "a")["tool_calls"]
    assert tools[0]["output_preview"] == "A person denied this tool call"
    assert tools[1]["output_preview"] != tools[0]["output_preview"]


async def test_questions_of_one_agent_share_ten_minutes(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("a", "agent", {"requireApproval": True})], [("start", "a"), ("a", "end")])
    job_id = await start(desk)
    assert desk.finish(job_id)["status"] == "success"
    waits = desk.db.all("SELECT status FROM flow_waits WHERE job_run_id = ?", (job_id,))
    assert [row[0] for row in waits] == ["expired"]


async def test_another_process_goes_on_where_the_first_one_stood(desk: Desk) -> None:
    desk.world.repo()
    awaiting(desk, {"kind": "manual_approval", "prompt": "Go?"}, {"value": 24, "unit": "hours"})
    job_id = await start(desk)
    desk.go(30)
    await desk.simulator.stop()
    wait_id = desk.db.value("SELECT id FROM flow_waits")
    desk.plane.db.set_meta("generation", "1")
    desk.simulator = Simulator(desk.plane, speed=1.0)
    desk.simulator.begin(arrivals=False)
    desk.go(30)
    assert desk.db.value("SELECT COUNT(*) FROM flow_waits") == 1
    await desk.client.post(f"/api/flows/approvals/{wait_id}", json={"decision": "approve"})
    assert desk.finish(job_id)["status"] == "success"
    assert list(desk.nodes(job_id)) == ["start", "wait", "a", "end"]


async def test_half_an_hour_of_work_is_the_limit_of_a_job(desk: Desk) -> None:
    desk.world.repo()
    wait = {"config": {"kind": "manual_approval", "prompt": "Go?"}}
    desk.flow([("a", "agent", AGENT), ("w", "await_event", wait), ("b", "agent", AGENT)],
              [("start", "a"), ("a", "w"), ("w", "b"), ("b", "end")])  # fmt: skip
    job_id = await start(desk)
    desk.go_until("SELECT 1 FROM flow_waits WHERE status = 'waiting'")
    desk.db.all("UPDATE flow_node_runs SET duration_ms = 1800000 WHERE node_id = 'a'")
    wait_id = desk.db.value("SELECT id FROM flow_waits")
    await desk.client.post(f"/api/flows/approvals/{wait_id}", json={"decision": "approve"})
    row = desk.finish(job_id, 5)
    assert (row["status"], row["error"]) == ("failed", "The automation reached its time limit of 30 minutes")
    assert desk.ledger(job_id)[-1] == ("control", "failed", "AUTOMATION_TIMEOUT")


async def test_a_node_keeps_to_its_own_limits(desk: Desk) -> None:
    desk.world.repo()
    limits = {"maxStepsOverride": 1, "timeoutMsOverride": 600_000}
    desk.flow([("a", "agent", limits), ("b", "agent", {"timeoutMsOverride": 1_000})],
              [("start", "a"), ("a", "b"), ("b", "end")])  # fmt: skip
    job_id = await start(desk)
    row = desk.finish(job_id)
    assert len(desk.output(job_id, "a")["tool_calls"]) == 1
    assert (row["status"], row["error"]) == ("failed", "The agent reached its time limit of 1 s")
