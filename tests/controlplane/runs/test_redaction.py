"""Redaction of stored payloads and of v1 and observability answers (v1.md §8.4)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.payload_redaction import scrub
from mogplex_tui.controlplane.observability.error_sanitizer import clean, clean_call, sentence
from mogplex_tui.controlplane.runs.event_redaction import redact
from tests.controlplane.api_paths import V1
from tests.controlplane.row_factory import RowFactory

INCIDENT = "MOG-CALL-C9D8E7F6A5"


def test_storing_bounds_depth_items_and_text() -> None:
    deep = {"a": {"b": {"c": {"d": 1}}}}
    assert scrub(deep) == deep
    assert scrub({"a": {"b": {"c": {"d": {"e": 1}}}}})["a"]["b"]["c"]["d"] == "[truncated]"
    assert len(scrub({"list": list(range(99))})["list"]) == 50
    assert len(scrub({str(index): index for index in range(99)})) == 50
    assert len(scrub({"text": "x" * 50_000})["text"]) == 40_000


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("Bearer abc.def", "Bearer [redacted]"),
        ("https://x-access-token:ghs_1@github.com/a", "https://x-access-token:[redacted]@github.com/a"),
        ("use ghp_AbC123 or github_pat_11A", "use [redacted] or [redacted]"),
        ("sk-proj-12345678 and sb_secret_abc", "[redacted] and [redacted]"),
        ("risk-free sk-short", "risk-free sk-short"),
        ('{"password": "x", "n": 1}', '{"password":"[redacted]","n":1}'),
        ("[not json", "[not json"),
    ],
)
def test_secrets_in_text(raw: str, stored: str) -> None:
    assert scrub({"text": raw}) == {"text": stored}
    assert redact({"text": raw}) == {"text": stored}


def test_keys_that_hide() -> None:
    payload = {
        "session_id": "s",
        "total_tokens": 12,
        "ai_billing_source": "platform",
        "runtime-env": {"A": 1},
        "AUTHORIZATION": "x",
        "nested": [{"api_key": "x", "path": "src/a.ts"}],
    }
    stored = scrub(payload)
    assert stored["session_id"] == stored["AUTHORIZATION"] == stored["nested"][0]["api_key"] == "[redacted]"
    assert (stored["total_tokens"], stored["ai_billing_source"]) == (12, "platform")
    assert redact(payload) == {
        "session_id": "[redacted]",
        "total_tokens": "[redacted]",
        "ai_billing_source": "[redacted]",
        "runtime-env": "[redacted]",
        "AUTHORIZATION": "[redacted]",
        "nested": [{"api_key": "[redacted]", "path": "src/a.ts"}],
    }


def test_reading_on_v1_cuts_more() -> None:
    assert redact({"text": "x" * 2_300})["text"] == "x" * 2_000 + "\n...[truncated 300 chars]"
    assert len(redact({"list": list(range(40))})["list"]) == 25
    assert redact({"a": {"b": {"c": 1}}}) == {"a": {"b": {"c": 1}}}
    assert redact({"a": {"b": {"c": {}}}}) == {"a": {"b": {"c": "[truncated]"}}}
    large = redact({f"k{index}": "x" * 1_999 for index in range(20)})
    assert large["truncated"] is True
    assert len(large["payloadPreview"]) == 20_000


async def test_event_is_same_on_v1_and_observability(client: httpx.AsyncClient, factory: RowFactory) -> None:
    call = factory.call()
    run = factory.run(factory.repo(), call)
    factory.event(
        call, "started", message="token sk-12345678", payload={"ai_billing_source": "byok", "n": "x" * 3_000}
    )
    v1 = (await client.get(f"{V1}/runs/{run}/events")).json()["data"]["events"][0]
    raw = (await client.get(f"/api/observability/call-events?ai_call_id={call}")).json()["events"][0]
    assert v1["payload"]["ai_billing_source"] == "[redacted]"
    assert v1["payload"]["n"].endswith("...[truncated 1000 chars]")
    # The message is nobody's to touch on v1.
    assert v1["message"] == raw["message"] == "token sk-12345678"
    assert raw["payload"] == {"ai_billing_source": "byok", "n": "x" * 3_000}


@pytest.mark.parametrize(
    ("raw", "start"),
    [
        ("Request aborted: timeout", "The run was cancelled before it completed."),
        ("Deadline exceeded", "The run exceeded its time limit."),
        ("HTTP 429", "The AI provider rate limit or quota was reached."),
        ("HTTP 4290", "The run failed because of an internal service error."),
        ("Access denied by GitHub", "A required connection is not authorized."),
        ("OPENAI_API_KEY is missing", "This run needs additional model or provider configuration."),
        ("model gpt-9 is unavailable", "This run needs additional model or provider configuration."),
        ("Invalid API key", "The run failed because of an internal service error."),
    ],
)
def test_error_text_of_failure_class(raw: str, start: str) -> None:
    said = sentence(raw, INCIDENT)
    assert said.startswith(start)
    assert said.rstrip(".").endswith(INCIDENT)


def _call(**columns: Any) -> dict[str, Any]:
    return {"id": "c9d8e7f6-a5b4-4321-8fed-cba987654321", "status": "success", "error": None} | columns


def test_failed_call_keeps_safe_fields() -> None:
    shown = clean_call(
        _call(
            status="failed",
            error="boom",
            model="harness:codex",
            control_state="active",
            duration_ms=4,
            started_at="2026-08-05T10:00:00+00:00",
            gateway_generation_ids=["gen_1"],
            repo_id="r1",
            metadata={
                "base_branch": "main",
                "repo_full_name": "acme/api",
                "stop_reason": "AUTOMATION_TIMEOUT",
                "pr_url": "https://github.com/acme/api/pull/1",
                "docs_url": "https://example.dev",
                "exit_code": "TOO_BAD",
            },
        )
    )
    internal = f"with incident {INCIDENT}."
    assert shown["error"].endswith(internal)
    assert shown["control_state"].endswith(internal)
    assert shown["gateway_generation_ids"][0].endswith(internal)
    assert shown["metadata"]["base_branch"].endswith(internal)
    assert shown["metadata"]["docs_url"].endswith(internal)
    for key, value in (
        ("repo_full_name", "acme/api"),
        ("stop_reason", "AUTOMATION_TIMEOUT"),
        ("pr_url", "https://github.com/acme/api/pull/1"),
        ("exit_code", "TOO_BAD"),
    ):
        assert shown["metadata"][key] == value
    assert (shown["model"], shown["duration_ms"], shown["repo_id"]) == ("harness:codex", 4, "r1")
    assert shown["started_at"].startswith("2026")


def test_a_healthy_call_is_left_alone_but_for_errors() -> None:
    shown = clean_call(
        _call(
            control_state="active",
            metadata={
                "base_branch": "main",
                "last_error": "boom",
                "error_code": "RATE_LIMITED",
                "failure": "timeout",
                "note": "see http://localhost:3000/x",
                "tool": {"id": "ab-12", "error": "boom"},
            },
        )
    )
    assert shown["control_state"] == "active"
    metadata = shown["metadata"]
    assert (metadata["base_branch"], metadata["error_code"], metadata["failure"]) == (
        "main",
        "RATE_LIMITED",
        "timeout",
    )
    assert metadata["last_error"].endswith(f"{INCIDENT}.")
    assert metadata["note"].endswith(f"{INCIDENT}.")
    assert metadata["tool"]["error"].endswith("MOG-CALL-AB12.")


async def test_sanitised_lists_and_the_raw_run(client: httpx.AsyncClient, factory: RowFactory) -> None:
    call = factory.call(status="failed", error="ECONNREFUSED")
    run = factory.run(factory.repo(), call, status="failed", error="ECONNREFUSED")
    factory.event(call, "failed", message="Harness stream failed", payload={"error": "ECONNREFUSED"})
    factory.event(call, "log", message="Installed codex")
    shown = (await client.get("/api/observability/calls")).json()["calls"][0]
    incident = "MOG-CALL-" + call.replace("-", "")[:10].upper()
    assert shown["error"] == (
        "The run failed because of an internal service error. Retry it; if it continues, contact support with"
        f" incident {incident}."
    )
    assert (await client.get(f"{V1}/runs/{run}")).json()["data"]["run"]["error"] == "ECONNREFUSED"
    failed, log = (await client.get(f"/api/observability/call-events?ai_call_id={call}")).json()["events"]
    assert failed["message"].startswith("The run failed because")
    assert "MOG-EVENT-" in failed["payload"]["error"]
    assert log["message"] == "Installed codex"


async def test_a_failed_job_shows_its_incident(client: httpx.AsyncClient, factory: RowFactory) -> None:
    job = factory.job(factory.flow(), start=True)
    with factory.plane.db.transaction() as tx:
        tx.update("job_runs", job, status="failed", error="boom", completed_at=factory.clock.us)
    incident = "MOG-JOB-" + job.replace("-", "")[:10].upper()
    listed = (await client.get("/api/observability/jobs")).json()["jobs"][0]
    detail = (await client.get(f"/api/observability/jobs/{job}")).json()["run"]
    for shown in (listed, detail):
        assert shown["error"].endswith(f"{incident}.")
        assert (shown["source_type"], shown["runtime_provider"]) == ("pr_opened", "trigger")


def test_numbers_and_nulls_are_not_redacted() -> None:
    value = {"id": "x", "status": "failed", "a": 1, "b": None, "c": True, "d": 1.5, "e": []}
    assert clean(json.loads(json.dumps(value)), "JOB", "x") == value


def test_related_row_is_redacted_by_own_status() -> None:
    job = {
        "id": "j1",
        "status": "failed",
        "note": "boom",
        "repo": {"id": "r1", "full_name": "acme/shop"},
        "latest_dispatch_event": {"id": "d1", "outcome": "failed", "note": "boom"},
        "metadata": {"note": "boom"},
    }
    told = clean(job, "JOB", "j1")
    assert told["repo"] == {"id": "r1", "full_name": "acme/shop"}
    assert "MOG-JOB-D1" in told["latest_dispatch_event"]["note"]
    assert "MOG-JOB-J1" in told["note"]
    assert "MOG-JOB-J1" in told["metadata"]["note"]
