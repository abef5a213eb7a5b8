"""Token exchange, refresh, and what the tokens permit (auth.md §8 and §9)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.identity.signin.oauth_client import (
    ALL,
    CLI,
    TOKEN,
    VERIFIER,
    bearer,
    code,
    exchange,
    tokens,
)
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

DAY = 86_400
CONFIDENTIAL = "https://app.dev/cb"


def refusal(error: str, description: str) -> dict[str, str]:
    return {"error_description": description, "error": error}


async def test_a_code_becomes_a_pair_of_tokens_and_works_once(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    form = exchange(await code(browser))
    answer = await anonymous.post(TOKEN, data=form)
    body = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"[A-Za-z]{32}", body["access_token"])
    assert re.fullmatch(r"[A-Za-z]{32}", body["refresh_token"])
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, ALL)
    again = await anonymous.post(TOKEN, data=form)
    assert (again.status_code, again.json()) == (401, refusal("invalid_grant", "invalid code"))


async def test_token_request_may_be_json(browser: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post(TOKEN, json=exchange(await code(browser)))
    assert answer.status_code == 200


async def test_token_response_has_only_requested_fields(
    server: PlaneServer, browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    plain = await tokens(browser, anonymous, scope="read write")
    assert set(plain) == {"access_token", "token_type", "expires_in", "scope"}
    asked = await tokens(browser, anonymous, scope="openid email read", nonce="n1")
    assert "refresh_token" not in asked
    claims = json.loads(base64.urlsafe_b64decode(asked["id_token"].split(".")[1] + "=="))
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (factory.user, CLI, "n1")
    assert (claims["iss"], claims["email"]) == (server.base_url, "ada@acme.dev")
    assert "name" not in claims
    default = await anonymous.post(TOKEN, data=exchange(await code(browser, scope=None)))
    assert default.json()["scope"] == "read write"


@pytest.mark.parametrize(
    ("changes", "status", "error", "description"),
    [
        ({"code": None}, 400, "invalid_request", "code is required"),
        ({"code_verifier": None}, 400, "invalid_request", "code verifier is missing"),
        ({"code": "x" * 32}, 401, "invalid_grant", "invalid code"),
        ({"client_id": None}, 401, "invalid_client", "client_id is required"),
        ({"grant_type": None}, 400, "invalid_request", "grant_type is required"),
        (
            {"grant_type": "password"},
            400,
            "unsupported_grant_type",
            "grant_type must be 'authorization_code'",
        ),
        ({"redirect_uri": None}, 400, "invalid_request", "redirect_uri is required"),
        ({"client_id": "other"}, 401, "invalid_client", "invalid client_id"),
        ({"redirect_uri": "http://x"}, 401, "invalid_client", "invalid redirect_uri"),
        ({"code_verifier": "y" * 43}, 401, "invalid_request", "code verification failed"),
    ],
)
async def test_refused_token_request_gives_reason_and_uses_code(
    browser: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    changes: dict[str, str | None],
    status: int,
    error: str,
    description: str,
) -> None:
    right = await code(browser)
    answer = await anonymous.post(TOKEN, data=exchange(right, **changes))
    assert (answer.status_code, answer.json()) == (status, refusal(error, description))
    named = changes.get("code", right) == right and changes.get("code_verifier", VERIFIER) is not None
    after = await anonymous.post(TOKEN, data=exchange(right))
    assert after.status_code == (401 if named else 200)


async def test_a_code_lives_ten_minutes(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: ManualClock
) -> None:
    first, second = await code(browser), await code(browser)
    clock.advance(600)
    assert (await anonymous.post(TOKEN, data=exchange(first))).status_code == 200
    clock.advance(0.001)
    late = await anonymous.post(TOKEN, data=exchange(second))
    assert late.json() == refusal("invalid_grant", "invalid code")


async def refresh(anonymous: httpx.AsyncClient, **changes: str | None) -> httpx.Response:
    form: dict[str, Any] = {"grant_type": "refresh_token", "client_id": CLI} | changes
    return await anonymous.post(
        TOKEN, data={name: value for name, value in form.items() if value is not None}
    )


async def test_refresh_returns_new_pair_and_keeps_old_valid(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    old = await tokens(browser, anonymous)
    answer = await refresh(anonymous, refresh_token=old["refresh_token"])
    new = answer.json()
    assert answer.status_code == 200
    assert set(new) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (new["token_type"], new["scope"]) == ("bearer", ALL)
    assert {new["access_token"], new["refresh_token"]}.isdisjoint((old["access_token"], old["refresh_token"]))
    for token in (old, new):
        assert (await anonymous.get(f"{V1}/repos", headers=bearer(token["access_token"]))).status_code == 200
    assert (await refresh(anonymous, refresh_token=old["refresh_token"])).status_code == 200


async def test_refused_refresh_gives_reason(browser: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    good = (await tokens(browser, anonymous))["refresh_token"]
    missing = await refresh(anonymous)
    assert (missing.status_code, missing.json()) == (
        400,
        refusal("invalid_request", "refresh_token is required"),
    )
    for changes, error, text in (
        ({"refresh_token": "x"}, "invalid_grant", "invalid refresh token"),
        ({"refresh_token": good, "client_id": None}, "invalid_client", "invalid client_id"),
        ({"refresh_token": good, "client_id": "other"}, "invalid_client", "invalid client_id"),
    ):
        answer = await refresh(anonymous, **changes)
        assert (answer.status_code, answer.json()) == (401, refusal(error, text))


async def test_a_hidden_refresh_token_cannot_be_used(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    body = await tokens(browser, anonymous, scope="read")
    probe = await anonymous.get("/api/auth/mcp/get-session", headers=bearer(body["access_token"]))
    answer = await refresh(anonymous, refresh_token=probe.json()["refreshToken"])
    text = "refresh token was not issued for the offline_access scope"
    assert (answer.status_code, answer.json()) == (401, refusal("invalid_grant", text))


async def test_cli_stays_signed_in_for_thirty_idle_days(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: ManualClock
) -> None:
    held = (await tokens(browser, anonymous))["refresh_token"]
    clock.advance(29 * DAY)
    held = (await refresh(anonymous, refresh_token=held)).json()["refresh_token"]
    clock.advance(30 * DAY)
    renewed = await refresh(anonymous, refresh_token=held)
    assert renewed.status_code == 200
    clock.advance(30 * DAY + 1)
    late = await refresh(anonymous, refresh_token=renewed.json()["refresh_token"])
    assert late.json() == refusal("invalid_grant", "refresh token expired")


async def test_confidential_client_must_send_secret(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = await anonymous.post("/api/auth/mcp/register", json={"redirect_uris": [CONFIDENTIAL]})
    client_id, secret = made.json()["client_id"], made.json()["client_secret"]
    mine: dict[str, str | None] = {"client_id": client_id, "redirect_uri": CONFIDENTIAL}
    wrong = await anonymous.post(TOKEN, data=exchange(await code(browser, **mine), **mine))
    assert wrong.json() == refusal("invalid_client", "invalid client_secret")
    posted = exchange(await code(browser, **mine), **mine, client_secret=secret)
    body = (await anonymous.post(TOKEN, data=posted)).json()
    basic = exchange(await code(browser, **mine), redirect_uri=CONFIDENTIAL, client_id=None)
    assert (await anonymous.post(TOKEN, data=basic, auth=(client_id, secret))).status_code == 200
    # Unlike the command line's, its refresh token does not end.
    clock.advance(3650 * DAY)
    again = await refresh(
        anonymous, refresh_token=body["refresh_token"], client_id=client_id, client_secret=secret
    )
    assert again.status_code == 200


async def test_probe_returns_row_or_null(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    body = await tokens(browser, anonymous)
    row = (await anonymous.get("/api/auth/mcp/get-session", headers=bearer(body["access_token"]))).json()
    assert set(row) == {
        "id",
        "accessToken",
        "refreshToken",
        "accessTokenExpiresAt",
        "refreshTokenExpiresAt",
        "clientId",
        "userId",
        "scopes",
        "createdAt",
        "updatedAt",
    }
    assert (row["accessToken"], row["clientId"], row["userId"]) == (body["access_token"], CLI, factory.user)
    assert (row["accessTokenExpiresAt"], row["scopes"]) == ("2026-08-05T11:00:00.000Z", ALL)
    for headers in ({}, bearer("unknown")):
        answer = await anonymous.get("/api/auth/mcp/get-session", headers=headers)
        assert (answer.status_code, answer.json()) == (200, None)


async def test_oauth_token_opens_only_v1_for_one_hour(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: ManualClock
) -> None:
    access = bearer((await tokens(browser, anonymous))["access_token"])
    for _ in range(70):
        assert (await anonymous.get(f"{V1}/repos", headers=access)).status_code == 200
    assert (await anonymous.get("/api/observability/calls", headers=access)).status_code == 401
    clock.advance(3601)
    assert (await anonymous.get(f"{V1}/repos", headers=access)).status_code == 401


async def test_token_scopes_apply_on_v1(browser: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    reading = bearer((await tokens(browser, anonymous, scope="read"))["access_token"])
    assert (await anonymous.get(f"{V1}/agents", headers=reading)).status_code == 200
    refused = await anonymous.post(f"{V1}/runs", headers=reading)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    identity = bearer((await tokens(browser, anonymous, scope="openid"))["access_token"])
    assert (await anonymous.get(f"{V1}/repos", headers=identity)).status_code == 401


async def test_run_start_quota_belongs_to_client(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    access = bearer((await tokens(browser, anonymous))["access_token"]) | {"Idempotency-Key": "k"}
    started = await anonymous.post(f"{V1}/runs", headers=access, json={})
    assert started.status_code == 400
    counted = factory.plane.db.only("SELECT resource_id FROM limit_events")
    assert counted["resource_id"] == CLI
