"""Each refusal and oddity of the contract becomes the right error."""

from __future__ import annotations

import dataclasses
from collections import Counter

import httpx
import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.stream_events import StreamEndKind
from tests.api.support import COOKIE, TOKEN, http, serving
from tests.facts.client_calls import CALLS, call
from tests.facts.client_calls import NOBODY as X
from tests.facts.client_routes import client_of
from tests.facts.oddities import EVERY, Oddity


class Odd(httpx.AsyncBaseTransport):
    """Gives the odd answer to everything."""

    def __init__(self, oddity: Oddity) -> None:
        self.oddity = oddity
        self.asked: list[tuple[str, bool]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, "cookie" in request.headers))
        headers = dict(self.oddity.headers)
        if self.oddity.content_type:
            headers["Content-Type"] = self.oddity.content_type
        return httpx.Response(self.oddity.status, content=self.oddity.content, headers=headers)


@pytest.mark.parametrize("oddity", EVERY, ids=lambda oddity: oddity.name)
async def test_contract_oddities_raise_documented_errors(oddity: Oddity) -> None:
    service = Odd(oddity)
    async with client_of(service) as client:
        with pytest.raises(e.MogplexError) as caught:
            await call(client, oddity.asked)
    error = caught.value
    # A family may have a kind of its own below one of the tree.
    assert isinstance(error, oddity.kind)
    assert type(error) is oddity.kind or type(error).__module__ != e.__name__
    assert oddity.says in str(error)
    assert error.code == oddity.code
    assert oddity.wait is None or error.retry_after == oddity.wait
    assert error.extra.items() >= oddity.extra.items()
    assert error.status == oddity.status and error.method and error.path and error.request_id
    assert error.advice and error.resource
    # A refused cookie is tested, and the token tried in its place; nothing is sent twice with the same credential.
    assert len(service.asked) == len(set(service.asked))
    if oddity.kind not in (e.LoginRequired, e.NotSignedIn):
        assert len(service.asked) == 1


def test_oddities_are_unique_and_each_calls_a_method() -> None:
    assert {name for name, count in Counter(oddity.name for oddity in EVERY).items() if count > 1} == set()
    assert {oddity.asked for oddity in EVERY} <= CALLS.keys()


@pytest.mark.parametrize("oddity", [o for o in EVERY if isinstance(o.body, dict)][::4], ids=lambda o: o.name)
async def test_errors_hide_credentials_and_escape_codes(oddity: Oddity) -> None:
    echo = oddity.content.replace(b"A sentence", b"x").replace(b'"message": "', b'"message": "%s \\u001b[2J ')
    echo = echo.replace(b'"error": "', b'"error": "%s \\u001b[2J ').replace(b"%s", TOKEN.encode())
    async with client_of(Odd(dataclasses.replace(oddity, body=echo))) as client:
        with pytest.raises(e.MogplexError) as caught:
            await call(client, oddity.asked)
    assert TOKEN not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
    assert COOKIE not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
    assert "\x1b" not in str(caught.value)


async def test_failed_sandbox_test_is_a_result() -> None:
    async with (
        serving(http(200, {"ok": False, "error": "No project"})) as service,
        service.client() as client,
    ):
        found = await client.flows.sandbox_test(X)
    assert (found.ok, found.error) == (False, "No project")


@pytest.mark.parametrize(
    ("name", "event", "kind"),
    [
        ("launch", b'{"type":"error","message":"No machine","phase":"create"}', StreamEndKind.FAILED),
        ("launch", b'{"type":"error","message":"No machine"}', StreamEndKind.FAILED),
        (
            "harness",
            b'{"type":"done","exitCode":2,"error":"No machine","failureCode":"X"}',
            StreamEndKind.FAILED,
        ),
    ],
)
async def test_error_event_ends_stream(name: str, event: bytes, kind: StreamEndKind) -> None:
    frames = http(200, b"data: " + event + b"\n\n", "text/event-stream")
    async with serving(frames) as service, service.client() as client:
        stream = getattr(client.sandboxes, name)(*CALLS[f"sandboxes.{name}"])
        async with stream:
            items = [item async for item in stream]
    assert len(items) == 1
    assert stream.end is not None
    assert (stream.end.kind, "No machine" in stream.end.message) == (kind, True)


async def test_delete_of_unknown_mcp_server_succeeds() -> None:
    async def answer(seen: object, _: object) -> bytes:
        return (
            http(404, {"error": "Not found"})
            if getattr(seen, "method", "") == "DELETE"
            else http(200, {"servers": []})
        )

    async with serving(answer) as service, service.client() as client:
        await client.mcp_servers.delete(X)
        assert [seen.method for seen in service.seen] == ["DELETE", "GET"]


async def test_a_list_of_calls_without_a_limit_is_read() -> None:
    page = {"calls": [], "total": 0, "page": 1, "limit": None}
    async with serving(http(200, page)) as service, service.client() as client:
        assert (await client.observability.calls()).total == 0
