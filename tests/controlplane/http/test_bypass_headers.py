"""Headers of end-to-end tests, which need a secret (auth.md §5.1).

A token takes precedence over them, and they take precedence over a session.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.machine_credentials import BYPASS, SETTINGS
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

PATH = "/api/auth/user"


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[PlaneServer]:
    async with PlaneServer(SETTINGS, clock=clock) as running:
        yield running


def headers(user_id: str, secret: str = BYPASS, name: str = "x-mogplex-e2e-user-id") -> dict[str, str]:
    return {"x-mogplex-e2e-auth": secret, name: user_id}


async def who(client: httpx.AsyncClient, headers: dict[str, str]) -> str | None:
    user = (await client.get(PATH, headers=headers)).json()["user"]
    return None if user is None else str(user["id"])


async def test_bypass_headers_select_profile(anonymous: httpx.AsyncClient, factory: RowFactory) -> None:
    jonas = factory.profile("jonas")
    assert await who(anonymous, headers=headers(jonas)) == jonas
    assert await who(anonymous, headers=headers(jonas, name="x-delegated-user-id")) == jonas
    assert await who(anonymous, headers=headers(jonas, "wrong")) is None
    assert await who(anonymous, headers=headers("00000000-0000-4000-8000-000000000000")) is None
    assert await who(anonymous, headers={"x-mogplex-e2e-auth": BYPASS}) is None


async def test_bypass_headers_rank_between_token_and_session(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, server: PlaneServer, factory: RowFactory
) -> None:
    jonas = factory.profile("jonas")
    assert await who(client, headers=headers(jonas)) == factory.user
    bad_token = {"Authorization": "Bearer mog_unknown", **headers(jonas)}
    assert await who(anonymous, headers=bad_token) == jonas
    cookie = {"Cookie": server.session_cookie}
    assert await who(anonymous, headers=cookie) == factory.user
    assert await who(anonymous, headers=cookie | headers(jonas)) == jonas


async def test_bypass_headers_are_ignored_on_v1(anonymous: httpx.AsyncClient, factory: RowFactory) -> None:
    assert (await anonymous.get(f"{V1}/repos", headers=headers(factory.user))).status_code == 401


async def test_bypass_headers_need_configured_secret(clock: ManualClock) -> None:
    async with (
        PlaneServer(Settings(speed=0, seeded=False), clock=clock) as plain,
        httpx.AsyncClient(base_url=plain.base_url) as caller,
    ):
        for secret in (BYPASS, ""):
            assert await who(caller, headers=headers(plain.plane.user_id, secret)) is None
