"""The report of `doctor` for every kind of credential, and for other servers.

Both profiles of the plane are tested.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import http, serving
from tests.cli.support import TOKEN, CommandResult, CommandRunner, SystemClock
from tests.controlplane.row_factory import RowFactory

REACHES = {"open", "needs-session", "needs-scope", "throttled", "absent", "broken", "unreachable"}
UNVERSIONED = ("account", "settings", "models", "github", "mcp", "observability", "realtime")
V1 = ("v1", "write")
# Route families that the hosted edge opens to a personal access token (auth.md §4).
FOR_TOKENS = ("account", "settings", "models", "mcp")
ALL_FAMILIES = (*UNVERSIONED, *V1)


def reaches(result: CommandResult) -> dict[str, str]:
    families = [each for each in result.objects if each["object"] == "family"]
    assert {each["reach"] for each in families} <= REACHES
    assert all(each["advice"] for each in families)
    assert families[-1]["requests"] <= 15
    return {each["family"]: each["reach"] for each in families[:-1]}


def same_reach(word: str, **others: str) -> dict[str, str]:
    return dict.fromkeys(ALL_FAMILIES, word) | others


@pytest.fixture(params=["documented", "hosted"])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def plane(profile: str) -> AsyncIterator[PlaneServer]:
    settings = Settings(speed=0, seeded=False, rate_limit=30, profile=profile)
    async with PlaneServer(settings, clock=SystemClock()) as running:
        yield running


def token_alone(profile: str) -> dict[str, str]:
    """Return the expected access of a valid token for every route family.

    All are open, but the hosted edge reserves three for browser sessions.
    """
    closed = () if profile == "documented" else ("github", "observability", "realtime")
    return same_reach("open") | dict.fromkeys(closed, "needs-session")


async def test_token_opens_its_families(mogplex: CommandRunner, plane: PlaneServer, profile: str) -> None:
    mogplex.use(plane.base_url, token=plane.token)
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (0, token_alone(profile))


async def test_read_only_token_lacks_only_write_scope(
    mogplex: CommandRunner, plane: PlaneServer, profile: str
) -> None:
    mogplex.use(plane.base_url, token=plane.read_only_token)
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (0, token_alone(profile) | {"write": "needs-scope"})


@pytest.mark.parametrize("kind", ["expired", "revoked", "mistyped", "unknown"])
async def test_rejected_token_opens_nothing_with_few_requests(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, kind: str
) -> None:
    tokens = {
        "expired": factory.token(expires_at=1),
        "revoked": factory.token(revoked_at=1),
        "mistyped": plane.token[:-1] + ("A" if plane.token[-1] != "A" else "B"),
        "unknown": TOKEN,
    }
    mogplex.use(plane.base_url, token=tokens[kind])
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (3, same_reach("needs-session"))
    account = next(each for each in result.objects if each.get("family") == "account")
    assert account["status"] == 200
    assert "does not accept this token" in account["advice"]
    assert tokens[kind] not in result.out + result.err


async def test_oauth_token_opens_token_api_only(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, profile: str
) -> None:
    token = "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf"
    later = factory.clock.us + 3600 * SECOND_US
    with plane.plane.db.transaction() as tx:
        tx.insert(
            "oauth_tokens",
            id=tx.new_id(),
            access_token=token,
            refresh_token="none",
            access_expires_at=later,
            refresh_expires_at=later,
            client_id="mogplex-cli",
            user_id=factory.user,
            scopes="openid read write",
            created_at=1,
            updated_at=1,
        )
    mogplex.use(plane.base_url, token=token)
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (
        0,
        same_reach("needs-session", v1="open", write="open"),
    )
    assert result.objects[-1]["limit"] is None
    # A second request reads the reason; the reported status is that of the first response.
    statuses = {each["family"]: each["status"] for each in result.objects[1:-1]}
    closed = 401 if profile == "documented" else 307
    refused = ("settings", "github", "mcp", "observability", "realtime")
    assert [statuses[each] for each in refused] == [closed] * 5


async def test_session_cookie_opens_all_but_token_api(mogplex: CommandRunner, plane: PlaneServer) -> None:
    mogplex.use(plane.base_url, token=None, cookie=plane.session_cookie)
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (
        0,
        same_reach("open", v1="needs-scope", write="needs-scope"),
    )
    v1 = next(each for each in result.objects if each.get("family") == "v1")
    assert v1["status"] is None
    assert "API token" in v1["advice"]


async def test_expired_cookie_opens_nothing(mogplex: CommandRunner, plane: PlaneServer) -> None:
    with plane.plane.db.transaction() as tx:
        tx.execute("UPDATE sessions SET expires_at = 1")
    mogplex.use(plane.base_url, token=None, cookie=plane.session_cookie)
    result = await mogplex("doctor", "--json")
    expected = same_reach("needs-session", v1="needs-scope", write="needs-scope")
    assert (result.code, reaches(result)) == (3, expected)
    assert (
        "mogplex-tui login --session"
        in next(each for each in result.objects if each.get("family") == "account")["advice"]
    )
    # A good token opens the same as without the cookie.
    mogplex.use(plane.base_url, token=plane.token)
    without = reaches(await mogplex("doctor", "--json"))
    mogplex.use(plane.base_url, token=plane.token, cookie=plane.session_cookie)
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (0, without)
    assert result.objects[0]["session"] == "expired"
    text = (await mogplex("doctor")).out
    assert "cookie, expired (from MOGPLEX_SESSION_COOKIE)" in text
    assert (
        "session: The browser session has expired; the token is used in its place. Sign in again"
        in " ".join(text.split())
    )


async def test_rate_limited_token_is_throttled(
    mogplex: CommandRunner, plane: PlaneServer, profile: str
) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {plane.token}"}) as client:
        while (await client.get(f"{plane.base_url}/api/v1/mogplex/repos")).status_code == 200:
            pass
    mogplex.use(plane.base_url, token=plane.token)
    result = await mogplex("doctor", "--json")
    closed = () if profile == "documented" else ("github", "observability", "realtime")
    assert (result.code, reaches(result)) == (
        5,
        same_reach("throttled") | dict.fromkeys(closed, "needs-session"),
    )
    assert "does not accept" not in result.out


def certificate_in(directory: Path) -> ssl.SSLContext:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=127.0.0.1", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def self_signed(context: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve TLS with a self-signed certificate."""

    async def serving_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.close()

    server = await asyncio.start_server(serving_tls, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_self_signed_certificate_is_unreachable(mogplex: CommandRunner, tmp_path: Path) -> None:
    context = await asyncio.to_thread(certificate_in, tmp_path)
    async with self_signed(context) as base_url:
        mogplex.use(base_url)
        result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (6, same_reach("unreachable"))
    assert "Check the certificate" in result.objects[1]["advice"]
    assert result.objects[-1]["requests"] == 2


async def test_stopped_service_is_unreachable(mogplex: CommandRunner) -> None:
    async with serving(b"") as service:
        url = service.base_url
    mogplex.use(url)
    result = await mogplex("doctor", "--json")
    assert (result.code, reaches(result)) == (6, same_reach("unreachable"))
    assert "base URL is right" in result.objects[1]["advice"]


@pytest.mark.parametrize(
    ("answer", "reach"),
    [
        (http(200, b"<!doctype html><title>Hello</title>", "text/html"), "absent"),
        (http(404, b"<html>no</html>", "text/html"), "absent"),
        (http(404, b"", ""), "absent"),
        (http(301, b"", "", Location="https://elsewhere.example/"), "broken"),
        (http(200, {"hello": "world"}), "broken"),
    ],
    ids=["html page", "html 404", "empty 404", "redirect", "other json"],
)
async def test_other_server_is_reported_as_not_mogplex(
    mogplex: CommandRunner, answer: bytes, reach: str
) -> None:
    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("doctor", "--json")
    found = reaches(result)
    assert result.code == 1
    assert set(found.values()) <= {reach, "absent", "broken"}
    assert found["v1"] == reach
    if reach == "absent":
        assert "responds like Mogplex: check the base URL" in result.err
