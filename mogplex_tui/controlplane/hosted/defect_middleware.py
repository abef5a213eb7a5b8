"""Reproduce defects of the hosted service by changing responses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.plane import Plane
from ..db.database import REFUSED_WRITES as REFUSING
from ..faults.error_envelopes import is_v1
from ..http.authentication import Caller
from ..http.endpoints import encode
from ..observability.call_queries import searched
from . import defect_matching as known
from . import defects
from .defect_matching import DefectCheck
from .defects import FailingRequests

CALLS = defects.OBSERVABILITY + "/calls"
# More rows than any plane has.
EVERY = 2**31 - 1


class Answered(NamedTuple):
    """A complete response of a handler: status, headers and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the content type is JSON."""
        return any(
            n.lower() == b"content-type" and v.startswith(b"application/json") for n, v in self.headers
        )


class HostedDefects:
    """ASGI middleware that replaces responses where the hosted service has a defect.

    The handler runs first, because a defect depends on its response.
    """

    def __init__(self, app: ASGIApp, plane: Plane) -> None:
        self._app, self._plane = app, plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        # The MCP endpoint's operations have the same defects as their routes.
        scope.setdefault("router", self)
        visit = DefectCheck(scope)
        if visit.method == defects.GONE.methods and visit.path == defects.GONE.path:
            await _error(visit, defects.GONE, "")(scope, receive, send)
            return
        correct = self._corrections(visit)
        if not correct:
            await self._app(scope, receive, send)
            return
        if visit.body_decides:
            receive = await self._look_at_body(visit, receive)
        answered = await self._run(visit, scope, receive)
        for one in correct:
            replaced = one(visit, answered)
            if replaced is not None:
                await replaced(scope, receive, send)
                return
        await send({"type": "http.response.start", "status": answered.status, "headers": answered.headers})
        await send({"type": "http.response.body", "body": answered.body})

    def _corrections(self, visit: DefectCheck) -> list[Callable[[DefectCheck, Answered], Response | None]]:
        corrections: list[Callable[[DefectCheck, Answered], Response | None]] = []
        if visit.body_decides:
            corrections += [_after_bad_body, _after_refused_write, _after_refused_row, _after_body_id]
        if visit.bad_id() is not None:
            corrections.append(_after_bad_id)
        if visit.matches(known.BROKEN) or visit.matches(known.QUERIES):
            corrections.append(_after_broken)
        if visit.matches(known.EXPORTS):
            corrections.append(self._after_export)
        if visit.matches(known.PAGED) and any(
            visit.query_matches(name, "no_number") for name in ("page", "limit")
        ):
            corrections.append(_after_paging)
        elif visit.path == CALLS and visit.method == "GET":
            if len(searched(visit.query.get("q", ""))) >= 2:
                corrections.append(self._after_search)
            if visit.query_matches("limit", "no_number"):
                corrections.append(_after_no_limit)
        return corrections

    async def _look_at_body(self, visit: DefectCheck, receive: Receive) -> Receive:
        """Read the body, pass it to `visit`, and return a `receive` that replays it."""
        messages: list[Message] = []
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request" or not message.get("more_body", False):
                break
        visit.read_body(b"".join(m.get("body", b"") for m in messages))

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        return again

    async def _run(self, visit: DefectCheck, scope: Scope, receive: Receive) -> Answered:
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        def entered(caller: Caller | None) -> None:
            # After authentication: the use of the token is recorded all the same.
            visit.caller = caller
            if visit.refuses:
                REFUSING.set(visit.refused)

        inner = dict(scope)
        inner["entered"] = entered
        if (
            visit.path == CALLS
            and visit.query_matches("limit", "no_number")
            and not visit.matches(known.PAGED)
        ):
            inner["query_string"] = urlencode({**visit.query, "limit": EVERY}).encode()
            inner["most_rows"] = EVERY
        token = REFUSING.set(None)
        try:
            await self._app(inner, receive, collect)
        finally:
            REFUSING.reset(token)
        return Answered(start["status"], list(start["headers"]), b"".join(parts))

    def _after_export(self, visit: DefectCheck, answered: Answered) -> Response | None:
        owner = visit.caller.user_id if visit.caller else None
        if answered.status != 200 or self._plane.db.one(defects.STORED_SECRETS, (owner,)) is None:
            return None
        return _error(visit, visit.matches(known.EXPORTS)[0], "")

    def _after_search(self, visit: DefectCheck, answered: Answered) -> Response | None:
        """Return an empty result for a search, or a 500 if a repository's name matches."""
        if answered.status != 200:
            return None
        text = searched(visit.query.get("q", ""))
        owner = visit.caller.user_id if visit.caller else None
        in_a_name = "SELECT 1 FROM repos WHERE user_id = ? AND instr(lower(full_name), lower(?)) > 0"
        if self._plane.db.one(in_a_name, (owner, text)) is not None:
            return _error(visit, FailingRequests("GET", CALLS, "Failed to fetch calls"), "")
        body = json.loads(answered.body) | {"calls": [], "total": 0}
        if visit.query_matches("limit", "no_number"):
            body["limit"] = None
        return _json(body, 200)


