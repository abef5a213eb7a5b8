"""Job repair and requeue, issues, the dispatch log and failures over HTTP.

observability.md §7.4-§8.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.dispatch_and_failures import DispatchLogEntry, FailureReport
from mogplex_tui.api.models.job_actions import IssueDraft, VersionMode
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving
from tests.controlplane.automation.automation_rows import (
    insert_control_event,
    insert_failed_job,
    insert_finding,
    ledger_row,
)


async def test_stuck_pending_job_is_repaired(minimal_plane: MinimalPlane) -> None:
    repair = minimal_plane.client.observability.repair_job
    job = minimal_plane.world.job(minimal_plane.world.flow(), minimal_plane.world.repo())
    with pytest.raises(e.BadRequest, match="Job run is not repairable"):
        await repair(job)
    minimal_plane.clock.advance(120)
    done = await repair(job)
    assert (done.started, done.deferred, done.reason, done.status) == (True, False, None, "running")
    assert (done.runtime_provider, done.workflow_run_id) == ("trigger", None)
    with pytest.raises(e.NotFound, match="Job run not found"):
        await repair(NOBODY)


async def test_repair_without_free_slot_reports_reason(minimal_plane: MinimalPlane) -> None:
    flow, repo = minimal_plane.world.flow(), minimal_plane.world.repo()
    job = minimal_plane.world.job(flow, repo)
    for number in range(8):
        minimal_plane.world.job(flow, repo, start=True, number=number)
    minimal_plane.clock.advance(120)
    done = await minimal_plane.client.observability.repair_job(job)
    assert (done.started, done.deferred, done.reason) == (False, True, "INSTALLATION_CONCURRENCY_LIMIT")


@pytest.mark.parametrize("mode", [None, *VersionMode])
async def test_retry_of_failed_job_creates_new_job(
    minimal_plane: MinimalPlane, mode: VersionMode | None
) -> None:
    job = insert_failed_job(minimal_plane.world, minimal_plane.world.flow())
    done = await minimal_plane.client.observability.requeue_job(job, mode)
    assert (done.queued, done.suppressed, done.started, done.status) == (True, False, True, "running")
    assert done.job_run_id not in (None, job)
    new = await minimal_plane.client.observability.job(done.job_run_id or "")
    assert (new.retry_of_job_run_id, new.source_kind, new.last_start_source) == (
        job,
        "manual_retry",
        "manual_retry",
    )
    with pytest.raises(e.BadRequest, match="Job run is not requeueable"):
        await minimal_plane.client.observability.requeue_job(new.id)
    with pytest.raises(e.NotFound):
        await minimal_plane.client.observability.requeue_job(NOBODY)


async def test_requeue_with_missing_latest_version_conflicts(minimal_plane: MinimalPlane) -> None:
    flow = minimal_plane.world.flow()
    job = insert_failed_job(minimal_plane.world, flow)
    with minimal_plane.world.plane.db.transaction() as tx:
        tx.update("flows", flow, published_version_id=None, status="inactive")
        tx.execute("DELETE FROM flow_versions WHERE flow_id = ?", (flow,))
    with pytest.raises(e.Conflict) as caught:
        await minimal_plane.client.observability.requeue_job(job, VersionMode.LATEST)
    assert caught.value.code == "LATEST_PUBLISHED_VERSION_UNAVAILABLE"


async def test_finding_creates_one_issue(minimal_plane: MinimalPlane) -> None:
    file_issue = minimal_plane.client.observability.file_issue
    job, repo = minimal_plane.world.job(minimal_plane.world.flow()), minimal_plane.world.repo("acme/shop")
    row = insert_finding(minimal_plane.world, job, repo_id=repo, pr_number=30)
    first = await file_issue(job, row, IssueDraft(title="Mine", labels=["bug"]))
    assert first.created
    assert first.issue_url == f"https://github.com/acme/shop/issues/{first.issue_number}"
    again = await file_issue(job, row)
    assert (again.created, again.issue_number) == (False, first.issue_number)
    dismissed = insert_finding(minimal_plane.world, job, 1, status="dismissed")
    with pytest.raises(e.Conflict, match="Review finding is dismissed"):
        await file_issue(job, dismissed)
    with pytest.raises(e.NotFound, match="Review finding not found"):
        await file_issue(job, NOBODY)


async def test_mode_and_issue_draft_are_sent_only_if_given() -> None:
    async with serving(http(200, {"ok": True})) as service, service.client() as client:
        done = await client.observability.requeue_job(NOBODY)
        await client.observability.requeue_job(NOBODY, "same_version")
        await client.observability.file_issue(NOBODY, NOBODY, IssueDraft())
        await client.observability.file_issue(NOBODY, NOBODY, IssueDraft(body=" x ", labels=[]))
    assert (done.queued, done.job_run_id) == (False, None)
    plain, chosen, empty, drafted = service.seen
    assert plain.body == empty.body == b""
    assert "content-type" not in plain.headers
    assert json.loads(chosen.body) == {"versionMode": "same_version"}
    assert json.loads(drafted.body) == {"body": " x ", "labels": []}


async def test_ledger_pages_and_filters(minimal_plane: MinimalPlane) -> None:
    events, repo = minimal_plane.client.observability.automation_events, minimal_plane.world.repo("acme/shop")
    old = ledger_row(
        minimal_plane.world,
        "suppressed",
        created_at=minimal_plane.clock.us - 5_000_000,
        reason="ACTIVE_DUPLICATE",
    )
    row = ledger_row(
        minimal_plane.world, "start_failed", repo_id=repo, installation_id=88, metadata='{"error":"raw"}'
    )
    first = await events(limit=1)
    assert (first.total, first.page, first.limit) == (2, 1, 1)
    assert [entry.id for entry in (await events(page=2, limit=1)).entries] == [old]
    (entry,) = first.entries
    assert (entry.id, entry.outcome, entry.metadata, entry.installation_id) == (
        row,
        "start_failed",
        {"error": "raw"},
        88,
    )
    assert entry.repo is not None
    assert entry.repo.full_name == "acme/shop"
    for found, rows in (
        (await events(outcome="suppressed"), [old]),
        (await events(reason="ACTIVE_DUPLICATE"), [old]),
        (await events(repo_id=repo), [row]),
        (await events(source_kind="trigger"), []),
        (await events(source_type="push"), [row, old]),
        (await events(agent_id=NOBODY), []),
        (await events(since=datetime(2026, 8, 5, 10, 0, tzinfo=UTC)), [row]),
        (await events(until=datetime(2026, 8, 5, 9, 59, 59, tzinfo=UTC)), [old]),
    ):
        assert [entry.id for entry in found.entries] == rows
        assert found.total == len(rows)


async def test_failures_come_with_their_sums_and_filters(minimal_plane: MinimalPlane) -> None:
    agent = minimal_plane.world.agent("Sweeper")
    with minimal_plane.world.plane.db.transaction() as tx:
        tx.update("agents", agent, model="openai/gpt-5-mini")
    flow = minimal_plane.world.flow(agent)
    version = minimal_plane.world.row("flows", flow)["published_version_id"]
    about = {"model_failure_class": "timeout", "model_effective_timeout_ms": 120_000, "model_attempts": 2}
    failed = insert_control_event(
        minimal_plane.world, flow_id=flow, flow_version_id=version, reason="AUTOMATION_TIMEOUT", about=about
    )
    insert_control_event(
        minimal_plane.world, "completed", about={"model_recovered_from_failure_class": "rate_limited"}
    )
    other = insert_control_event(minimal_plane.world, created_at=minimal_plane.clock.us - 1)
    report = await minimal_plane.client.observability.automation_failures()
    assert (report.total, report.page, report.limit) == (2, 1, 100)
    assert (report.summary.failed_total, report.summary.successful_recoveries) == (2, 1)
    assert report.summary.timeout_failures == 1
    assert [(row.key, row.count) for row in report.breakdowns.by_failure_class] == [
        ("unknown", 1),
        ("timeout", 1),
    ]
    assert "openai" in {option.value for option in report.filter_options.providers}
    assert [record.id for record in report.records] == [failed, other]
    record = report.records[0]
    assert (record.reason_label, record.diagnostics.timeout_bucket, record.diagnostics.attempts) == (
        "Timeout",
        "under_3m",
        2,
    )
    assert record.agent is not None
    assert (record.agent.model, record.agent.provider) == ("openai/gpt-5-mini", "openai")
    only = await minimal_plane.client.observability.automation_failures(
        provider="openai", failure_class="timeout"
    )
    assert [record.id for record in only.records] == [failed]
    assert only.summary.successful_recoveries == 0
    assert (await minimal_plane.client.observability.automation_failures(model="acme/none")).total == 0


def test_ledger_and_failure_parsing_tolerates_any_json() -> None:
    rows = parse_rows(
        DispatchLogEntry,
        [{"id": "d", "event_kind": None, "outcome": "dreamt", "metadata": None, "agent": None}, {"id": "e"}],
    )
    assert (rows[0].outcome, rows[0].metadata, len(rows.bad)) == ("dreamt", {}, 1)
    empty = FailureReport.model_validate({"summary": None, "records": None, "total": None, "breakdowns": {}})
    assert (empty.summary.failed_total, empty.records, empty.total) == (None, [], None)
    odd = {"id": "d7", "diagnostics": None, "metadata": None, "reasonLabel": None, "agent": {"model": None}}
    report = FailureReport.model_validate({"records": [odd, {"id": 1}], "breakdowns": {"byModel": "x"}})
    assert report.records[0].diagnostics.retry_attempted is False
    assert (len(report.records.bad), report.breakdowns.by_model) == (1, [])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.observability.repair_job("j9"), "not the id of a job"),
        (lambda c: c.observability.requeue_job("j9"), "not the id of a job"),
        (lambda c: c.observability.requeue_job(NOBODY, "newest"), "same_version or latest_published"),
        (lambda c: c.observability.file_issue(NOBODY, "q1"), "not the id of a finding"),
        (lambda c: c.observability.file_issue(NOBODY, NOBODY, IssueDraft(title=" ")), "Write a title"),
        (lambda c: c.observability.automation_events(repo_id="r1"), "not the id of a repository"),
    ],
)
async def test_invalid_input_for_jobs_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
