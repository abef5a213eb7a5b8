"""OAuth tokens are renewed once, before they expire, and saved.

auth.md §8, §9.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api import http_clients, token_renewal
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.runs import RunStart
from mogplex_tui.api.oauth import TOKEN as TOKEN_PATH
from mogplex_tui.api.oauth import SignIn
from mogplex_tui.api.target import Target
from mogplex_tui.api.token_renewal import Renewal
from mogplex_tui.config import credential_store
from mogplex_tui.config.credential_store import Grant, StoredCredential, StoredGrant
from mogplex_tui.config.secret import Secret
from tests.api.support import COOKIE, FakeClock, Seen, Service, http, ok, refused, serving, until

REPO = "8f3a2b1c-0000-4000-8000-0000000000aa"


def token(number: int) -> str:
    return "access" + "abcdefghij"[number] * 26


def renewing(number: int) -> str:
    return "renews" + "abcdefghij"[number] * 26


def grant(number: int, clock: FakeClock, lives: float) -> Grant:
    return Grant(
        Secret(token(number)), clock.now().timestamp() + lives, Secret(renewing(number)), "read write"
    )


class Issuer:
    """A service whose v1 takes the newest token only, and gives out the next one."""

    def __init__(self) -> None:
        self.newest = 0
        self.calls: list[dict[str, str]] = []
        self.refuses: bytes | None = None
        self.held: asyncio.Event | None = None

    async def __call__(self, seen: Seen, _: asyncio.StreamWriter) -> bytes:
        if seen.path == TOKEN_PATH:
            return await self.issue(seen)
        if seen.headers.get("authorization") != f"Bearer {token(self.newest)}":
            return refused(401, "UNAUTHORIZED", "Unauthorized")
        return ok({"repos": []}) if seen.method == "GET" else ok({"run_id": REPO, "status": "pending"})

    async def issue(self, seen: Seen) -> bytes:
        assert "authorization" not in seen.headers
        assert "cookie" not in seen.headers and "origin" not in seen.headers
        self.calls.append(dict(parse_qsl(seen.body.decode())))
        if self.held is not None:
            await self.held.wait()
        if self.refuses is not None:
            return self.refuses
        self.newest += 1
        return http(
            200,
            {
                "access_token": token(self.newest),
                "token_type": "bearer",
                "expires_in": 3600,
                "refresh_token": renewing(self.newest),
                "scope": "read write",
            },
        )


def client(
    service: Service, clock: FakeClock, lives: float, *, number: int = 0, cookie: str | None = None
) -> MogplexClient:
    """Store a token pair for the context `work`; return a client that uses it."""
    pair = grant(number, clock, lives)
    credential_store.save(
        "work", StoredCredential(service.base_url, grant=pair, session_cookie=Secret("s=kept"))
    )
    return another(service, clock, pair, cookie=cookie)


def another(service: Service, clock: FakeClock, pair: Grant, *, cookie: str | None = None) -> MogplexClient:
    renewal = Renewal(pair, StoredGrant("work", credential_store.FILE))
    target = Target(
        "work", service.base_url, pair.access, Secret(cookie) if cookie else None, renewal=renewal
    )
    return MogplexClient(target, clock=clock)


def stored() -> StoredCredential:
    found = credential_store.load("work", credential_store.FILE)
    assert found is not None
    return found


@pytest.mark.parametrize(("lives", "calls"), [(3600, 0), (61, 0), (59, 1), (-5, 1)])
async def test_token_is_renewed_in_its_last_minute(lives: float, calls: int) -> None:
    clock, issuer = FakeClock(), Issuer()
    async with serving(issuer) as service, client(service, clock, lives) as asking:
        await asking.repos.list()
        assert len(issuer.calls) == calls
        assert [seen.path for seen in service.seen].count("/api/v1/mogplex/repos") == 1
        if calls:
            assert issuer.calls == [
                {"grant_type": "refresh_token", "client_id": "mogplex-cli", "refresh_token": renewing(0)}
            ]
            assert stored() == replace(
                StoredCredential(service.base_url, session_cookie=Secret("s=kept")),
                grant=grant(1, clock, 3600),
            )
        await asking.repos.list()
        assert len(issuer.calls) == calls


async def test_v1_401_renews_token_and_repeats_request() -> None:
    clock, issuer = FakeClock(), Issuer()
    issuer.newest = 1
    async with serving(issuer) as service, client(service, clock, 3600) as asking:
        await asking.repos.list()
        body = RunStart(repo_id=REPO, prompt="Fix it")
        issuer.newest += 1
        clock.advance(10)
        await asking.runs.start(body, "key-1")
        starts = [seen for seen in service.seen if seen.method == "POST" and seen.path != TOKEN_PATH]
        assert len(issuer.calls) == 2
        assert len(starts) == 2 and starts[0].body == starts[1].body
        assert {seen.headers["idempotency-key"] for seen in starts} == {"key-1"}
        assert stored().grant == grant(4, clock, 3600)


async def test_concurrent_requests_renew_token_once() -> None:
    clock, issuer = FakeClock(), Issuer()
    async with serving(issuer) as service, client(service, clock, 5) as asking:
        await asyncio.gather(*(asking.repos.list() for _ in range(12)))
        assert len(issuer.calls) == 1
    clock, issuer = FakeClock(), Issuer()
    issuer.newest = 1
    async with serving(issuer) as service, client(service, clock, 3600) as asking:
        await asyncio.gather(*(asking.repos.list() for _ in range(12)))
        assert len(issuer.calls) == 1


async def test_concurrent_processes_renew_token_once() -> None:
    clock, issuer = FakeClock(), Issuer()
    async with serving(issuer) as service, client(service, clock, 5) as first:
        others = [another(service, clock, grant(0, clock, 5)) for _ in range(3)]
        await asyncio.gather(*(each.repos.list() for each in (first, *others)))
        assert len(issuer.calls) == 1
        for each in others:
            await each.aclose()


async def test_cancelled_waiter_does_not_lose_renewed_tokens() -> None:
    clock, issuer = FakeClock(), Issuer()
    issuer.held = asyncio.Event()
    async with serving(issuer) as service, client(service, clock, 5) as asking:
        request = asyncio.create_task(asking.repos.list())
        await until(lambda: bool(issuer.calls))
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        issuer.held.set()
        await until(lambda: stored().grant == grant(1, clock, 3600))
        await asking.repos.list()
        assert len(issuer.calls) == 1


def ended(error: str) -> bytes:
    return http(401, {"error_description": "refresh token expired", "error": error})


async def test_ended_sign_in_requires_login_without_more_requests() -> None:
    clock, issuer = FakeClock(), Issuer()
    issuer.refuses = ended("invalid_grant")
    async with serving(issuer) as service, client(service, clock, -1) as asking:
        for _ in range(3):
            with pytest.raises(e.NotSignedIn, match="mogplex-tui login"):
                await asking.repos.list()
            clock.advance(10)
        assert len(issuer.calls) == 1
        # A new sign-in beside this process is found.
        issuer.refuses, issuer.newest = None, 4
        credential_store.save("work", replace(stored(), grant=grant(4, clock, 3600)))
        await asking.repos.list()
        assert len(issuer.calls) == 1


async def test_sign_out_in_other_process_ends_session() -> None:
    clock, issuer = FakeClock(), Issuer()
    async with serving(issuer) as service, client(service, clock, 30) as asking:
        credential_store.remove("work")
        await asking.repos.list()
        clock.advance(60)
        with pytest.raises(e.NotSignedIn, match="signed out"):
            await asking.repos.list()
        assert issuer.calls == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(502, b"<html>", "text/html"), e.Unavailable),
        (http(500, b"", ""), e.ServiceFailed),
        (http(200, b"<html>", "text/html"), e.InvalidResponse),
        (http(200, {"access_token": "two words"}), e.InvalidResponse),
        (http(200, {"access_token": 7}), e.InvalidResponse),
        (http(429, {}), e.Throttled),
        (http(429, {"error": "slow_down"}), e.Throttled),
        (http(500, {"error": "server_error"}), e.ServiceFailed),
        (http(503, {"error": "temporarily_unavailable", "error_description": "later"}), e.Unavailable),
        (http(307, b"", "", Location="/login"), e.Redirected),
        (http(404, b"<html>", "text/html"), e.Absent),
        (http(400, {"error": "unsupported_grant_type"}), e.BadRequest),
    ],
)
async def test_temporary_renewal_failure_raises_only_after_token_expiry(
    answer: bytes, kind: type[e.MogplexError]
) -> None:
    clock, issuer = FakeClock(), Issuer()
    issuer.refuses = answer
    async with serving(issuer) as service, client(service, clock, 30) as asking:
        await asking.repos.list()
        await asking.repos.list()
        # After a failure it rests, and does not ask before every request.
        assert len(issuer.calls) == 1
        clock.advance(31)
        with pytest.raises(kind):
            await asking.repos.list()
        assert stored().grant == grant(0, clock, -1)


async def test_renewal_stops_when_new_token_is_refused() -> None:
    clock, issuer = FakeClock(), Issuer()

    async def hates_everybody(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        if seen.path == TOKEN_PATH:
            return await issuer.issue(seen)
        return refused(401, "UNAUTHORIZED", "Unauthorized")

    async with serving(hates_everybody) as service, client(service, clock, 3600) as asking:
        for _ in range(4):
            with pytest.raises(e.NotSignedIn):
                await asking.repos.list()
        assert len(issuer.calls) == 1


async def test_renewal_without_refresh_token_keeps_old_one() -> None:
    clock, issuer = FakeClock(), Issuer()
    issuer.newest = 1
    issuer.refuses = http(200, {"access_token": token(1), "token_type": "Bearer"})
    async with serving(issuer) as service, client(service, clock, 0) as asking:
        await asking.repos.list()
    assert stored().grant == replace(grant(1, clock, 3600), refresh=Secret(renewing(0)))


@pytest.mark.parametrize("lives", ["60", None, True, -5, 0, float("nan"), float("inf"), 10**400])
async def test_invalid_token_lifetime_counts_as_one_hour(lives: object) -> None:
    clock, issuer = FakeClock(), Issuer()
    issuer.newest = 1
    issuer.refuses = http(200, {"access_token": token(1), "refresh_token": renewing(1), "expires_in": lives})
    async with serving(issuer) as service, client(service, clock, 0) as asking:
        await asking.repos.list()
    assert stored().grant == replace(grant(1, clock, 3600), scope="read write")


async def test_401_outside_v1_does_not_renew_token() -> None:
    clock, issuer = FakeClock(), Issuer()

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        if not seen.path.startswith("/api/v1/") and seen.path != TOKEN_PATH:
            return http(401, {"error": "Unauthorized"})
        return await issuer(seen, writer)

    async with serving(answer) as service, client(service, clock, 3600) as asking:
        with pytest.raises(e.LoginRequired):
            await asking.settings.get()
        assert issuer.calls == []


async def test_session_cookie_is_used_instead_of_token_pair() -> None:
    clock, issuer = FakeClock(), Issuer()

    async def answer(seen: Seen, _: asyncio.StreamWriter) -> bytes:
        assert seen.headers["cookie"] == COOKIE and "authorization" not in seen.headers
        return http(200, {"theme": "dark"})

    async with serving(answer) as service, client(service, clock, -1, cookie=COOKIE) as asking:
        await asking.settings.get()
    assert issuer.calls == []


async def test_streams_renew_token() -> None:
    clock, issuer = FakeClock(), Issuer()

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        if (
            seen.path.endswith("/events")
            and seen.headers["authorization"] == f"Bearer {token(issuer.newest)}"
        ):
            return ok({"events": []})
        return await issuer(seen, writer)

    issuer.newest = 1
    async with serving(answer) as service, client(service, clock, 3600) as asking:
        from mogplex_tui.api.budget import Priority
        from mogplex_tui.api.transport import Request

        request = Request("GET", f"/api/v1/mogplex/runs/{REPO}/events", "the events")
        async with asking._transport.stream(request, Priority.TAIL) as (reply, chunks):
            assert reply.status == 200
            async with aclosing(chunks) as parts:  # type: ignore[type-var]
                assert json.loads(b"".join([part async for part in parts]))["ok"] is True
    assert len(issuer.calls) == 1


@pytest.mark.parametrize("endless", [False, True])
async def test_endless_token_response_times_out(monkeypatch: pytest.MonkeyPatch, endless: bool) -> None:
    monkeypatch.setattr(http_clients, "RESPONSE_TIMEOUT", 30.0 if endless else 0.1)
    clock = FakeClock()

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 9999999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * (50_000 if endless else 1))
            await writer.drain()
            await asyncio.sleep(0.001)

    async with serving(answer) as service, client(service, clock, -1) as asking:
        with pytest.raises(e.InvalidResponse if endless else e.TimedOut):
            await asking.repos.list()
        # Other processes may try now.
        other = StoredGrant("work", credential_store.FILE)
        await until(other.try_lock)
        other.unlock()


async def test_renewal_waits_for_lock_of_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, issuer = FakeClock(), Issuer()
    monkeypatch.setattr(token_renewal, "_LOCK_TIMEOUT", 0.0)
    async with serving(issuer) as service, client(service, clock, -1) as asking:
        busy = StoredGrant("work", credential_store.FILE)
        assert busy.try_lock()
        with pytest.raises(e.TimedOut, match="Another mogplex-tui"):
            await asking.repos.list()
        busy.unlock()
        await asking.repos.list()


async def test_no_token_reaches_a_log_or_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    clock, issuer = FakeClock(), Issuer()
    caplog.set_level(logging.DEBUG)
    async with serving(issuer) as service, client(service, clock, 5) as asking:
        await asking.repos.list()
        scrubbed = asking.target.scrub(f"{token(0)} {renewing(0)} {token(1)} {renewing(1)}")
        shown = repr(asking.target) + repr(asking.target.renewal)
    for secret in (token(0), renewing(0), token(1), renewing(1)):
        assert secret not in caplog.text + scrubbed + shown


def test_sign_in_address_has_all_parameters_and_fresh_secrets() -> None:
    one, other = SignIn.begin(24816), SignIn.begin(24816)
    address = one.address("https://mogplex.com")
    query = dict(parse_qsl(address.partition("?")[2]))
    assert address.startswith("https://mogplex.com/api/auth/mcp/authorize?")
    assert query["redirect_uri"] == "http://127.0.0.1:24816/auth/callback"
    assert query["scope"] == "openid profile email offline_access read write"
    assert (query["client_id"], query["response_type"]) == ("mogplex-cli", "code")
    assert len(query["code_challenge"]) == 43 and len(query["state"]) == 43
    assert len(one.verifier.reveal()) == 86
    assert one.verifier.reveal() not in address
    assert one.verifier != other.verifier and one.state != other.state
