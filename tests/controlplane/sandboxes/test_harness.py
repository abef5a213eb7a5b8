"""A coding CLI in a sandbox: its stream and AI call; tabs and terminals."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.controlplane.api_paths import V1
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import BOX, events, idle, kinds, next_event, running

PROMPT = {"harness": "codex", "prompt": "quick: fix the tax test"}


def types_of(factory: RowFactory, call_id: str) -> list[str]:
    """Return the types of a call's events in order."""
    rows = factory.plane.db.all(
        "SELECT event_type FROM ai_call_events WHERE ai_call_id = ? ORDER BY seq", (call_id,)
    )
    return [row["event_type"] for row in rows]


async def test_a_run_is_streamed_and_recorded(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), working_branch="feat/tax")
    found = events(await client.post(f"{BOX}/{box}/harness", json={**PROMPT, "mode": "yolo"}))
    assert kinds(found)[:2] == ["run", "session"] and "log" in kinds(found)
    call = factory.row("ai_calls", found[0]["ai_call_id"])
    last = found[-1]
    assert last == {
        "type": "done", "exitCode": 0, "error": None, "failureCode": None,
        "pullRequestUrl": last["pullRequestUrl"],
    }  # fmt: skip
    assert last["pullRequestUrl"].startswith("https://github.com/acme/api/pull/")
    assert (call["status"], call["type"], call["model"]) == ("success", "agent", "harness:codex")
    metadata = json.loads(call["metadata"])
    expected = {
        "source": "cli", "harness_id": "codex", "harness_mode": "YOLO", "sandbox_record_id": box,
        "sandbox_id": "mogplex-vm-1", "repo": "acme/api", "product_team_id": None,
        "ai_billing_source": "platform", "prepared": False, "base_branch": "main",
        "working_branch": "feat/tax", "pull_request_url": last["pullRequestUrl"],
    }  # fmt: skip
    assert expected.items() <= metadata.items() and metadata["auto_committed_files"]
    kinds_of_events = types_of(factory, call["id"])
    assert kinds_of_events[0] == "started" and kinds_of_events[-1] == "finished"
    assert kinds_of_events.index("status_changed") < kinds_of_events.index("tool_started")


@pytest.mark.parametrize(
    ("word", "code"),
    [("fail", "command_failed"), ("ratelimit", "rate_limited"), ("denied", "model_access_denied")],
)
async def test_failed_run_reports_reason(
    client: httpx.AsyncClient, factory: RowFactory, word: str, code: str
) -> None:
    box = factory.sandbox(factory.repo())
    found = events(await client.post(f"{BOX}/{box}/harness", json={**PROMPT, "prompt": word}))
    last = found[-1]
    assert (last["type"], last["failureCode"]) == ("done", code)
    assert last["exitCode"] != 0 and last["error"] and "pullRequestUrl" not in last
    call = factory.row("ai_calls", found[0]["ai_call_id"])
    assert (call["status"], call["error"]) == ("failed", last["error"])


async def test_a_prepared_call_waits_and_is_taken_up(client: httpx.AsyncClient, factory: RowFactory) -> None:
    path = f"{BOX}/{factory.sandbox(factory.repo())}/harness"
    prepared = await client.post(path, json={**PROMPT, "prepareOnly": True, "conversationId": "talk"})
    assert prepared.headers["content-type"] == "application/json"
    call_id = prepared.json()["aiCallId"]
    row = factory.row("ai_calls", call_id)
    assert (row["status"], row["conversation_id"]) == ("pending", "talk")
    assert json.loads(row["metadata"])["prepared"] is True
    other = await client.post(path, json={**PROMPT, "harness": "claude-code", "aiCallId": call_id})
    text = "ai_call is not available for this harness run"
    assert (other.status_code, other.json()) == (409, {"error": text})
    found = events(await client.post(path, json={**PROMPT, "aiCallId": call_id}))
    assert found[0] == {"type": "run", "ai_call_id": call_id}
    again = await client.post(path, json={**PROMPT, "aiCallId": call_id})
    assert again.status_code == 409


