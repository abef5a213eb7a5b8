"""Every read of the client on a seeded plane that injects every kind of fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import httpx
import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import Page, Rows
from mogplex_tui.api.models.mcp_servers import McpServerDraft
from mogplex_tui.api.models.repos import RepoDraft, RepoUpdate
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.families.minimal_plane import NOBODY as X
from tests.api.families.minimal_plane import Call, run_minimal_plane
from tests.api.support import FakeClock
from tests.case_share import share_of
from tests.facts.client_calls import CALLS, call
from tests.facts.client_routes import Sent, recorded

# What each kind may become; an empty tuple: nothing but results, with no bad row in them.
HARMLESS: tuple[type[e.MogplexError], ...] = ()
KINDS: dict[str, tuple[type[e.MogplexError], ...]] = {
    "unknown-fields": HARMLESS,
    "unknown-values": HARMLESS,
    "duplicated": HARMLESS,
    "reordered": HARMLESS,
    "skew:+5m": HARMLESS,
    "wrong-types": (e.InvalidResponse,),
    "truncated": (e.InvalidResponse,),
    "truncated:10": (e.InvalidResponse,),
    "drop": (e.Unreachable,),
    "html": (e.LoginRequired,),
    "html:503": (e.Unavailable,),
    "html:404": (e.Absent,),
    "login": (e.LoginRequired,),
    # `/api/auth/user` answers null instead of 401, and the token's check asks v1, which answers 401, too.
    "database-down": (e.NotSignedIn,),
    "403": (e.NotAllowed,),
    "404": (e.NotFound,),
    "409": (e.Conflict,),
    "500": (e.ServiceFailed,),
    "503": (e.Unavailable,),
    "429:none": (e.Throttled,),
    "429": (e.Throttled,),
}


@pytest.fixture(scope="module")
def sent() -> dict[str, list[Sent]]:
    return recorded()


def rows_in(value: Any) -> list[Rows[Any]]:
    """Every list of rows that a result holds at its top."""
    if isinstance(value, Rows):
        return [value]
    if isinstance(value, Page):
        return [value.rows]
    if isinstance(value, dict):
        return [rows for item in value.values() for rows in rows_in(item)]
    if is_dataclass(value) and not isinstance(value, type):
        return [rows for field in fields(value) for rows in rows_in(getattr(value, field.name))]
    return []


@asynccontextmanager
async def fault(server: PlaneServer, rule: str) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=server.base_url) as switch:
        (await switch.post("/__plane/faults", json={"rule": rule})).raise_for_status()
        try:
            yield
        finally:
            (await switch.delete("/__plane/faults")).raise_for_status()


async def test_each_injected_fault_gives_rows_or_its_typed_error(
    sent: dict[str, list[Sent]], every_case: bool
) -> None:
    reads = [name for name, given in CALLS.items() if sent[name][0].method == "GET" and not given]
    assert len(reads) > 40
    async with PlaneServer(Settings(speed=0, rate_limit=None, fault_route=True)) as server:
        target = Target("faulty", server.base_url, Secret(server.token), Secret(server.session_cookie))
        clock = FakeClock()
        async with MogplexClient(target, clock=clock) as client:
            for start, (kind, allowed) in enumerate(KINDS.items()):
                async with fault(server, f"* /api/* {kind}"):
                    # Where the body does not matter, some of them speak for all.
                    some = reads if allowed in (HARMLESS, (e.InvalidResponse,)) else reads[::4]
                    some = share_of(some, every_case, step=2, start=start % 2)
                    await _read_all(client, clock, some, kind, allowed)


async def _read_all(
    client: MogplexClient,
    clock: FakeClock,
    reads: list[str],
    kind: str,
    allowed: tuple[type[e.MogplexError], ...],
) -> None:
    errors, rows = 0, 0
    for name in reads:
        # Its own request budget is not what is looked at here.
        clock.advance(61)
        try:
            result = await call(client, name)
        except e.MogplexError as error:
            assert isinstance(error, allowed), f"{kind} on {name}: {error!r}"
            assert error.message and error.advice
            errors += 1
        else:
            found = rows_in(result)
            rows += sum(len(listed) for listed in found)
            if allowed == HARMLESS:
                assert not any(listed.bad for listed in found), f"{kind} on {name}"
    assert (rows > 100) if allowed == HARMLESS else errors > 0, kind


async def second_page(client: MogplexClient) -> None:
    first = await client.automations.list(limit=1)
    assert first.next_cursor is not None
    await client.automations.list(limit=1, cursor=first.next_cursor)


async def exported(client: MogplexClient) -> None:
    secret = {"API_KEY": Secret("s3cr3t-value")}
    await client.mcp_servers.create(
        McpServerDraft(name="n", transport="stdio", command="c", env_secrets=secret)
    )
    with pytest.raises(e.ServiceFailed):
        await client.mcp_servers.configured()
    await client.mcp_servers.configured_by_token()


# What the hosted backend gets wrong, at the method that meets it, and what the advice then says (README of the contract).
DEFECTS: list[tuple[str, Call, str]] = [
    ("the second page of automations", second_page, "log"),
    ("calls of the cloud", lambda c: c.observability.calls(surface="cloud"), "log"),
    ("the exports of MCP servers with a secret", exported, "log"),
    (
        "a repository that is added",
        lambda c: c.imported_repos.add(RepoDraft(full_name="a/b")),
        "stores nothing",
    ),
    ("an audit log with a cursor", lambda c: c.teams.audit(X, "x"), "first page"),
]


@pytest.mark.parametrize(("what", "asked", "says"), DEFECTS, ids=[row[0] for row in DEFECTS])
async def test_hosted_defect_raises_service_failure(what: str, asked: Call, says: str) -> None:
    async with run_minimal_plane(profile="hosted") as minimal_plane:
        agent = minimal_plane.world.agent()
        for _ in range(2):
            minimal_plane.world.flow(agent)
        with pytest.raises(e.ServiceFailed) as caught:
            await asked(minimal_plane.client)
        assert says in caught.value.advice


async def test_hiding_repo_on_hosted_backend_reports_not_stored() -> None:
    async with run_minimal_plane(profile="hosted") as minimal_plane:
        repo = minimal_plane.world.repo()
        with pytest.raises(e.ServiceFailed) as caught:
            await minimal_plane.client.imported_repos.update(repo, RepoUpdate(is_hidden=True))
        assert "stores nothing" in caught.value.advice
        assert [row.id for row in await minimal_plane.client.imported_repos.list()] == [repo]
