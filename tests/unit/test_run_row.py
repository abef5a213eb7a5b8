"""Rows of runs from calls, v1 runs, automation runs and unreadable records.

The contract is in observability.md §2, §6 and §9, and in v1.md §5.4 and §7.5.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from mogplex_tui.live import run_row as make
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from tests.unit.fakes import call, job, run, stamp, uuid

SENTENCES = [
    "The run was cancelled before it completed. Incident MOG-CALL-CA11000000.",
    "The run failed because of an internal service error. Retry it; if it continues, contact support with "
    "incident MOG-CALL-CA11000000.",
]


def test_call_becomes_a_row() -> None:
    row = make.from_call(
        call(
            3,
            status="streaming",
            type="agent",
            model="harness:claude-code",
            repo_id=uuid(7),
            job_run_id=uuid(9),
            runtime_command_id="cmd_4",
            cancel_requested_at=stamp(9),
            metadata={
                "source": "cli",
                "external_request_id": "key-1",
                "harness_id": "claude-code",
                "repo": "acme/web",
                "working_branch": "fix/it",
                "base_branch": "main",
                "sandbox_record_id": uuid(5),
                "sandbox_id": "mogplex-5",
                "pull_request_url": "https://github.com/acme/web/pull/7",
            },
        )
    )
    assert (row.source, row.state, row.live) == (RunSource.CALL, "streaming", True)
    assert (row.key, row.call_id, row.run_id, row.job_id) == (call(3).id, call(3).id, None, uuid(9))
    assert (row.repo, row.branch, row.base_branch) == ("acme/web", "fix/it", "main")
    assert (row.who, row.harness, row.model) == ("claude-code", "claude-code", None)
    assert (row.sandbox_id, row.sandbox_name) == (uuid(5), "mogplex-5")
    assert row.pull_request == "https://github.com/acme/web/pull/7"
    assert row.external
    assert row.cancel_requested
    assert row.began == call(3).started_at


def test_agent_column_uses_harness_agent_name_or_chat() -> None:
    step = make.from_call(call(metadata={"flow_node_label": "Look for secrets", "agent_id": "a1"}))
    assert (step.who, step.step, step.agent_id) == (None, "Look for secrets", "a1")
    assert make.from_call(call(model="harness:codex", metadata={"agent_id": "a1"})).who == "codex"
    assert make.from_call(call(metadata={"agent_name": "Triage bot"})).who == "Triage bot"
    assert make.from_call(call(type="chat")).who == "chat"
    assert make.from_call(call(model="harness:codex", metadata={})).harness == "codex"


@pytest.mark.parametrize("sentence", SENTENCES)
def test_error_sentence_is_never_taken_for_a_name(sentence: str) -> None:
    keys = (
        "repo repo_full_name flow_node_label agent_name working_branch head_branch base_branch "
        "pull_request_url pr_url harness_mode"
    )
    row = make.from_call(
        call(
            status="failed",
            error=sentence,
            control_state=sentence,
            gateway_generation_ids=[sentence],
            metadata=dict.fromkeys(keys.split(), sentence) | {"harness_id": "codex"},
        )
    )
    assert row.error == sentence
    assert (row.state, row.live) == ("failed", False)
    assert (row.repo, row.branch, row.base_branch, row.pull_request) == (None, None, None, None)
    assert row.who == "codex"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "see https://x", 7, ""])
def test_pull_request_must_be_a_web_address(link: Any) -> None:
    assert make.from_call(call(metadata={"pull_request_url": link})).pull_request is None


@pytest.mark.parametrize("value", [7, ["x"], {"a": 1}, None, ""])
def test_metadata_of_wrong_type_is_ignored(value: Any) -> None:
    keys = [
        "repo",
        "agent_name",
        "working_branch",
        "harness_id",
        "sandbox_id",
        "sandbox_record_id",
        "external_run_id",
        "pr_url",
    ]
    row = make.from_call(call(type="chat", metadata=dict.fromkeys(keys, value)))
    assert (
        row.repo,
        row.branch,
        row.harness,
        row.sandbox_id,
        row.sandbox_name,
        row.run_id,
        row.pull_request,
    ) == ((None,) * 7)
    assert row.who == "chat"


def test_unknown_status_is_kept_and_not_live() -> None:
    row = make.from_call(call(status="hibernating"))
    assert (row.state, row.live) == ("hibernating", False)
    assert row.state not in make.ENDED_STATES
    assert make.from_run(run(status="hibernating")).ended_at is None
    assert make.from_call(call(status=None)).state == "unknown"


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}, 15),
        # Cached tokens count and reasoning tokens do not; the stored total lacks the cached ones.
        ({"input_tokens": 10, "cache_read_input_tokens": 90, "reasoning_tokens": 7, "total_tokens": 10}, 100),
        ({"cache_creation_input_tokens": 4}, 4),
        ({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}, 0),
        ({"total_tokens": 33}, 33),
        # The service stores 0 if nothing was measured.
        ({"total_tokens": 0}, None),
        ({}, None),
    ],
)
def test_tokens_are_counted_as_the_service_does(fields: dict[str, int], tokens: int | None) -> None:
    assert make.from_call(call(**fields)).tokens == tokens


@pytest.mark.parametrize(
    ("cost", "source", "expected"),
    [
        ("0.0123", "gateway", Cost.KNOWN),
        ("0.0123", "manual", Cost.KNOWN),
        ("0.0123", "trigger", Cost.ESTIMATED),
        ("0.0123", "oracle", Cost.ESTIMATED),
        ("0.0123", None, Cost.ESTIMATED),
        (0, "gateway", Cost.KNOWN),
        # A cost source does not mean that there is a cost.
        (None, "trigger", Cost.UNKNOWN),
        (None, "gateway", Cost.UNKNOWN),
    ],
)
def test_cost_is_known_or_estimated_by_its_source(cost: Any, source: str | None, expected: Cost) -> None:
    row = make.from_call(call(cost_usd=cost, cost_source=source))
    assert row.cost_source is expected
    assert row.cost == (None if cost is None else Decimal(str(cost)))


def test_v1_run_becomes_a_row_with_key_of_its_call() -> None:
    row = make.from_run(run(2, error="boom", sandboxId="pending"), prompt="Fix it", repo="acme/web")
    assert (row.key, row.call_id, row.run_id) == (
        uuid(2, "ca110000"),
        uuid(2, "ca110000"),
        uuid(2, "00f00000"),
    )
    assert (row.source, row.state, row.external) == (RunSource.RUN, "streaming", True)
    assert (row.branch, row.base_branch, row.prompt, row.repo) == ("fix/it", "main", "Fix it", "acme/web")
    assert (row.tokens, row.cost, row.cost_source, row.model) == (None, None, Cost.UNKNOWN, None)
    assert (row.ended_at, row.duration_ms) == (None, None)


def test_ended_v1_run_ends_at_its_last_update() -> None:
    row = make.from_run(run(2, status="success"))
    assert row.ended_at == run(2).updated_at
    assert row.duration_ms == 90_000


def test_v1_run_without_call_has_its_own_key() -> None:
    row = make.from_run(run(2, aiCallId=None, branch={}, harness=None))
    assert row.key == uuid(2, "00f00000")
    assert (row.branch, row.base_branch, row.harness, row.who) == (None, None, None, None)


def test_automation_run_becomes_a_row() -> None:
    row = make.from_job(
        job(4, "a1", input_tokens=10, metadata={"head_branch": "main", "pull_request_url": "https://x/1"}),
        "a1",
        "Nightly",
    )
    assert (row.source, row.key, row.job_id, row.automation_id) == (
        RunSource.JOB,
        row.job_id,
        job(4, "a1").id,
        "a1",
    )
    assert (row.who, row.kind, row.repo, row.branch) == ("Nightly", "push", "acme/web", "main")
    assert (row.tokens, row.cost, row.cost_source) == (10, None, Cost.UNKNOWN)
    assert row.live
    assert row.began == job(4, "a1").started_at


def test_pending_automation_run_began_when_created() -> None:
    row = make.from_job(job(4, "a1", status="pending", started_at=None, repo=None), "a1", None)
    assert row.began == job(4, "a1").created_at
    assert row.repo is None


def test_unreadable_record_keeps_time_reason_and_json() -> None:
    raw = {"id": "c1", "started_at": stamp(5), "status": 7, "metadata": {"token": "hunter2", "x": "é"}}
    row = make.unreadable("c1", "status: not a text", raw)
    assert (row.state, row.live, row.unreadable) == ("unreadable", False, "status: not a text")
    assert row.began == call(5).started_at
    assert row.raw is not None
    assert json.loads(row.raw)["metadata"] == {"token": "[redacted]", "x": "é"}


@pytest.mark.parametrize("raw", [None, "text", {"started_at": 7}, {"started_at": "soon"}, ["\ud800"]])
def test_unreadable_record_may_be_any_json(raw: Any) -> None:
    row = make.unreadable("k", "why", raw)
    assert isinstance(row, RunRow)
    assert row.began is None


def test_credentials_in_errors_are_redacted() -> None:
    error = "git push https://x-access-token:s3cr3t@github.com/acme/web failed"
    flow = uuid(1, "f1000000")
    rows = (
        make.from_call(call(error=error)),
        make.from_run(run(error=error)),
        make.from_job(job(1, flow, error=error), flow, None),
    )
    assert {row.error for row in rows} == {error.replace("s3cr3t", "[redacted]")}
