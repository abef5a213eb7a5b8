"""Read, write and list the files of a sandbox's machine (sandboxes.md §4.10)."""

from __future__ import annotations

from starlette.responses import Response

from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from .sandbox_endpoint import (
    BASH,
    WRITE_FILE,
    own_sandbox,
    require_capability,
    require_created,
    text_of,
    wake_machine,
)
from .vm import sandbox_lookup
from .vm.disk import Disk, MissingError, OutsideError, TakenError, clean

OUTSIDE = "path must stay within the repo root"


def disk_of(request: ApiRequest, row: Row) -> Disk:
    """Return the files of a sandbox's machine, after waking the machine if necessary.

    Raises 409 if the machine has not been created yet, and 402 or 500 if it cannot be woken
    (sandboxes.md §0).
    """
    require_created(row)
    wake_machine(request, row)
    return Disk.read(request.plane.db, row["id"], sandbox_lookup.repository(row))


def inside(row: Row, path: str) -> str:
    """Resolve a path against the sandbox's root directory.

    Returns the path from the root of the repository. Raises 400 for a path outside the root
    directory.
    """
    root = row["root_directory"] or ""
    try:
        found = clean(clean(path.lstrip("/")), root)
    except OutsideError:
        raise refusal(400, OUTSIDE) from None
    return found


def save(request: ApiRequest, row: Row, disk: Disk) -> None:
    """Save the changes of a sandbox's disk to the database."""
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        disk.save(tx, row["id"])


async def read_file(request: ApiRequest) -> Response:
    """Return the text of one file."""
    path = request.query("path")
    if not path:
        raise refusal(400, "path required")
    row = own_sandbox(request)
    disk = disk_of(request, row)
    try:
        return json_response({"path": path, "content": disk.text(inside(row, path))})
    except MissingError:
        raise refusal(404, "File not found") from None


async def write_file(request: ApiRequest) -> Response:
    """Write one file, and create its missing parent directories."""
    require_capability(request, WRITE_FILE)
    body = await body_of(request)
    path, content = text_of(body, "path"), body.get("content")
    if not path or not isinstance(content, str):
        raise refusal(400, "path and content required")
    row = own_sandbox(request)
    disk = disk_of(request, row)
    try:
        disk.write(inside(row, path), content)
    except TakenError:
        raise refusal(500, f"{path} is a directory") from None
    save(request, row, disk)
    return json_response({"ok": True})


async def list_files(request: ApiRequest) -> Response:
    """List a directory including dotfiles; subdirectories come before files."""
    require_capability(request, BASH)
    body = await body_of(request)
    path = text_of(body, "path") or "."
    row = own_sandbox(request)
    disk = disk_of(request, row)
    try:
        entries = disk.entries(inside(row, path))
    except MissingError:
        raise refusal(404, "File not found") from None
    shown = [{"name": entry.name, "isDir": entry.is_dir, "size": entry.size} for entry in entries]
    return json_response({"path": path, "entries": shown})
