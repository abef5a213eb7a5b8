"""The endpoint class of routes that require a session, and helpers to read bodies.

identity.md §1.6.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from ..http import params
from ..http.authentication import SESSION_COOKIE, Caller
from ..http.endpoints import PlainEndpoint, refusal
from .provider_keys import PROVIDERS


def trimmed(value: Any) -> str:
    """Return a text without white space at its ends, or "" if the value is no text."""
    return params.trim(value) if isinstance(value, str) else ""


def provider_of(body: dict[str, Any]) -> str:
    """Return the `provider` of a request body.

    Raises RefusedError 400 for an unknown provider.
    """
    provider = body.get("provider")
    if not isinstance(provider, str) or provider not in PROVIDERS:
        raise refusal(400, "Invalid provider")
    return provider


def key_of(body: dict[str, Any]) -> str:
    """Return the `key` of a request body without white space at its ends.

    Raises RefusedError 400 if there is no key.
    """
    key = trimmed(body.get("key"))
    if not key:
        raise refusal(400, "Key is required")
    return key


class SessionEndpoint(PlainEndpoint):
    """A path that requires a session: tokens must not manage credentials (auth.md §4)."""

    def authenticate(self, request: Request) -> Caller:
        """Return the caller of the request.

        Raises RefusedError: 401 without credentials, 403 for a token without a session.
        """
        caller = super().authenticate(request)
        if (
            caller.key_id is not None
            and self.service.auth.session(request.cookies.get(SESSION_COOKIE)) is None
        ):
            raise refusal(403, "Forbidden")
        return caller
