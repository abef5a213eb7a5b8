"""A browser that approves a sign-in, and the state that a sign-in leaves."""

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
from tests.cli.support import RunningCommand


def printed_address(command: RunningCommand, part: str) -> str:
    found = re.search(rf"^  (http\S*{re.escape(part)}\S*)$", command.err.text, re.MULTILINE)
    return found.group(1) if found else ""


async def wait_for_address(command: RunningCommand, part: str = "/authorize?") -> str:
    await command.wait_for(lambda: bool(printed_address(command, part)))
    return printed_address(command, part)


def form_fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


async def approve(url: str) -> httpx.Response:
    """Open the address, submit the login page's form and follow the redirects."""
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        page = await browser.get(url)
        # A browser sends an Origin header with a form, and "null" if the page sets no-referrer.
        silent = page.headers.get("referrer-policy") == "no-referrer"
        origin = "null" if silent else str(page.url.join("/")).rstrip("/")
        return await browser.post(
            page.url.join(urlsplit(str(page.url)).path),
            data=form_fields(page.text),
            headers={"Origin": origin},
        )


def stored_credential(name: str) -> dict[str, Any]:
    path = credential_store.credentials_file(name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def single_context() -> contexts.Context:
    (found,) = contexts.read().by_name.values()
    return found


def token_pair_count(plane: PlaneServer) -> int:
    """Return the number of token pairs that the plane has issued."""
    return int(plane.plane.db.value("SELECT count(*) FROM oauth_tokens") or 0)


def expire_tokens(plane: PlaneServer) -> None:
    """Expire every access token in the plane; the client does not know of it."""
    with plane.plane.db.transaction() as tx:
        tx.execute("UPDATE oauth_tokens SET access_expires_at = 1")


def stored_files() -> list[Path]:
    return [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
