"""The files and the tree of a sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import BOX


def fresh(factory: RowFactory, **columns: Any) -> str:
    """Insert a running sandbox of an unknown repository; returns its path."""
    return f"{BOX}/{factory.sandbox(factory.repo('acme/small'), **columns)}"


async def test_file_round_trips(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = fresh(factory)
    assert (await client.put(f"{box}/files", json={"path": "a/b.txt", "content": "hé\n"})).json() == {
        "ok": True
    }
    answer = await client.get(f"{box}/files", params={"path": "a/b.txt"})
    assert answer.json() == {"path": "a/b.txt", "content": "hé\n"}
    listed = await client.post(f"{box}/files", json={"path": "a"})
    assert listed.json() == {"path": "a", "entries": [{"name": "b.txt", "isDir": False, "size": 4}]}


async def test_a_listing_has_directories_first_and_dotfiles(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    answer = (await client.post(f"{fresh(factory)}/files", json={})).json()
    assert answer["path"] == "."
    names = [entry["name"] for entry in answer["entries"]]
    assert names == [
        ".git", ".github", "node_modules", "src", "test", ".gitignore", "README.md", "package.json",
    ]  # fmt: skip


async def test_sandboxes_of_same_repo_have_separate_disks(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    first, repo = fresh(factory), factory.repo("acme/small")
    second = f"{BOX}/{factory.sandbox(repo, working_branch='other')}"
    await client.put(f"{first}/files", json={"path": "README.md", "content": "mine"})
    read = await client.get(f"{second}/files?path=README.md")
    assert read.json()["content"].startswith("# small\n")


async def test_paths_are_relative_to_root_directory(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = fresh(factory, root_directory="apps/web")
    await client.put(f"{box}/files", json={"path": "/x.txt", "content": ""})
    paths = (await client.get(f"{box}/tree")).json()["paths"]
    assert "x.txt" in paths and "src/" in paths and not any(path.startswith("apps") for path in paths)
    outside = await client.get(f"{box}/files", params={"path": "../README.md"})
    assert (outside.status_code, outside.json()) == (400, {"error": "path must stay within the repo root"})


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "text"),
    [
        ("GET", "files", None, 400, "path required"),
        ("GET", "files?path=nope", None, 404, "File not found"),
        ("GET", "files?path=src", None, 404, "File not found"),
        ("PUT", "files", {"path": "a"}, 400, "path and content required"),
        ("PUT", "files", {"content": ""}, 400, "path and content required"),
        ("PUT", "files", {"path": "../a", "content": ""}, 400, "path must stay within the repo root"),
        ("POST", "files", {"path": "README.md"}, 404, "File not found"),
        ("POST", "tree", {"path": "a"}, 400, "kind must be 'file' or 'directory'"),
        ("POST", "tree", {"kind": "link", "path": "a"}, 400, "kind must be 'file' or 'directory'"),
        ("POST", "tree", {"kind": "file"}, 400, "path required"),
        ("POST", "tree", {"kind": "file", "path": "a/../../b"}, 400, "path must stay within the repo root"),
        ("POST", "tree", {"kind": "file", "path": "README.md"}, 409, "Destination already exists"),
        ("POST", "tree", {"kind": "directory", "path": "README.md/x"}, 409, "Destination already exists"),
        ("PATCH", "tree", {"moves": []}, 400, "moves required"),
        ("PATCH", "tree", {"moves": [{}]}, 400, "path required"),
        ("PATCH", "tree", {"moves": [{"fromPath": "a/", "toPath": "b"}]}, 400, "move kind mismatch"),
        (
            "PATCH",
            "tree",
            {"moves": [{"fromPath": "README.md/", "toPath": "b/"}]},
            400,
            "move kind mismatch",
        ),
        (
            "PATCH",
            "tree",
            {"moves": [{"fromPath": "src/", "toPath": "src/lib/src/"}]},
            400,
            "Cannot move a directory into itself",
        ),
        ("PATCH", "tree", {"moves": [{"fromPath": "nope", "toPath": "b"}]}, 404, "Path not found"),
        (
            "PATCH",
            "tree",
            {"moves": [{"fromPath": "README.md", "toPath": "package.json"}]},
            409,
            "Destination already exists",
        ),
        ("DELETE", "tree", {}, 400, "path required"),
        ("DELETE", "tree", {"path": "nope"}, 404, "Path not found"),
        ("DELETE", "tree", {"path": "README.md/"}, 404, "Path not found"),
        ("DELETE", "tree", {"path": "/"}, 400, "path must stay within the repo root"),
    ],
)
async def test_refused_file_operation_changes_nothing(
    client: httpx.AsyncClient, factory: RowFactory, method: str, path: str, body: Any, code: int, text: str
) -> None:
    answer = await client.request(method, f"{fresh(factory)}/{path}", json=body)
    assert (answer.status_code, answer.json()) == (code, {"error": text})
    assert factory.plane.db.value("SELECT COUNT(*) FROM sandbox_files") == 0


async def test_tree_omits_tool_directories(client: httpx.AsyncClient, factory: RowFactory) -> None:
    answer = await client.get(f"{fresh(factory)}/tree")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["paths"] == [
        ".github/", ".github/workflows/", ".github/workflows/ci.yml", ".gitignore", "README.md", "package.json",
        "src/", "src/index.ts", "src/lib/", "src/lib/retry.ts", "src/routes.ts",
        "test/", "test/retry.test.ts", "test/routes.test.ts",
    ]  # fmt: skip


async def test_entries_are_made_moved_and_removed(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = fresh(factory)
    made = await client.post(f"{box}/tree", json={"kind": "directory", "path": "docs/a/"})
    assert (made.status_code, made.json()) == (201, {"ok": True, "path": "docs/a/"})
    made = await client.post(f"{box}/tree", json={"kind": "file", "path": "./docs//a/b.md"})
    assert (made.status_code, made.json()) == (201, {"ok": True, "path": "docs/a/b.md"})
    moves = [
        {"fromPath": "src/", "toPath": "lib/src/"},
        {"fromPath": "README.md", "toPath": "docs/README.md"},
    ]
    moved = await client.patch(f"{box}/tree", json={"moves": moves})
    assert moved.json() == {"ok": True, "moves": moves}
    gone = await client.request("DELETE", f"{box}/tree", json={"path": "test/"})
    assert gone.json() == {"ok": True, "path": "test/"}
    paths = (await client.get(f"{box}/tree")).json()["paths"]
    assert {"docs/a/b.md", "docs/README.md", "lib/src/lib/retry.ts"} <= set(paths)
    assert not {"README.md", "src/", "test/", "test/retry.test.ts"} & set(paths)
    back = await client.patch(f"{box}/tree", json={"moves": [{"fromPath": "lib/src/", "toPath": "src/"}]})
    assert back.status_code == 200
    assert "src/index.ts" in (await client.get(f"{box}/tree")).json()["paths"]


async def test_moves_are_all_done_or_none(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = fresh(factory)
    moves = [{"fromPath": "README.md", "toPath": "a.md"}, {"fromPath": "nope", "toPath": "b"}]
    assert (await client.patch(f"{box}/tree", json={"moves": moves})).status_code == 404
    assert "README.md" in (await client.get(f"{box}/tree")).json()["paths"]


async def test_files_need_a_machine(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = fresh(factory, status="creating", sandbox_id="pending")
    answer = await client.get(f"{box}/files?path=README.md")
    assert (answer.status_code, answer.json()) == (409, {"error": "Sandbox is not ready"})
    stopped = f"{BOX}/{factory.sandbox(factory.repo(), status='stopped')}"
    assert (await client.get(f"{stopped}/tree")).status_code == 500
