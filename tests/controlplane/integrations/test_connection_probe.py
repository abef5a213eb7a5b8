"""The test of a connection: findings, stored results and access (library.md §8.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.integrations.integration_rows import PATH, add_connection, make
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory


@pytest.mark.parametrize(
    ("columns", "status", "found"),
    [
        ({}, "healthy", {"summary": "23 tools detected", "toolCount": 23}),
        (
            {"type": "rest_api", "base_url": "https://api.example.dev/", "mcp_url": None},
            "healthy",
            {"summary": "HTTP 204", "httpStatus": 204},
        ),
        ({"mcp_url": "https://x.example.dev/503"}, "error", {"error": "HTTP 503", "httpStatus": 503}),
        ({"mcp_url": "https://x.example.dev/403"}, "auth_failed", {"error": "HTTP 403", "httpStatus": 403}),
        ({"credentials": "expired-1"}, "auth_failed", {"error": "HTTP 401", "httpStatus": 401}),
        ({"mcp_url": "https://gone.test/"}, "unreachable", {"error": "fetch failed"}),
        (
            {"mcp_url": "https://gone.invalid/"},
            "error",
            {"error": "mcp_url must resolve to a public host"},
        ),
        ({"mcp_url": None}, "misconfigured", {}),
        ({"credentials": None}, "misconfigured", {}),
        ({"auth_type": "oauth"}, "auth_failed", {}),
    ],
)
async def test_connection_test_result_is_stored(
    client: httpx.AsyncClient,
    factory: RowFactory,
    columns: dict[str, Any],
    status: str,
    found: dict[str, Any],
) -> None:
    made = add_connection(factory, source_preset="linear", **columns)
    answer = await client.post(f"{PATH}/{made}/test")
    assert answer.status_code == 200
    body = answer.json()
    assert body | found == body
    assert (body["status"], body["healthy"]) == (status, status == "healthy")
    assert body["testedAt"] == "2026-08-05T10:00:00.000Z"
    assert "persisted" not in body
    (row,) = (await client.get(PATH)).json()["connections"]
    assert (row["health_status"], row["last_tested_at"]) == (status, "2026-08-05T10:00:00+00:00")
    assert row["last_test_error"] == body.get("error")
    assert row["last_test_http_status"] == body.get("httpStatus")
    assert row["last_test_tool_count"] == body.get("toolCount")
    events = factory.plane.db.all("SELECT event, surface, message FROM connection_events")
    failed = [] if status == "healthy" else [("test_failed", "test", body["error"])]
    assert [tuple(event) for event in events] == failed


async def test_newer_connection_test_wins() -> None:
    async with PlaneServer(Settings(speed=4, seeded=False)) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            made = await make(client, {"source_preset": "linear", "credentials": "k"})
            async with client.stream("GET", "/api/realtime/events?tables=connections") as response:
                stream = RealtimeReader(response, server.plane)
                assert await stream.line() == ": connected"
                first = asyncio.create_task(client.post(f"{PATH}/{made['id']}/test"))
                await stream.line()
                (row,) = (await client.get(PATH)).json()["connections"]
                assert row["health_status"] == "testing"
                second = await client.post(f"{PATH}/{made['id']}/test")
                overtaken = (await first).json()
            assert (overtaken["persisted"], overtaken["superseded"]) == (False, True)
            assert "persisted" not in second.json()


async def test_another_account_s_connection_cannot_be_tested(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    theirs = add_connection(factory, user_id=factory.profile("jonas"))
    answer = await client.post(f"{PATH}/{theirs}/test")
    assert (answer.status_code, answer.json()) == (404, {"error": "Connection not found"})
    assert factory.row("connections", theirs)["health_status"] == "unknown"