async def test_v1_call_can_be_attached_once(client: httpx.AsyncClient, factory: RowFactory) -> None:
    path = f"{BOX}/{factory.sandbox(factory.repo())}/harness"
    call_id = factory.call(metadata={"source": "external-api", "external_request_id": "k"})
    found = events(await client.post(path, json={**PROMPT, "aiCallId": call_id, "resumeSessionId": "s-1"}))
    assert found[1] == {"type": "session", "sessionId": "s-1"}
    assert json.loads(factory.row("ai_calls", call_id)["metadata"])["external_request_id"] == "k"
    done = factory.call(metadata={"source": "external-api"}, status="success")
    answer = await client.post(path, json={**PROMPT, "aiCallId": done})
    assert (answer.status_code, answer.json()) == (409, {"error": "ai_call is not pending"})
    foreign = factory.call(user_id=factory.profile("jo"), metadata={"source": "external-api"})
    answer = await client.post(path, json={**PROMPT, "aiCallId": foreign})
    assert (answer.status_code, answer.json()) == (404, {"error": "ai_call not found"})


@pytest.mark.parametrize(
    ("request_body", "code", "text"),
    [
        (b"{", 400, "Invalid JSON body"),
        ({"harness": "vim", "prompt": "x"}, 400, "Invalid harness"),
        ({"harness": "codex", "prompt": " "}, 400, "Prompt is required"),
    ],
)
async def test_a_run_is_checked(
    client: httpx.AsyncClient, factory: RowFactory, request_body: Any, code: int, text: str
) -> None:
    content = request_body if isinstance(request_body, bytes) else json.dumps(request_body).encode()
    answer = await client.post(f"{BOX}/{factory.sandbox(factory.repo())}/harness", content=content)
    assert (answer.status_code, answer.json()) == (code, {"error": text})
    assert factory.plane.db.value("SELECT COUNT(*) FROM ai_calls") == 0


async def test_refusal_ends_call_unless_machine_is_not_ready(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    async def refused(box: str) -> tuple[int, str, str]:
        answer = await client.post(f"{BOX}/{box}/harness", json=PROMPT)
        call = factory.plane.db.only("SELECT status FROM ai_calls ORDER BY rowid DESC LIMIT 1")
        return answer.status_code, answer.json()["error"], call["status"]

    repo = factory.repo()
    pending = factory.sandbox(repo, status="creating", sandbox_id="pending")
    assert await refused(pending) == (409, "Sandbox is not ready", "pending")
    gone = factory.sandbox(repo, working_branch="b", provider_view="gone")
    text = "Sandbox has stopped. Launch a new sandbox to continue."
    assert await refused(gone) == (410, text, "failed")
    assert factory.row("sandboxes", gone)["status"] == "stopped"
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_ai=0)
    status, _, call = await refused(factory.sandbox(repo, working_branch="c"))
    assert (status, call) == (401, "failed")


async def test_disconnect_cancels_run_and_call() -> None:
    async with running(1.0) as (server, factory, client):
        box = factory.sandbox(factory.repo())
        async with client.stream("POST", f"{BOX}/{box}/harness", json=PROMPT) as answer:
            call_id = (await next_event(answer.aiter_lines()))["ai_call_id"]
        await idle(server)
        assert factory.row("ai_calls", call_id)["status"] == "cancelled"
        assert types_of(factory, call_id)[-2:] == ["cancel_requested", "cancelled"]


async def test_cancelled_call_ends_its_run() -> None:
    async with running(5.0) as (server, factory, client):
        box = factory.sandbox(factory.repo())
        async with client.stream("POST", f"{BOX}/{box}/harness", json=PROMPT) as answer:
            lines = answer.aiter_lines()
            call_id = (await next_event(lines))["ai_call_id"]
            assert (await client.post(f"/api/observability/calls/{call_id}/cancel")).status_code == 200
            while (last := await next_event(lines))["type"] != "cancelled":
                assert last["type"] in ("session", "install", "log")
        await idle(server)
        assert types_of(factory, call_id).count("cancelled") == 1