def _after_bad_body(visit: DefectCheck, answered: Answered) -> Response | None:
    if not visit.bad_body or answered.status in (401, 403, 405, 429) or _is_a_page(answered):
        return None
    unguarded = visit.matches(known.UNGUARDED)
    return _error(visit, unguarded[0], "") if unguarded else Response(status_code=500)


def _after_bad_id(visit: DefectCheck, answered: Answered) -> Response | None:
    found = visit.bad_id()
    replaced = {200, 201, 202, 404, 409} | ({400} if visit.method in ("GET", "DELETE") else set())
    if found is None or answered.status not in replaced | {found[0].instead} or _is_a_page(answered):
        return None
    return _error(visit, *found)


def _after_refused_write(visit: DefectCheck, _: Answered) -> Response | None:
    met = visit.refused_write() if visit.refused else None
    return None if met is None else _error(visit, met, "")


def _after_refused_row(visit: DefectCheck, answered: Answered) -> Response | None:
    """Return the hosted service's database error for a row that the plane refuses.

    Returns None if the response needs no change.
    """
    if answered.status == 400 and (unfit := visit.unfit_row()) is not None:
        return _error(visit, unfit, "")
    if answered.status == 404 and answered.is_json and visit.may_match(known.ABSENT):
        return _error(visit, visit.no_row(), "")
    if answered.status == 200 and visit.may_match(known.EMPTY) and visit.changes_nothing():
        return _error(visit, FailingRequests(visit.method, visit.path, defects.NO_ROW), "")
    return None


def _after_body_id(visit: DefectCheck, answered: Answered) -> Response | None:
    found = visit.body_id()
    if found is None or answered.status != 404 or not answered.is_json:
        return None
    broken, refusal = found
    return _error(visit, broken, "") if refusal in answered.body.decode() else None


def _after_broken(visit: DefectCheck, answered: Answered) -> Response | None:
    met = visit.matches(known.BROKEN) or visit.matches(known.QUERIES)
    served = answered.status < 300 or (answered.status == 404 and not _is_a_page(answered))
    if not served and not (answered.status >= 500 and visit.matches(known.QUERIES)):
        return None
    bad = [value for name, wanted in met[0].when if wanted == "no_uuid" for value in [visit.query[name]]]
    return _error(visit, met[0], bad[0] if bad else "")


def _after_paging(visit: DefectCheck, answered: Answered) -> Response | None:
    if answered.status != 200:
        return None
    body = json.loads(answered.body)
    empty: dict[str, Any] = {key: [] for key, value in body.items() if isinstance(value, list)}
    nulls = {name: None for name in ("page", "limit") if visit.query_matches(name, "no_number")}
    return _json(body | empty | nulls, 200)


def _after_no_limit(_: DefectCheck, answered: Answered) -> Response | None:
    # Only the end is changed: the body may contain every call.
    end = b',"limit":%d}' % EVERY
    if answered.status != 200 or not answered.body.endswith(end):
        return None
    return Response(answered.body.removesuffix(end) + b',"limit":null}', media_type="application/json")


def _is_a_page(answered: Answered) -> bool:
    """Return whether the response is the HTML page for a route that does not exist."""
    return answered.status == 404 and not answered.is_json


def _error(visit: DefectCheck, broken: FailingRequests, bad_id: str) -> Response:
    if not broken.text:
        return Response(status_code=broken.status)
    incident = "".join(c for c in bad_id if c.isascii() and c.isalnum())[:10].upper()
    text = broken.text.replace("{id}", bad_id).replace("{incident}", incident)
    if is_v1(visit.path):
        return _json({"ok": False, "error": {"code": "INTERNAL_ERROR", "message": text}}, broken.status)
    return _json({"error": text} | ({"code": broken.code} if broken.code else {}), broken.status)


def _json(value: Any, status: int) -> Response:
    return Response(encode(value), status, media_type="application/json")
