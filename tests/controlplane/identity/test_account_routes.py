"""The account, its settings and its models (identity.md §2, §3 and §6)."""

from __future__ import annotations

import httpx
import pytest

from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import NOON
from tests.controlplane.row_factory import RowFactory


async def test_current_user(client: httpx.AsyncClient, factory: RowFactory) -> None:
    user = (await client.get("/api/auth/user")).json()["user"]
    assert (user["id"], user["github_state"], user["github_status_label"]) == (
        factory.user,
        "oauth_connected",
        "OAuth only",
    )
    assert user["github_primary_action"] == {
        "kind": "install",
        "label": "Install GitHub App",
        "href": "/api/auth/github",
    }
    factory.repo()
    factory.repo("acme/hidden", is_hidden=1, github_installation_id=None)
    user = (await client.get("/api/auth/user")).json()["user"]
    assert (user["github_state"], user["github_primary_action"]) == ("app_installed_with_synced_repos", None)
    assert (user["github_synced_repo_count"], user["github_covered_repo_count"]) == (2, 1)


async def test_settings(client: httpx.AsyncClient, factory: RowFactory) -> None:
    # Nothing is usable: the static default, although it is not there.
    first = await client.get("/api/settings")
    assert first.json() == {"default_model": "minimax/minimax-m2.7", "theme": "dark"}
    assert first.headers["set-cookie"] == "mogplex-theme=dark; Path=/; SameSite=Lax; Max-Age=31536000"
    factory.model("zeta/z")
    factory.model("acme/b", name="B")
    factory.model("acme/a", name="C", is_hidden=1)
    assert (await client.get("/api/settings")).json()["default_model"] == "acme/b"
    answer = await client.patch("/api/settings", json={"theme": "light", "default_model": "zeta/z"})
    assert answer.json() == {"ok": True}
    assert answer.headers["set-cookie"].startswith("mogplex-theme=light;")
    assert (await client.get("/api/settings")).json() == {"default_model": "zeta/z", "theme": "light"}
    await client.patch("/api/models", json={"model_id": "zeta/z", "is_enabled": False})
    assert (await client.get("/api/settings")).json()["default_model"] == "acme/b"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"theme": "neon"}', "No valid fields"),
        (b"{}", "No valid fields"),
        (b"[]", "No valid fields"),
        (b'{"default_model": null}', "No valid fields"),
        (b'{"default_model": "acme/none", "theme": "dark"}', "default_model must be enabled and available"),
        (b"{", "Invalid JSON body"),
        (b"", "Invalid JSON body"),
        (b'{"theme": NaN}', "Invalid JSON body"),
    ],
)
async def test_refused_settings(client: httpx.AsyncClient, body: bytes, text: str) -> None:
    answer = await client.patch("/api/settings", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})
    assert (await client.get("/api/settings")).json()["theme"] == "dark"


async def test_model_catalogue_and_selection(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model(
        "acme/nova-1",
        pricing_input=2e-06,
        pricing_output=1e-05,
        context_length=200_000,
        capabilities='["Tool-Use", "vision", "reasoning"]',
    )
    factory.model("acme/retired", is_available=0)
    factory.model("acme/hidden", is_hidden=1)
    factory.model("openrouter/x")
    body = (await client.get("/api/models")).json()
    assert [model["id"] for model in body["models"]] == ["acme/nova-1"]
    assert {model["id"] for model in body["catalog"]} == {
        "acme/nova-1",
        "acme/retired",
        "acme/hidden",
        "openrouter/x",
    }
    assert body["default_model"] == "acme/nova-1"
    # An explicit choice keeps a retired model in the list, but not in the CLI's and not in v1's.
    patched = await client.patch("/api/models", json={"model_id": "acme/retired", "is_enabled": True})
    assert patched.json() == {"ok": True}
    ids = [model["id"] for model in (await client.get("/api/models")).json()["models"]]
    assert set(ids) == {"acme/nova-1", "acme/retired"}
    assert (await client.get("/api/models?format=cli")).json() == [
        {
            "slug": "acme/nova-1",
            "provider": "acme",
            "displayName": "nova-1",
            "inputModalities": ["text", "image"],
            "caps": {
                "streaming": True,
                "toolUse": True,
                "reasoningEffort": True,
                "parallelToolCalls": True,
            },
            "contextWindow": 200_000,
            "pricing": {"inputPerMillion": 2.0, "outputPerMillion": 10.0, "currency": "USD"},
        }
    ]
    assert (await client.get(f"{V1}/models")).json()["data"]["models"] == [
        {
            "id": "acme/nova-1",
            "provider": "acme",
            "name": "nova-1",
            "contextLength": 200_000,
            "capabilities": ["Tool-Use", "vision", "reasoning"],
            "pricing": {"input": 2e-06, "output": 1e-05},
        }
    ]


async def test_new_models_wait_when_auto_enable_is_off(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, auto_enable_models=0, models_seen_at=NOON)
    factory.model("acme/old", created_at=NOON)
    factory.model("acme/new", created_at=NOON + 1)
    models = (await client.get("/api/models")).json()["models"]
    assert [model["id"] for model in models] == ["acme/old"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "model_id and is_enabled required"),
        ({"model_id": "", "is_enabled": True}, 400, "model_id and is_enabled required"),
        ({"model_id": "acme/nova-1", "is_enabled": 1}, 400, "model_id and is_enabled required"),
    ],
)
async def test_refused_choices(
    client: httpx.AsyncClient, body: dict[str, object], status: int, text: str
) -> None:
    answer = await client.patch("/api/models", json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": text})


async def test_model_catalogue_is_read_only(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model("acme/nova-1")
    body = {"model_id": "acme/nova-1", "is_enabled": False}
    assert (await client.patch("/api/models", json={**body, "name": "x"})).status_code == 400
    assert (await client.patch("/api/models", json={**body, "model_id": "acme/none"})).status_code == 500
    assert (await client.get("/api/models")).json()["models"][0]["is_enabled"] is True


async def test_presets_come_first_and_a_fork_hides_its_preset(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    zoe, abe = factory.agent("Zoe"), factory.agent("Abe", source_template="PR-REVIEWER")
    agents = (await client.get(f"{V1}/agents")).json()["data"]["agents"]
    assert [agent["id"] for agent in agents[-2:]] == [abe, zoe]
    presets = agents[:-2]
    assert len(presets) == 40
    assert all(agent["preset"] and agent["slug"] is None for agent in presets)
    assert presets[0]["id"] == "preset:NEXTJS-REVIEWER"
    assert "preset:PR-REVIEWER" not in {agent["id"] for agent in agents}
    assert set(agents[-1]) == {"id", "name", "slug", "model", "description", "category", "preset"}
