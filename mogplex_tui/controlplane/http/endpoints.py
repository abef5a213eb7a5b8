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


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response whose body is the value itself, without an envelope.

    Unversioned routes respond in this way (errors.md §2).
    """
    return Response(encode(value), status, headers, media_type="application/json")


def json_text_response(text: str) -> Response:
    """Return a 200 response with a text that is already encoded as JSON."""
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


async def json_pieces_response(pieces: Iterable[str]) -> Response:
    """Return a 200 response with a long JSON text that is given in pieces.

    Other requests can run while the pieces are computed.
    """
    made = []
    for piece in pieces:
        made.append(piece.encode("utf-8", "replace"))
        await asyncio.sleep(0)
    return Response(b"".join(made), media_type="application/json")


def v1_response(value: Any, status: int = 200) -> Response:
    """Return a v1 success response: the value in an envelope (errors.md §1)."""
    return json_response({"ok": True, "data": value}, status)


class RefusedError(Exception):
    """Raised in a handler to end the request with the error response that it holds."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def v1_refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> RefusedError:
    """Return a v1 error response, to be raised (errors.md §1)."""
    return RefusedError(
        json_response({"ok": False, "error": {"code": code, "message": message}}, status, headers)
    )


def bad_request(message: str) -> RefusedError:
    """Return the v1 error 400 BAD_REQUEST, to be raised."""
    return v1_refusal(400, "BAD_REQUEST", message)


def not_found(message: str) -> RefusedError:
    """Return the v1 error 404 NOT_FOUND, to be raised."""
    return v1_refusal(404, "NOT_FOUND", message)


def refusal(status: int, message: str, /, **more: Any) -> RefusedError:
    """Return an error response of an unversioned route, to be raised.

    `more` are further fields of the body (errors.md §2, shapes E1 and E5).
    """
    return RefusedError(json_response({"error": message, **more}, status))


def empty_500() -> RefusedError:
    """Return the service's response to a crash, a 500 without a body, to be raised.

    errors.md §2, E10.
    """
    return RefusedError(Response(status_code=500))


@dataclass(slots=True)
class Service:
    """The plane and the objects that all routes share.

    `ids` creates the ids of rows made by requests; `origin` is the server's URL.
    """

    plane: Plane
    auth: Authenticator
    ids: Ids
    origin: str = "http://127.0.0.1"


@dataclass(slots=True)
class ApiRequest:
    """A request, the service that answers it, and the caller.

    `http` is Starlette's request. `caller` is never None on routes that require credentials.
    """

    service: Service
    http: Request
    caller: Caller | None

    @property
    def plane(self) -> Plane:
        """The plane that answers the request."""
        return self.service.plane

    @property
    def known_caller(self) -> Caller:
        """The authenticated caller. Raises LookupError if there is none."""
        if self.caller is None:
            raise LookupError("the request is anonymous")
        return self.caller

    @property
    def user_id(self) -> str:
        """The id of the caller's profile, "" for an anonymous caller."""
        return "" if self.caller is None else self.caller.user_id

    def path_id(self, name: str) -> str:
        """Return the id in the path parameter `name`, in lower case."""
        value: str = self.http.path_params[name]
        return value.lower()

    def query(self, name: str) -> str:
        """Return the first value of a query parameter, or "" if it is missing."""
        for key, value in self.http.query_params.multi_items():
            if key == name:
                return value
        return ""

    def has_query(self, name: str) -> bool:
        """Return whether the query contains a parameter."""
        return name in self.http.query_params


Handler = Callable[[ApiRequest], Awaitable[Response]]


class MethodHandler(NamedTuple):
    """The handler of one HTTP method of a path.

    `handle` answers requests. `scope` is the token scope that the method requires on v1 routes.
    `failure` is the message of the 500 response after an unexpected exception.
    """

    handle: Handler
    scope: str | None = None
    failure: str = ""


