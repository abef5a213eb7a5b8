"""Slack workspaces over HTTP (library.md §14)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.integrations.integration_rows import add_slack
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

SLACK = "/api/integrations/slack"
ONE = f"{SLACK}/installations/T024"


async def test_plane_without_slack_app_has_no_workspace(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{SLACK}/installations")).json() == {"installations": []}
    for path in ("install", "callback?code=x&state=y"):
        answer = await client.get(f"{SLACK}/{path}")
        assert (answer.status_code, answer.headers["location"]) == (302, "/settings?slack=not_configured")


async def test_own_workspaces_are_listed_newest_first(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    add_slack(factory)
    clock.advance(1)
    add_slack(factory, "T025", allowed_slack_user_ids="[]", monthly_repo_run_limit=50, repo_agent_enabled=0)
    add_slack(factory, "T026", user_id=factory.profile("jonas"))
    newest, oldest = (await client.get(f"{SLACK}/installations")).json()["installations"]
    assert oldest == {
        "teamId": "T024",
        "teamName": "Acme",
        "botUserId": "U99",
        "scopes": ["chat:write"],
        "installedAt": "2026-08-05T10:00:00+00:00",
        "repoAgentEnabled": True,
        "allowedSlackUserIds": None,
        "monthlyRepoRunLimit": None,
    }
    assert (newest["teamId"], newest["allowedSlackUserIds"], newest["monthlyRepoRunLimit"]) == (
        "T025",
        [],
        50,
    )
    assert (await anonymous.get(f"{SLACK}/installations")).status_code == 401


async def test_a_policy_is_changed_field_by_field(client: httpx.AsyncClient, factory: RowFactory) -> None:
    add_slack(factory)
    change = {"allowedSlackUserIds": [" U1", "U2", "U1", " "], "monthlyRepoRunLimit": 10_000}
    changed = (await client.patch(ONE, json=change)).json()["installation"]
    assert (changed["allowedSlackUserIds"], changed["monthlyRepoRunLimit"]) == (["U1", "U2"], 10_000)
    change = {"allowedSlackUserIds": None, "monthlyRepoRunLimit": None, "repoAgentEnabled": False}
    changed = (await client.patch(ONE, json=change)).json()["installation"]
    assert changed | change == changed


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"teamName": "Other"},
        {"repoAgentEnabled": 1},
        {"allowedSlackUserIds": ["U1", 2]},
        {"allowedSlackUserIds": [f"U{number}" for number in range(101)]},
        {"monthlyRepoRunLimit": 0},
        {"monthlyRepoRunLimit": 10_001},
        {"monthlyRepoRunLimit": True},
    ],
)
async def test_invalid_policy_is_refused(
    client: httpx.AsyncClient, factory: RowFactory, body: dict[str, Any]
) -> None:
    kept = factory.row("slack_installations", add_slack(factory))
    assert (await client.patch(ONE, json=body)).status_code == 400
    assert factory.row("slack_installations", kept["id"]) == kept


async def test_bodies_that_are_no_json_count_as_missing(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    add_slack(factory)
    answer = await client.patch(ONE, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid body"})
    answer = await client.post(f"{ONE}/links", content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "channelId and repoId are required"})


async def test_a_channel_is_linked_once(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    add_slack(factory)
    repo = factory.repo()
    body = {"channelId": "C1", "repoId": repo, "channelName": "deploys"}
    answer = await client.post(f"{ONE}/links", json=body)
    link = answer.json()["link"]
    assert answer.status_code == 200
    assert link == {
        "id": link["id"],
        "channelId": "C1",
        "channelName": "deploys",
        "repoId": repo,
        "createdAt": "2026-08-05T10:00:00+00:00",
    }
    answer = await client.post(f"{ONE}/links", json=body)
    assert (answer.status_code, answer.json()) == (409, {"error": "Channel already linked"})
    clock.advance(1)
    second = (await client.post(f"{ONE}/links", json={"channelId": "C2", "repoId": repo})).json()["link"]
    assert (await client.get(f"{ONE}/links")).json() == {"links": [second, link]}
    assert (await client.delete(f"{ONE}/links/{link['id']}")).json() == {"ok": True}
    assert (await client.get(f"{ONE}/links")).json() == {"links": [second]}
    theirs = factory.repo(user_id=factory.profile("jonas"))
    answer = await client.post(f"{ONE}/links", json={"channelId": "C3", "repoId": theirs})
    assert (answer.status_code, answer.json()) == (404, {"error": "repo_not_found"})


async def test_channels_without_bot_token_fail(client: httpx.AsyncClient, factory: RowFactory) -> None:
    add_slack(factory)
    answer = await client.get(f"{ONE}/channels")
    assert (answer.status_code, answer.json()) == (500, {"error": "no_bot_token"})


async def test_another_account_s_workspace_is_out_of_reach(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    theirs = add_slack(factory, user_id=factory.profile("jonas"))
    answer = await client.patch(ONE, json={"repoAgentEnabled": False})
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})
    assert (await client.delete(ONE)).json() == {"ok": True}
    assert factory.row("slack_installations", theirs)["repo_agent_enabled"] == 1
    link = {"channelId": "C1", "repoId": factory.repo()}
    for method, path in (("GET", "links"), ("POST", "links"), ("DELETE", "links/x"), ("GET", "channels")):
        answer = await client.request(method, f"{ONE}/{path}", json=link)
        assert (answer.status_code, answer.json()) == (403, {"error": "forbidden"})
        answer = await client.request(method, f"{SLACK}/installations/T404/{path}", json=link)
        assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


async def test_workspace_delete_removes_links(client: httpx.AsyncClient, factory: RowFactory) -> None:
    add_slack(factory)
    await client.post(f"{ONE}/links", json={"channelId": "C1", "repoId": factory.repo()})
    assert (await client.delete(ONE)).json() == {"ok": True}
    assert (await client.get(f"{SLACK}/installations")).json() == {"installations": []}
    assert factory.plane.db.value("SELECT COUNT(*) FROM slack_channel_links") == 0
