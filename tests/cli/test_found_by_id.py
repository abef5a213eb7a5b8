"""Find runs by the ids of runs, calls and jobs, with each set of credentials.

Also the branches that only some responses name.
"""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.db.clock import HOUR_US
from tests.cli.credential_sets import SETS, Signed
from tests.cli.support import UNKNOWN
from tests.controlplane.row_factory import RowFactory

COOKIE = SETS["cookie"]


def _failed_run(world: RowFactory) -> tuple[str, str]:
    """Add a failed run whose call names its branches, and return the ids of both.

    The branches are in the call's metadata and in its events.
    """
    repo = world.repo("acme/api")
    call = world.call(
        repo_id=repo,
        status="failed",
        error="Agent run exited with code 1.",
        metadata={
            "external_request_id": "k1",
            "harness_id": "codex",
            "base_branch": "develop",
            "working_branch": "fix/it",
        },
    )
    run = world.run(
        repo,
        call,
        status="failed",
        base_branch="develop",
        working_branch="fix/it",
        error="Agent run exited with code 1.",
    )
    world.event(call, "started", payload={"external_run_id": run, "harness_id": "codex"})
    world.event(
        call,
        payload={
            "stage": "git_sync",
            "base_branch": "develop",
            "working_branch": "fix/it",
            "created_branch": True,
        },
    )
    return run, call


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("by", ["run", "call"])
async def test_a_failed_run_has_the_branches_that_its_answers_name(
    signed: Signed, world: RowFactory, name: str, by: str
) -> None:
    run, call = _failed_run(world)
    given, mogplex = SETS[name], signed(SETS[name])
    done = await mogplex("runs", "get", run if by == "run" else call, "--json")
    opens = given.token if by == "run" else given.lists_hidden
    assert done.code == (0 if opens else 3 if by == "run" else 1), done.err
    if opens:
        row = done.one
        assert (row["run_id"], row["call_id"], row["state"]) == (run, call, "failed")
        assert (row["base_branch"], row["branch"]) == ("develop", "fix/it")


async def test_without_a_token_the_id_of_a_run_is_said_to_need_one(signed: Signed, world: RowFactory) -> None:
    run, _ = _failed_run(world)
    for asked in (run, UNKNOWN):
        done = await signed(COOKIE)("runs", "get", asked)
        assert (done.code, done.out) == (3, "")
        assert f"found by the id {asked}, and the id of a run cannot be looked up without a token" in done.err
        assert "mogplex-tui login --token adds one" in done.err


async def test_without_a_token_calls_and_jobs_of_any_age_are_found_by_their_ids(
    signed: Signed, world: RowFactory
) -> None:
    repo, now, flow = world.repo("acme/api"), world.clock.us, world.flow()
    old = world.call(
        repo_id=repo, type="chat", model="acme/kimi", status="success", started_at=now - 9 * HOUR_US
    )
    world.event(old, "started", at=now - 9 * HOUR_US)
    for minute in range(205):
        world.call(repo_id=repo, status="success", started_at=now - minute * 1_000_000)
    bare = world.job(flow, repo, start=True, base_ref="develop", head_ref="topic")
    worked = world.job(flow, repo, start=True)
    call = world.call(
        repo_id=repo, job_run_id=worked, type="pr_review", status="success", started_at=now - 8 * HOUR_US
    )
    mogplex = signed(COOKIE)

    async def found(asked: str) -> dict[str, Any]:
        done = await mogplex("runs", "get", asked, "--json")
        assert done.code == 0, done.err
        return done.one

    assert (await found(old))["call_id"] == old
    job = await found(bare)
    assert (job["source"], job["job_id"], job["repo"]) == ("job", bare, "acme/api")
    assert (job["base_branch"], job["branch"]) == ("develop", "topic")
    # The service was asked for the cost and does not know it.
    assert "not known yet" in (await mogplex("runs", "get", bare)).out
    of_job = await found(worked)
    assert (of_job["source"], of_job["call_id"], of_job["job_id"]) == ("call", call, worked)
    events = await mogplex("runs", "events", bare)
    assert (events.code, events.out) == (0, "")


async def test_a_run_that_was_started_here_is_found_by_its_call(signed: Signed, world: RowFactory) -> None:
    world.repo("acme/api")
    started = await signed(SETS["token-and-cookie"])(
        "runs", "start", "--repo", "acme/api", "--prompt", "Fix it"
    )
    run = started.out.strip()
    done = await signed(COOKIE)("runs", "get", run, "--json")
    assert done.code == 0, done.err
    assert done.one["run_id"] == run


async def test_an_automations_run_over_v1_has_its_base_branch(signed: Signed, world: RowFactory) -> None:
    job = world.job(world.flow(), world.repo("acme/api"), start=True, base_ref="develop", head_ref="topic")
    with world.plane.db.transaction() as tx:
        tx.update("job_runs", job, status="failed", error="boom", completed_at=world.clock.us)
    row = (await signed(SETS["token"])("runs", "get", job, "--json")).one
    assert (row["state"], row["base_branch"], row["branch"]) == ("failed", "develop", "topic")
