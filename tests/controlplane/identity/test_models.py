"""Models of a key and a team, and new models (identity.md §1.5, §6.5 and §6.8)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.identity.team_roles import may
from tests.controlplane.identity.people import People, Person, refused
from tests.controlplane.row_factory import RowFactory

ARRIVALS = "/api/models/new-arrivals"


async def ids(client: httpx.AsyncClient, team: str | None = None) -> set[str]:
    """Return the ids of the models that the caller is offered."""
    headers = {} if team is None else {"x-mogplex-team-id": team}
    return {model["id"] for model in (await client.get("/api/models", headers=headers)).json()["models"]}


def no_platform(factory: RowFactory, person: Person) -> None:
    """Remove a person's access to the platform's gateway."""
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", person.id, allow_platform_ai=0)


async def test_without_platform_access_only_keys_open_models(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    for model in ("openai/a", "anthropic/b", "acme/c", "openrouter/d"):
        factory.model(model)
    assert await ids(ada.token) == {"openai/a", "anthropic/b", "acme/c"}
    no_platform(factory, ada)
    assert await ids(ada.token) == set()
    keys = "/api/settings/keys"
    await ada.browser.put(keys, json={"provider": "openai", "key": "sk-0123456789"})
    assert await ids(ada.token) == {"openai/a"}
    await ada.browser.put(keys, json={"provider": "openrouter", "key": "sk-or-0123456789"})
    assert await ids(ada.token) == {"openai/a", "openrouter/d"}
    await ada.browser.put(keys, json={"provider": "ai_gateway", "key": "vck_0123456789"})
    assert await ids(ada.token) == {"openai/a", "anthropic/b", "acme/c", "openrouter/d"}


async def test_team_keys_add_models_and_allowlist_removes_them(people: People, factory: RowFactory) -> None:
    ada, ben, eve = await people.owner(), await people.new("ben"), await people.new("eve")
    for model in ("openai/a", "anthropic/b"):
        factory.model(model)
    no_platform(factory, ben)
    team = people.team(ada)
    people.join(team, ben, "viewer")
    assert await ids(ben.token, team) == set()
    await ada.token.put(f"/api/teams/{team}/keys", json={"provider": "ai_gateway", "key": "vck_0123456789"})
    assert await ids(ben.token, team) == {"openai/a", "anthropic/b"}
    assert await ids(ben.token) == set()
    await ada.token.patch(f"/api/teams/{team}/models", json={"model_allowlist": ["anthropic/b"]})
    assert await ids(ben.token, team) == {"anthropic/b"}
    answer = await ben.token.get("/api/models", headers={"x-mogplex-team-id": team.upper()})
    assert answer.json()["default_model"] == "anthropic/b"
    cli = await ben.token.get("/api/models?format=cli", headers={"x-mogplex-team-id": team})
    assert [model["slug"] for model in cli.json()] == ["anthropic/b"]
    # A stranger gets no models instead of a refusal; what is no id is no team.
    assert (await eve.token.get("/api/models", headers={"x-mogplex-team-id": team})).json()["models"] == []
    assert await ids(eve.token, "night-shift") == {"openai/a", "anthropic/b"}
    await ada.token.patch(f"/api/teams/{team}/models", json={"model_allowlist": []})
    assert await ids(ada.token, team) == set()


@pytest.mark.parametrize(
    ("role", "capability", "held"),
    [
        ("owner", "billing.manage", True),
        ("developer", "models", True),
        ("developer", "models.acme.nova-1", True),
        ("developer", "modelsx.a", False),
        ("developer", "tools.bash", True),
        ("developer", "tools.bash.more", False),
        ("viewer", "tools.bash", False),
        ("viewer", "tools.web_fetch", True),
        (None, "models.acme.nova-1", False),
    ],
)
def test_roles_hold_capabilities(role: str | None, capability: str, held: bool) -> None:
    assert may(role, capability) is held


async def test_new_models_are_announced_until_dismissed(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    factory.model("acme/old")
    newer = factory.clock.us + 5
    factory.model("acme/nova-2", name="Nova 2", created_at=newer)
    factory.model("acme/decided", created_at=newer)
    await ada.token.patch("/api/models", json={"model_id": "acme/decided", "is_enabled": True})
    factory.model("acme/hidden", created_at=newer, is_hidden=1)
    factory.model("acme/gone", created_at=newer, is_available=0)
    # Out of reach without a key, so not worth a word.
    factory.model("openrouter/x", created_at=newer + 5)
    seen = {"models": [{"id": "acme/nova-2", "name": "Nova 2", "provider": "acme"}], "autoEnable": True}
    for _ in range(2):
        assert (await ada.token.get(ARRIVALS)).json() == seen
    done = await ada.token.post(ARRIVALS, json={"action": "dismiss"})
    assert (done.status_code, done.json()) == (200, {"ok": True})
    assert (await ada.token.get(ARRIVALS)).json() == {"models": [], "autoEnable": True}
    assert factory.row("profiles", ada.id)["models_seen_at"] == newer
    assert "acme/nova-2" in await ids(ada.token)


async def test_new_model_of_team_is_announced(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    no_platform(factory, ben)
    team = people.team(ada)
    people.join(team, ben, "developer")
    factory.model("acme/nova-2", created_at=factory.clock.us + 5)
    assert (await ben.token.get(ARRIVALS)).json()["models"] == []
    await ada.token.put(f"/api/teams/{team}/keys", json={"provider": "ai_gateway", "key": "vck_0123456789"})
    assert [model["id"] for model in (await ben.token.get(ARRIVALS)).json()["models"]] == ["acme/nova-2"]


async def test_disabling_new_models_holds_for_those_to_come(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    factory.model("acme/nova-2", created_at=factory.clock.us + 5)
    assert (await ada.token.post(ARRIVALS, json={"action": "disable"})).json() == {"ok": True}
    assert await ids(ada.token) == set()
    later = factory.clock.us + 50
    factory.model("acme/nova-3", created_at=later)
    assert await ids(ada.token) == set()
    # This very read settles it: the model has a preference afterwards.
    assert (await ada.token.get(ARRIVALS)).json() == {"models": [], "autoEnable": False}
    assert factory.row("profiles", ada.id)["models_seen_at"] == later
    switched = await ada.token.patch(ARRIVALS, json={"autoEnable": True})
    assert switched.json() == {"ok": True}
    assert (await ada.token.get(ARRIVALS)).json() == {"models": [], "autoEnable": True}
    assert await ids(ada.token) == set()
    assert await ids(ben.token) == {"acme/nova-2", "acme/nova-3"}


@pytest.mark.parametrize(
    ("method", "body", "error"),
    [
        ("POST", {"action": "hide"}, "action must be 'dismiss' or 'disable'"),
        ("POST", {}, "action must be 'dismiss' or 'disable'"),
        ("PATCH", {"autoEnable": 1}, "autoEnable must be a boolean"),
        ("PATCH", [], "autoEnable must be a boolean"),
    ],
)
async def test_invalid_model_choices_are_refused(people: People, method: str, body: Any, error: str) -> None:
    ada = await people.owner()
    assert refused(await ada.token.request(method, ARRIVALS, json=body)) == (400, error)


async def test_anonymous_user_reads_new_models_but_cannot_dismiss(
    anonymous: httpx.AsyncClient, people: People
) -> None:
    assert (await anonymous.get(ARRIVALS)).json() == {"models": [], "autoEnable": True}
    for method in ("POST", "PATCH"):
        assert refused(await anonymous.request(method, ARRIVALS, content=b"-")) == (401, "Unauthorized")
    ada = await people.owner()
    assert refused(await ada.token.post(ARRIVALS, content=b"-")) == (400, "Invalid JSON body")


async def test_provider_icons_are_missing(people: People, anonymous: httpx.AsyncClient) -> None:
    ada = await people.owner()
    answer = await ada.token.get("/api/models/provider-icons")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"providers": []})
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert (await anonymous.get("/api/models/provider-icons")).status_code == 401
