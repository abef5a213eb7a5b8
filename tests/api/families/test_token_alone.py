"""Every method with only a token on the hosted profile: a result or a reason.

Requests are counted where they arrive (auth.md §3, §4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.route_access import Family, Reach, family_of
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane import middleware
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from tests.api.support import FakeClock, until
from tests.facts.client_calls import CALLS, call
from tests.facts.client_routes import Sent, recorded

# What a token opens on the hosted service; everything else leads to the sign-in page (auth.md §4).
OPEN = {
    Family.V1,
    Family.MCP_ENDPOINT,
    Family.ACCOUNT,
    Family.SETTINGS,
    Family.MODELS,
    Family.MCP,
    Family.SANDBOX,
}
# What a service may answer to ids that nobody has, and to a body that is right in form alone.
REFUSALS = (e.NotFound, e.BadRequest, e.Conflict, e.FeatureOff, e.ServiceFailed, e.Unavailable, e.NotAllowed)


@pytest.fixture(scope="module")
def sent() -> dict[str, list[Sent]]:
    return recorded()


@pytest.fixture
async def hosted(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[PlaneServer, Counter[str]]]:
    """An empty hosted plane, and how many requests arrived by method and path."""
    arrived: Counter[str] = Counter()
    before = middleware.wrap_in_middleware

    def counting(app: ASGIApp, service: Any) -> ASGIApp:
        inner = before(app, service)

        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                arrived[f"{scope['method']} {scope['path']}"] += 1
            await inner(scope, receive, send)

        return count

    monkeypatch.setattr("mogplex_tui.controlplane.server.wrap_in_middleware", counting)
    settings = Settings(speed=0, seeded=False, rate_limit=None, profile="hosted")
    async with PlaneServer(settings) as server:
        yield server, arrived


def token_of(server: PlaneServer) -> Target:
    return Target("token alone", server.base_url, Secret(server.token))


@asynccontextmanager
async def patient_client(server: PlaneServer) -> AsyncIterator[tuple[MogplexClient, FakeClock]]:
    """A client with a manual clock, so that its request budget never runs out."""
    clock = FakeClock()
    async with MogplexClient(token_of(server), clock=clock) as client:
        yield client, clock


async def test_every_method_returns_or_is_refused_after_one_request(
    hosted: tuple[PlaneServer, Counter[str]], sent: dict[str, list[Sent]]
) -> None:
    server, arrived = hosted
    results, refusals = 0, Counter[type[e.MogplexError]]()
    async with patient_client(server) as (client, clock):
        for name in CALLS:
            clock.advance(61)
            arrived.clear()
            family = family_of(sent[name][0].path)
            try:
                await call(client, name)
            except e.LoginRequired as refused:
                assert family not in OPEN, name
                assert refused.status == 307 and "login --session" in refused.advice
                refusals[e.LoginRequired] += 1
            except REFUSALS as refused:
                assert family in OPEN and refused.status is not None and refused.message, name
                refusals[type(refused)] += 1
            else:
                assert family in OPEN, name
                results += 1
            assert arrived.total() == 1, (name, arrived)
    assert results > 10
    assert refusals[e.LoginRequired] > 100
    assert refusals[e.NotFound] > 10


async def test_access_map_knows_the_reach_after_one_request_per_family(
    hosted: tuple[PlaneServer, Counter[str]],
) -> None:
    server, _ = hosted
    async with patient_client(server) as (client, clock):
        for name in CALLS:
            clock.advance(61)
            try:
                await call(client, name)
            except e.MogplexError:
                continue
        found = {family: client.access.reach(family) for family in Family}
        del found[Family.OTHER]
        assert {family for family, finding in found.items() if finding.reach is Reach.OPEN} == OPEN
        closed = {family: finding for family, finding in found.items() if family not in OPEN}
        assert {finding.reach for finding in closed.values()} == {Reach.NEEDS_SESSION}
        assert all("login --session" in finding.reason for finding in closed.values())
        assert client.access.can_write is True


async def test_closed_family_is_checked_by_one_request(
    hosted: tuple[PlaneServer, Counter[str]], sent: dict[str, list[Sent]]
) -> None:
    server, arrived = hosted
    session = Session(token_of(server))
    asked: Counter[Family] = Counter()
    try:
        for _ in range(2):
            for name in CALLS:
                request = sent[name][0]
                family = family_of(request.path)
                if family in OPEN or not session.may_request(family):
                    continue
                asked[family] += 1
                with pytest.raises(e.LoginRequired):
                    await call(session.client, name)
    finally:
        await session.stop()
    assert asked.keys() == set(Family) - OPEN - {Family.OTHER}
    assert set(asked.values()) == {1}
    assert arrived.total() == len(asked)


async def test_closed_family_is_not_requested_twice(
    hosted: tuple[PlaneServer, Counter[str]],
) -> None:
    server, arrived = hosted
    session = Session(token_of(server))
    runs = Runs(session)

    def reads(closed: bool) -> int:
        return sum(
            count
            for request, count in arrived.items()
            if (family_of(request.split(" ")[1]) not in OPEN) is closed
        )

    def learned() -> bool:
        asked = (Family.OBSERVABILITY, Family.REALTIME, Family.V1)
        return all(session.access.reach(family).reach is not Reach.UNKNOWN for family in asked)

    def settled() -> bool:
        return not any(feed.running or feed.asked for feed in session.scheduler._feeds.values())

    session.start()
    session.scheduler.subscribe(runs.feed)
    try:
        await until(lambda: learned() and settled())
        closed = reads(True)
        assert closed > 0
        for _ in range(3):
            before = reads(False)
            session.scheduler.refresh_all()
            await until(settled)
            assert reads(False) > before
        assert reads(True) == closed
    finally:
        await session.stop()
