"""Inject faults: ASGI middleware that applies the active fault rules to requests."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from random import Random

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import error_envelopes
from .event_stream import Change, FrameShaper, change_json
from .kinds import REFUSING
from .rules import Rule

_JSON_KINDS = frozenset(
    ("wrong-types", "unknown-fields", "unknown-values", "duplicated", "reordered", "skew")
)


class ActiveRule:
    """An active fault rule with its number, random stream and count of uses."""

    def __init__(self, number: int, rule: Rule, seed: int) -> None:
        self.number, self.rule, self.fired = number, rule, 0
        self.random = Random(f"{seed}/{number}/{rule.text}")

    @property
    def left(self) -> int | None:
        """The number of remaining uses; None if the rule has no limit."""
        return None if self.rule.count is None else self.rule.count - self.fired

    @property
    def silences_open_streams(self) -> bool:
        """Whether the rule silences all matching streams, including those already open."""
        rule = self.rule
        return rule.kind == "silent" and (rule.argument.low, rule.count, rule.probability) == (None, None, 1)

    def try_apply(self, method: str, path: str, query: str) -> bool:
        """Return whether the rule applies to this request, and count a use if it does."""
        if self.left == 0 or not self.rule.pattern.matches(method, path, query):
            return False
        if self.rule.probability < 1 and self.random.random() >= self.rule.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The active fault rules, in the order in which they are applied.

    The same seed, rules and requests always give the same faults.
    """

    def __init__(self, seed: int, rules: Iterable[Rule] = ()) -> None:
        self._seed = seed
        self._given = 0
        self.active: list[ActiveRule] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> ActiveRule:
        """Activate a rule and return it with its number."""
        self._given += 1
        active = ActiveRule(self._given, rule, self._seed)
        self.active.append(active)
        return active

    def remove(self, number: int) -> bool:
        """Remove the active rule with this number; return False if there is none."""
        kept = [active for active in self.active if active.number != number]
        found = len(kept) < len(self.active)
        self.active = kept
        return found

    def clear(self) -> None:
        """Remove all rules."""
        self.active = []

    def claim(self, method: str, path: str, query: str) -> list[ActiveRule]:
        """Count and return the rules that apply to a request.

        The list ends with the first rule that answers the request itself.
        """
        applied = []
        for active in self.active:
            if active.try_apply(method, path, query):
                applied.append(active)
                if active.rule.kind in REFUSING:
                    break
        return applied

    def refusal(self, method: str, path: str) -> tuple[int, str] | None:
        """Return the status and message with which a rule refuses a request to a backend.

        Returns None if no rule refuses it. Only rules whose path pattern starts with a slash apply
        to requests to backends (core/refusable_backends.py).
        """
        for active in self.active:
            rule = active.rule
            if rule.kind in REFUSING and rule.pattern.is_rooted and active.try_apply(method, path, ""):
                status = _status(rule)
                return status, error_envelopes.message(status)
        return None

    def silences(self, method: str, path: str, query: str) -> bool:
        """Return whether a rule stops an open stream from sending anything now."""
        return any(
            active.silences_open_streams and active.rule.pattern.matches(method, path, query)
            for active in self.active
        )


def _status(rule: Rule) -> int:
    """Return the status with which a rule refuses a request to a backend."""
    if rule.kind in ("status", "html"):
        status = int(rule.argument.low or 0)
        return status if status >= 400 else 502
    return int(rule.kind) if rule.kind.isdigit() else 401


class FaultInjector:
    """ASGI middleware that applies fault rules to requests and responses."""

    def __init__(self, app: ASGIApp, faults: Faults, origin: str) -> None:
        self._app, self._faults, self._origin = app, faults, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with a fault, or pass it on and change the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The MCP endpoint's operations pass through this too, with the rules of the outer request.
        within = "router" in scope
        scope.setdefault("router", self)
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        applied = self._faults.claim(method, path, query)
        for active in applied:
            argument = active.rule.argument
            if active.rule.kind == "latency":
                await asyncio.sleep(active.random.uniform(argument.low or 0, argument.high or 0))
        if applied and applied[-1].rule.kind in REFUSING:
            await self._refusal(applied[-1].rule, path, query)(scope, receive, send)
            return
        changes = [
            (active.rule, active.random)
            for active in applied
            if active.rule.kind != "latency" and not active.silences_open_streams
        ]
        shaped = _ShapedResponse(send, changes, lambda: self._faults.silences(method, path, query))
        await shaped.run(self._app, scope, receive)
        if shaped.is_cut and not within:
            _expect_cut()

    def _refusal(self, rule: Rule, path: str, query: str) -> Response:
        kind, low = rule.kind, rule.argument.low
        if kind == "500":
            return Response(status_code=500)
        if kind == "html":
            return error_envelopes.page(int(low or 200))
        if kind == "login":
            return error_envelopes.login(path, query)
        if kind == "database-down":
            return error_envelopes.database_down(path, self._origin)
        if kind == "429":
            return error_envelopes.refused(path, 429, self._origin, low)
        status = int(low or 500) if kind == "status" else int(kind)
        return error_envelopes.refused(path, status, self._origin, 60 if status == 429 else None)


