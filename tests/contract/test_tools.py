"""Connections, MCP servers and Slack against the schemas of the real service."""

from __future__ import annotations

from typing import Any

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import SERVERS, read_exports, read_tools
from tests.contract.schemas import shapes_of
from tests.controlplane.manual_clock import ManualClock

STDIO: dict[str, Any] = {
    "name": "files",
    "transport": "stdio",
    "command": "mcp-files",
    "args": ["--root", "."],
    "envPlain": {"LOG": "x", "DEBUG": "1"},
    "envSecrets": {"TOKEN": "s"},
    "extra": {"startup_timeout_sec": 5},
}
HTTP: dict[str, Any] = {
    "name": "search",
    "transport": "http",
    "url": "https://search.example.dev/mcp",
    "headerPlain": {"X-Region": "eu"},
    "headerSecrets": {"Authorization": "Bearer x"},
}


async def test_responses_match_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            await read_tools(check)
            await read_exports(check)
            for body in (STDIO, HTTP):
                await check("POST_api.mcp-servers_201", "POST", SERVERS, json=body)
            for connection in (
                {"source_preset": "linear", "credentials": "k"},
                {"source_preset": "sentry"},
                {"type": "rest_api", "name": "R", "base_url": "https://api.example.dev", "description": "d"},
            ):
                made = (await client.post("/api/connections", json=connection)).json()["connection"]
                await client.post(f"/api/connections/{made['id']}/test")
                await client.get(f"/api/connections/managed-auth?connectionId={made['id']}")
            found, exported = await read_tools(check), await read_exports(check)
            assert (len(found["connections"]), len(found["servers"]), len(exported)) == (3, 2, 4)
            # Every schema that was copied in is met: a route that goes missing is a fault of this test.
            assert check.met == shapes_of("tools")


async def test_seeded_account_matches_contract_schemas() -> None:
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=ManualClock()) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            found, exported = await read_tools(check), await read_exports(check)
            health = {entry["health_status"] for entry in found["connections"]}
            assert health == {"healthy", "auth_failed", "error", "unknown"}
            names = [entry["name"] for entry in exported]
            # Custom servers from the oldest, then the connections that can be used.
            custom = ["filesystem", "postgres-readonly", "runbooks", "playwright"]
            assert names == [*custom, "Linear", "Sentry", "Catalogue search"]