class Endpoint(ABC):
    """All methods of one path as an ASGI application.

    Subclasses decide who may call the methods and how an unexpected exception is answered.
    """

    def __init__(self, service: Service, handlers: Mapping[str, MethodHandler]) -> None:
        self.service = service
        self.handlers = dict(handlers)

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods that have a handler; HEAD and OPTIONS are not listed."""
        return tuple(self.handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        HEAD is answered like GET, OPTIONS with 204 and Allow, other methods with an empty 405 (v1.md §0).
        """
        method = scope["method"]
        handler = self.handlers.get("GET" if method == "HEAD" else method)
        if handler is not None:
            response = await self._run(handler, Request(scope, receive))
        elif method == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": self._allow()})
        else:
            response = Response(status_code=405)
        await response(scope, receive, send)

    def _allow(self) -> str:
        allowed = [*self.handlers, *(["HEAD"] if "GET" in self.handlers else []), "OPTIONS"]
        return ", ".join(sorted(allowed))

    async def _run(self, handler: MethodHandler, request: Request) -> Response:
        try:
            caller = self.authenticate(request)
            if (entered := request.scope.get("entered")) is not None:
                entered(caller)
            self.authorize(handler, caller)
            return await handler.handle(ApiRequest(self.service, request, caller))
        except RefusedError as refused:
            return refused.response
        except WriteRefusedError:
            return self.internal_error(handler)
        except ClientDisconnect:
            # The client is gone, and nothing was done.
            return Response(status_code=400)
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return self.internal_error(handler)

    @abstractmethod
    def authenticate(self, request: Request) -> Caller | None:
        """Return the caller. Raises RefusedError if the route requires one."""

    @abstractmethod
    def authorize(self, handler: MethodHandler, caller: Caller | None) -> None:
        """Raise RefusedError if the caller may not use this method."""

    @abstractmethod
    def internal_error(self, handler: MethodHandler) -> Response:
        """Return the response to an unexpected exception."""


class V1Endpoint(Endpoint):
    """A v1 path, which requires a bearer token; a session is not enough.

    The token is checked first, then its request limit, then its scope (auth.md §5.2).
    """

    def authenticate(self, request: Request) -> Caller:
        """Return the owner of the request's bearer token.

        Raises RefusedError: 401 for an invalid token, 429 over the request limit (auth.md §5.2).
        """
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

    def authorize(self, handler: MethodHandler, caller: Caller | None) -> None:
        """Raise RefusedError 403 if the token lacks the scope that the method requires.

        Methods without a `scope` require none (v1.md §0).
        """
        if handler.scope is not None and (caller is None or handler.scope not in caller.scopes):
            raise v1_refusal(403, "FORBIDDEN", _missing_scope(handler.scope))

    def _unauthorized(self) -> RefusedError:
        metadata = f"{self.service.origin}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"
        challenge = f'Bearer resource_metadata="{metadata}"'
        return v1_refusal(401, "UNAUTHORIZED", "Unauthorized", {"WWW-Authenticate": challenge})

    def internal_error(self, handler: MethodHandler) -> Response:
        """Return a 500 INTERNAL_ERROR whose message is `handler.failure` (errors.md §1.3)."""
        return v1_refusal(500, "INTERNAL_ERROR", handler.failure).response


def _missing_scope(scope: str) -> str:
    issue = f"Issue a new token with the '{scope}' scope at /settings/api-keys."
    return f"Missing required scope: {scope}. {issue}"


class OpenEndpoint(Endpoint):
    """An unversioned path that also answers without credentials (identity.md §1.2)."""

    def authenticate(self, request: Request) -> Caller | None:
        """Return the caller, or None for an anonymous request.

        The caller is the owner of the token, the user in the test headers, or the session's owner.
        """
        header = request.headers.get("authorization", "")
        return self.service.auth.unversioned(header, request.cookies.get(SESSION_COOKIE), request.headers)

    def authorize(self, handler: MethodHandler, caller: Caller | None) -> None:
        """Allow everything: unversioned routes have no scopes (auth.md §5.1)."""

    def internal_error(self, handler: MethodHandler) -> Response:
        """Return a 500 with `handler.failure` as error, or without a body if that is "".

        observability.md §0.
        """
        return refusal(500, handler.failure).response if handler.failure else empty_500().response


class PlainEndpoint(OpenEndpoint):
    """An unversioned path that requires credentials, without scopes (auth.md §5.1)."""

    def authenticate(self, request: Request) -> Caller:
        """Return the caller of the request.

        Raises RefusedError 401 if the request has no valid credentials. A token that is over its request
        limit counts as invalid.
        """
        caller = super().authenticate(request)
        if caller is None:
            raise refusal(401, "Unauthorized")
        return caller


def route(path: str, endpoint: Endpoint) -> Route:
    """Return a route that passes all methods of a path to the endpoint."""
    return Route(path, endpoint)
