"""Requests of a browser and an OAuth client that sign in."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

CLI = "mogplex-cli"
CALLBACK = "http://127.0.0.1:24816/auth/callback"
ALL = "openid profile email offline_access read write"
VERIFIER = "a-verifier-of-some-length-that-nobody-guesses-0123456789"
AUTHORIZE = "/api/auth/mcp/authorize"
TOKEN = "/api/auth/mcp/token"


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def request(**changes: str | None) -> dict[str, str]:
    """Return the query of an authorize call; None leaves a parameter out."""
    query: dict[str, str | None] = {
        "response_type": "code",
        "client_id": CLI,
        "redirect_uri": CALLBACK,
        "scope": ALL,
        "state": "s t&te",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (query | changes).items() if value is not None}


def query_of(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def code(browser: httpx.AsyncClient, **changes: str | None) -> str:
    answer = await browser.get(AUTHORIZE, params=request(**changes))
    assert answer.status_code == 302, answer.text
    return query_of(answer.headers["location"])["code"]


def exchange(code: str, /, **changes: str | None) -> dict[str, str]:
    """Return the form that exchanges a code for tokens; None omits a field."""
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "client_id": CLI,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


async def tokens(browser: httpx.AsyncClient, anonymous: httpx.AsyncClient, **changes: str) -> dict[str, Any]:
    answer = await anonymous.post(TOKEN, data=exchange(await code(browser, **changes)))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def fields(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


def origin_of_form(page: httpx.Response) -> dict[str, str]:
    """Return the Origin header that a browser sends with a form of this page.

    The page's referrer policy can suppress the origin.
    """
    secretive = page.headers.get("referrer-policy") == "no-referrer"
    return {"Origin": "null" if secretive else f"{page.url.scheme}://{page.url.netloc.decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
