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
from mogplex_tui.config.file_locks import held
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.signing import address, age, approve, files_at_home, only_context, record, token_calls
from tests.cli.support import Mogplex
from tests.controlplane.row_factory import RowFactory


@pytest.fixture(autouse=True)
def _ports() -> Iterator[None]:
    """Lock the two callback ports of the machine: one test uses them at a time."""
    with held(Path(tempfile.gettempdir()) / "mogplex-tui-test-ports.lock", 300):
        yield


def login(mogplex: Mogplex, plane: PlaneServer, *more: str):  # type: ignore[no-untyped-def]
    return mogplex.begin("login", "--base-url", plane.base_url, "--no-browser", *more)


async def test_a_browser_that_approves_signs_the_terminal_in(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    going = login(mogplex, plane, "--json")
    page = await approve(await address(going))
    done = await going.done()
    assert done.code == 0
    assert "close this tab" in page.text and page.status_code == 200
    context = only_context()
    assert contexts.read().current == context.name == f"127.0.0.1-{urlsplit(plane.base_url).port}"
    assert (context.kept_in, context.holds) == (credential_store.FILE, ("oauth",))
    assert done.one["credentials"] == ["oauth"]
    assert str(credential_store.credentials_file(context.name)) in done.err and "keyring" in done.err

    grant = record(context.name)["grant"]
    assert grant["scope"] == "openid profile email offline_access read write"
    for secret in (grant["access"], grant["refresh"], parse_qs(page.url.query.decode())["code"][0]):
        assert secret not in done.out + done.err
        holders = [path.name for path in files_at_home() if secret in path.read_text()]
        assert holders in ([f"{context.name}.json"], [])

    world.repo("acme/api")
    listed = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "Fix it")
    assert listed.code == 0, listed.err


async def test_signing_in_again_keeps_the_session_cookie_beside_the_pair(
    mogplex: Mogplex, plane: PlaneServer
) -> None:
    done = await mogplex(
        "login", "--base-url", plane.base_url, "--session", stdin=f"Cookie: {plane.session_cookie}\n"
    )
    assert done.code == 0, done.err
    going = login(mogplex, plane)
    await approve(await address(going))
    assert (await going.done()).code == 0
    assert only_context().holds == ("oauth", "session")
    # The cookie opens what the token pair does not.
    assert (await mogplex("stats", "--json")).code == 0


async def test_the_second_port_serves_when_the_first_is_taken(mogplex: Mogplex, plane: PlaneServer) -> None:
    with socket.create_server(("127.0.0.1", PORTS[0])):
        going = login(mogplex, plane)
        where = await address(going)
        assert f"%3A{PORTS[1]}%2F" in where
        assert f"-L {PORTS[1]}:127.0.0.1:{PORTS[1]}" in going.err.text
        assert (await approve(where)).status_code == 200
        assert (await going.done()).code == 0


async def test_both_ports_taken_is_said(mogplex: Mogplex, plane: PlaneServer) -> None:
    with socket.create_server(("127.0.0.1", PORTS[0])), socket.create_server(("127.0.0.1", PORTS[1])):
        done = await mogplex("login", "--base-url", plane.base_url, "--no-browser")
    assert done.code == 1
    assert "24816 and 24818" in done.err
    assert contexts.read().by_name == {}


async def test_a_page_with_another_state_ends_nothing(mogplex: Mogplex, plane: PlaneServer) -> None:
    going = login(mogplex, plane)
    where = await address(going)
    back = parse_qs(urlsplit(where).query)["redirect_uri"][0]
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(f"{back}?code=abc&state=forged")).status_code == 400
        assert (await anybody.get(f"{back}?code=abc")).status_code == 400
        assert (await anybody.post(back)).status_code == 405
        assert (await anybody.get(urlsplit(back)._replace(path="/favicon.ico").geturl())).status_code == 404
    assert (await approve(where)).status_code == 200
    done = await going.done()
    assert done.code == 0
    assert "does not belong" in done.err


