"""GitHub deliveries: signatures, synced rows, and webhooks of single flows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.engine.engine_driver import EngineDriver, sign
from tests.controlplane.manual_clock import ManualClock

LINE = [("start", "a"), ("a", "end")]
HOOK_SECRET = "whsec_" + "n" * 43


@pytest.fixture
async def engine(
    server: PlaneServer, anonymous: httpx.AsyncClient, clock: ManualClock
) -> AsyncIterator[EngineDriver]:
    """An engine driver whose requests carry no credential."""
    yield EngineDriver(server, anonymous, clock)


@pytest.mark.parametrize("secret", ["wrong", ""])
async def test_a_delivery_with_a_foreign_signature_is_refused(engine: EngineDriver, secret: str) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {})], LINE)
    response = await engine.post("pull_request", engine.body("pull_request"), secret=secret or "x")
    assert (response.status_code, response.json()) == (401, {"error": "Invalid signature"})
    unsigned = await engine.client.post("/api/webhooks/github", json={}, headers={"x-github-event": "push"})
    assert unsigned.status_code == 401
    strange = {b"x-hub-signature-256": b"\xff\xfe"}
    odd = await engine.client.post("/api/webhooks/github", content=b"{}", headers=strange)
    assert odd.status_code == 401
    assert engine.db.value("SELECT COUNT(*) FROM automation_dispatch_events") == 0


async def test_delivery_without_event_is_skipped(engine: EngineDriver) -> None:
    response = await engine.post("ping", {"zen": "Keep it simple"})
    assert response.json() == {
        "ok": True,
        "skipped": True,
        "flow_waits": None,
        "sync": {"handled": False, "matchedUsers": 0},
    }
    body = b"[]"
    headers = {"x-github-event": "push", "x-hub-signature-256": sign(engine.server.webhook_secret, body)}
    assert (
        await engine.client.post("/api/webhooks/github", content=body, headers=headers)
    ).status_code == 400
    assert (await engine.client.get("/api/webhooks/github")).status_code == 405


async def test_delivery_without_id_is_deduplicated_by_body(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {})], LINE, event="issue_opened")
    payload = engine.body("issues")
    assert (await engine.post("issues", payload, delivery="")).json()["queued"] == 1
    assert (await engine.post("issues", payload, delivery="")).json()["reason_counts"] == {
        "IDEMPOTENT_DUPLICATE": 1
    }


async def test_installations_follow_github(engine: EngineDriver) -> None:
    account = {"login": "acme", "type": "Organization"}
    about = {"installation": {"id": 501, "account": account}, "sender": {"login": "Ada-Okafor"}}
    sync = (await engine.post("installation", {"action": "created", **about})).json()["sync"]
    assert sync == {"handled": True, "matchedUsers": 1}
    row = engine.db.only("SELECT * FROM github_installations WHERE installation_id = 501")
    assert (row["user_id"], row["account_login"], row["account_type"]) == (
        engine.plane.user_id,
        "acme",
        "Organization",
    )
    repo = engine.factory.repo(github_installation_id=None)
    change = {
        "action": "added",
        "installation": {"id": 501},
        "repositories_added": [{"full_name": "ACME/api"}],
    }
    await engine.post("installation_repositories", change)
    assert engine.factory.row("repos", repo)["github_installation_id"] == 501
    await engine.post("installation", {"action": "deleted", **about})
    assert engine.factory.row("repos", repo)["github_installation_id"] is None
    assert engine.db.value("SELECT COUNT(*) FROM github_installations WHERE installation_id = 501") == 0


async def test_sync_imports_new_repositories_and_keeps_lost_ones(
    engine: EngineDriver,
) -> None:
    account = {"login": "acme", "type": "Organization"}
    first = {"id": 9001, "full_name": "acme/new"}
    about = {"installation": {"id": 501, "account": account}, "sender": {"login": "ada-okafor"}}
    await engine.post("installation", {"action": "created", "repositories": [first], **about})
    gained = {
        "action": "added",
        "repositories_added": [first, {"id": 9002, "full_name": "acme/more"}, {"id": 1}],
    }
    await engine.post("installation_repositories", gained | about)
    rows = engine.db.all("SELECT * FROM repos ORDER BY github_id")
    assert [(row["full_name"], row["github_id"], row["github_installation_id"]) for row in rows] == [
        ("acme/new", 9001, 501),
        ("acme/more", 9002, 501),
    ]
    assert {row["user_id"] for row in rows} == {engine.plane.user_id}
    await engine.post(
        "installation_repositories", {"action": "removed", "repositories_removed": [first]} | about
    )
    assert engine.factory.row("repos", rows[0]["id"])["github_installation_id"] is None


async def test_install_event_of_unknown_user_is_ignored(engine: EngineDriver) -> None:
    about = {"installation": {"id": 501, "account": {"login": "x"}}, "sender": {"login": "stranger"}}
    sync = (await engine.post("installation", {"action": "created", **about})).json()["sync"]
    assert sync == {"handled": True, "matchedUsers": 0}
    assert engine.db.value("SELECT COUNT(*) FROM github_installations WHERE installation_id = 501") == 0


async def test_a_renamed_repository_keeps_its_row(engine: EngineDriver) -> None:
    repo, other = engine.factory.repo(), engine.factory.repo("acme/web")
    payload = {
        "action": "renamed",
        "repository": {"full_name": "acme/core", "default_branch": "trunk"},
        "changes": {"repository": {"name": {"from": "api"}}},
    }
    assert (await engine.post("repository", payload)).json()["sync"]["matchedUsers"] == 1
    row = engine.factory.row("repos", repo)
    assert (row["full_name"], row["default_branch"]) == ("acme/core", "trunk")
    assert engine.factory.row("repos", other)["full_name"] == "acme/web"


async def test_rerequested_review_check_retries_job(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {})], LINE)
    await engine.send("pull_request", text="quick fail")
    first = engine.job()
    engine.finish(first)
    engine.go(1)
    payload = engine.body("check_run") | {"action": "rerequested"}
    payload["check_run"] |= {"name": "Mogplex review", "external_id": first}
    assert (await engine.post("check_run", payload)).json()["skipped"] is True
    again = engine.factory.row("job_runs", engine.job())
    assert (again["retry_of_job_run_id"], again["last_start_source"]) == (first, "manual_retry")
    kinds = engine.db.all("SELECT DISTINCT source_kind FROM automation_dispatch_events WHERE job_run_id = ?",
                        (again["id"],))  # fmt: skip
    assert [row[0] for row in kinds] == ["manual_retry"]


def hook(engine: EngineDriver, **start: Any) -> str:
    flow_id = engine.flow(
        [("a", "agent", {})], LINE, event="webhook", filter={"repos": ["acme/api"]}, **start
    )
    engine.db.all("UPDATE flows SET webhook_secret = ? WHERE id = ?", (HOOK_SECRET, flow_id))
    return flow_id


async def deliver(
    engine: EngineDriver, flow_id: str, body: bytes, delivery: str | None = "d1", secret: str = HOOK_SECRET
) -> httpx.Response:
    headers = {"x-mogplex-signature": sign(secret, body)}
    if delivery is not None:
        headers["x-mogplex-delivery"] = delivery
    return await engine.client.post(f"/api/webhooks/flows/{flow_id}", content=body, headers=headers)


async def test_flow_webhook_runs_once_per_delivery(engine: EngineDriver) -> None:
    engine.factory.repo()
    flow_id = hook(engine)
    body = json.dumps({"build": 42, "note": "quick"}).encode()
    response = await deliver(engine, flow_id, body)
    job_id = engine.job()
    queued = {"matched": True, "outcome": "queued", "jobRunId": job_id, "started": True, "reason": None}
    assert (response.status_code, response.json()) == (202, queued)
    row = engine.factory.row("job_runs", job_id)
    assert (row["idempotency_key"], row["last_start_source"]) == (f"flow-webhook:{flow_id}:d1", "webhook")
    assert json.loads(row["metadata"])["webhook"] == {"build": 42, "note": "quick"}
    response = await deliver(engine, flow_id, body, "d2")
    assert response.status_code == 200 and response.json()["reason"] == "ACTIVE_DUPLICATE"
    assert response.json()["jobRunId"] is None
    assert engine.finish(job_id)["status"] == "success"
    again = await deliver(engine, flow_id, body)
    repeated = {"matched": True, "outcome": "suppressed", "jobRunId": job_id, "started": False}
    assert (again.status_code, again.json()) == (200, repeated | {"reason": "IDEMPOTENT_DUPLICATE"})


async def test_flow_webhook_checks_in_documented_order(engine: EngineDriver) -> None:
    flow_id, other = hook(engine), engine.flow([("a", "agent", {})], LINE, event="push")
    huge = b'{"a":"' + b"x" * 1_000_000 + b'"}'

    async def refusal_of(*args: Any, **more: Any) -> tuple[int, str]:
        response = await deliver(engine, *args, **more)
        return response.status_code, response.json()["error"]

    missing = "Missing or invalid x-mogplex-delivery"
    assert await refusal_of(flow_id, huge, None) == (400, missing)
    assert await refusal_of(flow_id, b"{}", "d" * 201) == (400, missing)
    assert await refusal_of(other, huge) == (413, "Payload too large")
    assert await refusal_of(other, b"{}") == (404, "Webhook is not configured")
    assert await refusal_of(flow_id, b"junk", secret="wrong") == (401, "Invalid signature")
    assert await refusal_of(flow_id, b"junk") == (400, "Payload must be valid JSON")
    assert await refusal_of(flow_id, b"[1]") == (400, "Payload must be a JSON object")
    response = await deliver(engine, flow_id, b"{}")
    assert (response.status_code, response.json()["reason"]) == (200, "REPO_NOT_FOUND")
    engine.db.all("UPDATE flows SET status = 'inactive' WHERE id = ?", (flow_id,))
    assert await refusal_of(flow_id, b"{}") == (404, "Active webhook workflow not found")
    response = await deliver(engine, "junk", b"{}")
    assert (response.status_code, response.content) == (500, b"")
