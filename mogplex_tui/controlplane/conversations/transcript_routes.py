"""/api/conversations: stored transcripts with optimistic locking (library.md §12)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import parse_instant
from ..db.database import Row, Tx
from ..db.row_json import timed
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from ..library import request_fields

_LISTED = "id, user_id, model, mode, title, created_at, updated_at"
_FULL = "id, user_id, model, mode, title, messages, local_msgs, harness_state, created_at, updated_at"
_KINDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "mode": (str,),
    "title": (str, type(None)),
    "messages": (list,),
    "local_msgs": (list,),
    "harness_state": (dict,),
}


def _conversation(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return timed(row, "created_at", "updated_at", json_columns=("messages", "local_msgs", "harness_state"))


def _own(request: ApiRequest, conversation_id: str) -> dict[str, Any] | None:
    sql = f"SELECT {_FULL} FROM conversations WHERE id = ? AND user_id = ?"
    return _conversation(request.plane.db.one(sql, (conversation_id, request.user_id)))


async def read_conversations(request: ApiRequest) -> Response:
    """Return one transcript, or a list of transcripts without their messages.

    The query parameter `id` selects one transcript; the response is `null` if it is unknown. The list
    has the 200 most recently changed transcripts.
    """
    if wanted := request.query("id"):
        return json_response(_own(request, wanted))
    rows = request.plane.db.all(
        f"SELECT {_LISTED} FROM conversations WHERE user_id = ?"
        " ORDER BY updated_at DESC, rowid DESC LIMIT 200",
        (request.user_id,),
    )
    return json_response([timed(row, "created_at", "updated_at") for row in rows])


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a transcript that a request body sets, with their values.

    Raises RefusedError 400 for an invalid value.
    """
    changes: dict[str, Any] = {}
    for column, kinds in _KINDS.items():
        if column not in body:
            continue
        value = body[column]
        if not isinstance(value, kinds):
            raise refusal(400, f"Invalid {column}")
        changes[column] = request_fields.compact(value) if isinstance(value, list | dict) else value
    return changes


def _expected_version(body: dict[str, Any]) -> int | None:
    """Return the `expected_updated_at` of the body in µs, or None if it has none.

    It is the `updated_at` of the version that the client read; a body without it creates a
    transcript. Raises RefusedError 500 if it is not a valid time.
    """
    text = body.get("expected_updated_at")
    if not isinstance(text, str) or not text:
        return None
    instant = parse_instant(text)
    if instant is None:
        raise refusal(500, f'invalid input syntax for type timestamp with time zone: "{text}"')
    return instant


def _write(
    tx: Tx, request: ApiRequest, conversation_id: str, seen: int | None, changes: dict[str, Any]
) -> bool:
    """Insert a transcript, or update the version that the client has read.

    `seen` is the `updated_at` (µs) of that version; None inserts a new transcript. Returns False,
    without writing, if the new id exists already or if the stored version is a different one.
    """
    now = request.plane.clock.now_us()
    # The service stamps this column with a clock of whole milliseconds, and created_at with the database's.
    changes = {**changes, "updated_at": now - now % 1000}
    if seen is None:
        changes |= {"id": conversation_id, "user_id": request.user_id, "created_at": now}
        names, marks = ", ".join(changes), ", ".join("?" * len(changes))
        sql = f"INSERT INTO conversations ({names}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING"
        return tx.execute(sql, tuple(changes.values())).rowcount > 0
    sets = ", ".join(f"{name} = ?" for name in changes)
    done = tx.execute(
        f"UPDATE conversations SET {sets} WHERE id = ? AND user_id = ? AND updated_at = ?",
        (*changes.values(), conversation_id, request.user_id, seen),
    )
    return done.rowcount > 0


async def put_conversation(request: ApiRequest) -> Response:
    """Insert or update a transcript and return it.

    Raises 409 with the stored transcript if the client did not read its latest version.
    """
    body = await request_fields.strict_body(request)
    conversation_id = body.get("id")
    if not isinstance(conversation_id, str) or not conversation_id:
        raise refusal(400, "Missing id")
    seen, changes = _expected_version(body), _changes(body)
    with request.plane.db.transaction() as tx:
        written = _write(tx, request, conversation_id, seen, changes)
    row = _own(request, conversation_id)
    if not written:
        raise refusal(409, "CONFLICT", conversation=row)
    return json_response({"ok": True, "conversation": row})


async def delete_conversation(request: ApiRequest) -> Response:
    """Delete a transcript; succeed even if it does not exist.

    Raises 400 `Missing id` if the query has no `id`.
    """
    wanted = request.query("id")
    if not wanted:
        raise refusal(400, "Missing id")
    with request.plane.db.transaction() as tx:
        tx.execute("DELETE FROM conversations WHERE id = ? AND user_id = ?", (wanted, request.user_id))
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(read_conversations),
        "PUT": MethodHandler(put_conversation),
        "DELETE": MethodHandler(delete_conversation),
    }
    return [route("/api/conversations", PlainEndpoint(service, handlers))]
