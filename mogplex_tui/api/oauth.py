"""Sign in with OAuth: build the URL to open in a browser, and request tokens.

Contract: auth.md §8 and §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mogplex_tui.api import errors
from mogplex_tui.api.bounded_json import JsonError, parse
from mogplex_tui.api.content_encoding import BodyError
from mogplex_tui.api.response_errors import CredentialKind, ResponseInfo
from mogplex_tui.api.safe_text import visible
from mogplex_tui.api.target import MAX_ANSWER
from mogplex_tui.config.credential_store import Grant
from mogplex_tui.config.secret import Secret

if TYPE_CHECKING:
    from mogplex_tui.api.http_clients import HttpClients
    from mogplex_tui.api.target import Target

CLIENT_ID = "mogplex-cli"
# The service compares the whole redirect address, so only these ports work.
PORTS = (24816, 24818)
CALLBACK = "/auth/callback"
SCOPE = "openid profile email offline_access read write"
AUTHORIZE = "/api/auth/mcp/authorize"
TOKEN = "/api/auth/mcp/token"  # noqa: S105 -- a path, not a secret

# The lifetime of a token, in seconds, if the response does not say.
_USUAL_LIFE = 3600.0
_LONGEST_LIFE = 10 * 365 * 86400.0


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in in progress: its state, its code verifier and its redirect URI."""

    verifier: Secret
    state: Secret
    redirect_uri: str

    @classmethod
    def begin(cls, port: int) -> SignIn:
        """Create a sign-in whose redirect URI leads to `port` on this machine."""
        import base64
        import secrets

        def random_text(size: int) -> Secret:
            return Secret(base64.urlsafe_b64encode(secrets.token_bytes(size)).decode().rstrip("="))

        return cls(random_text(64), random_text(32), f"http://127.0.0.1:{port}{CALLBACK}")

    def address(self, base_url: str) -> str:
        """Return the URL at which the user signs in, to be opened in a browser.

        Nobody can obtain tokens with the secrets in the URL without the code verifier, which is not in
        it.
        """
        import base64
        import hashlib

        challenge = hashlib.sha256(self.verifier.reveal().encode()).digest()
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": self.state.reveal(),
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{base_url}{AUTHORIZE}?{urlencode(query)}"


async def exchange_code(
    clients: HttpClients, target: Target, sign_in: SignIn, code: str, now: float
) -> Grant:
    """Exchange the authorization code of a sign-in for an access and a refresh token.

    `now` is in Unix seconds. Raises NotSignedIn if the service refuses the code. A code works only
    once, so the user must then sign in again from the start.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code,
        "redirect_uri": sign_in.redirect_uri,
        "code_verifier": sign_in.verifier.reveal(),
    }
    return await _token_request(clients, target, form, now, "the sign-in")


async def refresh(clients: HttpClients, target: Target, old: Grant, now: float) -> Grant:
    """Exchange a refresh token for new tokens.

    If the response contains no scope or no refresh token, those of `old` are kept. `now` is in
    Unix seconds. Raises NotSignedIn if the service has ended the sign-in (`invalid_grant`) or if
    `old` has no refresh token.
    """
    if old.refresh is None:
        raise errors.NotSignedIn("The sign-in has ended and cannot renew itself", advice=_SIGN_IN_AGAIN)
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": old.refresh.reveal()}
    new = await _token_request(clients, target, form, now, "the renewal of the sign-in")
    return Grant(new.access, new.expires_at, new.refresh or old.refresh, new.scope or old.scope)


_SIGN_IN_AGAIN = "Sign in again: mogplex-tui login"


async def _token_request(
    clients: HttpClients, target: Target, form: Mapping[str, str], now: float, what: str
) -> Grant:
    import asyncio

    from mogplex_tui.api import http_clients
    from mogplex_tui.api._httpx import httpx

    info = ResponseInfo("POST", TOKEN, 0, resource=what, credential=CredentialKind.NONE, scrub=target.scrub)
    client = clients.get(streams=False)
    # No cookie, no token and no Origin: the code or the refresh token identifies the caller.
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        # Other processes wait for this request, so a slow response must not last for ever.
        async with (
            asyncio.timeout(http_clients.RESPONSE_TIMEOUT),
            client.stream(
                "POST", target.base_url + TOKEN, content=urlencode(form), headers=headers
            ) as response,
        ):
            body = _object(await http_clients.read_body(response, target.max_answer))
    except (httpx.HTTPError, httpx.StreamError, BodyError, TimeoutError) as failed:
        raise http_clients.network_error(failed, target, info) from None
    if response.is_success and isinstance(body.get("access_token"), str) and body["access_token"].isalnum():
        return _grant(body, now)
    raise _token_error(response.status_code, body, what)


def _grant(body: Mapping[str, Any], now: float) -> Grant:
    life, refresh_token, scope = body.get("expires_in"), body.get("refresh_token"), body.get("scope")
    lifetime = _USUAL_LIFE
    if isinstance(life, int | float) and not isinstance(life, bool) and 0 < life <= _LONGEST_LIFE:
        lifetime = float(life)
    return Grant(
        Secret(body["access_token"]),
        now + lifetime,
        Secret(refresh_token) if isinstance(refresh_token, str) and refresh_token else None,
        scope if isinstance(scope, str) else "",
    )


def _token_error(status: int, body: Mapping[str, Any], what: str) -> errors.MogplexError:
    code, description = body.get("error"), body.get("error_description")
    facts: dict[str, Any] = {"resource": what, "method": "POST", "path": TOKEN, "status": status}
    # A temporary error says nothing about the sign-in, whatever its code.
    if isinstance(code, str) and status < 500 and status != 429:
        text = visible(description if isinstance(description, str) and description else code, 160).rstrip(".")
        if code in ("invalid_grant", "invalid_client", "invalid_request"):
            return errors.NotSignedIn(
                f"The service refused {what}: {text}", advice=_SIGN_IN_AGAIN, code=code, **facts
            )
        return errors.BadRequest(f"The service refused {what}: {text}", code=code, **facts)
    if status == 429:
        return errors.Throttled(f"Too many requests for {what}", **facts)
    if status >= 500:
        kind = errors.ServiceFailed if status == 500 else errors.Unavailable
        return kind(f"The service failed on {what} (HTTP {status})", **facts)
    if status in (404, 405, 410):
        return errors.Absent(f"The service has no route for {what}", **facts)
    if 300 <= status < 400:
        return errors.Redirected(f"The service redirects {what} (HTTP {status})", **facts)
    return errors.InvalidResponse(f"The response for {what} has no token", **facts)


def _object(content: bytearray) -> dict[str, Any]:
    """Parse a body as a JSON object; return an empty dict if it is not one."""
    try:
        data = parse(content, MAX_ANSWER)
    except JsonError:
        return {}
    return data if isinstance(data, dict) else {}
