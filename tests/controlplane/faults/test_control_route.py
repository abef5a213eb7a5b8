"""The route that controls faults: access, answers, and absent unless enabled."""

from __future__ import annotations

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults.control_route import PATH
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock

RULE = f"GET {V1}/repos 503 x2"


async def test_fault_is_added_listed_and_removed_at_run_time(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    assert (await anonymous.get(PATH)).json() == {"faults": []}
    added = await anonymous.post(PATH, json={"rule": f"  GET {V1}/repos   503 x2 "})
    entry = {"id": 1, "rule": RULE, "fired": 0, "left": 2}
    assert (added.status_code, added.json()) == (201, {"faults": [entry]})
    assert (await client.get(f"{V1}/repos")).status_code == 503
    assert (await anonymous.get(PATH)).json() == {"faults": [{**entry, "fired": 1, "left": 1}]}
    lifted = await anonymous.delete(f"{PATH}?id=1")
    assert (lifted.status_code, lifted.json()) == (200, {"faults": []})
    assert (await client.get(f"{V1}/repos")).status_code == 200


async def test_delete_without_id_removes_all_and_unknown_id_is_404(anonymous: httpx.AsyncClient) -> None:
    await anonymous.post(PATH, json={"rules": [RULE, RULE]})
    for wanted in ("9", "x", ""):
        assert (await anonymous.delete(f"{PATH}?id={wanted}")).status_code == 404
    assert len((await anonymous.get(PATH)).json()["faults"]) == 2
    assert (await anonymous.delete(PATH)).json() == {"faults": []}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "the body must be"),
        (b'{"rules": []}', "the body must be"),
        (b'{"rule": 3}', "the body must be"),
        (b'{"rules": ["GET /x 401", "GET /x nonsense"]}', "'nonsense' is no kind of fault"),
    ],
)
async def test_invalid_rule_is_refused(anonymous: httpx.AsyncClient, body: bytes, complaint: str) -> None:
    answer = await anonymous.post(PATH, content=body)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert (await anonymous.get(PATH)).json() == {"faults": []}


async def test_other_methods_are_405(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.put(PATH, json={"rule": RULE})).status_code == 405


@pytest.mark.parametrize("header", [{"Origin": "https://elsewhere.dev"}, {"Host": "elsewhere.dev"}])
async def test_web_page_cannot_add_faults(anonymous: httpx.AsyncClient, header: dict[str, str]) -> None:
    assert (await anonymous.post(PATH, json={"rule": RULE}, headers=header)).status_code == 403
    assert (await anonymous.get(PATH)).json() == {"faults": []}


async def test_control_route_is_disabled_by_default(clock: ManualClock) -> None:
    settings = Settings(speed=0, seeded=False, faults=(RULE,))
    async with (
        PlaneServer(settings, clock=clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as anonymous,
    ):
        assert (await anonymous.get(PATH)).status_code == 404
        assert (await anonymous.delete(PATH)).status_code == 404
        assert (await anonymous.get(f"{V1}/repos")).status_code == 503
