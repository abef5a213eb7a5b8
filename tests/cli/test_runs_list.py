from __future__ import annotations

import json
from decimal import Decimal

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import HOUR_US, MINUTE_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, ok, refused, serving
from tests.cli.support import CommandRunner, serve_behind_edge
from tests.controlplane.row_factory import RowFactory

LOGIN_ADVICE = "login --session"


async def test_list_has_live_runs_first_then_newest(operator: CommandRunner, factory: RowFactory) -> None:
    now = factory.clock.us
    old = factory.call(started_at=now - 3 * HOUR_US, status="streaming")
    newest = factory.call(started_at=now - 2 * MINUTE_US, status="success")
    failed = factory.call(started_at=now - HOUR_US, status="failed", error="Agent run exited with code 2.")
    result = await operator("runs", "list", "--json")
    assert result.code == 0
    assert [row["id"] for row in result.objects] == [old, newest, failed]
    assert [row["live"] for row in result.objects] == [True, False, False]
    assert result.err == ""


async def test_json_has_utc_times_and_cost_with_provenance(
    operator: CommandRunner, factory: RowFactory
) -> None:
    at = factory.clock.us - HOUR_US
    repo = factory.repo("acme/api")
    billed = factory.call(
        repo_id=repo, model="acme/nova-1", cost_usd=0.1, cost_source="gateway", tokens=Tokens(1200, 34)
    )
    unknown = factory.call(repo_id=repo, started_at=at)
    rows = {row["id"]: row for row in (await operator("runs", "list", "--json")).objects}
    assert (rows[billed]["cost_usd"], rows[billed]["cost_source"]) == ("0.1", "known")
    assert Decimal(rows[billed]["cost_usd"]) == Decimal("0.1")
    assert (rows[unknown]["cost_usd"], rows[unknown]["cost_source"]) == (None, "unknown")
    assert rows[billed]["tokens"] == 1234
    assert rows[billed]["repo"] == "acme/api"
    assert rows[unknown]["started_at"].endswith("Z")
    assert {row["object"] for row in rows.values()} == {"run"}


