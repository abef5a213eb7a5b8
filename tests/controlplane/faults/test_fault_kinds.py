"""The effect of each kind of fault on a caller."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults import injector
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.faults.conftest import Switch
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

REPOS = f"{V1}/repos"
CALLS = "/api/observability/calls"


@pytest.mark.parametrize(
    ("kind", "status", "code", "error"),
    [
        ("401", 401, "UNAUTHORIZED", "Unauthorized"),
        ("database-down", 401, "UNAUTHORIZED", "Unauthorized"),
        ("403", 403, "FORBIDDEN", "Forbidden"),
        ("404", 404, "NOT_FOUND", "Not found"),
        ("409", 409, "CONFLICT", "Conflict"),
        ("503", 503, "SERVICE_UNAVAILABLE", "Service unavailable"),
        ("status:502", 502, "INTERNAL_ERROR", "Internal server error"),
        ("status:422", 422, "BAD_REQUEST", "Bad request"),
    ],
)
async def test_refusal_has_envelope_of_route_family(
    client: httpx.AsyncClient, fault: Switch, kind: str, status: int, code: str, error: str
) -> None:
    await fault(f"* * {kind}")
    versioned, other = await client.get(REPOS), await client.get(CALLS)
    assert (versioned.status_code, other.status_code) == (status, status)
    assert versioned.json() == {"ok": False, "error": {"code": code, "message": error}}
    assert other.json() == {"error": error}
    assert ("www-authenticate" in versioned.headers) is (status == 401)


@pytest.mark.parametrize(
    ("kind", "seconds"), [("429", "60"), ("429:7", "7"), ("429:none", None), ("status:429", "60")]
)
async def test_429_with_and_without_retry_after(
    client: httpx.AsyncClient, fault: Switch, kind: str, seconds: str | None
) -> None:
    await fault(f"GET {REPOS} {kind}")
    answer = await client.get(REPOS)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, seconds)
    assert f"Retry after {seconds or 60}s." in answer.text
    assert answer.json()["error"]["code"] == "RATE_LIMITED"


async def test_500_is_an_empty_body_without_a_type(client: httpx.AsyncClient, fault: Switch) -> None:
    await fault("* * 500")
    answer = await client.get(REPOS)
    assert (answer.status_code, answer.content) == (500, b"")
    assert "content-type" not in answer.headers


async def test_fault_ends_after_its_count(client: httpx.AsyncClient, fault: Switch) -> None:
    await fault(f"GET {REPOS} status:503 x3")
    assert [(await client.get(REPOS)).status_code for _ in range(4)] == [503, 503, 503, 200]
    assert (await client.get(f"{V1}/sandboxes")).status_code == 200


async def test_database_outage_makes_user_anonymous(client: httpx.AsyncClient, fault: Switch) -> None:
    await fault("* /api/* database-down")
    answer = await client.get("/api/auth/user")
    assert (answer.status_code, answer.json()) == (200, {"user": None})


async def test_login_redirect_has_return_url(client: httpx.AsyncClient, fault: Switch) -> None:
    await fault("* /api/observability/* login")
    answer = await client.get(f"{CALLS}?q=a%20b&page=2")
    location = "/login?next=%2Fapi%2Fobservability%2Fcalls%3Fq%3Da%2Bb%26page%3D2"
    assert (answer.status_code, answer.headers["location"], answer.text) == (307, location, location)
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(("kind", "status"), [("html", 200), ("html:502", 502)])
async def test_html_page_replaces_json(
    client: httpx.AsyncClient, fault: Switch, kind: str, status: int
) -> None:
    await fault(f"* * {kind}")
    answer = await client.get(REPOS)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_a_cut_answer_is_complete_http_and_no_json(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory
) -> None:
    factory.repo()
    whole = (await client.get(REPOS)).content
    await fault(f"GET {REPOS} truncated x1", f"GET {REPOS} truncated:10")
    half, ten = await client.get(REPOS), await client.get(REPOS)
    assert half.content == whole[: len(whole) // 2][:10]
    assert ten.content == whole[:10]
    with pytest.raises(ValueError):
        ten.json()


async def test_latency_keeps_response(client: httpx.AsyncClient, fault: Switch) -> None:
    await fault(f"GET {REPOS} latency:60ms")
    before = time.monotonic()
    answer = await client.get(REPOS)
    assert time.monotonic() - before >= 0.06
    assert answer.status_code == 200


async def test_named_fields_change_their_type(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory
) -> None:
    factory.repo()
    await fault(f"GET {REPOS} wrong-types:full_name,installation_id")
    repo = (await client.get(REPOS)).json()["data"]["repos"][0]
    assert (repo["full_name"], repo["installation_id"]) == (len("acme/api"), "88")
    assert repo["default_branch"] == "main"


async def test_unnamed_fault_changes_types_but_not_the_envelope(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory
) -> None:
    for number in range(20):
        factory.repo(f"acme/{number}")
    right = (await client.get(REPOS)).json()["data"]["repos"]
    await fault(f"GET {REPOS} wrong-types")
    body = (await client.get(REPOS)).json()
    pairs = [
        (type(old[key]), type(new[key]))
        for old, new in zip(right, body["data"]["repos"], strict=True)
        for key in old
    ]
    assert body["ok"] is True
    assert any(old is not new for old, new in pairs) and any(old is new for old, new in pairs)


async def test_unknown_fields_and_values_appear(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory
) -> None:
    factory.call(status="success")
    await fault(f"GET {CALLS} unknown-fields", f"GET {CALLS} unknown-values")
    body = (await client.get(CALLS)).json()
    assert "added_later" in body and "added_later" in body["calls"][0]
    assert body["calls"][0]["status"] == "from_the_future"
    assert body["calls"][0]["model"] == "harness:codex"


async def test_rows_come_twice_or_in_another_order(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory
) -> None:
    run = factory.run(factory.repo(), call := factory.call())
    for number in range(6):
        factory.event(call, message=f"line {number}")
    where = f"{V1}/runs/{run}/events"
    right = [event["id"] for event in (await client.get(where)).json()["data"]["events"]]
    await fault(f"GET {where} duplicated x1", f"GET {where} reordered")
    twice = [event["id"] for event in (await client.get(where)).json()["data"]["events"]]
    mixed = [event["id"] for event in (await client.get(where)).json()["data"]["events"]]
    assert len(twice) == 12 and set(twice) == set(right)
    assert mixed != right and sorted(mixed) == sorted(right)


async def test_another_clock_moves_every_instant_and_keeps_its_form(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory
) -> None:
    factory.call()
    await fault(f"GET {CALLS} skew:+1h")
    call = (await client.get(CALLS)).json()["calls"][0]
    assert call["started_at"] == "2026-08-05T11:00:00+00:00"


async def test_dropped_answer_ends_early_without_a_server_error(
    client: httpx.AsyncClient, fault: Switch, factory: RowFactory, caplog: pytest.LogCaptureFixture
) -> None:
    factory.repo()
    whole = (await client.get(REPOS)).content
    await fault(f"GET {REPOS} drop x1", f"GET {REPOS} drop:5 x1")
    got = b""
    with caplog.at_level(logging.ERROR), pytest.raises(httpx.RemoteProtocolError):
        async with client.stream("GET", REPOS) as answer:
            assert int(answer.headers["content-length"]) == len(whole)
            async for chunk in answer.aiter_raw():
                got += chunk
    assert got == whole[:5]
    assert not caplog.records
    assert (await client.get(REPOS)).content == whole


async def test_same_seed_gives_same_faults(clock: ManualClock) -> None:
    async def story(seed: int) -> list[int]:
        settings = Settings(seed=seed, speed=0, seeded=False, faults=(f"GET {REPOS} 503 p=0.5",))
        async with (
            PlaneServer(settings, clock=clock) as server,
            httpx.AsyncClient(
                base_url=server.base_url, headers={"Authorization": f"Bearer {server.token}"}
            ) as c,
        ):
            return [(await c.get(REPOS)).status_code for _ in range(24)]

    first = await story(1)
    assert first == await story(1)
    assert set(first) == {200, 503}
    assert first != await story(2)


async def test_a_changed_answer_has_its_right_length(client: httpx.AsyncClient, fault: Switch) -> None:
    await fault("* * unknown-fields")
    answer = await client.get(REPOS)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert json.loads(answer.content)["added_later"]


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("503", "SERVICE_UNAVAILABLE", 503),
        ("404", "NOT_FOUND", 404),
        ("500", "HTTP_ERROR", 500),
        ("login", "HTTP_ERROR", 307),
        ("html", "INVALID_RESPONSE", 200),
        ("truncated", "INVALID_RESPONSE", 200),
        ("drop", "INTERNAL_ERROR", None),
    ],
)
async def test_faults_apply_to_requests_of_mcp_operations(
    client: httpx.AsyncClient, fault: Switch, kind: str, code: str, status: int | None
) -> None:
    await fault(f"GET {REPOS} {kind} x1")
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "mogplex_list_repos"}}

    async def result() -> dict[str, Any]:
        answer = await client.post(f"{V1}/mcp", json=asked)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()["result"]
        return found

    struck = await result()
    error = struck["structuredContent"]["error"]
    assert struck["isError"] and (error["code"], error.get("status")) == (code, status)
    assert not (await result())["isError"]


async def test_inner_cut_of_mcp_endpoint_does_not_allow_outer_cut(
    client: httpx.AsyncClient,
    fault: Switch,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Callers of other tests may have gone before the server could complain.
    monkeypatch.setattr(injector._CUT_FILTER, "expected", 0)
    await fault(f"GET {REPOS} drop x1")
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "mogplex_list_repos"}}
    await client.post(f"{V1}/mcp", json=asked)
    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        logging.getLogger("uvicorn.error").error("ASGI callable returned without completing response.")
    assert "without completing response" in caplog.text
