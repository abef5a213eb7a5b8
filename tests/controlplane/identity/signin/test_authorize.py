"""OAuth up to the code: discovery, registration, authorize and login (auth.md §8)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.identity.signin.oauth_client import (
    ALL,
    AUTHORIZE,
    CALLBACK,
    CLI,
    code,
    fields,
    query_of,
    request,
)
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

REGISTER = "/api/auth/mcp/register"


async def test_discovery_lists_endpoints(server: PlaneServer, anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/.well-known/oauth-authorization-server")
    said = answer.json()
    assert answer.headers["access-control-allow-origin"] == "*"
    assert said["issuer"] == server.base_url
    assert said["authorization_endpoint"] == server.base_url + AUTHORIZE
    assert said["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "none",
    ]
    assert (said["code_challenge_methods_supported"], said["response_modes_supported"]) == (
        ["S256"],
        ["query"],
    )
    assert " ".join(said["scopes_supported"]) == ALL
    assert said["issuer"] and len(said) == 16
    assert (said["response_types_supported"], said["subject_types_supported"]) == (["code"], ["public"])
    assert said["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert {"acr_values_supported", "id_token_signing_alg_values_supported", "claims_supported"} <= set(said)
    for path in (said["userinfo_endpoint"], said["jwks_uri"]):
        missing = await anonymous.get(path)
        assert (missing.status_code, missing.content) == (404, b"")


async def test_v1_challenge_points_to_authorization_server(
    server: PlaneServer, anonymous: httpx.AsyncClient
) -> None:
    refused = await anonymous.get(f"{V1}/repos")
    where = re.search(r'resource_metadata="(.+)"', refused.headers["www-authenticate"])
    assert where is not None
    answer = await anonymous.get(where[1])
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.json()["resource"] == f"{server.base_url}/api/v1/mogplex/mcp"
    assert answer.json()["authorization_servers"] == [server.base_url]
    assert answer.json() == (await anonymous.get("/.well-known/oauth-protected-resource")).json()


@pytest.mark.parametrize("path", ["openid-configuration", "oauth-authorization-server/api/v1/mogplex/mcp"])
async def test_unknown_well_known_document_is_404(anonymous: httpx.AsyncClient, path: str) -> None:
    answer = await anonymous.get(f"/.well-known/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_a_public_client_introduces_itself(
    anonymous: httpx.AsyncClient, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    about = {
        "redirect_uris": ["https://app.dev/cb"],
        "token_endpoint_auth_method": "none",
        "client_name": "App",
    }
    answer = await anonymous.post(REGISTER, json=about)
    body = answer.json()
    client_id = body.pop("client_id")
    assert answer.status_code == 201
    assert body == about | {
        "client_id_issued_at": clock.us // 1_000_000,
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    }
    assert re.fullmatch(r"[A-Za-z]{32}", client_id)
    assert await code(browser, client_id=client_id, redirect_uri="https://app.dev/cb")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"redirect_uris": []},
        {"redirect_uris": "https://app.dev"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["/relative"]},
        {"redirect_uris": ["https://app.dev"], "token_endpoint_auth_method": "odd"},
    ],
)
async def test_client_without_valid_redirect_uri_is_refused(
    anonymous: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await anonymous.post(REGISTER, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert set(answer.json()) == {"message", "code"}


async def test_hosted_service_fails_for_confidential_client(clock: ManualClock) -> None:
    settings = Settings(speed=0, seeded=False, profile="hosted")
    async with (
        PlaneServer(settings, clock=clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as anonymous,
    ):
        answer = await anonymous.post(REGISTER, json={"redirect_uris": ["https://app.dev"]})
        assert (answer.status_code, answer.content) == (500, b"")
        public = {"redirect_uris": ["https://app.dev"], "token_endpoint_auth_method": "none"}
        assert (await anonymous.post(REGISTER, json=public)).status_code == 201


async def test_a_session_gets_a_code_and_its_state_and_no_question(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(AUTHORIZE, params=request(prompt="consent"))
    location = answer.headers["location"]
    assert answer.status_code == 302 and location.startswith(CALLBACK + "?")
    assert query_of(location)["state"] == "s t&te"
    assert re.fullmatch(r"[A-Za-z0-9]{32}", query_of(location)["code"])
    bare = await browser.get(AUTHORIZE, params=request(state=None, prompt="none"))
    assert set(query_of(bare.headers["location"])) == {"code"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"scope": "read admin root"},
            "error=invalid_scope&error_description=The following scopes are invalid: admin, root",
        ),
        ({"code_challenge": None}, "error=invalid_request&error_description=pkce is required"),
        ({"code_challenge_method": None}, "error=invalid_request&error_description=pkce is required"),
        (
            {"code_challenge_method": "plain"},
            "error=invalid_request&error_description=invalid code_challenge method",
        ),
    ],
)
async def test_error_redirect_has_no_state_and_no_encoding(
    browser: httpx.AsyncClient, changes: dict[str, str | None], error: str
) -> None:
    answer = await browser.get(AUTHORIZE, params=request(**changes))
    assert (answer.status_code, answer.headers["location"]) == (302, f"{CALLBACK}?{error}")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_error_with_unknown_client_is_a_page(
    server: PlaneServer, browser: httpx.AsyncClient, changes: dict[str, str | None], error: str
) -> None:
    answer = await browser.get(AUTHORIZE, params=request(**changes))
    location = answer.headers["location"]
    assert answer.status_code == 302
    assert location.startswith(f"{server.base_url}/api/auth/error?error={error}")
    shown = await browser.get(location)
    assert shown.status_code == 200 and error in shown.text


@pytest.mark.parametrize(
    "redirect", [None, "http://127.0.0.1:24817/auth/callback", CALLBACK + "?x=1", CALLBACK + "/"]
)
async def test_unregistered_redirect_uri_is_refused(browser: httpx.AsyncClient, redirect: str | None) -> None:
    answer = await browser.get(AUTHORIZE, params=request(redirect_uri=redirect))
    assert (answer.status_code, answer.json()) == (400, {"message": "Invalid redirect URI"})


async def test_a_disabled_client_is_invalid(server: PlaneServer, browser: httpx.AsyncClient) -> None:
    with server.plane.db.transaction() as tx:
        tx.execute("UPDATE oauth_clients SET disabled = 1")
    answer = await browser.get(AUTHORIZE, params=request())
    assert "/api/auth/error?error=invalid_client" in answer.headers["location"]


async def test_a_token_is_no_session_here(client: httpx.AsyncClient) -> None:
    answer = await client.get(AUTHORIZE, params=request())
    assert answer.headers["location"].startswith("/login?")


async def test_authorize_without_session_redirects_to_login_and_back(
    anonymous: httpx.AsyncClient,
) -> None:
    asked = request(prompt="none", nonce="n", extra="x")
    sent = await anonymous.get(AUTHORIZE, params=asked)
    assert (sent.status_code, sent.headers["location"]) == (302, f"/login?{urlencode(asked)}")
    assert re.match(
        r"oidc_login_prompt=\S+\.[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600",
        sent.headers["set-cookie"],
    )
    shown = await anonymous.get(sent.headers["location"])
    assert "Mogplex CLI" in shown.text and "Sign in as Ada Okafor" in shown.text
    signed = await anonymous.post("/login", data=fields(shown.text))
    assert signed.status_code == 303
    assert query_of(signed.headers["location"]) == {
        name: value for name, value in asked.items() if name not in ("nonce", "extra")
    }
    assert re.match(
        r"better-auth\.session_token=\w{32}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax",
        signed.headers["set-cookie"],
    )
    back = await anonymous.get(signed.headers["location"])
    assert back.headers["location"].startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize("back", ["https://elsewhere.dev/", "//elsewhere.dev", "/\\elsewhere.dev", ""])
async def test_login_page_redirects_only_to_own_paths(anonymous: httpx.AsyncClient, back: str) -> None:
    shown = await anonymous.get("/login", params={"next": back})
    assert fields(shown.text) == {"back": "/login"}
    signed = await anonymous.post("/login", data={"back": back})
    assert signed.headers["location"] == "/login"
    assert "You are signed in as Ada Okafor" in (await anonymous.get("/login")).text


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.dev"}, {"Host": "elsewhere.dev"}])
async def test_cross_site_sign_in_is_refused(anonymous: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await anonymous.post("/login", data={"back": "/"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_login_session_lasts_one_week(
    server: PlaneServer, anonymous: httpx.AsyncClient, clock: ManualClock
) -> None:
    await anonymous.post("/login", data={"back": "/login"}, headers={"Origin": server.base_url})
    assert (await anonymous.get("/api/auth/user")).json()["user"]["name"] == "Ada Okafor"
    clock.advance(7 * 86_400 + 1)
    assert (await anonymous.get("/api/auth/user")).json() == {"user": None}


async def test_names_on_a_page_are_text(server: PlaneServer, anonymous: httpx.AsyncClient) -> None:
    evil = {
        "redirect_uris": ["https://a.dev"],
        "token_endpoint_auth_method": "none",
        "client_name": "<img src=x>",
    }
    client_id = (await anonymous.post(REGISTER, json=evil)).json()["client_id"]
    shown = await anonymous.get("/login", params=request(client_id=client_id, scope='"><script>'))
    assert "<img" not in shown.text and "<script" not in shown.text and "&lt;img" in shown.text


async def test_cli_client_is_registered_at_start(factory: RowFactory) -> None:
    assert factory.row("oauth_clients", CLI)["secret_hash"] is None
