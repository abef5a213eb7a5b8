"""Malformed paths, hosts, origins, methods and framing, sent as raw bytes.

The tables are the attacks. With MOGPLEX_TEST_LONG=1 every path of the plane is tried with every malformed
segment.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from itertools import islice

import httpx
import pytest
import pytest_asyncio

from tests.controlplane.operation_requests import operations
from tests.controlplane.operation_requests import request as made_request
from tests.controlplane.two_accounts import TwoAccounts, two_accounts
from tests.hostile.raw_client import ResponseInfo, Session, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"
REPOS = "/api/v1/mogplex/repos"
AGENTS = "/api/agents"
MCP = "/api/v1/mogplex/mcp"


class Plane:
    """A plane with two accounts, and the credentials of the first as header lines."""

    def __init__(self, accounts: TwoAccounts) -> None:
        self.accounts = accounts
        self.url = accounts.server.base_url
        self.netloc = self.url.partition("//")[2]
        self.token = f"Authorization: Bearer {accounts.mine.token}"
        self.cookie = f"Cookie: {accounts.mine.cookie}"

    async def send(self, data: bytes, seconds: float = 10.0) -> ResponseInfo:
        """Send bytes on a new connection."""
        return await exchange(self.url, data, seconds=seconds)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["documented", "hosted"])
async def plane(request: pytest.FixtureRequest) -> AsyncIterator[Plane]:
    async with two_accounts(request.param) as accounts:
        yield Plane(accounts)


# For checks that do not depend on the profile.
either_profile = pytest.mark.parametrize("plane", ["documented"], indirect=True)

# Hosts

OWN_HOSTS = ["127.0.0.1", "localhost", "app.localhost", "[::1]", "127.0.0.1:1", "LOCALHOST", "10.1.2.3"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example#127.0.0.1",
    "127.0.0.1@evil.example",
    "evil.example\\@127.0.0.1:x",
    "notlocalhost",
    "0x7f000001",
    "2130706433",
    "[::1",
    "",
]


@either_profile
@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_local_host_names_are_accepted(plane: Plane, host: str) -> None:
    reply = await plane.send(request("GET", REPOS, plane.token, host=host))
    assert reply.statuses == [200]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_foreign_host_name_is_refused(plane: Plane, host: str) -> None:
    version = plane.accounts.snapshot.version()
    body = b'{"name":"rule","content":"text"}'
    for data in (
        request("GET", REPOS, plane.token, host=host),
        request("GET", AGENTS, plane.cookie, host=host),
        request("GET", "/login", plane.cookie, host=host),
        request("POST", "/api/rules", plane.cookie, host=host, body=body),
        request("POST", "/api/rules", plane.cookie, f"Origin: http://{host}", host=host, body=body),
        request("POST", MCP, plane.token, f"Origin: http://{host}", host=host, body=b"{}"),
    ):
        reply = await plane.send(data)
        assert reply.statuses == [403], reply.data
        assert b"Forbidden host" in reply.body
    assert plane.accounts.snapshot.version() == version


@either_profile
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("no-host", []),
        ("two-hosts", ["Host: 127.0.0.1", "Host: 127.0.0.1"]),
        ("own-then-foreign", ["Host: 127.0.0.1", "Host: evil.example"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_request_needs_exactly_one_host(plane: Plane, name: str, lines: list[str]) -> None:
    reply = await plane.send(request("GET", REPOS, plane.token, *lines, host=None))
    assert reply.statuses == [400], name


@either_profile
async def test_absolute_target_replaces_the_host_header(plane: Plane) -> None:
    own = await plane.send(request("GET", f"{plane.url}{REPOS}", plane.token, host="evil.example"))
    foreign = await plane.send(request("GET", f"http://evil.example{REPOS}", plane.token))
    assert (own.statuses, foreign.statuses) == ([200], [403])


# Origins

FOREIGN_ORIGINS = [
    "http://evil.example",
    "https://evil.example",
    "http://127.0.0.1:1",
    "http://localhost",
    "null",
    "file://",
    "",
    "http://127.0.0.1.evil.example",
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_foreign_origin_is_refused(plane: Plane, origin: str) -> None:
    version = plane.accounts.snapshot.version()
    line = f"Origin: {origin}"
    body = b'{"name":"rule","content":"text"}'
    for data in (
        request("GET", AGENTS, plane.cookie, line),
        request("GET", REPOS, plane.token, line),
        request("GET", "/api/realtime/events?tables=ai_calls", plane.cookie, line),
        request("POST", "/api/rules", plane.cookie, line, "Content-Type: text/plain", body=body),
        request("OPTIONS", "/api/rules", line, "Access-Control-Request-Method: DELETE"),
        request("POST", "/login", line, "Content-Type: application/x-www-form-urlencoded", body=b"back=/"),
        request("POST", "/api/auth/mcp/register", line, body=b'{"redirect_uris":["http://a"]}'),
        request("POST", MCP, plane.token, line, body=b"{}"),
    ):
        reply = await plane.send(data)
        assert reply.statuses == [403], reply.data
        assert "access-control-allow-origin" not in reply.headers
    assert plane.accounts.snapshot.version() == version


async def test_own_origin_may_write(plane: Plane) -> None:
    plane.accounts.snapshot.restore()
    body = b'{"name":"rule","content":"text"}'
    origin = f"Origin: http://{plane.netloc}"
    reply = await plane.send(
        request("POST", "/api/rules", plane.cookie, origin, host=plane.netloc, body=body)
    )
    assert reply.statuses == [200]


# Methods

METHODS = {
    "trace": ("TRACE", 405),
    "track": ("TRACK", 400),
    "connect": ("CONNECT", 405),
    "propfind": ("PROPFIND", 405),
    "delete-without-route": ("DELETE", 405),
    "lower-case": ("get", 400),
    "unknown-word": ("BREW", 400),
}


@either_profile
@pytest.mark.parametrize("name", METHODS)
async def test_other_methods_are_refused_without_an_echo(plane: Plane, name: str) -> None:
    method, status = METHODS[name]
    reply = await plane.send(request(method, REPOS, plane.token, "X-Probe: echo-me"))
    assert reply.statuses == [status]
    assert reply.closed and b"echo-me" not in reply.data


# Framing that two servers would read differently: as a body or as a second request.

_SECOND = f"GET {AGENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
FRAMING = {
    "length-and-chunked": ("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    "chunked-and-length": ("Transfer-Encoding: chunked\r\nContent-Length: 6", "0\r\n\r\n"),
    "unknown-coding": ("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    "chunked-not-last": ("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    "space-before-colon": ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    "folded-coding": ("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5", "0\r\n\r\n"),
    "two-lengths": ("Content-Length: 2\r\nContent-Length: 60", "{}"),
    "length-list": ("Content-Length: 2, 2", "{}"),
    "length-plus": ("Content-Length: +2", "{}"),
    "length-minus": ("Content-Length: -1", "{}"),
    "length-hex": ("Content-Length: 0x2", "{}"),
    "length-huge": ("Content-Length: 99999999999999999999999", "{}"),
    "chunk-size-huge": ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "chunk-size-minus": ("Transfer-Encoding: chunked", "-2\r\n{}\r\n0\r\n\r\n"),
    "chunk-without-break": ("Transfer-Encoding: chunked", "2\r\n{}0\r\n\r\n"),
    "chunk-extension-line-feed": ("Transfer-Encoding: chunked", "2;\n{}\r\n0\r\n\r\n"),
    "header-without-colon": ("Content-Length 2", "{}"),
    "nul-in-header": ("X-Odd: a\0b\r\nContent-Length: 2", "{}"),
    "carriage-return-in-header": ("X-Odd: a\rb\r\nContent-Length: 2", "{}"),
}


@either_profile
@pytest.mark.parametrize("name", FRAMING)
async def test_ambiguous_framing_is_refused_and_connection_closed(plane: Plane, name: str) -> None:
    headers, body = FRAMING[name]
    head = f"POST /api/rules HTTP/1.1\r\nHost: 127.0.0.1\r\n{plane.cookie}\r\n{headers}\r\n\r\n"
    version = plane.accounts.snapshot.version()
    reply = await plane.send((head + body + _SECOND).encode("latin-1"))
    assert reply.statuses == [400] and reply.closed, reply.data
    assert plane.accounts.snapshot.version() == version


@either_profile
async def test_request_inside_a_body_is_not_executed(plane: Plane) -> None:
    inner = request("GET", AGENTS, plane.cookie)
    reply = await plane.send(request("GET", REPOS, plane.token, body=inner))
    assert reply.statuses == [200]


@either_profile
@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "TLS/1.0", "tea"])
async def test_upgrade_is_ignored_and_the_connection_closed(plane: Plane, upgrade: str) -> None:
    """HTTP libraries offer HTTP/2 this way and wait for an answer or a close."""
    lines = ("Connection: Upgrade", f"Upgrade: {upgrade}")
    data = request("GET", REPOS, plane.token, *lines, close=False) + request("GET", AGENTS, plane.cookie)
    reply = await plane.send(data)
    assert reply.statuses == [200] and reply.closed


NO_REQUEST = {
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http-9": b"GET /api/agents HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "http-0.9": b"GET /api/agents\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "line-feeds": b"GET /api/agents HTTP/1.1\nHost: 127.0.0.1\n\n",
    "bytes": bytes(range(256)) * 4,
    "raw-utf-8-path": "GET /api/é HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(),
    "nul-path": b"GET /api/\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "folded-header": b"GET /api/agents HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n",
}


@either_profile
@pytest.mark.parametrize("name", NO_REQUEST)
async def test_bytes_that_are_no_request_are_refused(plane: Plane, name: str) -> None:
    reply = await plane.send(NO_REQUEST[name])
    assert reply.statuses == [400] and reply.closed


@either_profile
@pytest.mark.parametrize(
    "data",
    [
        request("GET", "/" + "a" * 100_000),
        request("GET", f"{REPOS}?q=" + "a" * 1_000_000),
        request("GET", REPOS, *(f"X-{number}: {'a' * 100}" for number in range(20_000))),
        request("GET", REPOS, "X-Long: " + "a" * 300_000),
        request("GET", REPOS, "Cookie: " + "a=b; " * 50_000),
    ],
    ids=["path", "query", "many-headers", "long-header", "cookies"],
)
async def test_large_heads_are_refused(plane: Plane, data: bytes) -> None:
    reply = await plane.send(data)
    assert reply.statuses == [431] and reply.closed


# Paths: every path of the plane with a malformed segment.

SEGMENTS = {
    "up": "..",
    "up-twice": "../..",
    "encoded-up": "%2e%2e",
    "encoded-up-twice": "%2e%2e/%2e%2e",
    "encoded-slash": "%2e%2e%2fetc%2fpasswd",
    "twice-encoded": "%252e%252e%252fetc%252fpasswd",
    "slash": "%2f",
    "backslash": "..\\..\\",
    "encoded-backslash": "%5c..%5c..",
    "nul": "%00",
    "text-nul": "a%00b",
    "overlong-dots": "%c0%ae%c0%ae",
    "overlong-slash": "%c0%af",
    "bad-utf-8": "%ff",
    "bad-escape": "%zz",
    "half-escape": "%",
    "here": ".",
    "space": "%20",
    "line-feed": "%0a",
    "header": "%0d%0aX-Injected:%201",
    "star": "*",
    "tilde": "~root",
    "long": "a" * 5000,
    "emoji": "%F0%9F%92%A3",
    "right-to-left": "%E2%80%AE",
    "sql": "'--",
    "brackets": "%5B%5D",
    "null-word": "null",
    "no-row": "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
}
# Routes with one response for everybody, or that treat a missing row as deleted.
ALIKE = {
    "DELETE /api/settings/api-keys/{key_id}",
    "DELETE /api/integrations/slack/installations/{team_id}",
    "DELETE /api/integrations/slack/installations/{team_id}/links/{link_id}",
    "GET /api/sandbox/{id}/terminal/connect",
    "POST /api/sandbox/{id}/terminal/connect",
}
# Routes that answer an id that is no UUID with a 5xx in the documented profile too (projects.md §4.4, §5.2, v1.md §1.1).
FAILING = re.compile(
    r"/api/(repos/[^/]+/(launch-presets|env-vars)|workspaces/|v1/mogplex/repos/[^/]+/env-vars)"
)
STREAMS = {"/api/realtime/events", "/api/auth/logout"}
OPERATIONS = [f"{method} {path}" for method, path, _ in operations() if path not in STREAMS]
# The first segments of a path; a test for each operation would take longer to start than to run.
AREA = re.compile(r"/(?:api/(?:v1/mogplex/)?)?[^/]+")


def area_of(path: str) -> str:
    """Return the first segments of a path."""
    found = AREA.match(path)
    assert found is not None, path
    return found[0]


AREAS = sorted({area_of(label.partition(" ")[2]) for label in OPERATIONS})


def targets(method: str, path: str, plane: Plane) -> Iterator[str]:
    """Yield malformed forms of a path.

    Each parameter is replaced, and a segment is put before it, after it and glued to its end.
    """
    filled = made_request(method, path, plane.accounts.mine.ids)["url"]
    parameters = re.findall(r"\{\w+\}", path)
    for segment in SEGMENTS.values():
        for spoilt in parameters:
            # The other parameters keep valid ids.
            parts = zip(path.split("/"), filled.split("/"), strict=True)
            yield "/".join(segment if part == spoilt else own for part, own in parts)
        yield f"{filled}/{segment}"
        yield f"{filled}{segment}"
        yield f"/{segment}{filled}"
    yield filled.replace("/", "//")
    yield filled.replace("/", "\\")


def in_area(area: str) -> list[tuple[int, str]]:
    """The operations of an area with their numbers."""
    return [
        (number, label) for number, label in enumerate(OPERATIONS) if area_of(label.partition(" ")[2]) == area
    ]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("area", AREAS)
async def test_malformed_path_is_refused(plane: Plane, area: str) -> None:
    version = plane.accounts.snapshot.version()
    session = Session(plane.url, plane.token, plane.cookie, "Content-Type: application/json")
    for number, operation in in_area(area):
        method, path = operation.split(" ")
        every = list(targets(method, path, plane))
        # The short form tries a few for each path, each time different ones.
        for target in every if LONG else islice(every, number % 29, None, 29):
            reply = await session.ask(method, target, body=b"" if method in ("GET", "OPTIONS") else b"{}")
            check_refusal(plane, operation, target, reply)
        assert plane.accounts.snapshot.version() == version, operation
    session.close()


def check_refusal(plane: Plane, operation: str, target: str, reply: ResponseInfo) -> None:
    """Check that the response to a malformed path leaks nothing and is no crash."""
    is_hosted = plane.accounts.server.settings.profile == "hosted"
    shown, path = f"{operation} as {target[:200]}: {reply.data[:300]!r}", operation.partition(" ")[2]
    assert "x-injected" not in reply.headers, shown
    assert b"root:x:" not in reply.data, shown
    location = reply.headers.get("location", "/")
    assert location.startswith(plane.url) or re.match(r"/(?![/\\])", location), shown
    if reply.status >= 500:
        # A bad id is a 500 of the hosted service, and its machine routes are closed without a secret.
        is_closed = b"CRON_SECRET_NOT_CONFIGURED" in reply.body
        assert (is_hosted and (reply.status == 500 or is_closed)) or FAILING.match(path), shown
    elif reply.status < 300:
        assert operation in ALIKE, shown


FILES = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "a/../../b",
    "a\0b",
    "~root/.ssh",
    "..\\..\\x",
    "C:\\x",
    "a" * 5000,
]


@either_profile
@pytest.mark.parametrize("path", FILES, ids=lambda path: repr(path[:20]))
async def test_sandbox_file_routes_stay_in_the_sandbox(plane: Plane, path: str) -> None:
    """Routes refuse a path or use a file of the sandbox, never the machine's files."""
    client, ids = plane.accounts.me, plane.accounts.mine.ids
    base = f"/api/sandbox/{ids['sandbox']}"
    for method, where, body in (
        ("GET", f"{base}/files", None),
        ("POST", f"{base}/files", {"path": path}),
        ("PUT", f"{base}/files", {"path": path, "content": "x"}),
        ("POST", f"{base}/tree", {"kind": "file", "path": path}),
        ("PATCH", f"{base}/tree", {"moves": [{"fromPath": path, "toPath": "here"}]}),
        ("PATCH", f"{base}/tree", {"moves": [{"fromPath": "heron.txt", "toPath": path}]}),
        ("DELETE", f"{base}/tree", {"path": path}),
        ("POST", f"{base}/exec", {"command": "cat", "args": [path], "cwd": path}),
    ):
        plane.accounts.snapshot.restore()
        query = {"path": path} if body is None else {}
        answer = await client.request(method, where, params=query, json=body)
        assert "root:x:" not in answer.text
        rows = plane.accounts.server.plane.db.all("SELECT path FROM sandbox_files")
        assert not [row["path"] for row in rows if {"", "..", "\0"} & set(re.split(r"/|(?=\0)", row["path"]))]


# Header injection.

INJECTED = "x\r\nX-Injected: 1\r\n\r\n"


@pytest.mark.parametrize("area", AREAS)
async def test_request_text_never_becomes_a_response_header(plane: Plane, area: str) -> None:
    session = Session(plane.url, plane.token, plane.cookie)
    for _, operation in in_area(area):
        method, path = operation.split(" ")
        if method != "GET":
            continue
        (described,) = (one for verb, name, one in operations() if (verb, name) == (method, path))
        names = [one["name"] for one in described.get("parameters", ()) if one["in"] == "query"]
        query = dict.fromkeys([*names, "next", "redirect_uri", "state", "x"], INJECTED)
        url = httpx.URL(made_request(method, path, plane.accounts.mine.ids)["url"], params=query)
        reply = await session.ask(method, str(url), "Referer: http://127.0.0.1/%0d%0aX-Injected:1")
        assert "x-injected" not in reply.headers, operation
    session.close()
