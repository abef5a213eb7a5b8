"""What the routes of this family share: values of a body, and paths that want a session (identity.md §1.6)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from ..http import params
from ..http.authentication import SESSION_COOKIE, Caller
from ..http.endpoints import PlainEndpoint, refusal
from .provider_keys import PROVIDERS


def trimmed(value: Any) -> str:
    """A text without the space around it; an empty one for everything else."""
    return params.trim(value) if isinstance(value, str) else ""


def provider_of(body: dict[str, Any]) -> str:
    """The provider that a body names; raises the 400 for any other value (identity.md §5)."""
    provider = body.get("provider")
    if not isinstance(provider, str) or provider not in PROVIDERS:
        raise refusal(400, "Invalid provider")
    return provider


def key_of(body: dict[str, Any]) -> str:
    """The key that a body brings, without space around it; raises the 400 for none."""
    key = trimmed(body.get("key"))
    if not key:
        raise refusal(400, "Key is required")
    return key


class SessionEndpoint(PlainEndpoint):
    """A path of the signed-in browser: a token alone may not make or see other credentials (auth.md §4)."""

    def enter(self, request: Request) -> Caller:
        """The token's or the session's owner; raises 401 for nobody and 403 for a token without a session."""
        caller = super().enter(request)
        if (
            caller.key_id is not None
            and self.service.auth.session(request.cookies.get(SESSION_COOKIE)) is None
        ):
            raise refusal(403, "Forbidden")
        return caller
