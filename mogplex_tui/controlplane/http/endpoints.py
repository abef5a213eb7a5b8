"""Requests, responses, refusals and endpoints of v1 and unversioned routes."""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..core.plane import Plane
from ..db.database import WriteRefusedError
from ..db.ids import Ids
from .authentication import SESSION_COOKIE, Authenticator, Caller, Refusal

log = logging.getLogger("mogplex.controlplane")

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def encode(value: Any) -> bytes:
    """Encode a value as compact UTF-8 JSON."""
    return _ENCODER.encode(value).encode("utf-8", "replace")


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response without an envelope (errors.md §2)."""
    return Response(encode(value), status, headers, media_type="application/json")


def answer_text(text: str) -> Response:
    """As `answer`, for a JSON text."""
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


async def answer_pieces(pieces: Iterable[str]) -> Response:
    """As `answer_text`, for a text that takes long: other requests run in between."""
    made = []
    for piece in pieces:
        made.append(piece.encode("utf-8", "replace"))
        await asyncio.sleep(0)
    return Response(b"".join(made), media_type="application/json")


def data(value: Any, status: int = 200) -> Response:
    """Return a v1 success envelope (errors.md §1)."""
    return answer({"ok": True, "data": value}, status)


class RefusedError(Exception):
    """A response that is no success, raised anywhere in a handler."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def v1_refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> RefusedError:
    """Return a v1 error envelope to raise (errors.md §1)."""
    return RefusedError(answer({"ok": False, "error": {"code": code, "message": message}}, status, headers))


def bad_request(message: str) -> RefusedError:
    """Return 400 BAD_REQUEST on v1."""
    return v1_refusal(400, "BAD_REQUEST", message)


def not_found(message: str) -> RefusedError:
    """Return 404 NOT_FOUND on v1."""
    return v1_refusal(404, "NOT_FOUND", message)


def refusal(status: int, message: str, /, **more: Any) -> RefusedError:
    """Return an unversioned error to raise (errors.md §2, shapes E1 and E5)."""
    return RefusedError(answer({"error": message, **more}, status))


def empty_crash() -> RefusedError:
    """Return the empty 500 of an unhandled exception (errors.md §2, E10)."""
    return RefusedError(Response(status_code=500))


@dataclass(slots=True)
class Service:
    """The plane as the routes see it.

    `ids` is the stream for rows made by requests; `origin` is the server's URL.
    """

    plane: Plane
    auth: Authenticator
    ids: Ids
    origin: str = "http://127.0.0.1"


@dataclass(slots=True)
class Ask:
    """One request: service, Starlette request and caller.

    The caller is never None on routes that require a credential.
    """

    service: Service
    request: Request
    caller: Caller | None

    @property
    def plane(self) -> Plane:
        """The plane."""
        return self.service.plane

    @property
    def known_caller(self) -> Caller:
        """The authenticated caller. Raises LookupError if there is none."""
        if self.caller is None:
            raise LookupError("nobody asks")
        return self.caller

    @property
    def user_id(self) -> str:
        """The caller's profile id; an anonymous caller owns nothing."""
        return "" if self.caller is None else self.caller.user_id

    def path_id(self, name: str) -> str:
        """Return a path parameter as an id in lower case."""
        value: str = self.request.path_params[name]
        return value.lower()

    def query(self, name: str) -> str:
        """Return the first value of a query parameter, or an empty text."""
        for key, value in self.request.query_params.multi_items():
            if key == name:
                return value
        return ""

    def has_query(self, name: str) -> bool:
        """Return whether a query parameter was given."""
        return name in self.request.query_params


Handler = Callable[[Ask], Awaitable[Response]]


class Verb(NamedTuple):
    """A method of a route: handler, v1 scope, and the text of its 500 on v1."""

    handler: Handler
    scope: str | None = None
    failure: str = ""


