"""Login of a command line tool that a person confirms on a page (auth.md §9.1)."""

from __future__ import annotations

import html
import json
import re

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import DAY_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.identity.signin.oauth_client import bearer, fields, origin_of_form
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

DECISION = "/api/oauth/decision"
NONCE = "0123456789abcdef0123456789ABCDEF"
CALLBACK = "http://localhost:4000/take?x=1"
ASKED = {"callback": CALLBACK + "#part", "nonce": NONCE, "name": " laptop "}


async def question(browser: httpx.AsyncClient) -> dict[str, str]:
    shown = await browser.get("/cli-auth", params=ASKED)
    assert shown.status_code == 200 and "laptop" in shown.text
    return fields(shown.text)


async def test_approval_creates_token_and_page_delivers_it(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, factory: RowFactory
) -> None:
    asked = await question(browser)
    answer = await browser.post(DECISION, data=asked | {"accept": "true"})
    facts = dict(re.findall(r'data-(\w+)="([^"]*)"', answer.text))
    assert (html.unescape(facts["callback"]), facts["nonce"], facts["name"]) == (CALLBACK, NONCE, "laptop")
    assert "connect-src http://localhost:4000" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert (await anonymous.get(f"{V1}/agents", headers=bearer(facts["token"]))).status_code == 200
    key = factory.plane.db.only("SELECT * FROM user_api_keys WHERE name = 'laptop'")
    assert json.loads(key["scopes"]) == ["read", "write"]
    assert key["expires_at"] - factory.clock.us == 90 * DAY_US
    again = await browser.post(DECISION, data=asked | {"accept": "true"})
    assert again.status_code == 400


async def test_denial_creates_no_token(browser: httpx.AsyncClient, factory: RowFactory) -> None:
    before = factory.plane.db.value("SELECT COUNT(*) FROM user_api_keys")
    answer = await browser.post(DECISION, data=await question(browser) | {"accept": "false"})
    assert (answer.status_code, "mog_" in answer.text) == (200, False)
    assert factory.plane.db.value("SELECT COUNT(*) FROM user_api_keys") == before


async def test_only_asked_user_decides_before_expiry_from_own_page(
    browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: ManualClock
) -> None:
    yes = await question(browser) | {"accept": "true"}
    assert (await anonymous.post(DECISION, data=yes)).status_code == 401
    foreign = {"Origin": "https://elsewhere.dev"}
    assert (await browser.post(DECISION, data=yes, headers=foreign)).status_code == 403
    assert (await browser.post(DECISION, data={"accept": "true"})).status_code == 400
    clock.advance(601)
    late = await browser.post(DECISION, data=yes)
    assert late.status_code == 400 and "not open any more" in late.text


async def test_cli_login_without_session_redirects_to_login(anonymous: httpx.AsyncClient) -> None:
    sent = await anonymous.get("/cli-auth", params=ASKED)
    assert sent.status_code == 302
    shown = await anonymous.get(sent.headers["location"])
    signed = await anonymous.post("/login", data=fields(shown.text), headers=origin_of_form(shown))
    asked = await anonymous.get(signed.headers["location"])
    assert "laptop" in asked.text and "consent_code" in fields(asked.text)
    yes = fields(asked.text) | {"accept": "true"}
    done = await anonymous.post(DECISION, data=yes, headers=origin_of_form(asked))
    assert (done.status_code, "mog_" in done.text) == (200, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"callback": ""}, "Missing callback parameter"),
        ({"nonce": ""}, "Missing nonce parameter"),
        ({"nonce": "xyz"}, "Invalid nonce format (expected 32 hex characters)"),
        ({"callback": "take"}, "Invalid callback URL"),
        ({"callback": "http://localhost:99999/"}, "Invalid callback URL"),
        ({"callback": "ftp://localhost:4000/"}, "Callback must use http or https protocol"),
        ({"callback": "http://elsewhere.dev:4000/"}, "Callback host must be localhost or 127.0.0.1"),
        ({"callback": "http://localhost@elsewhere.dev:4000/"}, "Callback host must be localhost or"),
        ({"callback": "http://localhost/"}, "Callback must include a port number"),
        ({"callback": "https://localhost:443/"}, "Callback must include a port number"),
        ({"callback": "http://localhost:81/"}, "Callback port must be between 1024 and 65535"),
    ],
)
async def test_invalid_callback_is_refused(
    browser: httpx.AsyncClient, changes: dict[str, str], message: str
) -> None:
    answer = await browser.get("/cli-auth", params=ASKED | changes)
    assert answer.status_code == 400
    assert message in html.unescape(answer.text)


async def test_unnamed_cli_token_is_named_by_date(browser: httpx.AsyncClient) -> None:
    shown = await browser.get("/cli-auth", params=ASKED | {"name": "  "})
    assert "CLI on 2026-08-05" in shown.text


async def test_hosted_service_has_no_cli_hand_off(clock: ManualClock) -> None:
    settings = Settings(speed=0, seeded=False, profile="hosted")
    async with (
        PlaneServer(settings, clock=clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as anonymous,
    ):
        answer = await anonymous.get("/cli-auth", params=ASKED)
        assert (answer.status_code, fields(answer.text)) == (200, {})
        assert "Update your CLI" in answer.text
