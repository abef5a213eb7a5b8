"""The service refuses the session cookie and accepts the token beside it.

auth.md §4, §5.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.response_errors import CredentialKind
from mogplex_tui.api.route_access import Family, Reach
from tests.api.support import COOKIE, TOKEN, Seen, Service, http, ok, serving

ADA = {"id": "a0000000-0000-4000-8000-00000000000a", "name": "Ada", "github_state": "ready"}
MODELS = {"models": [{"id": "a/x"}, {"id": "a/y"}], "catalog": [], "default_model": "a/x"}
ANSWERS = {
    "/api/auth/user": http(200, {"user": ADA}),
    "/api/settings": http(200, {"default_model": "a/x", "theme": "dark"}),
    "/api/models": http(200, MODELS),
    "/api/observability/calls": http(200, {"calls": [], "total": 0, "page": 1, "limit": 100}),
    "/api/sandbox/s1/boot": http(200, b"event: done\ndata: {}\n\n", "text/event-stream"),
}
# What each of these routes answers when nobody is signed in, instead of a 401.
VISITOR = {
    "/api/auth/user": http(200, {"user": None}),
    "/api/models": http(200, {"models": [{"id": "a/x"}], "catalog": []}),
}
FOR_TOKENS = ("/api/auth/user", "/api/settings", "/api/models", "/api/sandbox")


class Plane:
    """A service with a cookie that can end, with or without the hosted edge in front."""

    def __init__(self, *, edge: bool, alive: bool = False) -> None:
        self.edge, self.alive = edge, alive
        self.refused_paths: tuple[str, ...] = ()

    async def __call__(self, seen: Seen, _: asyncio.StreamWriter) -> bytes:
        if seen.path.startswith("/api/v1/"):
            return ok({"repos": []})
        by_token = seen.headers.get("authorization") == f"Bearer {TOKEN}"
        by_cookie = seen.headers.get("cookie") == COOKIE and self.alive
        public = seen.path.startswith("/api/auth/")
        passes = by_cookie or public or (by_token and seen.path.startswith(FOR_TOKENS))
        if self.edge and not passes:
            return http(307, b"/login", "", Location=f"/login?next={seen.path}")
        if not (by_token or by_cookie):
            return VISITOR.get(seen.path, http(401, {"error": "Unauthorized"}))
        if seen.path in self.refused_paths:
            return http(401, {"error": "Unauthorized"})
        return ANSWERS[seen.path]


def sent_with(service: Service) -> list[str]:
    """Each unversioned request as its path and the credential that it carried."""
    return [
        f"{seen.path} {'cookie' if 'cookie' in seen.headers else 'token'}"
        for seen in service.seen
        if not seen.path.startswith("/api/v1/")
    ]


def by_token(service: Service) -> int:
    """Return how many requests carried the token.

    A change is preceded by a request that tests the write scope on v1.
    """
    return sum("authorization" in seen.headers for seen in service.seen)


async def _read_settings(client: MogplexClient) -> object:
    return (await client.settings.get()).default_model


async def _change_settings(client: MogplexClient) -> None:
    await client.settings.update(theme="dark")


async def _read_models(client: MogplexClient) -> object:
    found = await client.models.list()
    return found.anonymous, len(found.models)


async def _read_account(client: MogplexClient) -> object:
    user = await client.account.user()
    return user and user.name


@pytest.mark.parametrize("edge", [True, False], ids=["hosted-edge", "no-edge"])
@pytest.mark.parametrize(
    ("call", "path", "result"),
    [
        pytest.param(_read_settings, "/api/settings", "a/x", id="read"),
        pytest.param(_change_settings, "/api/settings", None, id="write"),
        pytest.param(_read_models, "/api/models", (False, 2), id="catalogue-for-visitors"),
        pytest.param(_read_account, "/api/auth/user", "Ada", id="null-user"),
    ],
)
async def test_request_with_refused_cookie_is_repeated_with_token(
    edge: bool, call: Callable[[MogplexClient], Awaitable[object]], path: str, result: object
) -> None:
    async with serving(Plane(edge=edge)) as service, service.client(cookie=COOKIE) as client:
        assert await call(client) == result
        # One request finds out that the cookie has ended, unless the refused request has said so itself.
        probe = [] if path == "/api/auth/user" else ["/api/auth/user cookie"]
        assert sent_with(service) == [f"{path} cookie", *probe, f"{path} token"]
        assert client.access.cookie.expired
        assert client.budget.used() == by_token(service)
        assert client.access.reach(Family.SETTINGS).reach is not Reach.NEEDS_SESSION


async def test_expired_cookie_is_recorded_for_all_routes() -> None:
    async with serving(Plane(edge=True)) as service, service.client(cookie=COOKIE) as client:
        await asyncio.gather(client.settings.get(), client.models.list(), client.settings.get())
        assert sent_with(service).count("/api/auth/user cookie") == 1
        service.seen.clear()
        await client.settings.get()
        await client.models.list()
        with pytest.raises(e.LoginRequired, match="the calls"):
            await client.observability.calls()
        assert sent_with(service) == [
            "/api/settings token",
            "/api/models token",
            "/api/observability/calls token",
        ]
        # Reading is announced as metered from here on, so that the scheduler slows down in time.
        assert client._transport.spends_budget("/api/settings")
        # The edge does not count what it turns away.
        assert client.budget.used() == 5


async def test_token_opens_cookie_routes_without_login_gate() -> None:
    async with serving(Plane(edge=False)) as service, service.client(cookie=COOKIE) as client:
        await client.observability.calls()
        assert client.access.reach(Family.OBSERVABILITY).reach is Reach.OPEN
        assert sent_with(service)[-1] == "/api/observability/calls token"


async def test_one_refusing_route_keeps_valid_cookie() -> None:
    plane = Plane(edge=False, alive=True)
    plane.refused_paths = ("/api/settings",)
    async with serving(plane) as service, service.client(cookie=COOKIE) as client:
        with pytest.raises(e.NotSignedIn, match="session cookie"):
            await client.settings.get()
        await client.observability.calls()
        assert not client.access.cookie.expired
        assert sent_with(service) == [
            "/api/settings cookie",
            "/api/auth/user cookie",
            "/api/observability/calls cookie",
        ]


@pytest.mark.parametrize("token", [None, "opaque-oauth-token"], ids=["cookie-alone", "oauth-token"])
async def test_v1_only_token_does_not_replace_cookie(token: str | None) -> None:
    async with (
        serving(Plane(edge=True)) as service,
        service.client(token=token, cookie=COOKIE) as client,
    ):
        for _ in range(2):
            with pytest.raises(e.LoginRequired, match="the settings"):
                await client.settings.get()
        assert client.access.cookie.expired
        assert sent_with(service) == ["/api/settings cookie", "/api/auth/user cookie", "/api/settings cookie"]


async def test_reaccepted_cookie_is_used() -> None:
    plane = Plane(edge=True)
    async with serving(plane) as service, service.client(cookie=COOKIE) as client:
        with pytest.raises(e.LoginRequired):
            await client.observability.calls()
        assert await client.account.user(credential=CredentialKind.COOKIE) is None
        assert not client.access.may_ask(Family.OBSERVABILITY)
        plane.alive = True
        assert await client.account.user(credential=CredentialKind.COOKIE)
        assert not client.access.cookie.expired
        assert client.access.may_ask(Family.OBSERVABILITY)
        await client.observability.calls()
        assert sent_with(service)[-1] == "/api/observability/calls cookie"


async def test_unreachable_service_does_not_end_cookie() -> None:
    async def down(seen: Seen, _: asyncio.StreamWriter) -> bytes:
        return http(503, {"error": "down"})

    async with serving(down) as service, service.client(cookie=COOKIE) as client:
        with pytest.raises(e.Unavailable):
            await client.settings.get()
        assert not client.access.cookie.expired
        assert sent_with(service) == ["/api/settings cookie"]


async def test_stream_with_refused_cookie_opens_with_token() -> None:
    from mogplex_tui.api.transport import Request

    async with serving(Plane(edge=True)) as service, service.client(cookie=COOKIE) as client:
        request = Request("POST", "/api/sandbox/s1/boot", "the sandbox")
        async with client._transport.stream(request, Priority.ACTION) as (reply, chunks):
            assert reply.status == 200
            assert b"".join([chunk async for chunk in chunks]).startswith(b"event: done")
        assert sent_with(service) == [
            "/api/sandbox/s1/boot cookie",
            "/api/auth/user cookie",
            "/api/sandbox/s1/boot token",
        ]
        assert client.budget.used() == by_token(service)
