"""Makes the defects of the hosted service happen: looks up those a request may meet, and corrects its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..call_query import searched
from ..credentials import Caller
from ..database import REFUSED_WRITES as REFUSING
from ..plane import Plane
from ..routes.params import is_uuid, leading_int
from ..routes.web import encode
from . import defects
from .defects import Broken
from .refuse import is_v1

CALLS = defects.OBSERVABILITY + "/calls"
# More rows than a plane holds.
EVERY = 2**31 - 1


class Known(NamedTuple):
    """A defect with its path made ready for matching."""

    methods: frozenset[str]
    path: re.Pattern[str]
    broken: Broken


def _path(template: str) -> re.Pattern[str]:
    escaped = re.escape(template).replace(r"\{\*\}", "[^/]+")
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", escaped))


def _known(listed: Iterable[Broken]) -> tuple[Known, ...]:
    return tuple(Known(frozenset(b.methods.split(",")), _path(b.path), b) for b in listed)


_BAD_IDS = _known(defects.BAD_IDS)
_BROKEN = _known(defects.BROKEN)
_REFUSED = _known(defects.REFUSED_WRITES)
_QUERIES = _known(defects.REFUSED_QUERIES)
_EXPORTS = _known(defects.EXPORTS)
_UNGUARDED = _known(Broken(methods, path, "") for methods, path in defects.UNGUARDED)
_PAGED = _known(Broken("GET", path, "", when) for path, when in defects.PAGED_IN_MEMORY)


class Visit:
    """One request, what came of it, and the defects it may meet."""

    def __init__(self, scope: Scope) -> None:
        self.method = "GET" if scope["method"] == "HEAD" else scope["method"]
        self.path: str = scope["path"]
        self.query: dict[str, str] = {}
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            self.query.setdefault(name, value)
        self.caller: Caller | None = None
        self.body: Any = None
        self.bad_body = False
        self.refuses = False
        self.refused: list[None] = []

    def meets(self, known: Iterable[Known]) -> list[Broken]:
        """Those of the defects whose method, path and conditions fit."""
        return [
            broken
            for broken in self.may_meet(known)
            if all(self.holds(name, wanted) for name, wanted in broken.when)
        ]

    def may_meet(self, known: Iterable[Known]) -> list[Broken]:
        """Those of the defects whose method and path fit."""
        return [k.broken for k in known if self.method in k.methods and k.path.fullmatch(self.path)]

    def refused_write(self) -> list[Broken]:
        """The write that the database will refuse, by the keys of the body."""
        keys = self.body if isinstance(self.body, dict) else {}
        return [b for b in self.may_meet(_REFUSED) if all(name in keys for name, _ in b.when)]

    def bad_id(self) -> tuple[Broken, str] | None:
        """The defect of a path with an id that is no UUID, and that id."""
        if self.path in defects.NOT_IDS:
            return None
        for known in _BAD_IDS:
            match = known.path.fullmatch(self.path) if self.method in known.methods else None
            if match is not None:
                bad = next((unquote(text) for text in match.groups() if not is_uuid(text)), None)
                if bad is not None:
                    return known.broken, bad
        return None

    def holds(self, name: str, wanted: str) -> bool:
        """Whether a condition of defects.py on a query parameter holds."""
        if wanted.startswith("!"):
            rest = wanted[1:]
            return not self.holds(name, rest if rest == "given" else f"={rest}")
        value = self.query.get(name, "")
        if wanted.startswith("="):
            return value == wanted[1:]
        tests: dict[str, Callable[[str], bool]] = {
            "given": bool,
            "no_number": lambda text: text != "" and leading_int(text) is None,
            "no_uuid": lambda text: text != "" and not is_uuid(text.strip()),
        }
        return tests[wanted](value)


class Answered(NamedTuple):
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return any(
            n.lower() == b"content-type" and v.startswith(b"application/json") for n, v in self.headers
        )


class HostedDefects:
    """Lets the handlers work and then does to their answers what the hosted service would."""

    def __init__(self, app: ASGIApp, plane: Plane) -> None:
        self._app, self._plane = app, plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        visit = Visit(scope)
        if visit.method == defects.GONE.methods and visit.path == defects.GONE.path:
            await _error(visit, defects.GONE, "")(scope, receive, send)
            return
        correct = self._corrections(visit)
        if not correct:
            await self._app(scope, receive, send)
            return
        if visit.meets(_UNGUARDED) or visit.may_meet(_REFUSED):
            receive = await self._look_at_body(visit, receive)
        answered = await self._run(visit, scope, receive)
        for one in correct:
            replaced = one(visit, answered)
            if replaced is not None:
                await replaced(scope, receive, send)
                return
        await send({"type": "http.response.start", "status": answered.status, "headers": answered.headers})
        await send({"type": "http.response.body", "body": answered.body})

    def _corrections(self, visit: Visit) -> list[Callable[[Visit, Answered], Response | None]]:
        found: list[Callable[[Visit, Answered], Response | None]] = []
        if visit.meets(_UNGUARDED):
            found.append(_after_bad_body)
        if visit.bad_id() is not None:
            found.append(_after_bad_id)
        if visit.may_meet(_REFUSED):
            found.append(_after_refused_write)
        if visit.meets(_BROKEN) or visit.meets(_QUERIES):
            found.append(_after_broken)
        if visit.meets(_EXPORTS):
            found.append(self._after_export)
        if visit.meets(_PAGED) and any(visit.holds(name, "no_number") for name in ("page", "limit")):
            found.append(_after_paging)
        elif visit.path == CALLS and visit.method == "GET":
            if len(searched(visit.query.get("q", ""))) >= 2:
                found.append(self._after_search)
            if visit.holds("limit", "no_number"):
                found.append(_after_no_limit)
        return found

    async def _look_at_body(self, visit: Visit, receive: Receive) -> Receive:
        """Read the body, decide what the database will refuse, and let the handler read it again."""
        messages: list[Message] = []
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request" or not message.get("more_body", False):
                break
        try:
            visit.body = json.loads(b"".join(m.get("body", b"") for m in messages))
        except ValueError:
            visit.body = None
        visit.bad_body = visit.body is None and bool(visit.meets(_UNGUARDED))
        visit.refuses = visit.bad_body or bool(visit.refused_write())

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        return again

    async def _run(self, visit: Visit, scope: Scope, receive: Receive) -> Answered:
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        def entered(caller: Caller | None) -> None:
            # After the credential was looked up: that a token was used is written down all the same.
            visit.caller = caller
            if visit.refuses:
                REFUSING.set(visit.refused)

        inner = dict(scope)
        inner["entered"] = entered
        if visit.path == CALLS and visit.holds("limit", "no_number") and not visit.meets(_PAGED):
            inner["query_string"] = urlencode({**visit.query, "limit": EVERY}).encode()
            inner["most_rows"] = EVERY
        token = REFUSING.set(None)
        try:
            await self._app(inner, receive, collect)
        finally:
            REFUSING.reset(token)
        return Answered(start["status"], list(start["headers"]), b"".join(parts))

    def _after_export(self, visit: Visit, answered: Answered) -> Response | None:
        owner = visit.caller.user_id if visit.caller else None
        if answered.status != 200 or self._plane.db.one(defects.STORED_SECRETS, (owner,)) is None:
            return None
        return _error(visit, visit.meets(_EXPORTS)[0], "")

    def _after_search(self, visit: Visit, answered: Answered) -> Response | None:
        """Nothing matches, and a text that is in the name of one of the caller's repositories is a 500."""
        if answered.status != 200:
            return None
        text = searched(visit.query.get("q", ""))
        owner = visit.caller.user_id if visit.caller else None
        in_a_name = "SELECT 1 FROM repos WHERE user_id = ? AND instr(lower(full_name), lower(?)) > 0"
        if self._plane.db.one(in_a_name, (owner, text)) is not None:
            return _error(visit, Broken("GET", CALLS, "Failed to fetch calls"), "")
        body = json.loads(answered.body) | {"calls": [], "total": 0}
        if visit.holds("limit", "no_number"):
            body["limit"] = None
        return _json(body, 200)


