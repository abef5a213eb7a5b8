"""Repairing, requeueing and filing issues (observability.md §7.4 to §7.6)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.controlplane.automation.automation_rows import (
    INSTALLATION,
    assignment,
    insert_failed_job,
    insert_finding,
    job_of,
)
from tests.controlplane.row_factory import RowFactory

JOBS = "/api/observability/jobs"


async def test_repair_starts_pending_job(client: httpx.AsyncClient, factory: RowFactory) -> None:
    heard: list[str] = []
    factory.plane.callbacks.on_job_started.append(heard.append)
    job = factory.job(factory.flow(), factory.repo())
    early = await client.post(f"{JOBS}/{job}/repair")
    assert (early.status_code, early.json()) == (400, {"error": "Job run is not repairable"})
    factory.clock.advance(120)
    answer = await client.post(f"{JOBS}/{job}/repair")
    row = factory.row("job_runs", job)
    assert answer.json() == {
        "ok": True,
        "started": True,
        "deferred": False,
        "reason": None,
        "status": "running",
        "runtimeProvider": "trigger",
        "runtimeRunId": row["runtime_run_id"],
        "workflowRunId": None,
    }
    assert (row["last_start_source"], row["start_attempts"]) == ("repair", 1)
    assert heard == [job]
    assert (await client.post(f"{JOBS}/{job}/repair")).status_code == 400


async def test_repair_is_deferred_when_installation_is_full(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    flow, repo = factory.flow(), factory.repo()
    job = factory.job(flow, repo)
    for number in range(8):
        factory.job(flow, repo, start=True, number=number)
    factory.clock.advance(120)
    answer = (await client.post(f"{JOBS}/{job}/repair")).json()
    assert (answer["started"], answer["deferred"], answer["status"]) == (False, True, "pending")
    assert answer["reason"] == "INSTALLATION_CONCURRENCY_LIMIT"


async def test_foreign_jobs_are_not_found(client: httpx.AsyncClient, factory: RowFactory) -> None:
    job = insert_failed_job(factory, factory.flow(user_id=factory.profile("eve")))
    for job_id in (job, "junk"):
        for action in ("repair", "requeue"):
            answer = await client.post(f"{JOBS}/{job_id}/{action}")
            assert (answer.status_code, answer.json()) == (404, {"error": "Job run not found"})


async def test_requeue_of_failed_job_creates_job(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow(factory.agent())
    job = insert_failed_job(factory, flow, pr_number=7)
    old = factory.row("job_runs", job)["flow_version_id"]
    with factory.plane.db.transaction() as tx:
        new = tx.new_id()
        graph = factory.row("flow_versions", old)["graph"]
        tx.insert("flow_versions", id=new, flow_id=flow, version_number=2, graph=graph, created_at=1)
        tx.update("flows", flow, published_version_id=new)
    answer = (await client.post(f"{JOBS}/{job}/requeue")).json()
    made = factory.row("job_runs", answer["jobRunId"])
    assert answer == {
        "ok": True,
        "queued": True,
        "suppressed": False,
        "reused": False,
        "jobRunId": made["id"],
        "started": True,
        "deferred": False,
        "reason": None,
        "status": "running",
        "runtimeProvider": "trigger",
        "runtimeRunId": made["runtime_run_id"],
        "workflowRunId": None,
        "versionFallbackUsed": False,
    }
    assert (made["retry_of_job_run_id"], made["last_start_source"]) == (job, "manual_retry")
    assert made["flow_version_id"] == new
    about = json.loads(made["metadata"])
    assert (about["pr_number"], about["retry_version_mode"]) == (7, "latest_published")
    assert (about["retry_original_flow_version_id"], about["retry_selected_flow_version_id"]) == (old, new)
    assert factory.row("job_runs", job)["status"] == "failed"
    again = (await client.post(f"{JOBS}/{job}/requeue", json={"versionMode": "same_version"})).json()
    assert again["queued"] is True
    assert factory.row("job_runs", again["jobRunId"])["flow_version_id"] == old


async def test_published_version_with_another_event_is_not_started(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    flow = factory.flow()
    job = insert_failed_job(factory, flow, source_type="push")
    answer = (await client.post(f"{JOBS}/{job}/requeue")).json()
    assert (answer["queued"], answer["versionFallbackUsed"]) == (True, True)
    wanted = await client.post(f"{JOBS}/{job}/requeue", json={"versionMode": "latest_published"})
    assert wanted.status_code == 409
    assert wanted.json() == {
        "error": "The flow does not have an owned published version to run",
        "code": "LATEST_PUBLISHED_VERSION_UNAVAILABLE",
    }


async def test_requeue_of_assignment_job_has_no_version(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo(github_installation_id=INSTALLATION)
    row = assignment(factory, repo, factory.agent())
    about = json.dumps({"repo_id": repo, "repo_full_name": "acme/api", "source_type": "cron"})
    job = job_of(factory, "assignment_id", row, status="failed", metadata=about)
    wanted = await client.post(f"{JOBS}/{job}/requeue", json={"versionMode": "latest_published"})
    assert wanted.status_code == 409
    answer = (await client.post(f"{JOBS}/{job}/requeue")).json()
    made = factory.row("job_runs", answer["jobRunId"])
    assert (made["assignment_id"], made["retry_of_job_run_id"]) == (row, job)
    assert answer["versionFallbackUsed"] is False


async def test_a_full_repository_suppresses_a_retry(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow()
    job = insert_failed_job(factory, flow)
    repo = json.loads(factory.row("job_runs", job)["metadata"])["repo_id"]
    for _ in range(25):
        factory.job(flow, repo)
    assert (await client.post(f"{JOBS}/{job}/requeue")).json() == {
        "ok": True,
        "queued": False,
        "suppressed": True,
        "reason": "REPO_PENDING_LIMIT",
        "jobRunId": None,
        "started": False,
        "deferred": False,
        "runtimeProvider": None,
        "runtimeRunId": None,
        "workflowRunId": None,
        "status": "pending",
        "versionFallbackUsed": False,
    }


@pytest.mark.parametrize("content", ["", "[]", "{", '{"versionMode":"newest"}', '{"versionMode":null}'])
async def test_bad_modes(client: httpx.AsyncClient, factory: RowFactory, content: str) -> None:
    job = insert_failed_job(factory, factory.flow())
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{JOBS}/{job}/requeue", content=content, headers=headers)
    text = "versionMode must be same_version or latest_published"
    assert (answer.status_code, answer.json()) == (400, {"error": text})
    plain = await client.post(
        f"{JOBS}/{job}/requeue", content=content, headers={"Content-Type": "text/plain"}
    )
    assert plain.status_code == 200


async def test_only_failed_jobs_are_requeued(client: httpx.AsyncClient, factory: RowFactory) -> None:
    job = factory.job(factory.flow(), start=True)
    answer = await client.post(f"{JOBS}/{job}/requeue")
    assert (answer.status_code, answer.json()) == (400, {"error": "Job run is not requeueable"})


async def test_finding_creates_one_issue(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow, repo = factory.flow(), factory.repo("acme/shop")
    job = factory.job(flow, repo, pr_number=12)
    row = insert_finding(factory, job, repo_id=repo, pr_number=12)
    # The number is free in the whole repository, wherever the plane has heard of one.
    factory.job(flow, repo, issue_number=30, pr_number="no number")
    factory.job(flow, factory.repo("acme/other"), pr_number=800)
    path = f"{JOBS}/{job}/review-findings/{row}/issue"
    factory.clock.advance(1)
    issue = {"issueNumber": 31, "issueUrl": "https://github.com/acme/shop/issues/31"}
    first = await client.post(path, json={"title": "Mine", "labels": ["bug"]})
    assert (first.status_code, first.json()) == (200, {"ok": True, "created": True, **issue})
    assert (await client.post(path)).json() == {"ok": True, "created": False, **issue}
    kept = factory.row("review_findings", row)
    assert (kept["status"], kept["updated_at"]) == ("issue_created", factory.clock.us)


@pytest.mark.parametrize(
    ("columns", "status", "error"),
    [
        ({"status": "dismissed"}, 409, "Review finding is dismissed"),
        ({"status": "issue_creating"}, 409, "Issue creation is already in progress"),
        ({"status": "issue_created"}, 409, "Review finding is not open for issue creation"),
        ({}, 409, "Review finding is not linked to a repository"),
        ({"repo_id": "gone"}, 404, "Repository not found"),
    ],
)
async def test_findings_that_become_no_issue(
    client: httpx.AsyncClient, factory: RowFactory, columns: dict[str, Any], status: int, error: str
) -> None:
    job = factory.job(factory.flow())
    row = insert_finding(factory, job, **columns)
    answer = await client.post(f"{JOBS}/{job}/review-findings/{row}/issue", content="{")
    assert (answer.status_code, answer.json()) == (status, {"error": error})


async def test_findings_out_of_reach(client: httpx.AsyncClient, factory: RowFactory) -> None:
    job, other = factory.job(factory.flow()), factory.job(factory.flow())
    uncovered = insert_finding(factory, job, repo_id=factory.repo(github_installation_id=None))
    answer = await client.post(f"{JOBS}/{job}/review-findings/{uncovered}/issue")
    text = "GitHub access is not available for this repository"
    assert (answer.status_code, answer.json()) == (409, {"error": text})
    foreign = insert_finding(factory, job, 1, user_id=factory.profile("eve"))
    for job_id, row in ((job, foreign), (other, uncovered), (job, "junk")):
        answer = await client.post(f"{JOBS}/{job_id}/review-findings/{row}/issue")
        assert (answer.status_code, answer.json()) == (404, {"error": "Review finding not found"})
