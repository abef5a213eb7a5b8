"""List, create, move and delete files and directories (sandboxes.md §4.11)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from .file_routes import OUTSIDE, disk_of, inside, save
from .sandbox_endpoint import WRITE_FILE, own_sandbox, require_capability, text_of
from .vm.disk import Disk, MissingError, TakenError
from .vm.repo_contents import PRUNED


def _required(row: Row, path: str) -> str:
    """Resolve the path of an entry below the sandbox's root directory.

    Raises 400 for an empty path, for a path outside the root directory and for the root directory
    itself.
    """
    if not path:
        raise refusal(400, "path required")
    found = inside(row, path)
    if found in ("", row["root_directory"]):
        raise refusal(400, OUTSIDE)
    return found


async def read_tree(request: ApiRequest) -> Response:
    """Return all paths below the root directory, except those in PRUNED directories.

    Paths of directories end with a slash.
    """
    row = own_sandbox(request)
    disk, root = disk_of(request, row), row["root_directory"] or ""
    cut = len(root) + 1 if root else 0
    shown = [path[cut:] for path in disk.below(root)]
    kept = [path for path in shown if not any(part in PRUNED for part in path.split("/"))]
    return json_response({"paths": kept}, headers={"cache-control": "no-store"})


async def create_entry(request: ApiRequest) -> Response:
    """Create an empty file or a directory."""
    require_capability(request, WRITE_FILE)
    body = await body_of(request)
    row = own_sandbox(request)
    kind, path = body.get("kind"), text_of(body, "path")
    if kind not in ("file", "directory"):
        raise refusal(400, "kind must be 'file' or 'directory'")
    target = _required(row, path)
    disk = disk_of(request, row)
    if disk.is_file(target) or disk.is_dir(target):
        raise refusal(409, "Destination already exists")
    try:
        if kind == "file":
            disk.write(target, "")
        else:
            disk.make(target)
    except TakenError:
        raise refusal(409, "Destination already exists") from None
    save(request, row, disk)
    return json_response({"ok": True, "path": _shown(row, target, kind == "directory")}, 201)


async def move_entries(request: ApiRequest) -> Response:
    """Move several files and directories, or none if one of them cannot be moved."""
    require_capability(request, WRITE_FILE)
    body = await body_of(request)
    row = own_sandbox(request)
    wanted = body.get("moves")
    if not isinstance(wanted, list) or not wanted:
        raise refusal(400, "moves required")
    pairs = [_pair(row, item) for item in wanted]
    disk = disk_of(request, row)
    done = [_moved(disk, row, *pair) for pair in pairs]
    save(request, row, disk)
    return json_response({"ok": True, "moves": done})


def _pair(row: Row, item: Any) -> tuple[str, str, str, str]:
    fields = item if isinstance(item, dict) else {}
    source, target = text_of(fields, "fromPath"), text_of(fields, "toPath")
    if source and target and source.endswith("/") != target.endswith("/"):
        raise refusal(400, "move kind mismatch")
    return _required(row, source), _required(row, target), source, target


def _moved(disk: Disk, row: Row, source: str, target: str, given: str, _: str) -> dict[str, str]:
    is_dir = disk.is_dir(source)
    if not is_dir and not disk.is_file(source):
        raise refusal(404, "Path not found")
    if given.endswith("/") and not is_dir:
        raise refusal(400, "move kind mismatch")
    if is_dir and f"{target}/".startswith(f"{source}/"):
        raise refusal(400, "Cannot move a directory into itself")
    try:
        disk.move(source, target)
    except TakenError:
        raise refusal(409, "Destination already exists") from None
    slash = given.endswith("/")
    return {"fromPath": _shown(row, source, slash), "toPath": _shown(row, target, slash)}


async def delete_entry(request: ApiRequest) -> Response:
    """Delete a file, or a directory with its contents.

    The path of a directory must end with a slash.
    """
    require_capability(request, WRITE_FILE)
    body = await body_of(request)
    row = own_sandbox(request)
    path = text_of(body, "path")
    target = _required(row, path)
    disk = disk_of(request, row)
    if disk.is_dir(target) and not path.endswith("/"):
        raise refusal(500, f"{path} is a directory")
    if path.endswith("/") and not disk.is_dir(target):
        raise refusal(404, "Path not found")
    try:
        disk.remove(target)
    except MissingError:
        raise refusal(404, "Path not found") from None
    save(request, row, disk)
    return json_response({"ok": True, "path": _shown(row, target, path.endswith("/"))})


def _shown(row: Row, path: str, is_dir: bool) -> str:
    root = row["root_directory"]
    return path.removeprefix(f"{root}/" if root else "") + ("/" if is_dir else "")
