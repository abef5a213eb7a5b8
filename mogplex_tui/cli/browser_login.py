"""Signing in with a browser: the authorization code over loopback, and the older hand-off (auth.md §9, §9.1)."""

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

# A code lives for ten minutes, so a longer wait could only end in a refusal.
WITHIN = 600.0
HAND_OFF = "/cli-auth"
_CLOSE = "The terminal has what it needs. You may close this tab."


async def by_code(base_url: str, *, opens: bool) -> Grant:
    """Return the pair of a sign-in with authorization code and PKCE.

    Raises Stop when it does not come to an end, NotSignedIn when the service refuses the code, and the other errors of
    the tree.
    """
    from time import time

    from mogplex_tui.api.wire import HttpClients

    coming: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    # The listener is up before the address is known to anybody.
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
    """Answer what the browser brings. A wrong state ends nothing: it may be anybody's page that asks."""
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
        # No state comes with an error, so it is believed as it is: it can end a sign-in but never complete one.
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

    The hosted service has retired that page; its embedded counterpart has it. Raises Stop when none comes.
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
    """Answer the page that brings the token: its preflight first, then the token with the nonce."""
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
    """Tell the person where to go, and go there for them if there is a browser."""
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
    """Ask the service whether a credential is good; return whose it is where that can be told.

    Raises NotSignedIn for one that is not accepted, and the other errors of the tree when the service cannot say.
    A token over its request limit is a good one: the service looks at that first (auth.md §6).
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
