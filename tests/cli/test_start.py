from __future__ import annotations

import json

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, ok, refused, serving
from tests.cli.support import Mogplex
from tests.controlplane.row_factory import RowFactory

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"


async def test_a_run_is_started_and_its_id_is_all_of_stdout(operator: Mogplex, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    done = await operator(
        "runs", "start", "--repo", "ACME/api", "--prompt", "-", "--harness", "claude-code", stdin="Fix it\n"
    )
    assert done.code == 0
    row = world.row("external_agent_runs", done.out.strip())
    assert (row["repo_id"], row["prompt"], row["harness"]) == (repo, "Fix it", "claude-code")
    assert row["create_branch"] == 1
    assert row["working_branch"].startswith("mogplex/external/")
    assert "acme/api" in done.err and row["working_branch"] in done.err


async def test_a_named_branch_is_one_that_exists_unless_said_otherwise(
    operator: Mogplex, world: RowFactory
) -> None:
    repo = world.repo()

    async def made(*options: str) -> tuple[str, str, int]:
        done = await operator("runs", "start", "--repo", repo, "--prompt", "x", "--json", *options)
        row = world.row("external_agent_runs", done.one["run_id"])
        return row["base_branch"], row["working_branch"], row["create_branch"]

    assert await made("--branch", "topic") == ("main", "topic", 0)
    assert await made("--branch", "fresh", "--new-branch", "--base", "dev") == ("dev", "fresh", 1)
    assert await made("--no-new-branch", "--base", "dev") == ("dev", "dev", 0)


async def test_the_same_key_starts_no_second_run(operator: Mogplex, world: RowFactory) -> None:
    world.repo("acme/api")
    ask = ("runs", "start", "--repo", "acme/api", "--idempotency-key", "k1", "--prompt")
    first, again = await operator(*ask, "Fix it"), await operator(*ask, "Fix it")
    assert first.out == again.out
    assert "is started" in first.err
    assert "before" in again.err
    other = await operator(*ask, "Something else")
    assert (other.code, other.out) == (1, "")
    assert "k1" in other.err


async def test_a_started_run_can_be_followed_to_its_end(operator: Mogplex, world: RowFactory) -> None:
    world.repo("acme/api")
    going = operator.begin(
        "runs", "start", "--repo", "acme/api", "--prompt", "x", "--follow", "--exit-status", "--json"
    )
    await going.until(lambda: "External Mogplex run accepted" in going.out.text)
    run = json.loads(going.out.text.splitlines()[0])
    with world.plane.db.transaction() as tx:
        assert call_writes.finish_call(
            tx, run["call_id"], "failed", world.clock.us, message="Harness run failed"
        )
        assert run_writes.set_run(tx, run["run_id"], world.clock.us, status="failed", error="exit 2")
    done = await going.done()
    assert done.code == 1
    assert [each["object"] for each in done.objects] == ["run", "event", "event"]
    assert "failed" in done.err.splitlines()[-1]


async def test_a_repository_that_is_not_there_is_said_before_a_run_is_asked_for(
    operator: Mogplex, world: RowFactory
) -> None:
    world.repo("acme/api")
    missing = await operator("runs", "start", "--repo", "acme/ap", "--prompt", "x")
    assert (missing.code, missing.out) == (1, "")
    assert "acme/api" in missing.err
    unknown = await operator("runs", "start", "--repo", REPO, "--prompt", "x")
    assert unknown.code == 1
    assert REPO in unknown.err
    assert (await operator("runs", "start", "--repo", "api", "--prompt", "x")).code == 2
    assert world.plane.db.value("SELECT count(*) FROM limit_events") == 0


async def test_one_name_for_two_repositories_asks_for_the_id(operator: Mogplex, world: RowFactory) -> None:
    both = {world.repo("acme/api"), world.repo("acme/api", github_installation_id=99)}
    done = await operator("runs", "start", "--repo", "acme/api", "--prompt", "x")
    assert done.code == 2
    assert all(repo in done.err for repo in both)


async def test_what_the_service_would_refuse_is_refused_here(operator: Mogplex, world: RowFactory) -> None:
    world.repo("acme/api")
    ask = ("runs", "start", "--repo", "acme/api", "--prompt")
    assert (await operator(*ask, "   ")).code == 2
    branch = await operator(*ask, "x", "--branch", "a..b")
    assert branch.code == 2
    assert "branch" in branch.err
    same = await operator(*ask, "x", "--base", "dev", "--branch", "dev", "--new-branch")
    assert same.code == 2
    assert world.plane.db.value("SELECT count(*) FROM limit_events") == 0


async def test_read_only_refuses_before_anything_is_sent(mogplex: Mogplex, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    async with serving(ok({"repos": []})) as service:
        mogplex.use(service.base_url)
        for argv in (
            ("runs", "start", "--repo", "a/b", "--prompt", "x", "--read-only"),
            ("--read-only", "runs", "start", "--repo", "a/b", "--prompt", "x"),
            ("runs", "--read-only", "cancel", REPO, "--yes"),
        ):
            done = await mogplex(*argv)
            assert (done.code, done.out) == (4, "")
            assert "read-only" in done.err
        monkeypatch.setenv("MOGPLEX_READ_ONLY", "1")
        done = await mogplex("runs", "cancel", REPO, "--yes")
        assert done.code == 4
        assert "MOGPLEX_READ_ONLY" in done.err
        assert service.seen == []


async def test_a_token_without_the_write_scope_is_not_allowed(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    run = world.run(world.repo("acme/api"))
    mogplex.use(plane.base_url, token=plane.read_only_token)
    start = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "x")
    cancel = await mogplex("runs", "cancel", run, "--yes")
    for done in (start, cancel):
        assert (done.code, done.out) == (4, "")
        assert "write" in done.err


async def test_a_lost_answer_names_the_key_that_makes_the_next_try_safe(mogplex: Mogplex) -> None:
    async def answer(seen: Seen, writer) -> bytes | None:  # type: ignore[no-untyped-def]
        if seen.method == "GET":
            return ok({"repos": [{"id": REPO, "full_name": "acme/api"}]})
        envelope = {"ok": False, "error": {"code": "SERVICE_UNAVAILABLE", "message": "limit unavailable"}}
        return http(503, envelope, Retry_After="60")

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "start", "--repo", "acme/api", "--prompt", "x")
        (sent,) = [seen for seen in service.seen if seen.method == "POST"]
    assert (done.code, done.out) == (6, "")
    assert f"--idempotency-key {sent.headers['idempotency-key']}" in done.err


async def test_the_quota_of_starts_is_throttled(operator: Mogplex, world: RowFactory) -> None:
    repo = world.repo()
    ask = ("runs", "start", "--repo", repo, "--prompt", "x")
    for _ in range(10):
        assert (await operator(*ask)).code == 0
    done = await operator(*ask)
    assert (done.code, done.out) == (5, "")
    assert "rate limit" in done.err


async def test_a_run_by_the_id_of_its_repository_needs_no_name(mogplex: Mogplex) -> None:
    run = "7a000000-0000-4000-8000-000000000002"

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.method == "POST":
            return http(202, {"ok": True, "data": {"run_id": run, "repo_id": REPO, "status": "pending"}})
        return refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60")

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "start", "--repo", REPO, "--prompt", "Fix it")
    assert (done.code, done.out.strip()) == (0, run), done.err
