from __future__ import annotations

import json

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, ok, refused, serving
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"


async def test_start_prints_only_the_run_id(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    result = await operator(
        "runs", "start", "--repo", "ACME/api", "--prompt", "-", "--harness", "claude-code", stdin="Fix it\n"
    )
    assert result.code == 0
    row = factory.row("external_agent_runs", result.out.strip())
    assert (row["repo_id"], row["prompt"], row["harness"]) == (repo, "Fix it", "claude-code")
    assert row["create_branch"] == 1
    assert row["working_branch"].startswith("mogplex/external/")
    assert "acme/api" in result.err and row["working_branch"] in result.err


async def test_branch_options_set_base_and_working_branch(
    operator: CommandRunner, factory: RowFactory
) -> None:
    repo = factory.repo()

    async def made(*options: str) -> tuple[str, str, int]:
        result = await operator("runs", "start", "--repo", repo, "--prompt", "x", "--json", *options)
        row = factory.row("external_agent_runs", result.only_object["run_id"])
        return row["base_branch"], row["working_branch"], row["create_branch"]

    assert await made("--branch", "topic") == ("main", "topic", 0)
    assert await made("--branch", "fresh", "--new-branch", "--base", "dev") == ("dev", "fresh", 1)
    assert await made("--no-new-branch", "--base", "dev") == ("dev", "dev", 0)


async def test_same_key_starts_no_second_run(operator: CommandRunner, factory: RowFactory) -> None:
    factory.repo("acme/api")
    ask = ("runs", "start", "--repo", "acme/api", "--idempotency-key", "k1", "--prompt")
    first, repeated = await operator(*ask, "Fix it"), await operator(*ask, "Fix it")
    assert first.out == repeated.out
    assert "is started" in first.err
    assert "already started with this key" in repeated.err
    other = await operator(*ask, "Something else")
    assert (other.code, other.out) == (1, "")
    assert "k1" in other.err


async def test_started_run_is_followed_to_its_end(operator: CommandRunner, factory: RowFactory) -> None:
    factory.repo("acme/api")
    command = operator.start(
        "runs", "start", "--repo", "acme/api", "--prompt", "x", "--follow", "--exit-status", "--json"
    )
    await command.wait_for(lambda: "External Mogplex run accepted" in command.out.text)
    run = json.loads(command.out.text.splitlines()[0])
    with factory.plane.db.transaction() as tx:
        assert call_writes.finish_call(
            tx, run["call_id"], "failed", factory.clock.us, message="Harness run failed"
        )
        assert run_writes.set_run(tx, run["run_id"], factory.clock.us, status="failed", error="exit 2")
    result = await command.result()
    assert result.code == 1
    assert [each["object"] for each in result.objects] == ["run", "event", "event"]
    assert "failed" in result.err.splitlines()[-1]


async def test_unknown_repository_is_refused_before_start(
    operator: CommandRunner, factory: RowFactory
) -> None:
    factory.repo("acme/api")
    missing = await operator("runs", "start", "--repo", "acme/ap", "--prompt", "x")
    assert (missing.code, missing.out) == (1, "")
    assert "acme/api" in missing.err
    unknown = await operator("runs", "start", "--repo", REPO, "--prompt", "x")
    assert unknown.code == 1
    assert REPO in unknown.err
    assert (await operator("runs", "start", "--repo", "api", "--prompt", "x")).code == 2
    assert factory.plane.db.value("SELECT count(*) FROM limit_events") == 0


async def test_ambiguous_repository_name_asks_for_id(operator: CommandRunner, factory: RowFactory) -> None:
    both = {factory.repo("acme/api"), factory.repo("acme/api", github_installation_id=99)}
    result = await operator("runs", "start", "--repo", "acme/api", "--prompt", "x")
    assert result.code == 2
    assert all(repo in result.err for repo in both)


async def test_invalid_start_is_refused_before_a_request(
    operator: CommandRunner, factory: RowFactory
) -> None:
    factory.repo("acme/api")
    ask = ("runs", "start", "--repo", "acme/api", "--prompt")
    assert (await operator(*ask, "   ")).code == 2
    branch = await operator(*ask, "x", "--branch", "a..b")
    assert branch.code == 2
    assert "branch" in branch.err
    same = await operator(*ask, "x", "--base", "dev", "--branch", "dev", "--new-branch")
    assert same.code == 2
    assert factory.plane.db.value("SELECT count(*) FROM limit_events") == 0


async def test_read_only_refuses_before_a_request(mogplex: CommandRunner, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    async with serving(ok({"repos": []})) as service:
        mogplex.use(service.base_url)
        for argv in (
            ("runs", "start", "--repo", "a/b", "--prompt", "x", "--read-only"),
            ("--read-only", "runs", "start", "--repo", "a/b", "--prompt", "x"),
            ("runs", "--read-only", "cancel", REPO, "--yes"),
        ):
            result = await mogplex(*argv)
            assert (result.code, result.out) == (4, "")
            assert "read-only" in result.err
        monkeypatch.setenv("MOGPLEX_READ_ONLY", "1")
        result = await mogplex("runs", "cancel", REPO, "--yes")
        assert result.code == 4
        assert "MOGPLEX_READ_ONLY" in result.err
        assert service.seen == []


async def test_token_without_write_scope_is_not_allowed(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    run = factory.run(factory.repo("acme/api"))
    mogplex.use(plane.base_url, token=plane.read_only_token)
    start = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "x")
    cancel = await mogplex("runs", "cancel", run, "--yes")
    for result in (start, cancel):
        assert (result.code, result.out) == (4, "")
        assert "write" in result.err


async def test_lost_response_names_idempotency_key(mogplex: CommandRunner) -> None:
    async def answer(seen: Seen, writer) -> bytes | None:  # type: ignore[no-untyped-def]
        if seen.method == "GET":
            return ok({"repos": [{"id": REPO, "full_name": "acme/api"}]})
        envelope = {"ok": False, "error": {"code": "SERVICE_UNAVAILABLE", "message": "limit unavailable"}}
        return http(503, envelope, Retry_After="60")

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "x")
        (sent,) = [seen for seen in service.seen if seen.method == "POST"]
    assert (result.code, result.out) == (6, "")
    assert f"--idempotency-key {sent.headers['idempotency-key']}" in result.err


async def test_start_over_quota_is_throttled(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo()
    ask = ("runs", "start", "--repo", repo, "--prompt", "x")
    for _ in range(10):
        assert (await operator(*ask)).code == 0
    result = await operator(*ask)
    assert (result.code, result.out) == (5, "")
    assert "rate limit" in result.err


async def test_start_by_repository_id_needs_no_name(mogplex: CommandRunner) -> None:
    run = "7a000000-0000-4000-8000-000000000002"

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.method == "POST":
            return http(202, {"ok": True, "data": {"run_id": run, "repo_id": REPO, "status": "pending"}})
        return refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60")

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "start", "--repo", REPO, "--prompt", "Fix it")
    assert (result.code, result.out.strip()) == (0, run), result.err
