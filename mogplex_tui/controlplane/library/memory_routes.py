"""/api/memories and /api/memories/actions (library.md §10)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import DAY_US, iso_app
from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import request_fields
from .memory_queries import COLUMNS, list_memories, memory, scope_and_team
from .memory_writes import LANES, insert_memory

_MAX_CONTENT = 16_000
_MAX_METADATA = 4_096
_MAX_LABEL = 512
_SESSION_LIFE = 30 * DAY_US


def _content(value: Any) -> str:
    """Return the text of a memory from the body, without trimming it.

    Raises RefusedError: 400 if it is missing or empty, 413 if it is too long.
    """
    if not isinstance(value, str) or not value:
        raise refusal(400, "Content required")
    if request_fields.length(value) > _MAX_CONTENT:
        raise refusal(413, "Content exceeds 16000 characters")
    return value


def _measured(metadata: dict[str, Any]) -> dict[str, Any]:
    if request_fields.length(request_fields.compact(metadata)) > _MAX_METADATA:
        raise refusal(400, "metadata exceeds 4096 bytes")
    return metadata


def _metadata(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refusal(400, "metadata must be a plain object")
    measured: dict[str, Any] = request_fields.finite(value)
    return _measured(measured)


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _sandbox(request: ApiRequest, sandbox_id: str) -> Row:
    return request_fields.owned(request, "sandboxes", sandbox_id, "Sandbox not found")


def _scope_keys(request: ApiRequest, body: dict[str, Any], lane: str) -> dict[str, Any]:
    """Return the metadata that names the owner and origin of a new memory.

    It contains the repository, sandbox, session, conversation, team, source and agent, as far as
    they apply. Raises RefusedError: 404 for an unknown repository or sandbox, 400 for a sandbox of
    another repository, and the errors of `scope_and_team`.
    """
    scope, team = scope_and_team(request, body.get("resourceScope"))
    repo_id, sandbox_id = _text(body, "repoId"), _text(body, "sandboxId")
    keys: dict[str, Any] = {}
    if repo_id is not None:
        keys["repo_id"] = request_fields.owned(request, "repos", repo_id, "Repo not found")["id"]
    if sandbox_id is not None:
        sandbox = _sandbox(request, sandbox_id)
        if repo_id is not None and sandbox["repo_id"] != keys["repo_id"]:
            raise refusal(400, "Sandbox does not belong to repo")
        keys["sandbox_id"] = sandbox["id"]
    if lane in ("session", "episodic"):
        keys["workspace_session_id"] = _text(body, "workspaceSessionId")
    if lane == "session":
        keys["conversation_id"] = _text(body, "conversationId")
    if team is not None:
        keys |= {"product_team_id": team, "resource_scope": scope}
    elif scope == "personal":
        keys["resource_scope"] = scope
    keys |= {name: _text(body, name) for name in ("source", "agent")}
    return {name: value for name, value in keys.items() if value is not None}


def _remember(request: ApiRequest, lane: str, content: str, metadata: dict[str, Any]) -> Response:
    memory_id = request.service.ids.uuid()
    with request.plane.db.transaction() as tx:
        insert_memory(
            tx,
            id=memory_id,
            user_id=request.user_id,
            lane=lane,
            content=content,
            metadata=_measured(metadata),
            at=request.plane.clock.now_us(),
        )
    return json_response(
        memory(request.plane.db.only(f"SELECT {COLUMNS} FROM memories WHERE id = ?", (memory_id,)))
    )


async def create_memory(request: ApiRequest) -> Response:
    """Store a memory in a lane and return it.

    Raises the errors 400, 404 and 413 that are listed in library.md §10.2.
    """
    body = await request_fields.strict_body(request)
    lane = body.get("lane")
    if lane not in LANES:
        raise refusal(400, "Invalid lane")
    content, metadata = _content(body.get("content")), _metadata(body.get("metadata"))
    return _remember(request, lane, content, metadata | _scope_keys(request, body, lane))


def _memory_id(value: Any) -> str:
    if not isinstance(value, str) or not params.is_uuid(value):
        raise refusal(400, "Invalid id")
    return value.lower()


async def change_memory(request: ApiRequest) -> Response:
    """Replace the text of a memory and update `updated_at`.

    Raises 404 if the memory is unknown or another user's.
    """
    body = await request_fields.strict_body(request)
    memory_id, content = _memory_id(body.get("id")), _content(body.get("content"))
    with request.plane.db.transaction() as tx:
        done = tx.execute(
            "UPDATE memories SET content = ?, updated_at = ? WHERE id = ? AND user_id = ?",
            (content, request.plane.clock.now_us(), memory_id, request.user_id),
        )
    return _done_or_missing(done.rowcount, memory_id)


async def delete_memory(request: ApiRequest) -> Response:
    """Delete one memory.

    Raises 404 if it does not exist, whereas deleting other objects of the library succeeds.
    """
    memory_id = _memory_id(request.query("id"))
    with request.plane.db.transaction() as tx:
        done = tx.execute("DELETE FROM memories WHERE id = ? AND user_id = ?", (memory_id, request.user_id))
    return _done_or_missing(done.rowcount, memory_id)


def _done_or_missing(rows: int, memory_id: str) -> Response:
    if not rows:
        raise refusal(404, f"Memory not found: {memory_id}")
    return json_response({"ok": True})


async def act(request: ApiRequest) -> Response:
    """Perform the action that the body names: `compact` or `checkpoint`.

    `compact` deletes old session memories, `checkpoint` stores a memory. Raises 400
    `Unknown action` for other actions (library.md §10.3).
    """
    body = await request_fields.strict_body(request)
    if body.get("action") == "compact":
        return _compact(request)
    if body.get("action") == "checkpoint":
        return _checkpoint(request, body)
    raise refusal(400, "Unknown action")


def _compact(request: ApiRequest) -> Response:
    with request.plane.db.transaction() as tx:
        tx.execute(
            "DELETE FROM memories WHERE user_id = ? AND lane = 'session' AND created_at < ?",
            (request.user_id, request.plane.clock.now_us() - _SESSION_LIFE),
        )
    return json_response({"ok": True})


def _checkpoint(request: ApiRequest, body: dict[str, Any]) -> Response:
    lane = body.get("lane")
    if lane not in LANES:
        lane = "session"
    label = body.get("label")
    if label in (None, ""):
        label = iso_app(request.plane.clock.now_us())
    if not isinstance(label, str) or request_fields.length(label) > _MAX_LABEL:
        raise refusal(400, "label must be a string of at most 512 characters")
    metadata = {"checkpoint": True, "label": label} | _scope_keys(request, body, lane)
    return _remember(request, lane, f"[checkpoint] {label}", metadata)


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_memories),
        "POST": MethodHandler(create_memory),
        "PATCH": MethodHandler(change_memory),
        "DELETE": MethodHandler(delete_memory),
    }
    return [
        route("/api/memories/actions", PlainEndpoint(service, {"POST": MethodHandler(act)})),
        route("/api/memories", PlainEndpoint(service, handlers)),
    ]
