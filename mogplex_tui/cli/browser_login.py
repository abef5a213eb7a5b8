"""Sign in with a browser: an authorization code, or the older hand-off page.

The browser is redirected to a port on 127.0.0.1 (auth.md §9, §9.1).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import platform
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from mogplex_tui.api import errors
from mogplex_tui.api.oauth import CALLBACK, PORTS, SignIn, redeem
from mogplex_tui.api.safe_text import visible
from mogplex_tui.api.target import TOKEN_PREFIX, Target
from mogplex_tui.cli.command_context import Stop, say, without_credentials
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.loopback import (
    NOT_FOUND,
    CallbackRequest,
    CallbackResponse,
    Listener,
    as_json,
    page,
    waited,
)
from mogplex_tui.config.secret import Secret
from mogplex_tui.operate.browser_detection import has_browser

if TYPE_CHECKING:
    from mogplex_tui.config.credential_store import Grant

# Seconds to wait for the browser. An authorization code is valid for ten minutes.
WITHIN = 600.0
HAND_OFF = "/cli-auth"
_CLOSE = "The terminal has what it needs. You may close this tab."


async def by_code(base_url: str, *, opens: bool) -> Grant:
    """Return the tokens of a sign-in with authorization code and PKCE.

    Raises Stop if the sign-in is not completed, NotSignedIn if the service refuses the code, and other MogplexErrors.
    """
    from time import time

    from mogplex_tui.api.wire import HttpClients

    coming: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    # The listener must be open before the address is shown.
    begun: list[SignIn] = []
    listener = Listener(lambda asked: _callback(asked, begun[0], coming), PORTS)
    try:
        await listener.__aenter__()
    except OSError:
        ports = " and ".join(map(str, PORTS))
        raise Stop(
            Exit.FAILED,
            f"The ports {ports} on 127.0.0.1 are both taken, and the service sends the browser back to no other. "
            "Is another sign-in under way? Else: mogplex-tui login --token",
        ) from None
    try:
        begun.append(SignIn.begin(listener.port))
        await _invite(begun[0].address(base_url), listener.port, opens=opens)
        code = await _patiently(coming)
    finally:
        await listener.__aexit__()
    target = Target("sign-in", base_url)
    clients = HttpClients(target)
    try:
        return await redeem(clients, target, begun[0], code, time())
    finally:
        await clients.aclose()


def _callback(asked: CallbackRequest, begun: SignIn, coming: asyncio.Future[str]) -> CallbackResponse:
    """Return the response to a request of the browser, and pass on the code.

    A wrong state does not end the sign-in: any web page can send such a request.
    """
    if asked.path != CALLBACK:
        return NOT_FOUND
    if asked.method != "GET":
        return CallbackResponse(405, b"Only GET", headers={"Allow": "GET"})
    if coming.done():
        return page("Already answered", "This sign-in is over. You may close this tab.", 400)
    query = parse_qs(asked.query, keep_blank_values=True)

    def one(name: str) -> str:
        return query.get(name, [""])[0]

    if "error" in query:
        # No state comes with an error, so it is not checked: an error can end a sign-in but never complete one.
        says = one("error_description") or _raw(asked.query, "error_description") or one("error")
        coming.set_exception(
            Stop(Exit.NOT_SIGNED_IN, f"The service refused the sign-in: {visible(says, 160)}.")
        )
        return page("Not signed in", f"{says}. You may close this tab.", 400)
    if not hmac.compare_digest(one("state").encode(), begun.state.reveal().encode()):
        say("A page came back that does not belong to this sign-in; it was refused. Still waiting.")
        return page("Not signed in", "This page does not belong to the sign-in that is under way.", 400)
    if not one("code"):
        return page("Not signed in", "The service sent no code along. Try again from the terminal.", 400)
    coming.set_result(one("code"))
    return page("Signed in", _CLOSE)


def _raw(query: str, name: str) -> str:
    _, found, rest = query.partition(f"{name}=")
    return unquote_plus(rest.partition("&")[0]) if found else ""


async def by_hand_off(base_url: str, *, opens: bool) -> Secret:
    """Return the personal access token that the page /cli-auth hands over.

    The hosted service has retired that page; the embedded plane has it. Raises Stop if no token arrives.
    """
    import secrets

    nonce = secrets.token_hex(16)
    coming: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    url = urlsplit(base_url)
    origin = f"{url.scheme}://{url.netloc}"
    listener = Listener(lambda asked: _handed(asked, nonce, origin, coming), (0,))
    try:
        await listener.__aenter__()
    except OSError as error:
        raise Stop(Exit.FAILED, f"No port on 127.0.0.1 could be opened: {error.strerror}.") from None
    try:
        name = f"mogplex-tui on {platform.node() or 'this machine'}"[:100]
        callback = f"http://127.0.0.1:{listener.port}/callback"
        query = urlencode({"callback": callback, "nonce": nonce, "name": name})
        await _invite(f"{base_url}{HAND_OFF}?{query}", listener.port, opens=opens)
        return Secret(await _patiently(coming))
    finally:
        await listener.__aexit__()


def _handed(asked: CallbackRequest, nonce: str, origin: str, coming: asyncio.Future[str]) -> CallbackResponse:
    """Return the response to a request of the hand-off page, and pass on the token.

    The page sends a CORS preflight first, then the token with the nonce.
    """
    if asked.path != "/callback":
        return NOT_FOUND
    if asked.headers.get("origin", origin) != origin:
        return as_json(403, {"error": "Another page"})
    cors = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    if asked.method == "OPTIONS":
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type, x-cli-nonce",
            "Access-Control-Max-Age": "600",
        }
        if asked.headers.get("access-control-request-private-network") == "true":
            allowed["Access-Control-Allow-Private-Network"] = "true"
        return CallbackResponse(204, headers={**cors, **allowed})
    if asked.method != "POST":
        return as_json(405, {"error": "Only POST"}, **cors, Allow="OPTIONS, POST")
    if not hmac.compare_digest(asked.headers.get("x-cli-nonce", "").lower().encode(), nonce.encode()):
        return as_json(403, {"error": "Wrong nonce"}, **cors)
    token = _token_in(asked.body)
    if not token.startswith(TOKEN_PREFIX):
        return as_json(400, {"error": "No token"}, **cors)
    if not coming.done():
        coming.set_result(token)
    return as_json(200, {"ok": True}, **cors)


def _token_in(body: bytes) -> str:
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = data.get("token") if isinstance(data, dict) else None
    return token if isinstance(token, str) else ""


async def _invite(address: str, port: int, *, opens: bool) -> None:
    """Print the address, and open it in a browser if there is one."""
    opened = opens and has_browser() and await asyncio.to_thread(_open, address)
    say("Your browser opens this address:" if opened else "Open this address in a browser:")
    say(f"\n  {address}\n")
    if not opened:
        say(
            "The browser must reach 127.0.0.1 of this machine. From another one, first forward the port:\n"
            f"  ssh -L {port}:127.0.0.1:{port} {platform.node() or 'HOST'}"
        )


async def _patiently(coming: asyncio.Future[str]) -> str:
    say(f"Waiting for the browser, for at most {WITHIN / 60:.0f} minutes; ctrl+c gives up.")
    try:
        return await waited(coming, WITHIN)
    except TimeoutError:
        raise Stop(
            Exit.NOT_SIGNED_IN,
            f"Nobody came back from the browser within {WITHIN / 60:.0f} minutes. Nothing was changed.",
        ) from None


def _open(address: str) -> bool:
    import webbrowser

    try:
        with without_credentials():
            return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


async def verified(target: Target, *, by_session: bool) -> str | None:
    """Check a credential with the service; return the account if that is known.

    Raises NotSignedIn for a credential that is not accepted, and other MogplexErrors if the service cannot tell. A
    token over its request limit is accepted: the service checks the limit first (auth.md §6).
    """
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.api.client import MogplexClient

    async with MogplexClient(target) as client:
        actions = client.at(Priority.ACTION)
        if not by_session:
            try:
                await actions.repos.list(limit=1)
            except errors.Throttled:
                return None
            if not target.token_is_limited:
                return None
        try:
            user = await actions.account.user()
        except errors.MogplexError:
            if by_session:
                raise
            return None
        if user is None and by_session:
            raise errors.NotSignedIn("The service does not know this session cookie", advice=_COPY)
        return user.label if user is not None else None


_COPY = "Copy the Cookie header of a page where you are signed in"