def _after_bad_body(visit: Visit, answered: Answered) -> Response | None:
    if not visit.bad_body or answered.status in (401, 403, 405, 429) or _is_a_page(answered):
        return None
    return Response(status_code=500)


def _after_bad_id(visit: Visit, answered: Answered) -> Response | None:
    found = visit.bad_id()
    replaced = {200, 201, 202, 404, 409} | ({400} if visit.method in ("GET", "DELETE") else set())
    if found is None or answered.status not in replaced | {found[0].instead} or _is_a_page(answered):
        return None
    return _error(visit, *found)


def _after_refused_write(visit: Visit, _: Answered) -> Response | None:
    if not visit.refused:
        return None
    met = visit.refused_write()
    return _error(visit, met[0], "") if met else None


def _after_broken(visit: Visit, answered: Answered) -> Response | None:
    met = visit.meets(_BROKEN) or visit.meets(_QUERIES)
    served = answered.status < 300 or (answered.status == 404 and not _is_a_page(answered))
    if not served and not (answered.status >= 500 and visit.meets(_QUERIES)):
        return None
    bad = [value for name, wanted in met[0].when if wanted == "no_uuid" for value in [visit.query[name]]]
    return _error(visit, met[0], bad[0] if bad else "")


def _after_paging(visit: Visit, answered: Answered) -> Response | None:
    if answered.status != 200:
        return None
    body = json.loads(answered.body)
    empty: dict[str, Any] = {key: [] for key, value in body.items() if isinstance(value, list)}
    nulls = {name: None for name in ("page", "limit") if visit.holds(name, "no_number")}
    return _json(body | empty | nulls, 200)


def _after_no_limit(_: Visit, answered: Answered) -> Response | None:
    return _json(json.loads(answered.body) | {"limit": None}, 200) if answered.status == 200 else None


def _is_a_page(answered: Answered) -> bool:
    """Whether there is no such route at all."""
    return answered.status == 404 and not answered.is_json


def _error(visit: Visit, broken: Broken, bad_id: str) -> Response:
    if not broken.text:
        return Response(status_code=broken.status)
    incident = "".join(c for c in bad_id if c.isascii() and c.isalnum())[:10].upper()
    text = broken.text.replace("{id}", bad_id).replace("{incident}", incident)
    if is_v1(visit.path):
        return _json({"ok": False, "error": {"code": "INTERNAL_ERROR", "message": text}}, broken.status)
    return _json({"error": text} | ({"code": broken.code} if broken.code else {}), broken.status)


def _json(value: Any, status: int) -> Response:
    return Response(encode(value), status, media_type="application/json")