class Endpoint(ABC):
    """All methods of one path as an ASGI application.

    Subclasses decide who may enter and what a crash looks like.
    """

    def __init__(self, service: Service, verbs: Mapping[str, Verb]) -> None:
        self.service = service
        self.verbs = dict(verbs)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods with a handler, besides HEAD and OPTIONS."""
        return tuple(self.verbs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        HEAD is like GET, OPTIONS is 204 with Allow, other methods are an empty 405 (v1.md §0).
        """
        method = scope["method"]
        verb = self.verbs.get("GET" if method == "HEAD" else method)
        if verb is not None:
            response = await self._run(verb, Request(scope, receive))
        elif method == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": self._allow()})
        else:
            response = Response(status_code=405)
        await response(scope, receive, send)

    def _allow(self) -> str:
        allowed = [*self.verbs, *(["HEAD"] if "GET" in self.verbs else []), "OPTIONS"]
        return ", ".join(sorted(allowed))

    async def _run(self, verb: Verb, request: Request) -> Response:
        try:
            caller = self.enter(request)
            if (entered := request.scope.get("entered")) is not None:
                entered(caller)
            self.check(verb, caller)
            return await verb.handler(Ask(self.service, request, caller))
        except RefusedError as refused:
            return refused.response
        except WriteRefusedError:
            return self.crash(verb)
        except ClientDisconnect:
            # The client is gone, and nothing was done.
            return Response(status_code=400)
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return self.crash(verb)

    @abstractmethod
    def enter(self, request: Request) -> Caller | None:
        """Return the caller. Raises RefusedError if the route requires one."""

    @abstractmethod
    def check(self, verb: Verb, caller: Caller | None) -> None:
        """Raise RefusedError if the caller may not use this method."""

    @abstractmethod
    def crash(self, verb: Verb) -> Response:
        """Return the response to an unexpected exception."""


class V1Endpoint(Endpoint):
    """A v1 path: bearer token, then limit, then scope; no session (auth.md §5.2)."""

    def enter(self, request: Request) -> Caller:
        """Return the token's owner. Raises the 401 or 429 of auth.md §5.2."""
        header = request.headers.get("authorization", "")
        if not header.startswith("Bearer "):
            raise self._unauthorized()
        caller = self.service.auth.token(header[len("Bearer ") :])
        if caller is Refusal.UNKNOWN:
            raise self._unauthorized()
        if caller is Refusal.OVER_LIMIT:
            message = "Rate limit exceeded. Retry after 60s."
            raise v1_refusal(429, "RATE_LIMITED", message, {"Retry-After": "60"})
        return caller

    def check(self, verb: Verb, caller: Caller | None) -> None:
        """Raise 403 if the token lacks the scope; some methods need none (v1.md §0)."""
        if verb.scope is not None and (caller is None or verb.scope not in caller.scopes):
            raise v1_refusal(403, "FORBIDDEN", _missing_scope(verb.scope))

    def _unauthorized(self) -> RefusedError:
        metadata = f"{self.service.origin}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"
        challenge = f'Bearer resource_metadata="{metadata}"'
        return v1_refusal(401, "UNAUTHORIZED", "Unauthorized", {"WWW-Authenticate": challenge})

    def crash(self, verb: Verb) -> Response:
        """Return 500 INTERNAL_ERROR with the route's message (errors.md §1.3)."""
        return v1_refusal(500, "INTERNAL_ERROR", verb.failure).response


def _missing_scope(scope: str) -> str:
    issue = f"Issue a new token with the '{scope}' scope at /settings/api-keys."
    return f"Missing required scope: {scope}. {issue}"


class OpenEndpoint(Endpoint):
    """An unversioned path that also answers without credentials (identity.md §1.2)."""

    def enter(self, request: Request) -> Caller | None:
        """Return the owner of the token, the test headers or the session, or None."""
        header = request.headers.get("authorization", "")
        return self.service.auth.unversioned(header, request.cookies.get(SESSION_COOKIE), request.headers)

    def check(self, verb: Verb, caller: Caller | None) -> None:
        """Allow everything: unversioned routes have no scopes (auth.md §5.1)."""

    def crash(self, verb: Verb) -> Response:
        """Return 500 with the route's text, or else empty (observability.md §0)."""
        return refusal(500, verb.failure).response if verb.failure else empty_crash().response


class PlainEndpoint(OpenEndpoint):
    """An unversioned path that requires credentials, without scopes (auth.md §5.1)."""

    def enter(self, request: Request) -> Caller:
        """Return the token's or session's owner. Raises the 401 without Retry-After."""
        caller = super().enter(request)
        if caller is None:
            raise refusal(401, "Unauthorized")
        return caller


def route(path: str, endpoint: Endpoint) -> Route:
    """Return a route that passes every method of its path to the endpoint."""
    return Route(path, endpoint)