class _ShapedResponse:
    """A response to which fault rules are applied while it is sent.

    Event streams are changed frame by frame; other responses are buffered and changed as a whole.
    """

    def __init__(self, send: Send, changes: list[Change], silenced: Callable[[], bool]) -> None:
        self._send, self._changes = send, changes
        self._frames = FrameShaper(changes, silenced)
        self._start: Message | None = None
        self._parts: list[bytes] = []
        self._streams = False
        self._cut = asyncio.Event()

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        drops = any(rule.kind == "drop" for rule, _ in self._changes)
        await app(scope, self._disconnect_on_cut(receive) if drops else receive, self.send)

    @property
    def is_cut(self) -> bool:
        """Whether a rule has cut the response off before its end."""
        return self._cut.is_set()

    def _disconnect_on_cut(self, receive: Receive) -> Receive:
        """Return a `receive` that reports a cut-off response as a client disconnect.

        The application then ends the stream together with its subscription.
        """

        async def receive_or_disconnect() -> Message:
            if not self._cut.is_set():
                message, cut = asyncio.ensure_future(receive()), asyncio.ensure_future(self._cut.wait())
                try:
                    await asyncio.wait((message, cut), return_when=asyncio.FIRST_COMPLETED)
                    if message.done():
                        return message.result()
                finally:
                    message.cancel()
                    cut.cancel()
            return {"type": "http.disconnect"}

        return receive_or_disconnect

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._streams = _header(message, b"content-type").startswith(b"text/event-stream")
            self._start = message
            if self._streams or not self._changes:
                await self._send(message)
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._streams:
            await self._send_frames(message)
        elif not self._changes:
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_whole()

    async def _send_frames(self, message: Message) -> None:
        if self._cut.is_set():
            return
        await self._send({**message, "body": self._frames.feed(message.get("body", b""))})
        if self._frames.over:
            self._cut.set()

    async def _send_whole(self) -> None:
        start, body = self._start or {}, b"".join(self._parts)
        if _header(start, b"content-type").startswith(b"application/json"):
            body = self._changed_json(body)
        promised, kept = len(body), len(body)
        for rule, _ in self._changes:
            limit = rule.argument.low
            if rule.kind == "truncated":
                promised = kept = len(body) // 2 if limit is None else min(len(body), int(limit))
            elif rule.kind == "drop":
                self._cut.set()
                kept = min(kept, promised // 2 if limit is None else int(limit))
                # The length that a cut response promises must be its full length.
                promised = max(promised, kept + 1)
        others = [item for item in start["headers"] if item[0].lower() != b"content-length"]
        headers = (
            others if start["status"] in (204, 304) else [*others, (b"content-length", b"%d" % promised)]
        )
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body[:kept], "more_body": self._cut.is_set()})

    def _changed_json(self, body: bytes) -> bytes:
        json_changes = [change for change in self._changes if change[0].kind in _JSON_KINDS]
        if not json_changes:
            return body
        try:
            value = json.loads(body)
        except ValueError:
            return body
        for rule, random in json_changes:
            value = change_json(value, rule, random)
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _header(message: Message, name: bytes) -> bytes:
    found: bytes = next((value for key, value in message.get("headers", ()) if key.lower() == name), b"")
    return found


class _IntendedCutFilter(logging.Filter):
    """Log filter that drops the server's messages about responses cut off by a rule."""

    expected = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if self.expected and "without completing response" in str(record.msg):
            self.expected -= 1
            return False
        return True


_CUT_FILTER = _IntendedCutFilter()


def _expect_cut() -> None:
    logging.getLogger("uvicorn.error").addFilter(_CUT_FILTER)
    _CUT_FILTER.expected += 1
