"""Verify webhook signatures (HMAC) and the scheduler's bearer token.

system.md §1.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from .authentication import Caller
from .endpoints import Ask, Endpoint, OpenEndpoint, Verb, empty_crash, refusal

BODY_LIMIT = 1_000_000


def sha256_signature(secret: str, body: bytes) -> str:
    """Return the signature header of a body: sha256= and lower-case hex."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time, whatever characters they contain."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


async def body_within(ask: Ask, limit: int) -> bytes | None:
    """Return the raw body, or None if it is longer than `limit` bytes."""
    kept = bytearray()
    async for piece in ask.request.stream():
        kept += piece
        if len(kept) > limit:
            return None
    return bytes(kept)


class SenderEndpoint(OpenEndpoint):
    """A public path whose handler verifies the sender; credentials are ignored."""

    def enter(self, request: Request) -> None:  # noqa: ARG002
        """Return no caller."""
        return

    def crash(self, verb: Verb) -> Response:
        """Return 500 with the route's text, or else empty."""
        return refusal(500, verb.failure).response if verb.failure else empty_crash().response


class MachineEndpoint(Endpoint):
    """A path of schedulers and workers, with a shared secret as bearer (system.md §1)."""

    def enter(self, request: Request) -> None:
        """Check the secret. Raises 503 if none is configured, 401 for a wrong one."""
        secret = self.service.plane.settings.cron_secret
        if not secret:
            raise refusal(503, "CRON_SECRET_NOT_CONFIGURED")
        if not same(request.headers.get("authorization", ""), f"Bearer {secret}"):
            raise refusal(401, "Unauthorized")

    def check(self, verb: Verb, caller: Caller | None) -> None:
        """Allow everything."""

    def crash(self, verb: Verb) -> Response:
        """Return 500 with the route's text, or else empty."""
        return refusal(500, verb.failure).response if verb.failure else empty_crash().response
