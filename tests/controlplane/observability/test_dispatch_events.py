"""The dispatch log and the failures read from it (observability.md §8)."""

from __future__ import annotations

import httpx
import pytest

from tests.controlplane.automation.automation_rows import (
    assignment,
    insert_control_event,
    ledger_row,
    trigger,
)
from tests.controlplane.row_factory import RowFactory

EVENTS, FAILURES = "/api/observability/automation-events", "/api/observability/automation-failures"


async def test_ledger_lists_raw_rows_newest_first(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent, repo = factory.agent("Sweeper"), factory.repo("acme/shop")
    flow = factory.flow(agent)
    version = factory.row("flows", flow)["published_version_id"]
    row = ledger_row(
        factory,
        "start_failed",
        flow_id=flow,
        flow_version_id=version,
        repo_id=repo,
        installation_id=88,
        reason="ECONNREFUSED 127.0.0.1",
        metadata='{"error":"raw"}',
        source_kind="trigger",
    )
    ledger_row(factory, "suppressed", created_at=factory.clock.us - 5, reason="ACTIVE_DUPLICATE")
    ledger_row(factory, "queued", user_id=factory.profile("eve"))
    found = (await client.get(EVENTS, params={"limit": "1"})).json()
    assert (found["total"], found["page"], found["limit"]) == (2, 1, 1)
    assert found["events"] == [
        {
            "id": row,
            "user_id": factory.user,
            "job_run_id": None,
            "assignment_id": None,
            "trigger_id": None,
            "flow_id": flow,
            "flow_version_id": version,
            "repo_id": repo,
            "installation_id": 88,
            # A trigger's row that has a flow is the flow's.
            "source_kind": "flow",
            "source_type": "push",
            "event_kind": "enqueue",
            "outcome": "start_failed",
            "reason": "ECONNREFUSED 127.0.0.1",
            "metadata": {"error": "raw"},
            "created_at": "2026-08-05T10:00:00+00:00",
            "repo": {"id": repo, "full_name": "acme/shop"},
            "agent": {"id": agent, "name": "Sweeper", "slug": "sweeper"},
        }
    ]
    beyond = (await client.get(EVENTS, params={"page": "9"})).json()
    assert (beyond["events"], beyond["total"]) == ([], 2)


async def test_ledger_filters(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow_agent, other = factory.agent("Flow agent"), factory.agent("Other")
    flow, repo = factory.flow(flow_agent), factory.repo()
    by_flow = ledger_row(
        factory, "queued", flow_id=flow, flow_version_id=factory.row("flows", flow)["published_version_id"]
    )
    by_trigger = ledger_row(
        factory,
        "suppressed",
        trigger_id=trigger(factory, other),
        source_kind="trigger",
        reason="ACTIVE_DUPLICATE",
    )
    by_assignment = ledger_row(
        factory,
        "deferred",
        assignment_id=assignment(factory, repo, other),
        source_kind="assignment",
        source_type="cron",
        repo_id=repo,
        created_at=factory.clock.us - 10,
    )
    for query, rows in (
        (f"agent_id={flow_agent}", [by_flow]),
        (f"agent_id={other}", [by_trigger, by_assignment]),
        ("agent_id=junk", []),
        ("source_kind=trigger", [by_trigger]),
        ("source_type=cron", [by_assignment]),
        ("outcome=suppressed", [by_trigger]),
        ("outcome=unheard", []),
        ("reason=ACTIVE_DUPLICATE", [by_trigger]),
        (f"repo_id={repo}", [by_assignment]),
        ("to=2026-08-05T09:59:59.999991Z", [by_assignment]),
        ("from=2026-08-06", []),
    ):
        found = (await client.get(f"{EVENTS}?{query}")).json()
        assert {event["id"] for event in found["events"]} == set(rows), query
        assert found["total"] == len(rows)
    crash = await client.get(EVENTS, params={"from": "yesterday"})
    assert (crash.status_code, crash.content) == (500, b"")


async def test_a_failure_is_described(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent, repo = factory.agent("Sweeper"), factory.repo("acme/shop")
    with factory.plane.db.transaction() as tx:
        tx.update("agents", agent, model="openai/gpt-5-mini")
    flow = factory.flow(agent)
    about = {
        "model_failure_class": "timeout",
        "model_failure_message": "timed out",
        "model_execution_phase": "push_review:agent",
        "model_effective_timeout_ms": 120_000,
        "model_retry_attempted": True,
        "model_retry_count": 1,
        "model_attempts": 2,
    }
    row = insert_control_event(
        factory,
        flow_id=flow,
        flow_version_id=factory.row("flows", flow)["published_version_id"],
        repo_id=repo,
        reason="AUTOMATION_TIMEOUT",
        about=about,
    )
    found = (await client.get(FAILURES)).json()
    assert found["records"] == [
        {
            "id": row,
            "jobRunId": None,
            "createdAt": "2026-08-05T10:00:00+00:00",
            "sourceKind": "flow",
            "sourceType": "push",
            "reason": "AUTOMATION_TIMEOUT",
            "reasonLabel": "Timeout",
            "outcome": "failed",
            "repo": {"id": repo, "fullName": "acme/shop"},
            "agent": {
                "id": agent,
                "name": "Sweeper",
                "slug": "sweeper",
                "model": "openai/gpt-5-mini",
                "provider": "openai",
            },
            "diagnostics": {
                "failureClass": "timeout",
                "failureLabel": "Timeout",
                "failureMessage": "timed out",
                "failureStatusCode": None,
                "executionPhase": "push_review:agent",
                "effectiveTimeoutMs": 120000,
                "timeoutBucket": "under_3m",
                "timeoutBucketLabel": "< 3m",
                "retryAttempted": True,
                "retryCount": 1,
                "attempts": 2,
                "recoveredFromFailureClass": None,
                "recoveredFromFailureLabel": None,
                "recoveredFromMessage": None,
            },
            "metadata": about,
        }
    ]
    assert found["breakdowns"] == {
        "byFailureClass": [{"key": "timeout", "label": "Timeout", "count": 1}],
        "bySourceType": [{"key": "push", "label": "push", "count": 1}],
        "byProvider": [{"key": "openai", "label": "OpenAI", "count": 1}],
        "byModel": [{"key": "openai/gpt-5-mini", "label": "openai/gpt-5-mini", "count": 1}],
        "byTimeoutBucket": [{"key": "under_3m", "label": "< 3m", "count": 1}],
    }
    assert found["filter_options"]["providers"] == [{"value": "openai", "label": "OpenAI"}]
    assert (found["total"], found["page"], found["limit"]) == (1, 1, 25)


async def test_ledger_totals_are_filtered_and_options_are_not(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    insert_control_event(
        factory, about={"model_failure_class": "rate_limited", "model_effective_timeout_ms": 300_000}
    )
    insert_control_event(
        factory, about={"model_failure_class": "authentication", "model_effective_timeout_ms": 299_999}
    )
    insert_control_event(factory, source_type="mention", reason=None)
    insert_control_event(factory, "completed", about={"model_recovered_from_failure_class": "timeout"})
    insert_control_event(factory, "completed")
    insert_control_event(factory, "cancelled")
    insert_control_event(factory, user_id=factory.profile("eve"))
    found = (await client.get(FAILURES)).json()
    assert found["summary"] == {
        "failedTotal": 3,
        "successfulRecoveries": 1,
        "retriedFailures": 0,
        "timeoutFailures": 0,
        "authenticationFailures": 1,
        "configurationFailures": 0,
        "providerFailures": 1,
        "dependencyFailures": 0,
    }
    assert [entry["key"] for entry in found["breakdowns"]["byTimeoutBucket"]] == [
        "under_5m",
        "5m_plus",
        "unknown",
    ]
    assert found["breakdowns"]["byModel"] == [{"key": "unknown", "label": "Unknown", "count": 3}]
    assert [entry["label"] for entry in found["filter_options"]["failureClasses"]] == [
        "Authentication",
        "Other",
        "Rate limited",
    ]
    assert found["filter_options"]["models"] == []
    narrowed = (await client.get(f"{FAILURES}?failure_class=unknown")).json()
    assert (narrowed["summary"]["failedTotal"], narrowed["summary"]["successfulRecoveries"]) == (1, 0)
    assert narrowed["records"][0]["reasonLabel"] == "—"
    assert narrowed["filter_options"] == found["filter_options"]
    by_type = (await client.get(f"{FAILURES}?source_type=mention")).json()
    assert by_type["summary"]["failedTotal"] == 1
    assert (await client.get(f"{FAILURES}?provider=OpenAI")).json()["total"] == 0


@pytest.mark.parametrize(
    ("reason", "label"),
    [("PR_REVIEW_POSTED", "Pr Review Posted"), ("queue unavailable", "Queue Unavailable")],
)
async def test_reasons_without_a_label(
    client: httpx.AsyncClient, factory: RowFactory, reason: str, label: str
) -> None:
    insert_control_event(factory, reason=reason)
    assert (await client.get(FAILURES)).json()["records"][0]["reasonLabel"] == label


async def test_a_bad_bound_of_failures_is_a_text(client: httpx.AsyncClient) -> None:
    answer = await client.get(FAILURES, params={"from": "yesterday"})
    assert (answer.status_code, "yesterday" in answer.json()["error"]) == (500, True)
