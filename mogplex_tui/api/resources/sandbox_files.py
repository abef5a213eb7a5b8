"""Files and directories of a sandbox."""

from __future__ import annotations

from collections.abc import Iterable

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.sandbox_requests import (
    EntryDraft,
    EntryKind,
    FileDraft,
    MoveDraft,
    MovesDraft,
    PathDraft,
)
from mogplex_tui.api.models.unversioned_sandboxes import FileText, Listing, Move
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id

WAKE_EXTRA_WAIT = 120.0
"""Seconds by which a response may take longer than usual.

The service may first have to resume a paused machine.
"""


def sandbox_route(sandbox_id: str) -> tuple[str, str]:
    """Return the URL path of a sandbox, and a description of it for messages.

    Raises InvalidInput if the id is not a UUID.
    """
    record = path_id(sandbox_id, "sandbox")
    return f"/api/sandbox/{record}", f"sandbox {short_id(record)}"


class SandboxFiles(Resource):
    """Files of a sandbox; paths are relative to the root directory of the sandbox.

    Each request makes a paused machine run again. Each method raises Conflict while the machine is
    being created, BadRequest if the account has no credit left, and NotFound for a path that does
    not exist.

    Contract: sandboxes.md §4.10 and §4.11.
    """

    async def read_file(self, sandbox_id: str, path: str) -> FileText:
        """Return the text of one file."""
        root, name = sandbox_route(sandbox_id)
        checked = PathDraft(path=path).path
        response = await self._get(
            f"{root}/files", f"a file of {name}", extra_wait=WAKE_EXTRA_WAIT, path=checked
        )
        return response.one(FileText)

    async def write_file(self, sandbox_id: str, path: str, content: str) -> None:
        """Write a file, replacing any old content; missing directories are created."""
        root, name = sandbox_route(sandbox_id)
        body = FileDraft(path=path, content=content).set_fields()
        await self._change("PUT", f"{root}/files", f"a file of {name}", body=body, extra_wait=WAKE_EXTRA_WAIT)

    async def list_files(self, sandbox_id: str, path: str = ".") -> Listing:
        """Return the entries of a directory, including hidden ones.

        Subdirectories come first. The path "." is the root directory.
        """
        root, name = sandbox_route(sandbox_id)
        checked = path if path.strip("/") in ("", ".") else PathDraft(path=path).path
        response = await self._change(
            "POST",
            f"{root}/files",
            f"the files of {name}",
            body={"path": checked or "."},
            extra_wait=WAKE_EXTRA_WAIT,
        )
        return response.one(Listing)

    async def tree(self, sandbox_id: str) -> list[str]:
        """Return the paths of all files and directories in a sandbox.

        The paths of directories end with a slash. Files that belong to the service's own tools are left
        out.
        """
        root, name = sandbox_route(sandbox_id)
        response = await self._get(f"{root}/tree", f"the tree of {name}", extra_wait=WAKE_EXTRA_WAIT)
        paths = response.at("paths")
        if not isinstance(paths, list):
            raise invalid_response(response.info, "has no list under 'paths'")
        return [path for path in paths if isinstance(path, str)]

    async def create_entry(self, sandbox_id: str, path: str, kind: EntryKind | str = EntryKind.FILE) -> str:
        """Create an empty file or a directory, and return its path.

        Raises Conflict if there is already a file or directory with this path.
        """
        root, name = sandbox_route(sandbox_id)
        body = EntryDraft(path=path, kind=kind).set_fields()
        response = await self._change(
            "POST", f"{root}/tree", f"the tree of {name}", body=body, extra_wait=WAKE_EXTRA_WAIT
        )
        return str(response.at("path"))

    async def move_entries(self, sandbox_id: str, moves: Iterable[tuple[str, str]]) -> Rows[Move]:
        """Move files and directories, and return the moves.

        Each item of `moves` is a pair of the old and the new path. If one move fails, none is made.
        """
        root, name = sandbox_route(sandbox_id)
        pairs = [MoveDraft(from_path=source, to_path=target) for source, target in moves]
        body = MovesDraft(moves=pairs).set_fields()
        response = await self._change(
            "PATCH", f"{root}/tree", f"the tree of {name}", body=body, extra_wait=WAKE_EXTRA_WAIT
        )
        return response.rows(Move, "moves")

    async def delete_entry(self, sandbox_id: str, path: str) -> str:
        """Delete a file, or a directory with its content, and return its path.

        The path of a directory must end with a slash.
        """
        root, name = sandbox_route(sandbox_id)
        if not path.strip():
            raise InvalidInput("path required", resource=f"the tree of {name}")
        body = PathDraft(path=path).set_fields()
        response = await self._change(
            "DELETE", f"{root}/tree", f"the tree of {name}", body=body, extra_wait=WAKE_EXTRA_WAIT
        )
        return str(response.at("path"))
