"""Files and the tree inside a sandbox (sandboxes.md §4.10, §4.11)."""

from __future__ import annotations

from collections.abc import Iterable

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.sandbox_drafts import (
    EntryDraft,
    EntryKind,
    FileDraft,
    MoveDraft,
    MovesDraft,
    PathDraft,
)
from mogplex_tui.api.models.sandbox_records import FileText, Listing, Move
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id

WAKING = 120.0
"""Seconds that a route may take beyond the usual, because it may have to wake a paused machine first."""


def sandbox_route(sandbox_id: str) -> tuple[str, str]:
    """Return the path of a sandbox by its record id, and what to call it; raises InvalidInput."""
    record = path_id(sandbox_id, "sandbox")
    return f"/api/sandbox/{record}", f"sandbox {short_id(record)}"


class SandboxFiles(Resource):
    """Files of a sandbox; paths are relative to its root directory. All wake a paused machine.

    Raises Conflict while the machine has no name yet, BadRequest without a balance, NotFound for a path that is not
    there.
    """

    async def read_file(self, sandbox_id: str, path: str) -> FileText:
        """Return the text of one file."""
        root, name = sandbox_route(sandbox_id)
        checked = PathDraft(path=path).path
        response = await self._get(f"{root}/files", f"a file of {name}", extra_wait=WAKING, path=checked)
        return response.one(FileText)

    async def write_file(self, sandbox_id: str, path: str, content: str) -> None:
        """Write one file whole, with the directories above it."""
        root, name = sandbox_route(sandbox_id)
        body = FileDraft(path=path, content=content).set_fields()
        await self._change("PUT", f"{root}/files", f"a file of {name}", body=body, extra_wait=WAKING)

    async def list_files(self, sandbox_id: str, path: str = ".") -> Listing:
        """Return what a directory holds, directories first, dotfiles too; "." is the root directory."""
        root, name = sandbox_route(sandbox_id)
        checked = path if path.strip("/") in ("", ".") else PathDraft(path=path).path
        response = await self._change(
            "POST", f"{root}/files", f"the files of {name}", body={"path": checked or "."}, extra_wait=WAKING
        )
        return response.one(Listing)

    async def tree(self, sandbox_id: str) -> list[str]:
        """Return every path, directories with a slash at the end; what tools keep for themselves is left out."""
        root, name = sandbox_route(sandbox_id)
        response = await self._get(f"{root}/tree", f"the tree of {name}", extra_wait=WAKING)
        paths = response.at("paths")
        if not isinstance(paths, list):
            raise invalid_response(response.info, "has no list under 'paths'")
        return [path for path in paths if isinstance(path, str)]

    async def create_entry(self, sandbox_id: str, path: str, kind: EntryKind | str = EntryKind.FILE) -> str:
        """Make an empty file or a directory and return its path; raises Conflict when something is there."""
        root, name = sandbox_route(sandbox_id)
        body = EntryDraft(path=path, kind=kind).set_fields()
        response = await self._change(
            "POST", f"{root}/tree", f"the tree of {name}", body=body, extra_wait=WAKING
        )
        return str(response.at("path"))

    async def move_entries(self, sandbox_id: str, moves: Iterable[tuple[str, str]]) -> Rows[Move]:
        """Move files and directories (from, to), all of them or none; return the moves as they were made."""
        root, name = sandbox_route(sandbox_id)
        pairs = [MoveDraft(from_path=source, to_path=target) for source, target in moves]
        body = MovesDraft(moves=pairs).set_fields()
        response = await self._change(
            "PATCH", f"{root}/tree", f"the tree of {name}", body=body, extra_wait=WAKING
        )
        return response.rows(Move, "moves")

    async def delete_entry(self, sandbox_id: str, path: str) -> str:
        """Remove a file, or with a slash at the end a directory and all that is in it; return its path."""
        root, name = sandbox_route(sandbox_id)
        if not path.strip():
            raise InvalidInput("path required", resource=f"the tree of {name}")
        body = PathDraft(path=path).set_fields()
        response = await self._change(
            "DELETE", f"{root}/tree", f"the tree of {name}", body=body, extra_wait=WAKING
        )
        return str(response.at("path"))