def tab(event: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "tabId": "t1", "sessionId": "s1", **more}


async def test_tabs_come_and_go(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    path = f"{BOX}/{box}/presence"
    ignored = {"released": False, "queued": False}

    async def post_tab(body: dict[str, Any]) -> Any:
        answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert await post_tab(tab("release")) == ignored
    assert await post_tab(tab("attach", eventSeq=3)) == {"attached": True}
    assert await post_tab(tab("attach", eventSeq=4)) == {"attached": True}
    assert await post_tab(tab("release", eventSeq=3)) == ignored
    gone = {"released": True, "queued": True, "gracePeriodMs": 90_000}
    assert await post_tab(tab("release", eventSeq=5, reason="r" * 70)) == gone
    assert await post_tab(tab("release", eventSeq=6)) == ignored
    log = (await client.get(f"{V1}/sandboxes/{box}/logs")).json()["data"]["lifecycle_events"]
    assert [event["event_type"] for event in log] == ["tab_attached", "tab_released", "auto_pause_queued"]
    assert log[1]["payload"]["reason"] == "r" * 64


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "event must be attach or release"),
        ({"event": "attach"}, "tabId is required"),
        ({"event": "attach", "tabId": " "}, "tabId must be between 1 and 128 characters"),
        ({"event": "attach", "tabId": "t"}, "sessionId is required"),
        (
            {"event": "attach", "tabId": "t", "sessionId": "x" * 129},
            "sessionId must be between 1 and 128 characters",
        ),
        (tab("attach", eventSeq=-1), "eventSeq must be a non-negative integer"),
        (tab("attach", eventSeq=1.5), "eventSeq must be a non-negative integer"),
        (tab("attach", eventSeq=True), "eventSeq must be a non-negative integer"),
    ],
)
async def test_presence_is_checked(
    client: httpx.AsyncClient, factory: RowFactory, body: dict[str, Any], text: str
) -> None:
    answer = await client.post(f"{BOX}/{factory.sandbox(factory.repo())}/presence", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_presence_reports_json_error(client: httpx.AsyncClient, factory: RowFactory) -> None:
    answer = await client.post(f"{BOX}/{factory.sandbox(factory.repo())}/presence", content=b"{")
    assert answer.status_code == 400 and answer.json()["error"]


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({}, "would_auto_pause"),
        ({"persistent": 0}, "auto_pause_skipped_not_persistent"),
        ({"status": "paused"}, "auto_pause_skipped_not_running"),
    ],
)
async def test_grace_period_ends_with_a_decision_and_no_pause(columns: dict[str, Any], code: str) -> None:
    async with running(2_000.0) as (server, factory, client):
        box = factory.sandbox(factory.repo(), **columns)
        for event in ("attach", "release"):
            await client.post(f"{BOX}/{box}/presence", json=tab(event))
        await idle(server)
        decided = factory.plane.db.only(
            "SELECT decision_code FROM sandbox_lifecycle_events WHERE event_type = 'auto_pause_decision'"
        )
        assert decided["decision_code"] == code
        assert factory.row("sandboxes", box)["status"] == columns.get("status", "running")


async def test_terminals_are_off_for_every_id(client: httpx.AsyncClient) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, f"{BOX}/no-such/terminal/connect")
        assert (answer.status_code, answer.json()) == (200, {"available": False, "reason": "pty_disabled"})
    answer = await client.post(f"{BOX}/no-such/terminal/connect", content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_a_terminal_session_can_be_killed(client: httpx.AsyncClient, factory: RowFactory) -> None:
    path = f"{BOX}/{factory.sandbox(factory.repo())}/terminal/session"
    assert (await client.post(path, json={"action": "x"})).json() == {"error": "Unsupported action"}
    done = await client.post(path, json={"action": "kill"})
    assert done.json() == {"ok": True, "terminalSessionKey": "default"}
    done = await client.post(path, json={"action": "kill", "terminalSessionKey": "main"})
    assert done.json() == {"ok": True, "terminalSessionKey": "main"}
