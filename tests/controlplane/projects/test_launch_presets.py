"""Launch presets of a repository (projects.md §4.4)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.projects.project_rows import UNKNOWN_ID
from tests.controlplane.row_factory import RowFactory

GOOD: dict[str, Any] = {"name": "hotfix", "baseBranch": "main", "workingBranch": "fix/login"}


async def test_a_preset_is_written_overwritten_and_deleted(
    client: httpx.AsyncClient, factory: RowFactory, clock: Any
) -> None:
    repo = factory.repo()
    path = f"/api/repos/{repo}/launch-presets"
    first = (await client.post(path, json=GOOD | {"createBranch": 1, "rootDirectory": "./apps//web/"})).json()
    preset = first["preset"]
    assert preset == {
        "id": preset["id"],
        "user_id": factory.user,
        "repo_id": repo,
        "name": "hotfix",
        "root_directory": "apps/web",
        "base_branch": "main",
        "working_branch": "fix/login",
        "create_branch": True,
        "created_at": "2026-08-05T10:00:00+00:00",
        "updated_at": "2026-08-05T10:00:00+00:00",
    }
    clock.advance(1)
    await client.post(path, json=GOOD | {"name": "Hotfix"})
    again = (await client.post(path, json=GOOD | {"workingBranch": "main"})).json()["preset"]
    assert (again["id"], again["root_directory"], again["create_branch"]) == (preset["id"], None, False)
    assert again["updated_at"] == "2026-08-05T10:00:01+00:00"
    listed = (await client.get(path)).json()["presets"]
    assert [entry["name"] for entry in listed] == ["Hotfix", "hotfix"]
    assert (await client.delete(f"{path}/{preset['id']}")).json() == {"ok": True}
    gone = await client.delete(f"{path}/{preset['id']}")
    assert (gone.status_code, gone.json()) == (404, {"error": "Preset not found"})


@pytest.mark.parametrize(
    ("change", "text", "field"),
    [
        ({"name": " "}, "Preset name is required", "name"),
        ({"name": 7}, "Preset name is required", "name"),
        ({"name": "", "baseBranch": ""}, "Preset name is required", "name"),
        *(
            ({"baseBranch": bad}, "Invalid base branch", "baseBranch")
            for bad in ("", "@", "HEAD", "/a", "a/", "a.", "a.lock", "a..b", "a//b", "a@{b", "a b", None, 1)
        ),
        ({"workingBranch": "a~b"}, "Invalid working branch", "workingBranch"),
        *(
            ({"rootDirectory": bad}, "Invalid root directory", "rootDirectory")
            for bad in ("../up", "a/../b", "a/%2e%2E/b", "a\0b", "/etc", 7)
        ),
    ],
)
async def test_refused_field_is_named(
    client: httpx.AsyncClient, factory: RowFactory, change: dict[str, Any], text: str, field: str
) -> None:
    path = f"/api/repos/{factory.repo()}/launch-presets"
    answer = await client.post(path, json=GOOD | change)
    assert (answer.status_code, answer.json()) == (400, {"error": text, "field": field})
    assert (await client.get(path)).json() == {"presets": []}


async def test_new_branch_must_differ_from_base(client: httpx.AsyncClient, factory: RowFactory) -> None:
    path = f"/api/repos/{factory.repo()}/launch-presets"
    same = GOOD | {"workingBranch": " main ", "createBranch": True}
    answer = await client.post(path, json=same)
    assert (answer.status_code, answer.json()["field"]) == (400, "workingBranch")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"{", {"error": "Invalid JSON"}),
        (b"null", {"error": "Preset payload required", "field": "name"}),
        (b"7", {"error": "Preset payload required", "field": "name"}),
        (b"[]", {"error": "Preset name is required", "field": "name"}),
    ],
)
async def test_invalid_payloads_are_refused(
    client: httpx.AsyncClient, factory: RowFactory, body: bytes, refused: dict[str, str]
) -> None:
    answer = await client.post(f"/api/repos/{factory.repo()}/launch-presets", content=body)
    assert (answer.status_code, answer.json()) == (400, refused)


async def test_new_names_stop_at_twenty_five_and_old_ones_do_not(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    path = f"/api/repos/{factory.repo()}/launch-presets"
    for number in range(25):
        assert (await client.post(path, json=GOOD | {"name": f"p{number}"})).status_code == 200
    full = await client.post(path, json=GOOD)
    assert (full.status_code, full.json()) == (
        400,
        {"error": "Preset cap reached (25 per repo)", "field": "name"},
    )
    assert (await client.post(path, json=GOOD | {"name": "p3"})).status_code == 200


async def test_a_long_name_is_cut(client: httpx.AsyncClient, factory: RowFactory) -> None:
    path = f"/api/repos/{factory.repo()}/launch-presets"
    assert (await client.post(path, json=GOOD | {"name": "n" * 70})).json()["preset"]["name"] == "n" * 64


async def test_presets_belong_to_caller(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory
) -> None:
    path = f"/api/repos/{factory.repo()}/launch-presets"
    preset = (await client.post(path, json=GOOD)).json()["preset"]["id"]
    answer = await stranger.delete(f"{path}/{preset}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Repo not found"})
    assert (await client.delete(f"{path}/{UNKNOWN_ID}")).status_code == 404
    for broken, text in (
        (await client.delete(f"{path}/seven"), "Failed to delete launch preset"),
        (await client.post("/api/repos/seven/launch-presets", json=GOOD), "Failed to save launch preset"),
    ):
        assert (broken.status_code, broken.json()) == (500, {"error": text})
