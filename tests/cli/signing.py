"""A browser that approves, and a look at what a sign-in has left behind."""

from __future__ import annotations

import html
import json
import os
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from mogplex_tui.config import contexts, credential_store
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import Going


def address_in(going: Going, part: str) -> str:
    found = re.search(rf"^  (http\S*{re.escape(part)}\S*)$", going.err.text, re.MULTILINE)
    return found.group(1) if found else ""


async def address(going: Going, part: str = "/authorize?") -> str:
    await going.until(lambda: bool(address_in(going, part)))
    return address_in(going, part)


def fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


async def approve(address: str) -> httpx.Response:
    """Open the address, press the button of the login page, and follow wherever that leads."""
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        page = await browser.get(address)
        # What a browser says of itself with a form, unless the page forbids that.
        silent = page.headers.get("referrer-policy") == "no-referrer"
        origin = "null" if silent else str(page.url.join("/")).rstrip("/")
        return await browser.post(
            page.url.join(urlsplit(str(page.url)).path), data=fields(page.text), headers={"Origin": origin}
        )


def record(name: str) -> dict[str, Any]:
    path = credential_store.credentials_file(name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def only_context() -> contexts.Context:
    (found,) = contexts.read().by_name.values()
    return found


def token_calls(plane: PlaneServer) -> int:
    """How many pairs the plane has given out."""
    return int(plane.plane.db.value("SELECT count(*) FROM oauth_tokens") or 0)


def age(plane: PlaneServer) -> None:
    """Let every access token be over for the plane; the client does not know it."""
    with plane.plane.db.transaction() as tx:
        tx.execute("UPDATE oauth_tokens SET access_expires_at = 1")


def files_at_home() -> list[Path]:
    return [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
