"""Find runs by the ids of runs, calls and jobs, with each set of credentials.

Also the branches that only some responses name.
"""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.db.clock import HOUR_US
from tests.cli.credential_sets import CREDENTIAL_SETS, UseCredentials
from tests.cli.support import UNKNOWN_ID
from tests.controlplane.row_factory import RowFactory

COOKIE = CREDENTIAL_SETS["cookie"]


def _failed_run(factory: RowFactory) -> tuple[str, str]:
    """Add a failed run whose call names its branches, and return the ids of both.

    The branches are in the call's metadata and in its events.
    """
    repo = factory.repo("acme/api")
    call = factory.call(
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
    run = factory.run(
        repo,
        call,
        status="failed",
        base_branch="develop",
        working_branch="fix/it",
        error="Agent run exited with code 1.",
    )
    factory.event(call, "started", payload={"external_run_id": run, "harness_id": "codex"})
    factory.event(
        call,
        payload={
            "stage": "git_sync",
            "base_branch": "develop",
            "working_branch": "fix/it",
            "created_branch": True,
        },
    )
    return run, call


@pytest.mark.parametrize("name", CREDENTIAL_SETS)
@pytest.mark.parametrize("by", ["run", "call"])
async def test_failed_run_has_branches_of_all_responses(
    use_credentials: UseCredentials, factory: RowFactory, name: str, by: str
) -> None:
    run, call = _failed_run(factory)
    credentials, mogplex = CREDENTIAL_SETS[name], use_credentials(CREDENTIAL_SETS[name])
    result = await mogplex("runs", "get", run if by == "run" else call, "--json")
    opens = credentials.token if by == "run" else credentials.lists_hidden
    assert result.code == (0 if opens else 3 if by == "run" else 1), result.err
    if opens:
        row = result.only_object
        assert (row["run_id"], row["call_id"], row["state"]) == (run, call, "failed")
        assert (row["base_branch"], row["branch"]) == ("develop", "fix/it")


async def test_run_id_without_token_is_refused_with_reason(
    use_credentials: UseCredentials, factory: RowFactory
) -> None:
    run, _ = _failed_run(factory)
    for run_id in (run, UNKNOWN_ID):
        result = await use_credentials(COOKIE)("runs", "get", run_id)
        assert (result.code, result.out) == (3, "")
        assert (
            f"found by the id {run_id}, and the id of a run cannot be looked up without a token" in result.err
        )
        assert "mogplex-tui login --token adds one" in result.err


async def test_old_calls_and_jobs_are_found_without_token(
    use_credentials: UseCredentials, factory: RowFactory
) -> None:
    repo, now, flow = factory.repo("acme/api"), factory.clock.us, factory.flow()
    old = factory.call(
        repo_id=repo, type="chat", model="acme/kimi", status="success", started_at=now - 9 * HOUR_US
    )
    factory.event(old, "started", at=now - 9 * HOUR_US)
    for minute in range(205):
        factory.call(repo_id=repo, status="success", started_at=now - minute * 1_000_000)
    job_without_call = factory.job(flow, repo, start=True, base_ref="develop", head_ref="topic")
    job_with_call = factory.job(flow, repo, start=True)
    call = factory.call(
        repo_id=repo,
        job_run_id=job_with_call,
        type="pr_review",
        status="success",
        started_at=now - 8 * HOUR_US,
    )
    mogplex = use_credentials(COOKIE)

    async def get(run_id: str) -> dict[str, Any]:
        result = await mogplex("runs", "get", run_id, "--json")
        assert result.code == 0, result.err
        return result.only_object

    assert (await get(old))["call_id"] == old
    job = await get(job_without_call)
    assert (job["source"], job["job_id"], job["repo"]) == ("job", job_without_call, "acme/api")
    assert (job["base_branch"], job["branch"]) == ("develop", "topic")
    # The service was asked for the cost and does not know it.
    assert "not known yet" in (await mogplex("runs", "get", job_without_call)).out
    of_job = await get(job_with_call)
    assert (of_job["source"], of_job["call_id"], of_job["job_id"]) == ("call", call, job_with_call)
    events = await mogplex("runs", "events", job_without_call)
    assert (events.code, events.out) == (0, "")


async def test_run_started_here_is_found_by_its_call(
    use_credentials: UseCredentials, factory: RowFactory
) -> None:
    factory.repo("acme/api")
    started = await use_credentials(CREDENTIAL_SETS["token-and-cookie"])(
        "runs", "start", "--repo", "acme/api", "--prompt", "Fix it"
    )
    run = started.out.strip()
    result = await use_credentials(COOKIE)("runs", "get", run, "--json")
    assert result.code == 0, result.err
    assert result.only_object["run_id"] == run


async def test_automation_run_over_v1_has_base_branch(
    use_credentials: UseCredentials, factory: RowFactory
) -> None:
    job = factory.job(
        factory.flow(), factory.repo("acme/api"), start=True, base_ref="develop", head_ref="topic"
    )
    with factory.plane.db.transaction() as tx:
        tx.update("job_runs", job, status="failed", error="boom", completed_at=factory.clock.us)
    row = (await use_credentials(CREDENTIAL_SETS["token"])("runs", "get", job, "--json")).only_object
    assert (row["state"], row["base_branch"], row["branch"]) == ("failed", "develop", "topic")
