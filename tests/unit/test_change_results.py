"""Results of changes and nested records as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mogplex_tui.api.models.automation_requests import TriggeredRun
from mogplex_tui.api.models.automations import Automation, AutomationRun
from mogplex_tui.api.models.connections import ConnectionTest
from mogplex_tui.api.models.job_actions import JobRepaired
from mogplex_tui.api.models.jobs import DispatchEvent, Finding, Job
from mogplex_tui.api.models.keys import KeyTest
from mogplex_tui.api.models.unversioned_sandboxes import Reconciled, SandboxDeleted, SandboxRecord
from mogplex_tui.operate import change_results, nested_record_text
from mogplex_tui.operate.model import RenderTime

JOB = "0f3d4ea7-9de8-42e9-9ab3-9fd1b4b815a0"
AT = datetime(2026, 8, 5, 10, 0, tzinfo=UTC)
SHOWN = RenderTime(AT)


@pytest.mark.parametrize(
    ("convert", "response", "good", "sentence"),
    [
        (change_results.extension_sentence, 1_800_000, True, "is extended by 30m00s."),
        (
            change_results.connection_test_result,
            ConnectionTest(healthy=True, tool_count=12),
            True,
            "works, 12 tools.",
        ),
        (change_results.connection_test_result, ConnectionTest(healthy=True), True, "works."),
        (
            change_results.connection_test_result,
            ConnectionTest(status="auth_failed"),
            False,
            "does not work: auth_failed",
        ),
        (change_results.verification_result, KeyTest(key_valid=True), True, "works."),
        (
            change_results.verification_result,
            KeyTest(key_valid=False, key_error="no such key"),
            False,
            "does not work: no such",
        ),
        (
            change_results.verification_result,
            KeyTest(),
            False,
            "could not be checked: the provider could not be asked.",
        ),
        (change_results.sync_result, [1, 2], True, "2 repositories."),
    ],
)
def test_response_becomes_a_result_with_a_sentence(
    convert: Any, response: Any, good: bool, sentence: str
) -> None:
    found = convert(response)
    assert found[0] is good
    assert sentence in found[1]


BRACES = "a {} b {name} c {"
RECORD = SandboxRecord.model_validate(
    {"id": "s1", "runtime_summary": {"status": "running"}, "error_summary": {"display_error": BRACES}}
)
ODD = SandboxRecord.model_validate({"id": "s1", "runtime_summary": {"status": BRACES}})


@pytest.mark.parametrize(
    "sentence",
    [
        change_results.trigger_result(TriggeredRun.model_construct(outcome=BRACES))[1],
        change_results.trigger_result(TriggeredRun.model_construct(outcome="suppressed", reason=BRACES))[1],
        change_results.repair_result(JobRepaired.model_construct(status=BRACES, reason="x"))[1],
        change_results.stop_result(RECORD)[1],
        change_results.delete_result(SandboxDeleted.model_construct(warning=BRACES))[1],
        change_results.reconcile_result(Reconciled.model_construct(queued=False, sandbox=ODD))[1],
        change_results.boot_sentence("{} runs.", [BRACES]),
        change_results.boot_failure_sentence("no machine", BRACES, []),
        change_results.boot_failure_sentence(BRACES, "", []),
        change_results.connection_test_result(ConnectionTest(healthy=False, error=BRACES))[1],
        change_results.verification_result(KeyTest(key_valid=False, key_error=BRACES))[1],
    ],
)
def test_braces_in_service_texts_are_kept(sentence: str) -> None:
    assert BRACES in change_results.insert_name(sentence, "thing x")


def test_name_is_capitalized_at_start_of_sentence() -> None:
    waits = TriggeredRun.model_construct(outcome="queued", status="pending", reason="x", job_run_id=JOB)
    again = TriggeredRun.model_construct(outcome="suppressed", started=False, reason="x")
    assert ". Thing x is queued as job" in change_results.insert_name(
        change_results.trigger_result(waits)[1], "thing x"
    )
    assert "was queued for thing x." in change_results.insert_name(
        change_results.trigger_result(again)[1], "thing x"
    )


def test_nested_records_are_formatted_as_lines() -> None:
    entry = DispatchEvent(
        id="e", event_kind="start", outcome="deferred", reason="FLOW_INACTIVE", created_at=AT
    )
    assert nested_record_text.dispatch_event(entry).endswith(
        "start    deferred       the automation is paused"
    )
    assert "start failed" in nested_record_text.dispatch_event(
        entry.model_copy(update={"outcome": "start_failed"})
    )
    found = Finding(id="f", severity="high", title="Race", body="Two writers.", path="a.py", line=7)
    assert nested_record_text.finding(found) == "high       Race  a.py:7\nTwo writers."
    steps = [
        {"id": "1", "node_id": "n1", "node_label": "Fix", "status": "success"},
        {"id": "2", "node_id": "n2"},
    ]
    run = AutomationRun.model_validate(
        {"id": JOB, "status": "running", "node_runs": steps, "active_wait_count": 1}
    )
    first, second = nested_record_text.automation_run(run, SHOWN).split("\n")
    assert first.startswith("◐ running")
    assert first.endswith("0f3d4ea7  waiting for an approval or an event")
    assert second.strip() == "▫ n2, after 1 step"
    begun = (SHOWN.now - timedelta(minutes=4)).isoformat()
    steps[1] |= {"status": "running", "started_at": begun}
    stands = AutomationRun.model_validate({"id": JOB, "status": "running", "node_runs": steps})
    assert nested_record_text.automation_run(stands, SHOWN).endswith("◐ n2 for 4m, after 1 step")
    steps[1] |= {"status": "failed", "completed_at": begun, "error": "No access.\n\nAsk for it."}
    failed = AutomationRun.model_validate({"id": JOB, "status": "failed", "node_runs": steps})
    assert nested_record_text.automation_run(failed, SHOWN).endswith(
        "✗ n2: No access. Ask for it., after 1 step"
    )
    over = run.model_copy(update={"status": "success", "node_runs": run.node_runs[:1]})
    assert nested_record_text.automation_run(over, SHOWN).endswith("\n    1 step")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"role": "user", "content": "Fix it"}, "user:\nFix it\n"),
        (
            {"role": "assistant", "parts": [{"text": "Done"}, {"type": "tool-run"}, 3]},
            "assistant:\nDone\n[tool-run]\n",
        ),
        ({"parts": "broken", "content": None}, ""),
        ("nothing", ""),
    ],
)
def test_chat_message_shows_role_and_content(message: Any, text: str) -> None:
    assert nested_record_text.chat_message(message) == text


def test_draft_is_compared_with_published_version() -> None:
    graph = {"nodes": [{"id": "a", "type": "agent"}], "edges": []}
    other = {"nodes": [{"id": "b", "type": "agent"}], "edges": []}

    def states(**more: Any) -> tuple[int | None, str]:
        found = Automation.model_validate({"id": "x", "draft_graph": graph, **more})
        return found.version, found.draft_state

    assert states() == (None, "unpublished")
    assert states(published_version={"id": "v", "version_number": 3, "graph": graph}) == (3, "")
    assert states(published_version={"id": "v", "version_number": 3, "graph": other}) == (3, "differs")


@pytest.mark.parametrize(
    ("ids", "parent"),
    [
        ({"flow_id": "f", "trigger_id": "t"}, ("automations", "f")),
        ({"trigger_id": "t", "assignment_id": "a"}, ("triggers", "t")),
        ({"assignment_id": "a"}, ("assignments", "a")),
    ],
)
def test_job_has_its_trigger_as_parent(ids: dict[str, str], parent: tuple[str, str]) -> None:
    job = Job.model_validate({"id": JOB, "status": "pending", **ids})
    assert (job.parent_kind, job.parent) == parent
