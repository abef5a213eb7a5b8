"""Credential that is sent to each route, and effect of its refusal."""

from __future__ import annotations

import asyncio

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.connection_state import ConnectionState
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.api.transport import Request
from tests.api.support import COOKIE, RUN_ID, TOKEN, FakeClock, Seen, http, ok, refused, serving

RUN = {"runId": RUN_ID, "status": "streaming"}
LIMIT = refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60")
UNAUTHORIZED = http(401, {"error": "Unauthorized"})
NO_CALLS = http(200, {"calls": [], "total": 0, "page": 1, "limit": 100})


@pytest.mark.parametrize(
    ("token", "cookie", "v1_auth", "other_auth", "other_cookie", "used"),
    [
        (TOKEN, None, f"Bearer {TOKEN}", f"Bearer {TOKEN}", None, 2),
        (TOKEN, COOKIE, f"Bearer {TOKEN}", None, COOKIE, 1),
        ("opaque-oauth-token", None, "Bearer opaque-oauth-token", "Bearer opaque-oauth-token", None, 0),
        (None, COOKIE, None, None, COOKIE, 0),
        (None, None, None, None, None, 0),
    ],
)
async def test_route_classes_send_their_credential(
    token: str | None,
    cookie: str | None,
    v1_auth: str | None,
    other_auth: str | None,
    other_cookie: str | None,
    used: int,
) -> None:
    async def both(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return ok({"run": RUN}) if "/v1/" in seen.path else NO_CALLS

    async with serving(both) as service, service.client(token=token, cookie=cookie) as client:
        if v1_auth:
            await client.runs.get(RUN_ID)
            assert service.seen[0].headers["authorization"] == v1_auth
            assert "cookie" not in service.seen[0].headers
        else:
            with pytest.raises(e.NotSignedIn, match="no token"):
                await client.runs.get(RUN_ID)
            assert service.seen == []
            assert client.access.reach(Family.V1).reach is Reach.NOT_SIGNED_IN
            assert client.connection.state is ConnectionState.CONNECTING
        await client.observability.calls()
        headers = service.seen[-1].headers
        assert (headers.get("authorization"), headers.get("cookie")) == (other_auth, other_cookie)
        assert client.budget.used() == used


async def test_response_cookies_are_not_sent_back() -> None:
    answer = http(200, {"default_model": "m", "theme": "dark"}, Set_Cookie="mogplex-theme=dark; Path=/")
    async with serving(answer) as service, service.client() as client:
        await client.settings.get()
        await client.settings.get()
    assert all("cookie" not in seen.headers for seen in service.seen)


@pytest.mark.parametrize(
    "path", ["https://elsewhere.example/api", "@elsewhere.example", ".elsewhere.example/", "api"]
)
async def test_no_request_leaves_for_another_origin(path: str) -> None:
    async with serving(ok({})) as service, service.client() as client:
        with pytest.raises(e.InsecureTarget):
            await client._transport.request(Request("GET", path, "x"), Priority.TABLE)
        with pytest.raises(e.InsecureTarget):
            async with client._transport.stream(Request("GET", path, "x"), Priority.TABLE):
                pass
        assert service.seen == []
        assert client.budget.used() == 0


async def test_double_slash_path_keeps_origin() -> None:
    async with serving(http(200, [])) as service, service.client() as client:
        await client._transport.request(Request("GET", "//elsewhere.example/api", "x"), Priority.TABLE)
        assert service.seen[0].path == "//elsewhere.example/api"


async def test_a_redirect_to_another_origin_takes_no_credential_along() -> None:
    async with serving(ok({"run": RUN})) as other:
        away = http(307, b"", "", Location=f"{other.base_url}/api/v1/mogplex/runs/x")
        async with serving(away) as service, service.client(cookie=COOKIE) as client:
            with pytest.raises(e.Redirected):
                await client.runs.get(RUN_ID)
            with pytest.raises(e.Redirected):
                await client.observability.calls()
        assert other.seen == []


@pytest.mark.parametrize(
    ("on_v1", "kind"),
    [
        (ok({"repos": []}), e.SuspectedThrottle),
        (LIMIT, e.SuspectedThrottle),
        (http(500, b"", ""), e.SuspectedThrottle),
        (refused(401, "UNAUTHORIZED", "Unauthorized"), e.NotSignedIn),
    ],
)
async def test_401_outside_v1_is_rechecked_on_v1(on_v1: bytes, kind: type[e.MogplexError]) -> None:
    async def split(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return on_v1 if "/v1/" in seen.path else UNAUTHORIZED

    async with serving(split) as service, service.client() as client:
        wrong = await asyncio.gather(
            *(client.observability.calls() for _ in range(4)), client.settings.get(), return_exceptions=True
        )
        assert {type(error) for error in wrong} == {kind}
        checks = [seen for seen in service.seen if "/v1/" in seen.path]
        assert [(check.path, check.query) for check in checks] == [("/api/v1/mogplex/repos", "limit=1")]
        refused_token = client.access.reach(Family.OBSERVABILITY).reach is Reach.NOT_SIGNED_IN
        assert refused_token is (kind is e.NotSignedIn)
        assert (client.budget.blocked_until is not None) is (on_v1 is LIMIT)


async def test_401_with_cookie_only_reports_cookie() -> None:
    async with serving(UNAUTHORIZED) as service, service.client(token=None, cookie=COOKIE) as client:
        for _ in range(2):
            with pytest.raises(e.NotSignedIn, match="session cookie"):
                await client.observability.calls()
        # The second asks for the account, which tells for all routes, and is not asked again.
        calls = "/api/observability/calls"
        assert [seen.path for seen in service.seen] == [calls, "/api/auth/user", calls]


async def test_oauth_token_outside_v1_needs_session() -> None:
    async def split(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return ok({"repos": []}) if "/v1/" in seen.path else UNAUTHORIZED

    async with serving(split) as service, service.client(token="opaque-oauth") as client:
        with pytest.raises(e.LoginRequired):
            await client.observability.calls()
        assert client.access.reach(Family.OBSERVABILITY).reach is Reach.NEEDS_SESSION


async def test_null_user_near_limit_is_suspected() -> None:
    async def split(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return LIMIT if "/v1/" in seen.path else http(200, {"user": None})

    clock = FakeClock()
    async with serving(split) as service, service.client(clock=clock) as client:
        assert await client.account.user() is None
        for _ in range(45):
            client.budget.acquire(Priority.ACTION)
        with pytest.raises(e.SuspectedThrottle):
            await client.at(Priority.ACTION).account.user()


async def test_model_list_without_default_is_anonymous() -> None:
    async with (
        serving(
            http(200, {"models": [{"id": "b/x"}, {"id": "a/x", "provider": "a"}], "catalog": []})
        ) as service,
        service.client() as client,
    ):
        found = await client.models.list()
    assert found.anonymous and found.default_model is None
    assert [model.id for model in found.models] == ["b/x", "a/x"]
