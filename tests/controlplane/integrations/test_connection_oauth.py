"""OAuth sign-in of a connection, by its provider or the broker (library.md §8.5)."""

from __future__ import annotations

import httpx

from mogplex_tui.controlplane.db.clock import HOUR_US
from tests.controlplane.integrations.integration_rows import OAUTH, PATH, REST, make
from tests.controlplane.row_factory import RowFactory


async def test_browser_authorises_oauth_connection(client: httpx.AsyncClient, factory: RowFactory) -> None:
    made = await make(client, {"source_preset": "notion"})
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    assert start.status_code == 302
    back = httpx.URL(start.headers["location"])
    assert back.path == f"{PATH}/oauth/callback"
    wrong = await client.get(f"{PATH}/oauth/callback?code=x&state=y")
    assert wrong.headers["location"] == "/settings?tab=connections&oauth=invalid_state"
    client.cookies.clear()
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    end = await client.get(start.headers["location"])
    assert (end.status_code, end.headers["location"]) == (302, "/settings?tab=connections&oauth=success")
    row = factory.row("connections", made["id"])
    assert row["oauth_authorized_at"] == factory.clock.us
    assert row["oauth_token_expires_at"] > factory.clock.us + HOUR_US
    listed = (await client.get("/api/mcp-servers?format=cli")).json()
    assert [server["name"] for server in listed] == ["Notion"]


async def test_own_oauth_client_is_sent_to_its_provider(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    made = await make(client, {**OAUTH, "oauth_scopes": "read write"})
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    target = httpx.URL(start.headers["location"])
    assert (target.host, target.path) == ("id.example.dev", "/authorize")
    assert target.params["client_id"] == "client-1"
    assert (target.params["scope"], target.params["code_challenge_method"]) == ("read write", "S256")
    callback = f"{PATH}/oauth/callback?code=x&state={target.params['state']}"
    assert (await anonymous.get(callback)).headers["location"] == "/login?error=unauthorized"
    await client.request("DELETE", PATH, json={"id": made["id"]})
    end = await client.get(callback)
    assert end.headers["location"] == "/settings?tab=connections&oauth=not_found"
    made = await make(client, OAUTH)
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    state = httpx.URL(start.headers["location"]).params["state"]
    end = await client.get(f"{PATH}/oauth/callback?code=x&state={state}")
    assert end.headers["location"] == "/settings?tab=connections&oauth=token_error"


async def test_broker_accepts_only_managed_connections(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    sentry = await make(client, {"source_preset": "sentry"})
    rest = await make(client, REST)
    for path in ("oauth", "managed-auth"):
        answer = await client.get(f"{PATH}/{path}")
        assert (answer.status_code, answer.json()) == (400, {"error": "connectionId required"})
        answer = await client.get(f"{PATH}/{path}?connectionId=nothing")
        assert (answer.status_code, answer.json()) == (404, {"error": "Connection not found"})
    answer = await client.get(f"{PATH}/managed-auth?connectionId={rest['id']}")
    assert answer.json() == {"error": "Connection does not use managed auth"}
    for other in (rest, sentry):
        answer = await client.get(f"{PATH}/oauth?connectionId={other['id']}")
        assert answer.json() == {"error": "Connection is not configured for OAuth"}
    answer = await client.get(f"{PATH}/managed-auth?connectionId={sentry['id']}")
    assert answer.headers["location"] == "/settings?tab=connections&oauth=success"
    assert factory.row("connections", sentry["id"])["oauth_authorized_at"] is not None
