"""Every route has a client method or a reason, and methods reject other shapes."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import PROFILES, Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.families.minimal_plane import NOBODY as X
from tests.api.families.minimal_plane import Call
from tests.api.support import TOKEN, http, serving
from tests.facts import client_routes
from tests.facts.client_calls import CALLS, NO_REQUEST, call, methods
from tests.facts.client_routes import ELSEWHERE, UNDESCRIBED, Recorder, client_of, methods_by_route, recorded
from tests.facts.routes import facts

# These give a result whatever a success says: the status was all that they asked for, and why.
STATUS_IS_ENOUGH = {
    "agents.delete_category": "how many agents lost it is a courtesy",
    "agents.generate": "the answer is text and no JSON",
    "runs.has_write_scope": "the refusal is the answer",
}


@pytest.fixture(scope="module")
def sent() -> dict[str, list[client_routes.Sent]]:
    return recorded()


async def test_method_list_covers_every_client_method() -> None:
    async with client_of(Recorder()) as client:
        assert methods(client).keys() == CALLS.keys() | NO_REQUEST.keys()


def test_each_method_sends_one_request_to_a_contract_route(
    sent: dict[str, list[client_routes.Sent]],
) -> None:
    known = {fact.key for fact in facts()}
    for name, requests in sent.items():
        assert len(requests) == 1, name
        assert requests[0].key in known, name


def test_each_operator_route_has_method_or_reason(
    sent: dict[str, list[client_routes.Sent]],
) -> None:
    asked = methods_by_route(sent).keys()
    without = {fact.key for fact in facts() if fact.caller == "operator"} - asked
    assert not without - ELSEWHERE.keys()
    assert not {fact.key for fact in facts() if fact.caller == "machine"} & asked


def test_reason_is_dropped_when_the_reach_changes(sent: dict[str, list[client_routes.Sent]]) -> None:
    assert not ELSEWHERE.keys() & methods_by_route(sent).keys()
    assert ELSEWHERE.keys() <= {fact.key for fact in facts()}


def test_undescribed_routes_are_in_client_routes_document() -> None:
    named = {(method, path) for method, paths in UNDESCRIBED.items() for path in paths.split()}
    assert not named & {fact.key for fact in facts()}
    assert len(named) == 6
    text = client_routes.DOCUMENT.read_text()
    for method, path in named:
        assert f"| {method} | `{path}` | no method" in text


def test_client_routes_document_is_current() -> None:
    assert client_routes.DOCUMENT.read_text() == client_routes.document(), "run `make docs`"


async def test_unexpected_json_shape_raises_invalid_response() -> None:
    async with client_of(Recorder()) as client:
        of = methods(client)
        for name in CALLS:
            silent = of[name].__annotations__.get("return") in (None, "None")
            try:
                result = await call(client, name)
            except e.InvalidResponse as error:
                assert error.message and name not in STATUS_IS_ENOUGH, name
            else:
                assert name in STATUS_IS_ENOUGH or (silent and result is None), name


async def test_response_without_json_raises() -> None:
    async with client_of(Recorder("{", enveloped=False)) as client:
        for name in CALLS:
            if name not in STATUS_IS_ENOUGH:
                try:
                    result = await call(client, name)
                except e.InvalidResponse:
                    continue
                pytest.fail(f"{name} makes {result!r} of it")


@pytest.mark.parametrize(
    ("name", "of_team"),
    [
        ("imported_repos.list", True),
        ("projects.list", True),
        ("github.sync", True),
        ("billing.get", True),
        ("sandboxes.records", True),
        ("sandboxes.stop", True),
        ("sandboxes.launch", True),
        ("chat.ask", True),
        ("models.list", True),
        ("memories.list", True),
        ("flows.list", True),
        # What is below one repository belongs to a person, whatever the team (projects.md §2).
        ("imported_repos.delete_snapshot", False),
        ("sandboxes.list", False),
        ("mcp_servers.list", False),
        ("connections.list", False),
        ("runs.get", False),
        ("account.user", False),
    ],
)
async def test_team_header_is_sent_only_by_team_methods(name: str, of_team: bool) -> None:
    async with serving(http(200, b"{")) as service:
        target = Target("t", service.base_url, Secret(TOKEN), team=X)
        async with MogplexClient(target) as client:
            with pytest.raises(e.MogplexError):
                await call(client, name)
        assert service.seen[0].headers.get("x-mogplex-team-id") == (X if of_team else None)


READS: list[Call] = [
    lambda c: c.agents.all(),
    lambda c: c.agents.roster(),
    lambda c: c.agents.activity(),
    lambda c: c.agents.categories(),
    lambda c: c.skills.list(),
    lambda c: c.skills.registry(),
    lambda c: c.rules.list(),
    lambda c: c.commands.list(),
    lambda c: c.conversations.list(),
    lambda c: c.assignments.list(),
    lambda c: c.triggers.list(),
    lambda c: c.flows.list(),
    lambda c: c.flows.harnesses(),
    lambda c: c.approvals.control_approvals(),
]


def whole(rows: Rows[Any]) -> Rows[Any]:
    assert not rows.bad, [(bad.reason, bad.raw) for bad in rows.bad]
    return rows


@pytest.mark.parametrize("profile", PROFILES)
async def test_all_rows_of_seeded_account_parse(profile: str) -> None:
    async with PlaneServer(Settings(speed=0, rate_limit=None, profile=profile)) as server:
        target = Target("seed", server.base_url, Secret(server.token), Secret(server.session_cookie))
        async with MogplexClient(target) as client:
            for read in READS:
                whole(await read(client))
            for rows in (await client.memories.lanes()).values():
                whole(rows)
            whole((await client.approvals.flow_approvals()).approvals)
            whole((await client.flows.templates()).templates)
            ledger = await client.observability.automation_events()
            assert whole(ledger.entries)
            report = await client.observability.automation_failures()
            assert report.summary.failed_total == report.total
            whole(report.records)
            runs = 0
            for flow in whole(await client.flows.list()):
                assert flow.draft_graph.body()["nodes"]
                for run in whole(await client.flows.runs(flow.id)):
                    whole(run.node_runs)
                    runs += 1
                    detail = await client.flows.run(flow.id, run.id)
                    for part in (detail.dispatch_events, detail.ai_calls, detail.waits, detail.node_runs):
                        whole(part)
            assert runs
            for chat in await client.conversations.list():
                assert await client.conversations.get(chat.id) is not None
