"""Checks of usable harnesses and of sandbox launches (routing.md §4)."""

from __future__ import annotations

import httpx
import pytest

from tests.controlplane.row_factory import RowFactory

HARNESSES, SANDBOX = "/api/automations/harnesses", "/api/automations/sandbox-test"


def give_key(factory: RowFactory, provider: str) -> None:
    with factory.plane.db.transaction() as tx:
        tx.insert(
            "provider_keys",
            id=tx.new_id(),
            user_id=factory.user,
            provider=provider,
            key_hash="x",
            is_plausible=1,
            created_at=1,
            updated_at=1,
        )


async def test_harness_billing_source(client: httpx.AsyncClient, factory: RowFactory) -> None:
    platform = {"available": True, "billingSource": "platform_ai_gateway", "reason": None}
    found = (await client.get(HARNESSES)).json()["harnesses"]
    assert found == {
        "mogplex": {"available": True, "billingSource": "mogplex", "reason": None},
        "claude-code": platform,
        "codex": platform,
    }
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_ai=0)
    give_key(factory, "openai")
    found = (await client.get(HARNESSES)).json()["harnesses"]
    assert found["claude-code"] == {
        "available": False,
        "billingSource": None,
        "reason": "Add an Anthropic key",
    }
    assert found["codex"]["billingSource"] == "direct_provider"
    give_key(factory, "ai_gateway")
    found = (await client.get(HARNESSES)).json()["harnesses"]
    assert found["claude-code"]["billingSource"] == "user_ai_gateway"


async def test_a_sandbox_could_be_launched(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo("acme/shop", sandbox_env_vars='{"PORT":"3000"}')
    answer = await client.post(SANDBOX, json={"repoId": repo})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["ok"], body["repo"]) == (True, {"id": repo, "full_name": "acme/shop"})
    assert (body["env"]["configured"], body["env"]["count"]) == (True, 1)
    assert set(body["sandbox"]) == {"billingSource", "credentialSource", "projectId", "teamId"}


async def test_configuration_error_is_200_with_ok_false(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo(github_installation_id=None)
    answer = await client.post(SANDBOX, json={"repoId": repo})
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert answer.json()["error"]
    assert "sandbox" not in answer.json()


@pytest.mark.parametrize("content", ["{", "null", '{"repoId":5}', '{"repoId":" "}'])
async def test_a_repository_must_be_named(client: httpx.AsyncClient, content: str) -> None:
    answer = await client.post(SANDBOX, content=content)
    assert (answer.status_code, answer.json()) == (400, {"error": "repoId is required"})


async def test_another_accounts_repository_is_not_found(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    for repo in (factory.repo(user_id=factory.profile("eve")), "unknown"):
        answer = await client.post(SANDBOX, json={"repoId": repo})
        assert (answer.status_code, answer.json()) == (404, {"error": "Repo not found"})


async def test_foreign_team_cannot_run_test(client: httpx.AsyncClient, factory: RowFactory) -> None:
    team = {"x-mogplex-team-id": "00000000-0000-4000-8000-000000000000"}
    answer = await client.post(SANDBOX, json={"repoId": factory.repo()}, headers=team)
    assert answer.status_code == 403
