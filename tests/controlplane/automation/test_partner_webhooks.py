"""Slack deliveries start flows; other partners are refused (system.md §2)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.engine.engine_driver import EngineDriver
from tests.controlplane.manual_clock import ManualClock

MENTION = {
    "type": "event_callback",
    "event_id": "Ev1",
    "team_id": "T1",
    "event": {"type": "app_mention", "channel": "C1", "user": "U1", "text": "<@B> quick look", "ts": "1.2"},
}


@pytest.fixture
async def engine(
    server: PlaneServer, anonymous: httpx.AsyncClient, clock: ManualClock
) -> AsyncIterator[EngineDriver]:
    yield EngineDriver(server, anonymous, clock)


async def post(
    engine: EngineDriver, body: bytes, age: int = 0, secret: str | None = None, form: bool = False
) -> httpx.Response:
    stamp = str(engine.clock.us // SECOND_US - age)
    key = (secret or engine.server.webhook_secret).encode()
    signed = hmac.new(key, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signed}", "content-type": kind}
    return await engine.client.post("/api/webhooks/slack", content=body, headers=headers)


async def test_webhook_handshake_is_answered(engine: EngineDriver) -> None:
    response = await post(engine, b'{"type":"url_verification","challenge":"abc"}')
    assert (response.status_code, response.json()) == (200, {"challenge": "abc"})


async def test_a_mention_in_its_channel_starts_a_flow_once(engine: EngineDriver) -> None:
    engine.factory.repo()
    about: dict[str, Any] = {"filter": {"repos": ["acme/api"]}, "slackTeamId": "T1"}
    line = [("start", "a"), ("a", "end")]
    flow_id = engine.flow([("a", "agent", {})], line, event="slack_mention", slackChannelId="C1", **about)
    about["filter"] = {"repos": ["acme/api"]}
    engine.flow([("a", "agent", {})], line, event="slack_mention", slackChannelId="C2", **about)
    body = json.dumps(MENTION).encode()
    for _ in range(2):
        assert (await post(engine, body)).json() == {"ok": True}
    assert engine.db.value("SELECT COUNT(*) FROM job_runs") == 1
    row = engine.factory.row("job_runs", engine.job())
    assert row["flow_id"] == flow_id
    kept = json.loads(row["metadata"])
    assert (kept["source_type"], kept["slack"]["channel"]) == ("slack_mention", "C1")
    assert engine.finish(row["id"])["status"] == "success"
    assert engine.db.value("SELECT type FROM ai_calls") == "mention"


async def test_deliveries_that_are_not_slacks_are_refused(engine: EngineDriver) -> None:
    for given, status, text in (
        ({"body": b"{}", "secret": "wrong"}, 401, "Invalid signature"),
        ({"body": b"{}", "age": 301}, 401, "Invalid signature"),
        ({"body": b"junk"}, 400, "Invalid payload"),
        ({"body": b"[1]"}, 400, "Invalid payload"),
        ({"body": b"a=1", "form": True}, 400, "Missing payload"),
        ({"body": b"x" * 1_000_001}, 413, "Payload too large"),
    ):
        response = await post(engine, **given)
        assert (response.status_code, response.json()) == (status, {"error": text})
    form = urlencode({"payload": '{"type":"block_actions"}'}).encode()
    assert (await post(engine, form, age=299, form=True)).json() == {"ok": True}


async def test_partners_without_deliveries_are_refused(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.post("/api/webhooks/stripe", content=b"{}")
    assert (response.status_code, response.json()) == (503, {"error": "Billing is not enabled"})
    path = "/api/connections/managed-auth/webhook"
    assert (await anonymous.post(path, content=b"{}")).status_code == 400
    assert (await anonymous.post(path, content=b"x" * 500_001)).status_code == 413