async def test_an_error_ends_it_although_no_state_comes_along(mogplex: Mogplex, plane: PlaneServer) -> None:
    going = login(mogplex, plane)
    back = urlsplit(parse_qs(urlsplit(await address(going)).query)["redirect_uri"][0])
    reader, writer = await asyncio.open_connection(back.hostname, back.port)
    # Not encoded, as the service sends it.
    wanted = f"{back.path}?error=invalid_scope&error_description=The following scopes are invalid: <b>x"
    writer.write(f"GET {wanted} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    done = await going.done()
    assert done.code == 3
    assert "The following scopes are invalid: <b>x" in done.err
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
    ids=lambda sent: sent[:20],
)
async def test_whoever_else_knocks_does_not_disturb_it(
    mogplex: Mogplex, plane: PlaneServer, sent: bytes
) -> None:
    going = login(mogplex, plane)
    where = await address(going)
    back = urlsplit(parse_qs(urlsplit(where).query)["redirect_uri"][0])
    _, writer = await asyncio.open_connection(back.hostname, back.port)
    writer.write(sent)
    assert "close this tab" in (await approve(where)).text
    done = await going.done()
    writer.close()
    assert done.code == 0
    assert "Traceback" not in done.err and "exception" not in done.err.lower()


async def test_a_code_that_the_service_refuses_leaves_nothing(mogplex: Mogplex, plane: PlaneServer) -> None:
    going = login(mogplex, plane)
    query = parse_qs(urlsplit(await address(going)).query)
    async with httpx.AsyncClient() as anybody:
        await anybody.get(query["redirect_uri"][0], params={"code": "made-up", "state": query["state"][0]})
    done = await going.done()
    assert (done.code, done.out) == (3, "")
    assert "invalid code" in done.err and "made-up" not in done.err
    assert contexts.read().by_name == {}


async def test_nobody_who_comes_back_is_a_time_out(
    mogplex: Mogplex, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_login, "BROWSER_TIMEOUT", 0.05)
    done = await login(mogplex, plane).done()
    assert done.code == 3
    assert "ctrl+c gives up" in done.err and "Nobody came back" in done.err


async def test_a_browser_is_opened_where_there_is_one(
    mogplex: Mogplex, plane: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import webbrowser

    opened: list[str] = []

    def opens(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", opens)
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser("firefox"))
    monkeypatch.setenv("DISPLAY", ":0")
    going = mogplex.begin("login", "--base-url", plane.base_url)
    where = await address(going)
    assert opened == [where]
    assert "ssh" not in going.err.text
    await approve(where)
    assert (await going.done()).code == 0


async def signed_in(mogplex: Mogplex, plane: PlaneServer) -> str:
    going = login(mogplex, plane)
    await approve(await address(going))
    assert (await going.done()).code == 0
    return only_context().name


async def test_a_token_that_is_over_is_renewed_and_the_stored_pair_replaced(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    name = await signed_in(mogplex, plane)
    world.repo("acme/api")
    old = record(name)["grant"]
    age(plane)
    done = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "Fix it")
    assert done.code == 0, done.err
    new = record(name)["grant"]
    assert new["access"] != old["access"] and new["refresh"] != old["refresh"]
    assert token_calls(plane) == 2
    assert (await mogplex("runs", "list")).code == 0
    assert token_calls(plane) == 2


async def test_a_sign_in_that_the_service_has_ended_asks_for_a_new_one(
    mogplex: Mogplex, plane: PlaneServer
) -> None:
    await signed_in(mogplex, plane)
    with plane.plane.db.transaction() as tx:
        tx.execute("DELETE FROM oauth_tokens")
    done = await mogplex("runs", "get", "7d0c0000-0000-4000-8000-000000000001")
    assert (done.code, done.out) == (3, "")
    assert "mogplex-tui login" in done.err


async def test_logout_forgets_the_pair_and_keeps_the_context(mogplex: Mogplex, plane: PlaneServer) -> None:
    name = await signed_in(mogplex, plane)
    done = await mogplex("logout", "--json")
    assert done.code == 0
    assert done.one["credentials"] == []
    assert not credential_store.credentials_file(name).exists()
    refused = await mogplex("runs", "list")
    assert refused.code == 3
    assert "mogplex-tui login" in refused.err
    assert "was not signed in" in (await mogplex("logout")).err
