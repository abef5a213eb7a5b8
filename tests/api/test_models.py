"""The tolerant reader and the strict writer."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mogplex_tui.api.models.account import User
from mogplex_tui.api.models.automations import Automation, AutomationRunDetail, AutomationSummary
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.calls import Call, Surface
from mogplex_tui.api.models.events import Event, EventType
from mogplex_tui.api.models.jobs import Job, JobDetail
from mogplex_tui.api.models.model_catalog import Model
from mogplex_tui.api.models.runs import RunDetail
from mogplex_tui.api.models.sandboxes import Sandbox
from mogplex_tui.api.models.stats import Stats
from mogplex_tui.api.models.v1_catalogue import AgentSummary, Repo

REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"

EVENT_V1 = {
    "id": "e1",
    "type": "tool_started",
    "toolName": "bash",
    "message": None,
    "payload": {"a": 1},
    "createdAt": "2026-08-03T15:00:20.638Z",
}
EVENT_OBS = {
    "id": "e1",
    "ai_call_id": "c9",
    "event_type": "tool_started",
    "tool_name": "bash",
    "message": None,
    "payload": {"a": 1},
    "created_at": "2026-08-03T15:00:20.638+00:00",
}
CALL: dict[str, Any] = {
    "id": "c9",
    "user_id": "u1",
    "type": "agent",
    "model": "anthropic/claude-sonnet-5",
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": None,
    "reasoning_tokens": 7,
    "total_tokens": 120,
    "cost_usd": 0.1,
    "cost_source": "gateway",
    "gateway_generation_id": "g1",
    "gateway_generation_ids": ["g1"],
    "duration_ms": 18450,
    "started_at": "2026-08-05T10:00:00+00:00",
    "completed_at": "2026-08-05T10:00:18.45+00:00",
    "status": "success",
    "error": None,
    "conversation_id": None,
    "job_run_id": None,
    "repo_id": "r1",
    "limit_claim_id": None,
    "cancel_requested_at": None,
    "control_state": "active",
    "runtime_command_id": None,
    "tool_calls_count": 1,
    "tool_calls": [{"name": "editFile", "input": {"path": "a"}, "duration_ms": 5}],
    "metadata": {"source": "cli"},
}
JOB: dict[str, Any] = {
    "id": "j9",
    "flow_id": "f1",
    "status": "running",
    "created_at": "2026-08-05T10:00:00+00:00",
    "cost_usd": None,
    "start_attempts": 1,
    "metadata": None,
    "source_kind": "flow",
    "source_type": "pr_opened",
    "repo": {"id": "r1", "full_name": "acme/shop"},
    "agent": {"id": None, "name": None, "slug": None},
    "latest_ai_call": None,
    "latest_dispatch_event": {
        "id": "d2",
        "event_kind": "start",
        "outcome": "started",
        "created_at": "2026-08-05T10:00:03+00:00",
    },
    "repairable": False,
    "requeueable": False,
    "cancelable": True,
}
RUN: dict[str, Any] = {
    "runId": "7d0c",
    "aiCallId": "b4a1",
    "sandboxRecordId": None,
    "sandboxId": "pending",
    "repoId": REPO,
    "harness": "codex",
    "status": "pending",
    "branch": {"base": "main", "working": "mogplex/x", "createBranch": True},
    "rootDirectory": None,
    "createdAt": "2026-08-08T10:14:00.123456+00:00",
    "updatedAt": "2026-08-08T10:14:00.5+00:00",
    "error": None,
    "runtime": {"provider": "trigger", "runId": "run_x1"},
}


def test_v1_and_observability_give_the_same_event() -> None:
    event = Event.model_validate(EVENT_V1)
    assert event == Event.model_validate(EVENT_OBS)
    assert event.type == EventType.TOOL_STARTED
    assert event.created_at == datetime(2026, 8, 3, 15, 0, 20, 638000, tzinfo=UTC)
    assert (event.message, event.tool_name, event.text("a"), event.text("b")) == ("", "bash", None, None)


@pytest.mark.parametrize(
    "written",
    ["2026-08-03T15:00:20Z", "2026-08-03T15:00:20+00:00", "2026-08-03T17:00:20+02:00", "2026-08-03T15:00:20"],
)
def test_timestamp_formats_parse_to_same_aware_datetime(written: str) -> None:
    event = Event.model_validate({**EVENT_V1, "createdAt": written})
    assert event.created_at == datetime(2026, 8, 3, 15, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cost", "known"),
    [
        (0.1, Decimal("0.1")),
        (3e-06, Decimal("0.000003")),
        ("12.34567891", Decimal("12.34567891")),
        (0, Decimal(0)),
        (None, None),
    ],
)
def test_money_is_exact_and_unknown_stays_unknown(cost: Any, known: Decimal | None) -> None:
    assert Call.model_validate({**CALL, "cost_usd": cost}).cost_usd == known


@pytest.mark.parametrize("cost", [True, "much", [], {}, float("nan"), float("inf"), "NaN", "1e400"])
def test_invalid_cost_marks_row(cost: Any) -> None:
    rows = parse_rows(Call, [CALL, {**CALL, "cost_usd": cost}, CALL])
    assert (len(rows), len(rows.bad), rows.total) == (2, 1, 3)
    assert rows.bad[0].reason == "cost_usd is not an amount"
    assert rows.bad[0].raw["id"] == "c9"


@pytest.mark.parametrize("field", ["input_tokens", "total_tokens", "duration_ms", "tool_calls_count"])
def test_out_of_range_number_marks_row(field: str) -> None:
    # It could be neither divided nor sorted as a number.
    rows = parse_rows(Call, [CALL, {**CALL, field: 10**400}, {**CALL, field: 2**63 - 1}])
    assert (len(rows), len(rows.bad), rows.total) == (2, 1, 3)
    assert rows.bad[0].reason in (f"{field} is too large", f"{field} is not a whole number")
    assert getattr(rows[1], field) == 2**63 - 1


@pytest.mark.parametrize(
    ("change", "tokens"),
    [
        ({}, 1120),
        ({"input_tokens": None, "output_tokens": None, "cache_read_input_tokens": None}, 120),
        (
            {"input_tokens": None, "output_tokens": None, "cache_read_input_tokens": None, "total_tokens": 0},
            None,
        ),
        ({"input_tokens": 0, "output_tokens": None, "cache_read_input_tokens": None, "total_tokens": 0}, 0),
    ],
)
def test_observed_tokens(change: dict[str, Any], tokens: int | None) -> None:
    assert Call.model_validate({**CALL, **change}).tokens == tokens


@pytest.mark.parametrize(
    ("change", "surface"),
    [
        ({"status": "streaming", "job_run_id": "j"}, Surface.LIVE),
        ({"job_run_id": "j"}, Surface.AUTOMATION),
        ({}, Surface.CLI),
        ({"metadata": {}, "runtime_command_id": "cmd"}, Surface.CLI),
        ({"metadata": {"source": "external-api"}}, Surface.CLOUD),
        ({"metadata": None}, Surface.CLOUD),
    ],
)
def test_surface_is_first_match(change: dict[str, Any], surface: Surface) -> None:
    assert Call.model_validate({**CALL, **change}).surface is surface


def test_failed_call_may_have_sentences_as_codes() -> None:
    sentence = (
        "The run exceeded its time limit. Retry it or reduce the task scope. Incident MOG-CALL-C900000000."
    )
    call = Call.model_validate(
        {
            **CALL,
            "status": "failed",
            "control_state": sentence,
            "gateway_generation_ids": [sentence, None],
            "cost_source": sentence,
        }
    )
    assert call.control_state == sentence
    assert call.gateway_generation_ids == [sentence]


def test_unknown_words_stay_themselves() -> None:
    assert Call.model_validate({**CALL, "status": "dreaming", "type": "seance"}).status == "dreaming"
    assert Event.model_validate({**EVENT_V1, "type": "assistant_message"}).type == "assistant_message"
    assert not RunDetail.model_validate({**RUN, "status": "dreaming"}).is_live


def test_a_bad_row_inside_a_row_is_marked_there() -> None:
    job = JobDetail.model_validate(
        {
            **JOB,
            "ai_calls": [{**CALL, "events": [EVENT_OBS, {"id": 5}]}, {"no": "id"}],
            "dispatch_events": None,
            "review_findings": "x",
        }
    )
    assert len(job.ai_calls) == 1 and len(job.ai_calls.bad) == 1
    assert len(job.ai_calls[0].events) == 1 and len(job.ai_calls[0].events.bad) == 1
    assert job.dispatch_events == [] and job.review_findings == []
    assert job.metadata == {}


def test_automation_detail_contains_nested_run() -> None:
    detail = AutomationRunDetail.model_validate(
        {
            **JOB,
            "node_runs": [{"id": "n", "node_id": "agent-1"}],
            "waits": [{"id": "w", "resume_token": "secret"}],
            "active_wait_count": 1,
        }
    )
    assert detail.node_runs[0].node_id == "agent-1"
    assert "secret" not in repr(detail)


def test_automation_graph_and_summary() -> None:
    automation = Automation.model_validate(
        {
            "id": "f1",
            "installationId": 88,
            "draftGraph": {
                "nodes": [
                    {"id": "a", "type": "agent", "data": {"label": "Fix"}},
                    {"id": "b", "data": {"label": 5}},
                ],
                "edges": [{"id": "e", "source": "a", "target": "b", "sourceHandle": "error"}],
            },
            "publishedVersion": {
                "id": "v",
                "versionNumber": 3,
                "graph": {},
                "createdAt": "2026-08-05T10:00:00+00:00",
            },
            "runSummary": {"lastRunId": None, "runningCount": 0, "failed24h": 0},
        }
    )
    assert [node.label for node in automation.draft_graph.nodes] == ["Fix", "b"]
    assert automation.draft_graph.edges[0].source_handle == "error"
    assert automation.published_version is not None and automation.published_version.version_number == 3
    assert automation.published_version_id == "v"
    # The service never computes the summary of the runs: its zeros are no figures (v1.md §5.1).
    assert "run_summary" not in type(automation).model_fields


def test_stats_keep_null_apart_from_zero() -> None:
    stats = Stats.model_validate(
        {
            "summary": {"total_cost": None, "cost_today": 0, "job_runs_success_rate_in_range": None},
            "by_model": [{"model": "m", "count": 1}, 5],
        }
    )
    assert stats.summary.total_cost is None
    assert stats.summary.cost_today == Decimal(0)
    assert stats.summary.job_runs_success_rate_in_range is None
    assert len(stats.by_model.bad) == 1


LISTED: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Call, CALL),
    (Event, EVENT_V1),
    (Event, EVENT_OBS),
    (Job, JOB),
    (RunDetail, RUN),
    (Repo, {"id": "r1", "full_name": "acme/api", "installation_id": None, "default_branch": "main"}),
    (AgentSummary, {"id": "preset:X", "name": "X", "slug": None, "model": "m", "preset": True}),
    (
        Sandbox,
        {"id": "s", "status": "running", "sandbox_id": "pending", "created_at": "2026-08-05T10:00:00+00:00"},
    ),
    (Model, {"id": "a/b", "provider": "a", "pricing_input": 2e-6, "capabilities": None, "is_enabled": True}),
    (AutomationSummary, {"id": "f", "installationId": 8, "name": "n", "status": "active"}),
    (User, {"id": "u", "email": "a@b", "platform_access": {"allowPlatformAi": True}, "vercel": {}}),
]
JUNK = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.booleans(),
    st.floats(),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.sampled_from(LISTED), st.data())
def test_unreadable_rows_do_not_fail_list(
    case: tuple[type[BaseModel], dict[str, Any]], data: st.DataObject
) -> None:
    model, good = case
    row = copy.deepcopy(good)
    for key in data.draw(st.lists(st.sampled_from(sorted(good)), max_size=4)):
        match data.draw(st.integers(0, 2)):
            case 0:
                row.pop(key, None)
            case 1:
                row[key] = None
            case _:
                row[key] = data.draw(JUNK)
    row[data.draw(st.text(max_size=4))] = data.draw(JUNK)
    rows = parse_rows(model, [good, row, good])
    assert len(rows) in (2, 3)
    assert rows.total == 3
    assert rows[0] == rows[-1] == model.model_validate(good)


def test_rows_contain_only_parsed_items() -> None:
    rows = parse_rows(Repo, [{"id": "a"}, None, "x", 5, {"id": None}, {"id": "b"}])
    assert isinstance(rows, list) and isinstance(rows, Rows)
    assert [row.id for row in rows] == ["a", "b"]
    assert len(rows.bad) == 4 and all(bad.reason for bad in rows.bad)


def test_bad_row_reason_omits_value() -> None:
    assert "hunter2" not in parse_rows(Repo, [{"id": ["hunter2"]}]).bad[0].reason


# What leaves
