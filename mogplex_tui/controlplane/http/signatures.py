"""Verify webhook signatures (HMAC) and the scheduler's bearer token.

system.md §1.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from .authentication import Caller
from .endpoints import ApiRequest, Endpoint, MethodHandler, OpenEndpoint, empty_500, refusal

BODY_LIMIT = 1_000_000


def sha256_signature(secret: str, body: bytes) -> str:
    """Return the signature header for a body: `sha256=` and the HMAC in hex."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def equal_in_constant_time(given: str, expected: str) -> bool:
    """Return whether two secrets are equal, compared in constant time.

    They may contain any characters.
    """
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


async def body_within(request: ApiRequest, limit: int) -> bytes | None:
    """Return the body of a request, or None if it is longer than `limit` bytes."""
    kept = bytearray()
    async for piece in request.http.stream():
        kept += piece
        if len(kept) > limit:
            return None
    return bytes(kept)


class SenderEndpoint(OpenEndpoint):
    """A public path whose handler verifies the sender's signature.

    Credentials of the request are ignored.
    """

    def authenticate(self, request: Request) -> None:  # noqa: ARG002
        """Return None: the request has no caller."""
        return

    def internal_error(self, handler: MethodHandler) -> Response:
        """Return a 500 with `handler.failure` as error, or without a body if that is ""."""
        return refusal(500, handler.failure).response if handler.failure else empty_500().response


class MachineEndpoint(Endpoint):
    """A path for schedulers and workers, which send a shared secret as bearer token.

    system.md §1.
    """

    def authenticate(self, request: Request) -> None:
        """Check the shared secret and return None: the request has no caller.

        Raises RefusedError: 503 if no secret is configured, 401 for a wrong one.
        """
        secret = self.service.plane.settings.cron_secret
        if not secret:
            raise refusal(503, "CRON_SECRET_NOT_CONFIGURED")
        if not equal_in_constant_time(request.headers.get("authorization", ""), f"Bearer {secret}"):
            raise refusal(401, "Unauthorized")

    def authorize(self, handler: MethodHandler, caller: Caller | None) -> None:
        """Allow every method: the shared secret has no scopes."""

    def internal_error(self, handler: MethodHandler) -> Response:
        """Return a 500 with `handler.failure` as error, or without a body if that is ""."""
        return refusal(500, handler.failure).response if handler.failure else empty_500().response
