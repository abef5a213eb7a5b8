"""Approvals: listed, and answered only once (routing.md §3.15 and §3.16)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.controlplane.automation.automation_rows import control_approval, insert_wait
from tests.controlplane.row_factory import RowFactory

FLOW, CONTROL = "/api/flows/approvals", "/api/control/approvals"


@pytest.fixture
def job(factory: RowFactory) -> str:
    """A running job run of the account."""
    return factory.job(factory.flow(), factory.repo(), start=True)


async def test_open_questions_are_listed_oldest_first(
    client: httpx.AsyncClient, factory: RowFactory, job: str
) -> None:
    first = insert_wait(factory, job, expires_at=factory.clock.us + 5)
    insert_wait(factory, job, wait_kind="ci_workflow_completed")
    insert_wait(factory, job, user_id=factory.profile("eve"))
    factory.clock.advance(60)
    expired = first
    config = {"kind": "tool_approval", "toolName": "createIssue", "toolInput": '{"title":"Flaky"}'}
    second = insert_wait(factory, job, wait_kind="tool_approval", wait_config=config)
    factory.clock.advance(1)
    third = insert_wait(factory, job, expires_at=factory.clock.us + 10**6)
    found = (await client.get(FLOW)).json()
    assert [entry["id"] for entry in found["approvals"]] == [second, third]
    assert expired not in str(found)
    assert found["hasMore"] is False
    assert found["approvals"][0] == {
        "id": second,
        "job_run_id": job,
        "flow_id": factory.row("job_runs", job)["flow_id"],
        "node_id": "ask",
        "wait_config": config,
        "created_at": "2026-08-05T10:01:00+00:00",
        "expires_at": None,
    }


async def test_a_page_holds_fifty(client: httpx.AsyncClient, factory: RowFactory, job: str) -> None:
    for _ in range(51):
        insert_wait(factory, job)
    found = (await client.get(FLOW)).json()
    assert (len(found["approvals"]), found["hasMore"]) == (50, True)


@pytest.mark.parametrize("word", ["approve", "deny"])
async def test_answer_resumes_job(
    client: httpx.AsyncClient, factory: RowFactory, job: str, word: str
) -> None:
    woken: list[str] = []
    factory.plane.callbacks.on_wait_resumed.append(woken.append)
    wait = insert_wait(factory, job)
    answer = await client.post(f"{FLOW}/{wait}", json={"decision": word, "note": "not now"})
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "decision": word})
    row = factory.row("flow_waits", wait)
    assert (row["status"], row["resumed_at"]) == ("resumed", factory.clock.us)
    assert json.loads(row["resume_payload"]) == {
        "decision": word,
        "approved": word == "approve",
        "note": "not now",
    }
    assert woken == [wait]
    again = await client.post(f"{FLOW}/{wait}", json={"decision": word})
    assert (again.status_code, again.json()) == (409, {"error": "Approval was already resolved"})


async def test_closed_question_cannot_be_answered(
    client: httpx.AsyncClient, factory: RowFactory, job: str
) -> None:
    expired = insert_wait(factory, job, expires_at=factory.clock.us)
    cancelled = insert_wait(factory, job, status="cancelled")
    for wait in (expired, cancelled):
        answer = await client.post(f"{FLOW}/{wait}", json={"decision": "approve"})
        assert (answer.status_code, answer.json()) == (409, {"error": "Approval is no longer pending"})
    foreign = insert_wait(factory, job, user_id=factory.profile("eve"))
    event = insert_wait(factory, job, wait_kind="github_label_added")
    for wait in (foreign, event, "unknown"):
        answer = await client.post(f"{FLOW}/{wait}", json={"decision": "approve"})
        assert (answer.status_code, answer.json()) == (404, {"error": "Approval not found"})


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("5", "Request body must be a JSON object"),
        ("null", "Request body must be a JSON object"),
        ("[]", 'decision must be "approve" or "deny"'),
        ('{"decision":"approved"}', 'decision must be "approve" or "deny"'),
        ('{"decision":"deny","note":5}', "note must be a string"),
        (json.dumps({"decision": "deny", "note": "n" * 2001}), "note must be at most 2000 characters"),
    ],
)
async def test_malformed_answers(client: httpx.AsyncClient, content: str, error: str) -> None:
    for path in (f"{FLOW}/x", f"{CONTROL}/x"):
        answer = await client.post(path, content=content)
        assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_invalid_json_message_depends_on_path(client: httpx.AsyncClient) -> None:
    for path, error in (
        (FLOW, "Request body must be valid JSON"),
        (CONTROL, "Request body must be JSON"),
    ):
        answer = await client.post(f"{path}/x", content="{")
        assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_orchestrator_pending_questions(client: httpx.AsyncClient, factory: RowFactory) -> None:
    run = "00000000-0000-4000-8000-0000000000aa"
    older = control_approval(factory, run_id=run, expires_at=factory.clock.us - 1)
    factory.clock.advance(1)
    newer = control_approval(factory, urgency="high")
    control_approval(factory, status="denied")
    control_approval(factory, user_id=factory.profile("eve"))
    found = (await client.get(CONTROL)).json()["approvals"]
    assert [entry["id"] for entry in found] == [newer, older]
    assert found[0]["tool_input"] == {"repo": "acme/shop"}
    assert found[0]["resolution_source"] is found[0]["expires_at"] is None
    narrowed = (await client.get(CONTROL, params={"runId": run})).json()["approvals"]
    assert [entry["id"] for entry in narrowed] == [older]


@pytest.mark.parametrize(("word", "status"), [("approve", "approved"), ("deny", "denied")])
async def test_orchestrator_answer_uses_past_tense_status(
    client: httpx.AsyncClient, factory: RowFactory, word: str, status: str
) -> None:
    row = control_approval(factory)
    answer = await client.post(f"{CONTROL}/{row}", json={"decision": word, "note": "ok"})
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "decision": status})
    kept = factory.row("control_approvals", row)
    resolved: dict[str, Any] = {name: kept[name] for name in kept if name.startswith("res")}
    assert resolved == {
        "resolution_source": "api",
        "resolved_at": factory.clock.us,
        "resolved_by": factory.user,
        "resolution_note": "ok",
    }
    expired = control_approval(factory, expires_at=factory.clock.us)
    foreign = control_approval(factory, user_id=factory.profile("eve"))
    for other in (row, expired, foreign, "unknown"):
        refused = await client.post(f"{CONTROL}/{other}", json={"decision": word})
        assert (refused.status_code, refused.json()) == (409, {"error": "Approval is no longer pending"})
