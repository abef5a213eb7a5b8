"""Every method of the client over HTTP against the embedded plane.

The plane was written from the same contract without the client's code.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.clock import SystemClock
from mogplex_tui.api.connection_state import ConnectionState
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.calls import Call, CallStatus
from mogplex_tui.api.models.events import Event, EventType
from mogplex_tui.api.models.runs import RunStart
from mogplex_tui.api.realtime_messages import Changed, Connected
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.api.target import Target
from mogplex_tui.api.transport import Request
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer

NOBODY = "00000000-0000-4000-8000-000000000000"


@asynccontextmanager
async def plane(**settings: Any) -> AsyncIterator[PlaneServer]:
    """A plane in which nothing happens by itself."""
    async with PlaneServer(Settings(speed=0, **settings)) as server:
        yield server


def client_of(server: PlaneServer, token: str | None = "", cookie: bool = False, **kw: Any) -> MogplexClient:
    token = server.token if token == "" else token
    target = Target(
        "plane",
        server.base_url,
        Secret(token) if token else None,
        Secret(server.session_cookie) if cookie else None,
    )
    return MogplexClient(target, **kw)


def whole(rows: Rows[Any]) -> Rows[Any]:
    assert rows and not rows.bad, [bad.reason for bad in rows.bad]
    return rows


async def events_of(client: MogplexClient, call_id: str) -> list[Event]:
    found: list[Event] = []
    async with aclosing(client.observability.call_events(call_id)) as batches:
        async for batch in batches:
            assert not batch.bad
            found += batch
    return found


async def test_account_settings_and_models() -> None:
    async with plane() as server, client_of(server) as client:
        user = await client.account.user()
        assert user is not None and user.label and user.email
        catalog = await client.models.list()
        assert not catalog.anonymous
        assert {model.id for model in whole(catalog.models)} <= {model.id for model in whole(catalog.catalog)}
        other = next(model.id for model in catalog.models if model.id != catalog.default_model)
        await client.settings.update(theme="light", default_model=other)
        changed = await client.settings.get()
        assert (changed.theme, changed.default_model) == ("light", other)
        with pytest.raises(e.BadRequest, match="default_model must be enabled"):
            await client.settings.update(default_model="acme/no-such-model")
        await client.models.set_enabled(other, False)
        assert other not in {model.id for model in (await client.models.list()).models}
        assert other not in {model.id for model in await client.models.available()}


async def test_v1_lists_and_details() -> None:
    async with plane() as server, client_of(server) as client:
        repos = whole(await client.repos.list())
        assert [repo.full_name for repo in repos] == sorted(repo.full_name for repo in repos)
        one = await client.repos.list(id=repos[0].id)
        assert [repo.id for repo in one] == [repos[0].id]
        part = repos[0].full_name.partition("/")[2]
        assert repos[0].id in {repo.id for repo in await client.repos.list(q=part)}
        assert len(await client.repos.list(limit=2)) == 2
        assert any(agent.preset for agent in whole(await client.agents.list()))
        assert all(model.provider for model in whole(await client.models.available()))
        sandboxes = whole(await client.sandboxes.list())
        seen = [box.last_active_at for box in sandboxes if box.last_active_at]
        assert seen == sorted(seen, reverse=True)
        status = sandboxes[0].status
        assert {box.status for box in await client.sandboxes.list(status=status)} == {status}
        logs = await client.sandboxes.logs(sandboxes[0].id)
        assert logs.sandbox.id == sandboxes[0].id
        with pytest.raises(e.NotFound):
            await client.sandboxes.logs(NOBODY)


async def test_automation_pages_and_run_detail() -> None:
    async with plane() as server, client_of(server) as client:
        everything = whole((await client.automations.list()).rows)
        paged: list[str] = []
        cursor: str | None = None
        while True:
            page = await client.at(Priority.ACTION).automations.list(limit=2, cursor=cursor)
            paged += [row.id for row in whole(page.rows)]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert paged == [row.id for row in everything]
        for summary in everything:
            runs = await client.automations.runs(summary.id)
            if runs:
                break
        automation = await client.automations.get(summary.id)
        assert whole(automation.draft_graph.nodes) and automation.name == summary.name
        detail = await client.automations.run(summary.id, whole(runs)[0].id)
        assert detail.status == runs[0].status and whole(detail.dispatch_events)
        with pytest.raises(e.NotFound):
            await client.automations.run(summary.id, NOBODY)


async def test_calls_events_tool_calls_and_stats_agree() -> None:
    async with plane() as server, client_of(server) as client:
        page = await client.observability.calls(limit=100)
        assert (page.page, page.limit) == (1, 100) and page.total >= len(whole(page.calls))
        begun = [call.started_at for call in page.calls if call.started_at is not None]
        assert len(begun) == len(page.calls) and begun == sorted(begun, reverse=True)
        stats = await client.observability.stats()
        assert stats.summary.total_calls == page.total
        assert sum(use.count for use in whole(stats.by_model)) == page.total
        assert stats.summary.total_cost is not None and stats.summary.total_cost > Decimal(0)
        failed = await client.observability.calls(status="failed", limit=5)
        assert {call.status for call in whole(failed.calls)} == {CallStatus.FAILED}
        second = await client.observability.calls(page=2, limit=5)
        assert not {call.id for call in second.calls} & {call.id for call in page.calls[:5]}
        done = next(call for call in page.calls if call.status == CallStatus.SUCCESS and call.type == "agent")
        events = await events_of(client, done.id)
        assert events and len({event.id for event in events}) == len(events)
        assert all(event.created_at.tzinfo for event in events)
        assert whole(await client.observability.tool_calls())[0].id
        with pytest.raises(e.NotFound):
            await events_of(client, NOBODY)


async def test_job_list_detail_and_cancel() -> None:
    async with plane() as server, client_of(server) as client:
        page = await client.observability.jobs(limit=100)
        assert page.total >= len(whole(page.jobs))
        job = await client.observability.job(page.jobs[0].id)
        assert job.id == page.jobs[0].id and whole(job.dispatch_events)
        over = next(row for row in page.jobs if not row.is_live)
        with pytest.raises(e.Conflict, match="not cancelable"):
            await client.observability.cancel_job(over.id)
        live = next((row for row in page.jobs if row.cancelable), None)
        if live is not None:
            assert (await client.observability.cancel_job(live.id)).status == "cancelled"
            assert (await client.observability.job(live.id)).status == "cancelled"
        with pytest.raises(e.NotFound):
            await client.observability.job(NOBODY)


async def test_run_start_read_and_cancel() -> None:
    async with plane() as server, client_of(server) as client:
        repo = (await client.repos.list())[0]
        request = RunStart(repo_id=repo.id, prompt="Fix the flaky test", create_branch=True)
        started = await client.runs.start(request, "key-1")
        assert started.status == CallStatus.PENDING and not started.replayed and started.branch.create_branch
        again = await client.runs.start(request, "key-1")
        assert again.replayed and again.run_id == started.run_id
        with pytest.raises(e.IdempotencyConflict):
            await client.runs.start(RunStart(repo_id=repo.id, prompt="Another"), "key-1")
        followed = await client.at(Priority.TAIL).runs.events(started.run_id)
        assert followed.run.run_id == started.run_id and not followed.is_truncated
        assert followed.events[0].type == EventType.STARTED
        assert started.ai_call_id is not None
        assert [event.id for event in await events_of(client, started.ai_call_id)] == [
            event.id for event in followed.events
        ]
        cancelled = await client.runs.cancel(started.run_id)
        assert (cancelled.status, cancelled.already_terminal) == ("cancelled", False)
        assert (await client.runs.get(started.run_id)).status == "cancelled"
        assert (await client.runs.cancel(started.run_id)).already_terminal
        with pytest.raises(e.Conflict, match="no longer active"):
            await client.observability.cancel_call(started.ai_call_id)
        with pytest.raises(e.Unavailable, match="check the repository") as caught:
            await client.runs.start(RunStart(repo_id=NOBODY, prompt="x"), "key-2")
        assert caught.value.retry_after == 60
        with pytest.raises(e.NotFound):
            await client.runs.cancel(NOBODY)


async def test_a_call_is_cancelled() -> None:
    async with plane() as server, client_of(server) as client:
        repo = (await client.repos.list())[0]
        started = await client.runs.start(RunStart(repo_id=repo.id, prompt="x"), "key-1")
        assert started.ai_call_id is not None
        assert (await client.observability.cancel_call(started.ai_call_id)).status == "cancelled"
        types = [event.type for event in await events_of(client, started.ai_call_id)]
        assert types[-2:] == [EventType.CANCEL_REQUESTED, EventType.CANCELLED]


@pytest.mark.parametrize("cookie", [False, True])
async def test_hints_come_after_changes(cookie: bool) -> None:
    async with plane() as server, client_of(server, cookie=cookie) as client:
        heard: list[Any] = []
        connected = asyncio.Event()
        enough = asyncio.Event()

        async def listen() -> None:
            async for message in client.realtime.stream(["ai_calls", "ai_call_events", "limit_events"]):
                heard.append(message)
                connected.set()
                if len(heard) == 4:
                    enough.set()

        listener = asyncio.create_task(listen())
        async with asyncio.timeout(30):
            await connected.wait()
            repo = (await client.repos.list())[0]
            await client.runs.start(RunStart(repo_id=repo.id, prompt="x"), "key-1")
            await enough.wait()
        listener.cancel()
        assert heard == [
            Connected(),
            Changed("limit_events", "INSERT"),
            Changed("ai_calls", "INSERT"),
            Changed("ai_call_events", "INSERT"),
        ]


async def test_read_only_token_reads_but_cannot_start() -> None:
    async with plane() as server, client_of(server, server.read_only_token) as client:
        repo = (await client.repos.list())[0]
        assert (await client.observability.calls(limit=1)).calls
        with pytest.raises(e.NotAllowed, match="write scope"):
            await client.runs.start(RunStart(repo_id=repo.id, prompt="x"), "key-1")
        assert client.access.can_write is False
        assert client.access.reach(Family.V1).reach is Reach.OPEN


async def test_write_scope_is_probed_without_start() -> None:
    async with (
        plane() as server,
        client_of(server) as client,
        client_of(server, server.read_only_token) as reader,
    ):
        before = (await client.observability.calls(limit=1)).total
        assert await client.runs.has_write_scope() is True
        assert await reader.runs.has_write_scope() is False
        assert (client.access.can_write, reader.access.can_write) == (True, False)
        assert (await client.observability.calls(limit=1)).total == before


async def test_mistyped_token_is_refused_without_cost() -> None:
    async with plane(seeded=False) as server, client_of(server, server.token[:-1] + "_") as client:
        with pytest.raises(e.NotSignedIn):
            await client.repos.list()
        with pytest.raises(e.NotSignedIn):
            await client.observability.stats()
        assert await client.account.user() is None
        assert (await client.models.list()).anonymous
        assert client.access.reach(Family.OBSERVABILITY).reach is Reach.NOT_SIGNED_IN
        assert client.connection.state is ConnectionState.NOMINAL


async def test_session_cookie_opens_other_routes_without_budget() -> None:
    async with plane() as server, client_of(server, None, cookie=True) as client:
        assert (await client.observability.calls(limit=1)).calls
        assert await client.account.user() is not None
        with pytest.raises(e.NotSignedIn, match="API token"):
            await client.repos.list()
        assert client.budget.used() == 0


async def test_client_budget_matches_service_count() -> None:
    async with plane(rate_limit=20) as server:
        budget = Budget(SystemClock(), limit=20, reserve=4)
        async with client_of(server, budget=budget) as client:
            table = client.at(Priority.TABLE)
            granted = 0
            with pytest.raises(e.BudgetBlocked):
                for turn in range(30):
                    if turn % 3 == 0:
                        # No handler is reached, so the service counts nothing.
                        with pytest.raises(e.Absent):
                            nowhere = Request("GET", "/api/v1/mogplex/nowhere", "nothing")
                            await client._transport.request(nowhere, Priority.ACTION)
                    await (table.repos.list(limit=1) if turn % 2 else table.observability.calls(limit=1))
                    granted += 1
            assert granted == budget.limit_for(Priority.TABLE) == 14
            action = client.at(Priority.ACTION)
            for _ in range(20 - granted):
                with pytest.raises(e.NotFound):
                    await action.runs.cancel(NOBODY)
            assert budget.used() == 20
            with pytest.raises(e.Throttled) as caught:
                await action.runs.cancel(NOBODY)
            assert caught.value.of_requests and caught.value.retry_after == 60
            assert budget.used() == 20 and budget.blocked_until is not None
            with pytest.raises(e.SuspectedThrottle):
                await action.observability.stats()
            assert client.access.reach(Family.OBSERVABILITY).reach is Reach.OPEN


async def test_stopped_plane_raises_offline_error() -> None:
    async with plane(seeded=False) as server:
        client = client_of(server)
        await client.observability.stats()
        assert client.connection.state is ConnectionState.NOMINAL
    for _ in range(3):
        with pytest.raises(e.Unreachable):
            await client.observability.stats()
    assert client.connection.state is ConnectionState.OFFLINE
    assert client.access.reach(Family.OBSERVABILITY).reach is Reach.BROKEN
    await client.aclose()


async def test_all_seeded_calls_parse() -> None:
    async with plane(rate_limit=None) as server, client_of(server, cookie=True) as client:
        calls: list[Call] = []
        page = 1
        while True:
            found = await client.observability.calls(page=page)
            calls += whole(found.calls)
            if len(calls) >= found.total:
                break
            page += 1
        assert len({call.id for call in calls}) == len(calls) == found.total
        known = [call.cost_usd for call in calls if call.cost_usd is not None]
        assert known and len(known) < len(calls)
