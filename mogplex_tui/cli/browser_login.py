"""Signs in with a browser: by an authorization code, or by the hand-off page.

The hand-off page is the older way. In both cases the browser is redirected to a port on
127.0.0.1 (auth.md §9, §9.1).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import platform
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from mogplex_tui.api import errors
from mogplex_tui.api.oauth import CALLBACK, PORTS, SignIn, exchange_code
from mogplex_tui.api.safe_text import visible
from mogplex_tui.api.target import TOKEN_PREFIX, Target
from mogplex_tui.cli.command_context import CommandError, say, without_credentials
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.loopback import (
    NOT_FOUND,
    CallbackListener,
    CallbackRequest,
    CallbackResponse,
    html_page,
    json_response,
    wait_for,
)
from mogplex_tui.config.secret import Secret
from mogplex_tui.operate.browser_detection import has_browser

if TYPE_CHECKING:
    from mogplex_tui.config.credential_store import Grant

# Seconds to wait for the browser. An authorization code is valid for ten minutes.
BROWSER_TIMEOUT = 600.0
HAND_OFF_PATH = "/cli-auth"
_CLOSE_TAB = "You can close this tab and return to the terminal."


async def sign_in_with_code(base_url: str, *, opens_browser: bool) -> Grant:
    """Sign in with an authorization code and PKCE; return the tokens.

    Raises CommandError if the sign-in is not completed, NotSignedIn if the service refuses the
    code, and other MogplexErrors.
    """
    from time import time

    from mogplex_tui.api.http_clients import HttpClients

    code_future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    # The listener must be open before the address is shown.
    sign_ins: list[SignIn] = []
    listener = CallbackListener(lambda request: _callback_response(request, sign_ins[0], code_future), PORTS)
    try:
        await listener.__aenter__()
    except OSError:
        ports = " and ".join(map(str, PORTS))
        raise CommandError(
            Exit.FAILED,
            f"The ports {ports} on 127.0.0.1 are both in use, and the service redirects to no other port. "
            "Is another sign-in running? If not: mogplex-tui login --token",
        ) from None
    try:
        sign_ins.append(SignIn.begin(listener.port))
        await _show_address(sign_ins[0].address(base_url), listener.port, opens_browser=opens_browser)
        code = await _wait_for_browser(code_future)
    finally:
        await listener.__aexit__()
    target = Target("sign-in", base_url)
    clients = HttpClients(target)
    try:
        return await exchange_code(clients, target, sign_ins[0], code, time())
    finally:
        await clients.aclose()


def _callback_response(
    request: CallbackRequest, sign_in: SignIn, code: asyncio.Future[str]
) -> CallbackResponse:
    """Return the response to a browser request, and set the result of `code`.

    A request with a wrong state does not end the sign-in: any web page can send one.
    """
    if request.path != CALLBACK:
        return NOT_FOUND
    if request.method != "GET":
        return CallbackResponse(405, b"Only GET", headers={"Allow": "GET"})
    if code.done():
        return html_page("Already answered", "This sign-in has finished. You can close this tab.", 400)
    query = parse_qs(request.query, keep_blank_values=True)

    def first_value(name: str) -> str:
        return query.get(name, [""])[0]

    if "error" in query:
        # No state comes with an error, so it is not checked: an error can end a sign-in but never complete one.
        reason = (
            first_value("error_description")
            or _unencoded_value(request.query, "error_description")
            or first_value("error")
        )
        code.set_exception(
            CommandError(Exit.NOT_SIGNED_IN, f"The service refused the sign-in: {visible(reason, 160)}.")
        )
        return html_page("Not signed in", f"{reason}. You can close this tab.", 400)
    if not hmac.compare_digest(first_value("state").encode(), sign_in.state.reveal().encode()):
        say("A page that does not belong to this sign-in was refused. Still waiting.")
        return html_page("Not signed in", "This page does not belong to the current sign-in.", 400)
    if not first_value("code"):
        return html_page("Not signed in", "The service sent no code. Try again from the terminal.", 400)
    code.set_result(first_value("code"))
    return html_page("Signed in", _CLOSE_TAB)


def _unencoded_value(query: str, name: str) -> str:
    _, separator, after_name = query.partition(f"{name}=")
    return unquote_plus(after_name.partition("&")[0]) if separator else ""


async def receive_token(base_url: str, *, opens_browser: bool) -> Secret:
    """Open the hand-off page /cli-auth and return the personal access token it sends.

    The hosted service no longer has that page; the embedded control plane has it. Raises
    CommandError if no token arrives.
    """
    import secrets

    nonce = secrets.token_hex(16)
    token_future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    url = urlsplit(base_url)
    origin = f"{url.scheme}://{url.netloc}"
    listener = CallbackListener(
        lambda request: _hand_off_response(request, nonce, origin, token_future), (0,)
    )
    try:
        await listener.__aenter__()
    except OSError as error:
        raise CommandError(Exit.FAILED, f"No port on 127.0.0.1 could be opened: {error.strerror}.") from None
    try:
        name = f"mogplex-tui on {platform.node() or 'this machine'}"[:100]
        callback = f"http://127.0.0.1:{listener.port}/callback"
        query = urlencode({"callback": callback, "nonce": nonce, "name": name})
        await _show_address(f"{base_url}{HAND_OFF_PATH}?{query}", listener.port, opens_browser=opens_browser)
        return Secret(await _wait_for_browser(token_future))
    finally:
        await listener.__aexit__()


def _hand_off_response(
    request: CallbackRequest, nonce: str, origin: str, token_future: asyncio.Future[str]
) -> CallbackResponse:
    """Return the response to a page's request, and set the result of `token_future`.

    The hand-off page sends a CORS preflight first, then the token with the nonce.
    """
    if request.path != "/callback":
        return NOT_FOUND
    if request.headers.get("origin", origin) != origin:
        return json_response(403, {"error": "Another page"})
    cors = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    if request.method == "OPTIONS":
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type, x-cli-nonce",
            "Access-Control-Max-Age": "600",
        }
        if request.headers.get("access-control-request-private-network") == "true":
            allowed["Access-Control-Allow-Private-Network"] = "true"
        return CallbackResponse(204, headers={**cors, **allowed})
    if request.method != "POST":
        return json_response(405, {"error": "Only POST"}, **cors, Allow="OPTIONS, POST")
    if not hmac.compare_digest(request.headers.get("x-cli-nonce", "").lower().encode(), nonce.encode()):
        return json_response(403, {"error": "Wrong nonce"}, **cors)
    token = _token_in(request.body)
    if not token.startswith(TOKEN_PREFIX):
        return json_response(400, {"error": "No token"}, **cors)
    if not token_future.done():
        token_future.set_result(token)
    return json_response(200, {"ok": True}, **cors)


def _token_in(body: bytes) -> str:
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = data.get("token") if isinstance(data, dict) else None
    return token if isinstance(token, str) else ""


async def _show_address(address: str, port: int, *, opens_browser: bool) -> None:
    """Print the sign-in address, and open it if a browser is available."""
    is_opened = opens_browser and has_browser() and await asyncio.to_thread(_open_browser, address)
    say("Your browser opens this address:" if is_opened else "Open this address in a browser:")
    say(f"\n  {address}\n")
    if not is_opened:
        say(
            "The browser must reach 127.0.0.1 of this machine. From another one, first forward the port:\n"
            f"  ssh -L {port}:127.0.0.1:{port} {platform.node() or 'HOST'}"
        )


async def _wait_for_browser(result: asyncio.Future[str]) -> str:
    say(f"Waiting for the browser, for at most {BROWSER_TIMEOUT / 60:.0f} minutes; ctrl+c cancels.")
    try:
        return await wait_for(result, BROWSER_TIMEOUT)
    except TimeoutError:
        raise CommandError(
            Exit.NOT_SIGNED_IN,
            f"No sign-in from the browser within {BROWSER_TIMEOUT / 60:.0f} minutes. Nothing was changed.",
        ) from None


def _open_browser(address: str) -> bool:
    import webbrowser

    try:
        with without_credentials():
            return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


async def verify(target: Target, *, by_session: bool) -> str | None:
    """Check that the service accepts a credential; return its account if known.

    Raises NotSignedIn for a credential that the service does not accept, and other
    MogplexErrors if the check fails. A token over its request limit is accepted: the service
    checks the limit first (auth.md §6).
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
            raise errors.NotSignedIn("The service does not accept this session cookie", advice=_COOKIE_ADVICE)
        return user.label if user is not None else None


_COOKIE_ADVICE = "Copy the Cookie header of a page where you are signed in"
