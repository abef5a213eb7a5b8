"""Sign-in by browser against the plane's authorization server, over HTTP."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from mogplex_tui.api.oauth import PORTS
from mogplex_tui.cli import browser_login
from mogplex_tui.config import contexts, credential_store
from mogplex_tui.config.file_locks import locked
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.browser_sign_in import (
    approve,
    expire_tokens,
    single_context,
    stored_credential,
    stored_files,
    token_pair_count,
    wait_for_address,
)
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory


@pytest.fixture(autouse=True)
def _lock_ports() -> Iterator[None]:
    """Lock the two callback ports of the machine: one test uses them at a time."""
    with locked(Path(tempfile.gettempdir()) / "mogplex-tui-test-ports.lock", 300):
        yield


def login(mogplex: CommandRunner, plane: PlaneServer, *more: str):  # type: ignore[no-untyped-def]
    return mogplex.start("login", "--base-url", plane.base_url, "--no-browser", *more)


async def test_approval_in_browser_signs_in(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    command = login(mogplex, plane, "--json")
    page = await approve(await wait_for_address(command))
    result = await command.result()
    assert result.code == 0
    assert "close this tab" in page.text and page.status_code == 200
    context = single_context()
    assert contexts.read().current == context.name == f"127.0.0.1-{urlsplit(plane.base_url).port}"
    assert (context.credential_store, context.credential_kinds) == (credential_store.FILE, ("oauth",))
    assert result.only_object["credentials"] == ["oauth"]
    assert str(credential_store.credentials_file(context.name)) in result.err and "keyring" in result.err

    grant = stored_credential(context.name)["grant"]
    assert grant["scope"] == "openid profile email offline_access read write"
    for secret in (grant["access"], grant["refresh"], parse_qs(page.url.query.decode())["code"][0]):
        assert secret not in result.out + result.err
        files_with_secret = [path.name for path in stored_files() if secret in path.read_text()]
        assert files_with_secret in ([f"{context.name}.json"], [])

    factory.repo("acme/api")
    listed = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "Fix it")
    assert listed.code == 0, listed.err


async def test_new_sign_in_keeps_session_cookie(mogplex: CommandRunner, plane: PlaneServer) -> None:
    result = await mogplex(
        "login", "--base-url", plane.base_url, "--session", stdin=f"Cookie: {plane.session_cookie}\n"
    )
    assert result.code == 0, result.err
    command = login(mogplex, plane)
    await approve(await wait_for_address(command))
    assert (await command.result()).code == 0
    assert single_context().credential_kinds == ("oauth", "session")
    # The cookie opens what the token pair does not.
    assert (await mogplex("stats", "--json")).code == 0


async def test_second_port_is_used_when_first_is_taken(mogplex: CommandRunner, plane: PlaneServer) -> None:
    with socket.create_server(("127.0.0.1", PORTS[0])):
        command = login(mogplex, plane)
        url = await wait_for_address(command)
        assert f"%3A{PORTS[1]}%2F" in url
        assert f"-L {PORTS[1]}:127.0.0.1:{PORTS[1]}" in command.err.text
        assert (await approve(url)).status_code == 200
        assert (await command.result()).code == 0


async def test_both_ports_taken_is_an_error(mogplex: CommandRunner, plane: PlaneServer) -> None:
    with socket.create_server(("127.0.0.1", PORTS[0])), socket.create_server(("127.0.0.1", PORTS[1])):
        result = await mogplex("login", "--base-url", plane.base_url, "--no-browser")
    assert result.code == 1
    assert "24816 and 24818" in result.err
    assert contexts.read().by_name == {}


async def test_wrong_state_does_not_end_sign_in(mogplex: CommandRunner, plane: PlaneServer) -> None:
    command = login(mogplex, plane)
    url = await wait_for_address(command)
    callback = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(f"{callback}?code=abc&state=forged")).status_code == 400
        assert (await anybody.get(f"{callback}?code=abc")).status_code == 400
        assert (await anybody.post(callback)).status_code == 405
        assert (
            await anybody.get(urlsplit(callback)._replace(path="/favicon.ico").geturl())
        ).status_code == 404
    assert (await approve(url)).status_code == 200
    result = await command.result()
    assert result.code == 0
    assert "does not belong" in result.err


async def test_error_without_state_ends_sign_in(mogplex: CommandRunner, plane: PlaneServer) -> None:
    command = login(mogplex, plane)
    callback = urlsplit(parse_qs(urlsplit(await wait_for_address(command)).query)["redirect_uri"][0])
    reader, writer = await asyncio.open_connection(callback.hostname, callback.port)
    # Not encoded, as the service sends it.
    target = f"{callback.path}?error=invalid_scope&error_description=The following scopes are invalid: <b>x"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    result = await command.result()
    assert result.code == 3
    assert "The following scopes are invalid: <b>x" in result.err
    assert "&lt;b&gt;x" in answer and "<b>" not in answer
    assert contexts.read().by_name == {}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /auth/callback",
        b"rubbish\r\n\r\n",
        b"GET http://x/ HTTP/1.1\r\n\r\n",
        b"POST /auth/callback HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /auth/callback HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["nothing", "cut request", "no http", "absolute url", "negative length", "huge length", "long path"],
)
async def test_other_connections_do_not_disturb_sign_in(
    mogplex: CommandRunner, plane: PlaneServer, sent: bytes
) -> None:
    command = login(mogplex, plane)
    url = await wait_for_address(command)
    callback = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0])
    _, writer = await asyncio.open_connection(callback.hostname, callback.port)
    writer.write(sent)
    assert "close this tab" in (await approve(url)).text
    result = await command.result()
    writer.close()
    assert result.code == 0
    assert "Traceback" not in result.err and "exception" not in result.err.lower()


async def test_refused_code_stores_nothing(mogplex: CommandRunner, plane: PlaneServer) -> None:
    command = login(mogplex, plane)
    query = parse_qs(urlsplit(await wait_for_address(command)).query)
    async with httpx.AsyncClient() as anybody:
        await anybody.get(query["redirect_uri"][0], params={"code": "made-up", "state": query["state"][0]})
    result = await command.result()
    assert (result.code, result.out) == (3, "")
    assert "invalid code" in result.err and "made-up" not in result.err
    assert contexts.read().by_name == {}


async def test_missing_callback_times_out(
    mogplex: CommandRunner, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_login, "BROWSER_TIMEOUT", 0.05)
    result = await login(mogplex, plane).result()
    assert result.code == 3
    assert "ctrl+c cancels" in result.err and "No sign-in from the browser" in result.err


async def test_browser_is_opened_if_there_is_one(
    mogplex: CommandRunner, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import webbrowser

    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opens)
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser("firefox"))
    monkeypatch.setenv("DISPLAY", ":0")
    command = mogplex.start("login", "--base-url", plane.base_url)
    url = await wait_for_address(command)
    assert opened == [url]
    assert "ssh" not in command.err.text
    await approve(url)
    assert (await command.result()).code == 0


async def signed_in(mogplex: CommandRunner, plane: PlaneServer) -> str:
    command = login(mogplex, plane)
    await approve(await wait_for_address(command))
    assert (await command.result()).code == 0
    return single_context().name


async def test_expired_token_is_renewed_and_stored(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    name = await signed_in(mogplex, plane)
    factory.repo("acme/api")
    old = stored_credential(name)["grant"]
    expire_tokens(plane)
    result = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "Fix it")
    assert result.code == 0, result.err
    new = stored_credential(name)["grant"]
    assert new["access"] != old["access"] and new["refresh"] != old["refresh"]
    assert token_pair_count(plane) == 2
    assert (await mogplex("runs", "list")).code == 0
    assert token_pair_count(plane) == 2


async def test_revoked_sign_in_asks_for_new_one(mogplex: CommandRunner, plane: PlaneServer) -> None:
    await signed_in(mogplex, plane)
    with plane.plane.db.transaction() as tx:
        tx.execute("DELETE FROM oauth_tokens")
    result = await mogplex("runs", "get", "7d0c0000-0000-4000-8000-000000000001")
    assert (result.code, result.out) == (3, "")
    assert "mogplex-tui login" in result.err


async def test_logout_removes_tokens_and_keeps_context(mogplex: CommandRunner, plane: PlaneServer) -> None:
    name = await signed_in(mogplex, plane)
    result = await mogplex("logout", "--json")
    assert result.code == 0
    assert result.only_object["credentials"] == []
    assert not credential_store.credentials_file(name).exists()
    refused = await mogplex("runs", "list")
    assert refused.code == 3
    assert "mogplex-tui login" in refused.err
    assert "was not signed in" in (await mogplex("logout")).err
