"""Flow templates: saved without bindings, paged, used and deleted.

See routing.md §3.17.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.automation.automation_rows import chain, installation, node
from tests.controlplane.row_factory import RowFactory

PATH = "/api/flows/templates"


@pytest.fixture
async def hooked(client: httpx.AsyncClient, factory: RowFactory) -> str:
    """Create a flow with a webhook start and a bound agent."""
    installation(factory)
    agent = factory.agent()
    flow: str = (await client.post("/api/flows", json={"installation_id": 88, "name": "Docs bot"})).json()[
        "id"
    ]
    start = {"event": "webhook", "filter": {"repos": ["acme/shop"], "installationIds": [88]}}
    graph = chain(node("a", "agent", agentId=agent), start=start)
    await client.put(f"/api/flows/{flow}", json={"draft_graph": graph, "description": "Keeps pages true"})
    return flow


async def test_template_omits_bound_values(
    client: httpx.AsyncClient, factory: RowFactory, hooked: str
) -> None:
    answer = await client.post(PATH, json={"flow_id": hooked})
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        "id": made["id"],
        "owner_type": "user",
        "owner_user_id": factory.user,
        "product_team_id": None,
        "created_by_user_id": factory.user,
        "name": "Docs bot",
        "description": "Keeps pages true",
        "source_flow_id": hooked,
        "trigger_event": "webhook",
        "reconnect": ["agent", "webhook"],
        "requires_repository": True,
        "created_at": "2026-08-05T10:00:00+00:00",
        "updated_at": "2026-08-05T10:00:00+00:00",
    }
    listed = (await client.get(PATH)).json()
    assert listed == {"templates": [made], "next_cursor": None}
    body = {"installation_id": 88, "personal_template_id": made["id"]}
    refused = await client.post("/api/flows", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"] == "This workflow template requires a repository."
    factory.repo("acme/shop")
    flow = (await client.post("/api/flows", json=body | {"repo_full_name": "acme/shop"})).json()
    start, agent = (entry["data"] for entry in flow["draft_graph"]["nodes"][:2])
    assert start["filter"] == {"scope": "all", "repos": ["acme/shop"], "installationIds": [88]}
    assert (flow["name"], agent["agentId"]) == ("Docs bot", None)


async def test_pages_of_templates(client: httpx.AsyncClient, factory: RowFactory, hooked: str) -> None:
    for number in range(26):
        factory.clock.advance(1)
        await client.post(PATH, json={"flow_id": hooked, "name": f"Number {number}"})
    first = (await client.get(PATH)).json()
    assert ([entry["name"] for entry in first["templates"]][:1], first["next_cursor"]) == (
        ["Number 25"],
        "25",
    )
    rest = (await client.get(PATH, params={"cursor": first["next_cursor"]})).json()
    assert ([entry["name"] for entry in rest["templates"]], rest["next_cursor"]) == (["Number 0"], None)
    for cursor in ("-1", "x", "1.5"):
        wrong = await client.get(PATH, params={"cursor": cursor})
        assert (wrong.status_code, wrong.json()) == (400, {"error": "cursor must be a non-negative integer"})


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"flow_id": ""}, 400, "flow_id is required"),
        ({"flow_id": 5}, 400, "flow_id is required"),
        ({"name": "n" * 81}, 400, "Template names must be 80 characters or fewer"),
        ({"flow_id": "unknown"}, 404, "Flow not found"),
    ],
)
async def test_invalid_template_is_refused(
    client: httpx.AsyncClient, hooked: str, change: dict[str, Any], status: int, error: str
) -> None:
    answer = await client.post(PATH, json={"flow_id": hooked} | change)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


async def test_templates_are_their_owners(
    client: httpx.AsyncClient, factory: RowFactory, hooked: str
) -> None:
    made = (await client.post(PATH, json={"flow_id": hooked})).json()
    eve = {"Authorization": f"Bearer {factory.token(factory.profile('eve'))}"}
    assert (await client.get(PATH, headers=eve)).json()["templates"] == []
    foreign = await client.delete(f"{PATH}/{made['id']}", headers=eve)
    assert (foreign.status_code, foreign.json()) == (404, {"error": "Workflow template not found"})
    assert (await client.delete(f"{PATH}/{made['id']}")).json() == {"ok": True}
    assert (await client.get(PATH)).json()["templates"] == []


async def test_foreign_team_is_forbidden(client: httpx.AsyncClient, hooked: str) -> None:
    team = {"x-mogplex-team-id": "00000000-0000-4000-8000-000000000000"}
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/x")):
        answer = await client.request(method, path, headers=team, json={"flow_id": hooked})
        assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})
