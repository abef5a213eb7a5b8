"""/cli-auth and POST /api/oauth/decision: give a command line tool a token.

auth.md §9.1.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlsplit, urlunsplit

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from ...db.clock import DAY_US
from ...db.database import Row
from ...http import params
from ...http.endpoints import ApiRequest, MethodHandler, Service, refusal, route
from .. import api_keys
from . import signin_records
from .forms import PageEndpoint, form_or_json, require_own_page
from .html_pages import hidden, message_page, page

PAGE = "/cli-auth"
DECISION = "/api/oauth/decision"
KEY_DAYS = 90

_NONCE = re.compile(r"[a-f0-9]{32}", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The browser hands the token over by itself; where that fails, the person copies it.
_SCRIPT = """
const at = document.getElementById("token"), told = document.getElementById("told"), d = at.dataset;
fetch(d.callback, {method: "POST", credentials: "omit", redirect: "error",
  headers: {"Content-Type": "application/json", "X-CLI-Nonce": d.nonce},
  body: JSON.stringify({token: d.token, name: d.name})})
  .then(answer => { if (!answer.ok) throw answer.status; })
  .then(() => { at.hidden = true; told.textContent = "Done. You may close this tab."; })
  .catch(() => { told.textContent = "The command line did not take the token. Copy it:"; });
"""


class BadCallError(ValueError):
    """Raised for invalid parameters of the /cli-auth page; the text is for the user."""


def callback_of(text: str) -> str:
    """Return a valid callback URL without its fragment and user name.

    Raises BadCallError unless it is an http or https URL of this machine with a port from 1024.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadCallError("Invalid callback URL") from None
    if not parts.scheme or not host or not text.isprintable() or " " in text:
        raise BadCallError("Invalid callback URL")
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadCallError("Callback must use http or https protocol")
    if host not in ("localhost", "127.0.0.1"):
        raise BadCallError("Callback host must be localhost or 127.0.0.1")
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        raise BadCallError("Callback must include a port number")
    if not 1024 <= port <= 65535:
        raise BadCallError("Callback port must be between 1024 and 65535")
    return urlunsplit((parts.scheme, f"{host}:{port}", parts.path or "/", parts.query, ""))


def _asked(request: ApiRequest) -> tuple[str, str, str]:
    """Return callback URL, nonce and token name from the query.

    Raises BadCallError for an invalid parameter.
    """
    callback, nonce = request.query("callback"), request.query("nonce")
    if not callback:
        raise BadCallError("Missing callback parameter")
    if not nonce:
        raise BadCallError("Missing nonce parameter")
    if not _NONCE.fullmatch(nonce):
        raise BadCallError("Invalid nonce format (expected 32 hex characters)")
    today = datetime.fromtimestamp(request.plane.clock.now_us() / 1_000_000, UTC)
    name = params.trim(request.query("name"))[:100] or f"CLI on {today:%Y-%m-%d}"
    return callback_of(callback), nonce, name


async def consent_page(request: ApiRequest) -> Response:
    """Show the page that asks the user to allow or deny the command line tool a token.

    Invalid parameters give a page with status 400. A browser without a session is redirected to the
    login page. On the hosted service the page says that this sign-in has been retired.
    """
    if request.plane.is_hosted:
        return message_page(
            "Update your CLI", "This way of signing in is gone. Update the CLI and sign in again."
        )
    try:
        callback, nonce, name = _asked(request)
    except BadCallError as error:
        return message_page("Sign-in failed", str(error), 400)
    if request.caller is None:
        back = quote(f"{PAGE}?{request.http.url.query}", safe="")
        return RedirectResponse(f"/login?next={back}", 302)
    with request.plane.db.transaction() as tx:
        now = request.plane.clock.now_us()
        question = signin_records.store_question(tx, request.user_id, callback, nonce, name, now)
    body = (
        f"<p><strong>{escape(name)}</strong> at <code>{escape(callback)}</code> asks for a token of yours that reads"
        f" and writes for {KEY_DAYS} days.</p>"
        f'<form method="post" action="{DECISION}">{hidden(consent_code=question)}'
        '<button type="submit" name="accept" value="true">Allow</button> '
        '<button type="submit" name="accept" value="false">Deny</button></form>'
    )
    return page("Authorize the command line", body)


async def decide(request: ApiRequest) -> Response:
    """Create a token if the user allowed it, and show a page with the result.

    Responds 401 without a session, 403 to a form from another site, and 400 if the question that the
    form answers is unknown or has expired.
    """
    require_own_page(request)
    if request.caller is None:
        raise refusal(401, "Unauthorized")
    fields = await form_or_json(request)
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        question = signin_records.take_question(tx, request.user_id, fields.get("consent_code", ""), now)
        if question is None or fields.get("accept") != "true":
            token = ""
        else:
            expires = (now + KEY_DAYS * DAY_US) // 1000 * 1000
            token = api_keys.mint(tx, request.user_id, question["name"], api_keys.SCOPES, now, expires).token
    if question is None:
        return message_page("Sign-in failed", "This question is not open any more. Start again.", 400)
    if not token:
        return message_page("Denied", "No token was made. You may close this tab.")
    return _handed_over(question, token)


def _handed_over(question: Row, token: str) -> Response:
    nonce = secrets.token_urlsafe(16)
    callback = urlsplit(question["callback"])
    facts = {
        "callback": question["callback"],
        "nonce": question["nonce"],
        "token": token,
        "name": question["name"],
    }
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in facts.items())
    body = (
        '<p id="told">The token for the command line:</p>'
        f'<p id="token"{attributes}><code>{token}</code></p><script nonce="{nonce}">{_SCRIPT}</script>'
    )
    where = f"{callback.scheme}://{callback.netloc}"
    return page("Authorized", body, policy=f"script-src 'nonce-{nonce}'; connect-src {where}")


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [
        route(PAGE, PageEndpoint(service, {"GET": MethodHandler(consent_page)})),
        route(DECISION, PageEndpoint(service, {"POST": MethodHandler(decide)})),
    ]
