"""How senders prove themselves: HMAC signatures over raw bodies, and the schedulers' bearer (system.md §1)."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from .authentication import Caller
from .endpoints import Ask, Endpoint, OpenEndpoint, Verb, empty_crash, refusal

BODY_LIMIT = 1_000_000


def sha256_signature(secret: str, body: bytes) -> str:
    """The header value that signs a body: sha256= and lower-case hex."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time, whatever characters a caller sends."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


async def body_within(ask: Ask, limit: int) -> bytes | None:
    """The raw body, or None when it is longer than `limit` bytes; no more than that is kept."""
    kept = bytearray()
    async for piece in ask.request.stream():
        kept += piece
        if len(kept) > limit:
            return None
    return bytes(kept)


class SenderEndpoint(OpenEndpoint):
    """A public path whose handler proves the sender itself; tokens and sessions are not looked at."""

    def enter(self, request: Request) -> None:  # noqa: ARG002
        """Nobody in particular."""
        return

    def crash(self, verb: Verb) -> Response:
        """500 with the route's fixed text, else empty."""
        return refusal(500, verb.failure).response if verb.failure else empty_crash().response


class MachineEndpoint(Endpoint):
    """A path of schedulers and workers: the shared secret as a bearer, no token and no session (system.md §1)."""

    def enter(self, request: Request) -> None:
        """Let the scheduler in; raises 503 without a secret, 401 for another one."""
        secret = self.service.plane.settings.cron_secret
        if not secret:
            raise refusal(503, "CRON_SECRET_NOT_CONFIGURED")
        if not same(request.headers.get("authorization", ""), f"Bearer {secret}"):
            raise refusal(401, "Unauthorized")

    def check(self, verb: Verb, caller: Caller | None) -> None:
        """Whoever holds the secret may all."""

    def crash(self, verb: Verb) -> Response:
        """500 with the route's fixed text, else empty."""
        return refusal(500, verb.failure).response if verb.failure else empty_crash().response