async def test_table_is_plain_text_without_terminal(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    factory.call(repo_id=repo, status="success", completed_at=factory.clock.us, duration_ms=65_000)
    factory.call(repo_id=repo, status="cancelled", metadata={"agent_name": "Ann\x1b[31m\u202e\nMOG"})
    result = await operator("runs", "list")
    head, first, second = result.lines
    assert head.split()[:3] == ["ID", "STATE", "ABOUT"]
    assert {first[head.index("REPO") :][:8], second[head.index("REPO") :][:8]} == {"acme/api"}
    assert "1m05s" in result.out
    assert "–" in first
    assert "\x1b" not in result.out
    assert "Ann␛[31m\\u202e MOG" in result.out
    as_json = await operator("runs", "list", "--json")
    assert "\x1b" not in as_json.out and "\u202e" not in as_json.out
    assert "Ann\x1b[31m\u202e\nMOG" in {row["who"] for row in as_json.objects}


async def test_list_is_filtered_by_limit_state_repo_and_words(
    operator: CommandRunner, factory: RowFactory
) -> None:
    api, web = factory.repo("acme/api"), factory.repo("acme/web")
    good = factory.call(repo_id=api, status="success")
    stopped = factory.call(repo_id=api, status="cancelled", metadata={"working_branch": "fix/space"})
    other = factory.call(repo_id=web, status="failed")
    live = factory.call(repo_id=web, status="streaming")

    async def ids(*options: str) -> set[str]:
        result = await operator("runs", "list", "--json", *options)
        assert result.code == 0
        return {row["id"] for row in result.objects}

    assert await ids("--state", "failed") == {other}
    assert await ids("--status", "failed", "--state", "success") == {good, other}
    assert await ids("--state", "live") == {live}
    assert await ids("--state", "running") == {live}
    assert await ids("--repo", "ACME/API") == {good, stopped}
    assert await ids("--repo", web) == {other, live}
    assert await ids("space", "state:cancelled") == {stopped}
    assert await ids("!state:cancelled", "--repo", "api") == {good}
    assert len(await ids("--limit", "2")) == 2
    empty = await operator("runs", "list", "cannot-be-found")
    assert (empty.code, empty.out, empty.err) == (0, "", "No matching runs.\n")


async def test_filter_searches_beyond_first_page(operator: CommandRunner, factory: RowFactory) -> None:
    begin = factory.clock.us
    expected = factory.call(
        started_at=begin - 200 * MINUTE_US, status="cancelled", metadata={"working_branch": "needle"}
    )
    for number in range(130):
        factory.call(started_at=begin - number * MINUTE_US, status="success")
    result = await operator("runs", "list", "--json", "needle")
    assert [row["id"] for row in result.objects] == [expected]


async def test_old_live_run_is_listed_despite_newer_calls(
    operator: CommandRunner, factory: RowFactory
) -> None:
    begin = factory.clock.us
    running = factory.call(started_at=begin - 200 * MINUTE_US, status="streaming")
    for number in range(101):
        factory.call(started_at=begin - number * MINUTE_US, status="success")
    result = await operator("runs", "list", "--json", "--limit", "3")
    assert result.objects[0]["id"] == running


async def test_token_behind_edge_lists_automation_and_known_runs(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    repo = factory.repo("acme/api")
    job = factory.job(factory.flow(), repo, start=True)
    factory.call(repo_id=repo)
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        started = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "Fix it")
        assert started.code == 0
        result = await mogplex("runs", "list", "--json")
    assert result.code == 0
    assert {row["source"]: row["id"] for row in result.objects} == {"job": job, "run": started.out.strip()}
    assert {row["who"] for row in result.objects} == {"Review", "codex"}
    assert {row["repo"] for row in result.objects} == {"acme/api"}
    (sentence,) = result.err.splitlines()
    assert "the runs of your automations" in sentence
    assert "all costs, need a browser session" in sentence
    assert LOGIN_ADVICE in sentence


async def test_known_ended_runs_are_read_once(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    repo = factory.repo("acme/api")
    ended = [
        factory.run(
            repo,
            status=status,
            created_at=factory.clock.us - HOUR_US,
            updated_at=factory.clock.us - expire_tokens,
        )
        for status in ("success", "failed", "cancelled")
        for expire_tokens in (HOUR_US // 2, 2 * MINUTE_US)
    ]
    live = factory.run(repo, status="streaming", call_id=factory.call(repo_id=repo, status="streaming"))
    just_ended = factory.run(repo, status="success", updated_at=factory.clock.us)
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        for run_id in (*ended, live, just_ended):
            assert (await mogplex("runs", "get", run_id)).code == 0
        first = await mogplex("runs", "list", "--json")
        before = len(service.seen)
        second = await mogplex("runs", "list", "--json")
        requests = [seen.path for seen in service.seen[before:]]
    shown = [{key: value for key, value in row.items() if key != "duration_s"} for row in first.objects]
    assert {row["id"] for row in shown} >= {live, just_ended, *ended}
    repeated_rows = [
        {key: value for key, value in row.items() if key != "duration_s"} for row in second.objects
    ]
    assert repeated_rows == shown
    assert {path.rpartition("/")[2] for path in requests if "/runs/" in path} == {live, just_ended}
    assert len(requests) <= 8, requests


async def test_incomplete_list_is_reported_as_throttled(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        repo = factory.repo("acme/api")
        for _ in range(60):
            factory.job(factory.flow(), repo, start=True)
        result = await mogplex("runs", "list")
        requests = [seen for seen in service.seen if seen.path.endswith("/runs")]
    assert result.code == 5
    assert 0 < len(requests) < 60
    assert result.lines
    assert "The list is incomplete" in result.err
    assert "request budget" in result.err


async def test_cookie_alone_lists_calls(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    call = factory.call(metadata={"repo": "acme/api"})
    mogplex.use(plane.base_url, token=None, cookie=plane.session_cookie)
    result = await mogplex("runs", "list", "--json", "--repo", "acme/api")
    assert [row["id"] for row in result.objects] == [call]


async def test_expired_cookie_is_not_signed_in(mogplex: CommandRunner, plane: PlaneServer) -> None:
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=None, cookie="better-auth.session_token=gone0000")
        result = await mogplex("runs", "list")
    assert (result.code, result.out) == (3, "")
    assert "cookie" in result.err


async def test_unreadable_row_is_marked_among_others(mogplex: CommandRunner) -> None:
    good = {"id": "c9000000-0000-4000-8000-000000000002", "status": "success", "type": "chat", "model": "a/b"}
    bad = {"id": "c9000000-0000-4000-8000-000000000003", "status": "success", "started_at": "yesterday"}

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.path.endswith("/calls"):
            return http(200, {"calls": [good, bad], "total": 2, "page": 1, "limit": 100})
        return ok({"repos": [], "agents": []})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "list", "--json")
    states = {row["id"]: row["state"] for row in result.objects}
    assert states == {good["id"]: "success", bad["id"]: "unreadable"}
    assert "started_at" in json.dumps(result.objects)


async def test_ids_are_listed_if_names_are_closed(mogplex: CommandRunner) -> None:
    call = {"id": "c9000000-0000-4000-8000-000000000002", "status": "success", "repo_id": "3f1c2c1e-5b0e"}

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.path.endswith("/calls"):
            return http(200, {"calls": [call], "total": 1})
        return refused(403, "FORBIDDEN", "Missing required scope: read.")

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "list")
    assert result.code == 0
    assert "3f1c2c1e" in result.out


async def test_ids_are_listed_if_names_are_throttled(mogplex: CommandRunner) -> None:
    call = {"id": "c9000000-0000-4000-8000-000000000002", "status": "success", "repo_id": "3f1c2c1e-5b0e"}

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.path.endswith("/calls"):
            return http(200, {"calls": [call], "total": 1})
        return refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60")

    async with serving(answer) as service:
        mogplex.use(service.base_url, cookie="better-auth.session_token=good0000")
        result = await mogplex("runs", "list")
        by_name = await mogplex("runs", "list", "--repo", "acme/web")
        mogplex.use(service.base_url, cookie=None)
        alone = await mogplex("runs", "list")
    assert (result.code, by_name.code) == (0, 5)
    # A token alone has no other route to read, so the exit code is "throttled".
    assert (alone.code, alone.out) == (5, "")
    assert alone.err.startswith("Too many requests for the repositories")
    assert "3f1c2c1e" in result.out
    assert "Repositories are shown by ID" in result.err
