"""Seeded job runs leave the same rows as the engine and follow their schedules."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.automation.events import cron
from mogplex_tui.controlplane.workload import failure_diagnosis
from tests.controlplane.simulated_plane import SimulatedPlane


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = SimulatedPlane(Path(tmp_path_factory.mktemp("seed")) / "plane.db")
    yield made
    made.close()


def _outputs(
    simulated: SimulatedPlane, node_type: str, columns: str = "NULL"
) -> list[tuple[dict[str, Any], Any]]:
    rows = simulated.db.all(
        f"SELECT n.output, {columns} FROM flow_node_runs n WHERE n.node_type = ? AND n.status = 'success'",
        (node_type,),
    )
    assert len(rows) > 1, node_type
    return [(json.loads(row[0]), row[1]) for row in rows]


def test_seeded_nodes_match_engine_rows(simulated: SimulatedPlane) -> None:
    events = "(SELECT json_extract(metadata, '$.source_type') FROM job_runs WHERE id = n.job_run_id)"
    assert all(output == {"event": event} for output, event in _outputs(simulated, "start", events))
    roles: Counter[str] = Counter()
    for output, _ in _outputs(simulated, "agent"):
        roles[output["role"]] += 1
        assert output["text"] and len(output["text"]) <= 600
        assert (output["review"] is not None) == (output["role"] == "review")
        assert all(tool["name"] and tool["duration_ms"] for tool in output["tool_calls"])
        if output["harness"] == "claude-code":
            assert (output.get("pull_request_url") or "No change was needed.") in output["text"]
    assert roles.keys() == {"review", "edit", "triage"}
    skipped = "(SELECT status = 'skipped' FROM flow_node_runs WHERE job_run_id = n.job_run_id AND node_id = 'second')"
    matches = _outputs(simulated, "condition", skipped)
    assert {output["matched"] for output, _ in matches} == {True, False}
    assert all(output["matched"] is not bool(skips) for output, skips in matches)
    said = (
        "(SELECT json_extract(output, '$.text') FROM flow_node_runs WHERE job_run_id = n.job_run_id"
        " AND node_id = 'sort')"
    )
    assert all(
        output == {"variables": {"area": text}} for output, text in _outputs(simulated, "set_variable", said)
    )
    answers = "(SELECT resume_payload FROM flow_waits WHERE job_run_id = n.job_run_id)"
    for output, answer in _outputs(simulated, "await_event", answers):
        assert output == {"kind": "manual_approval", "payload": json.loads(answer)}
        assert output["payload"] == {"decision": "approve", "approved": True, "note": None}


def test_findings_belong_to_reviews(simulated: SimulatedPlane) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for row in simulated.db.all(
        "SELECT job_run_id, output FROM flow_node_runs WHERE output LIKE '%\"findings\"%'"
    ):
        review = json.loads(row["output"])["review"]
        found.update((row["job_run_id"], finding["title"]) for finding in review["findings"])
    kept = simulated.db.all("SELECT job_run_id, title FROM review_findings")
    assert Counter((row[0], row[1]) for row in kept) == found
    assert len(kept) > 10


def test_job_has_deliveries_and_runtime(simulated: SimulatedPlane) -> None:
    delivered = simulated.db.all(
        "SELECT j.status, json_extract(j.metadata, '$.pull_request_url'), json_extract(c.metadata, '$.pull_request_url')"
        " FROM job_runs j JOIN ai_calls c ON c.job_run_id = j.id AND c.model = 'harness:claude-code'"
    )
    assert all(
        told == (made if status == "success" else None) for status, told, made in map(tuple, delivered)
    )
    assert sum(row[1] is not None for row in delivered) > 2
    cancels = simulated.db.all(
        "SELECT j.runtime_run_id, json_extract(d.metadata, '$.runtime_run_id') FROM job_runs j"
        " JOIN automation_dispatch_events d ON d.job_run_id = j.id AND d.reason = 'USER_REQUESTED'"
    )
    assert cancels and all(row[0] == row[1] for row in cancels)


def test_ended_runs_contain_their_calls(simulated: SimulatedPlane) -> None:
    rows = simulated.db.all(
        "SELECT j.id, j.input_tokens, j.started_at, j.completed_at, COUNT(c.id) AS calls, SUM(c.input_tokens) AS spent,"
        " MIN(c.started_at) AS first, MAX(c.completed_at) AS last FROM job_runs j LEFT JOIN ai_calls c"
        " ON c.job_run_id = j.id WHERE j.status IN ('success', 'failed') AND j.error IS NOT 'MISSING_CONFIG'"
        " GROUP BY j.id"
    )
    assert len(rows) > 100
    for row in rows:
        assert row["calls"] > 0 and (row["input_tokens"] or 0) == (row["spent"] or 0)
        assert row["started_at"] < row["first"] and row["last"] < row["completed_at"]
    flagged = simulated.db.all(
        "SELECT status FROM ai_calls WHERE job_run_id NOTNULL AND model NOT LIKE 'harness:%'"
        " AND (status = 'failed') <> (json_extract(metadata, '$.failed_with_partial_usage') IS NOT NULL)"
    )
    assert flagged == []


def test_some_failed_jobs_were_retried(simulated: SimulatedPlane) -> None:
    rows = simulated.db.all(
        "SELECT r.*, f.status AS before, f.completed_at AS ended, f.flow_id AS of_flow,"
        " (SELECT GROUP_CONCAT(DISTINCT source_kind) FROM automation_dispatch_events WHERE job_run_id = r.id) AS kinds"
        " FROM job_runs r JOIN job_runs f ON f.id = r.retry_of_job_run_id"
    )
    assert len(rows) == 3
    for row in rows:
        assert (row["before"], row["last_start_source"], row["kinds"]) == (
            "failed",
            "manual_retry",
            "manual_retry",
        )
        assert row["flow_id"] == row["of_flow"] and row["created_at"] > row["ended"]
        about = json.loads(row["metadata"])
        assert about["retry_selected_flow_version_id"] == about["flow_version_id"] == row["flow_version_id"]


def test_nightly_work_came_with_its_clock_or_was_tried_by_hand(simulated: SimulatedPlane) -> None:
    rows = simulated.db.all(
        "SELECT status, created_at, last_start_source, idempotency_key, json_extract(metadata, '$.schedule') AS tick"
        " FROM job_runs WHERE json_extract(metadata, '$.source_type') = 'schedule' AND flow_id NOTNULL"
    )
    ticks = [row for row in rows if row["last_start_source"] != "api"]
    assert len({row["created_at"] for row in ticks}) == len(ticks) > 2
    for row in ticks:
        tick = json.loads(row["tick"])
        assert cron.is_due(tick["cron"], tick["timezone"], row["created_at"])
        assert row["idempotency_key"].endswith(tick["scheduled_at"])
    trials = [row for row in rows if row["last_start_source"] == "api"]
    assert [row["status"] for row in trials] == ["running", "running"]
    assert all(json.loads(row["tick"])["test"] is True for row in trials)


@pytest.mark.parametrize(
    ("klass", "text", "timeout_ms", "status"),
    [
        ("timeout", "Model stream timed out after 120000 ms without a token", 120_000, None),
        ("timeout", "The agent reached its time limit of 240 s during the test phase", 240_000, None),
        ("timeout", "The automation reached its time limit of 30 minutes", 1_800_000, None),
        ("timeout", "deadline exceeded while waiting for the agent's next step", 600_000, None),
        ("rate_limited", "Provider rate limit reached, retry after 41 s", 600_000, 429),
        ("provider_unavailable", "Bad gateway from model provider: 502", 600_000, 502),
        ("unknown", "Unexpected end of stream after 500 chunks", 600_000, None),
    ],
)
def test_a_diagnosis_agrees_with_its_text(klass: str, text: str, timeout_ms: int, status: int | None) -> None:
    told = failure_diagnosis.failed(klass, text, "mention:agent")
    assert (told["model_effective_timeout_ms"], told["model_failure_status_code"]) == (timeout_ms, status)
    again = failure_diagnosis.recovered(klass, text, "mention:agent")
    assert bool(again) is told["model_retry_attempted"]


def test_only_retried_failures_are_recovered(simulated: SimulatedPlane) -> None:
    classes = {
        json.loads(row[0])["model_recovered_from_failure_class"]
        for row in simulated.db.all(
            "SELECT metadata FROM automation_dispatch_events WHERE metadata LIKE '%recovered%'"
        )
    }
    assert classes and classes <= set(failure_diagnosis.RETRIED)
