"""Keys, models, teams and billing against the schemas of the real service."""

from __future__ import annotations

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import read_identity
from tests.contract.schemas import shapes_of
from tests.controlplane.identity.people import People
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


async def test_responses_match_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        factory = RowFactory(server.plane, clock)
        async with People(server, factory) as people:
            ada, ben = await people.owner(), await people.new("ben")
            check = Checker(ada.browser)
            assert await read_identity(check) == 0
            made = {"name": "CI", "expiresInDays": 30}
            await check("POST_api.settings.api-keys_200", "POST", "/api/settings/api-keys", json=made)
            await ada.browser.put("/api/settings/keys", json={"provider": "openai", "key": "sk-0123456789"})
            factory.model("acme/nova-2", created_at=clock.us + 1)
            team, other = people.team(ada), people.team(ben, "day-shift")
            people.join(team, ben, "developer")
            people.join(other, ada, "viewer")
            invite = {"email": "kim@example.org", "role": "viewer"}
            await ada.browser.post(f"/api/teams/{team}/invites", json=invite)
            await ada.browser.post(f"/api/teams/{team}/icon", files={"file": ("i.gif", b"GIF89a")})
            await ada.browser.patch(f"/api/teams/{team}/models", json={"model_allowlist": ["acme/nova-2"]})
            assert await read_identity(check) == 2
            # A person without a name of their own in addresses.
            await Checker(ben.browser)("GET_api.memberships_200", "GET", "/api/memberships")
            assert check.met == shapes_of("identity")


async def test_seeded_account_matches_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=clock) as server:
        headers = {"Cookie": server.session_cookie}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            assert await read_identity(check) == 2
            assert check.met == shapes_of("identity") - {"POST_api.settings.api-keys_200"}
            keys = (await client.get("/api/settings/api-keys")).json()["keys"]
            assert len(keys) == 7 and any(key["lastUsedAt"] is None for key in keys)
            team = (await client.get("/api/memberships")).json()["teams"][0]
            members = (await client.get(f"/api/teams/{team['id']}/members")).json()
            assert {member["role"] for member in members["members"]} == {
                "owner",
                "admin",
                "developer",
                "viewer",
            }
            assert len(members["invites"]) == 2
            trail = (await client.get(f"/api/teams/{team['id']}/audit-events")).json()
            assert len(trail["events"]) == 25
            rest = f"/api/teams/{team['id']}/audit-events?cursor={trail['nextCursor']}"
            assert (await client.get(rest)).json()["nextCursor"] is None
            attached = (await client.get(f"/api/teams/{team['id']}/installations")).json()["installations"]
            assert [row["account_login"] for row in attached] == ["acme"]
            arrivals = (await client.get("/api/models/new-arrivals")).json()["models"]
            assert [model["id"] for model in arrivals] == ["anthropic/claude-opus-5"]
