"""The report on a failed run names the cause, the history and the differences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.run_event_tail import EventTail
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.operate.failure_groups import FailureCount
from mogplex_tui.operate.failure_report import as_json, as_text, failure_report
from tests.unit.fakes import START, event, tool

NOW = START + timedelta(hours=30)
FAILED = RunRow(
    "bad", RunSource.CALL, "failed", model="acme/nova", who="reviewer", repo="acme/api", started_at=NOW
)


def _runs(state: str, count: int, hours: float, **fields: object) -> list[RunRow]:
    began = NOW - timedelta(hours=hours)
    return [
        FAILED._replace(key=f"{state}-{hours}-{number}", state=state, started_at=began, **fields)  # type: ignore[arg-type]
        for number in range(count)
    ]


def test_events_give_the_message_and_the_last_output() -> None:
    tail = EventTail()
    tail.add(
        [
            event(0, "started"),
            tool(1, "t1", done=False, input={"command": "make test"}),
            tool(9, "t1", done=True, success=True, output={"stdout": "one\ntwo", "stderr": ""}),
            event(12, "failed", payload={"error": "Exit code 137: mog_Q2xv9TbYk0LmWc7ReHs4DpZa"}),
        ]
    )
    report = failure_report(FAILED, tail.lines, [FAILED], None, NOW)
    assert report.output_of == "bash make test" and report.last_output == ("one", "two")
    text = as_text(report)
    assert "Exit code 137" in text and "12s after the first event" in text
    assert "mog_Q2xv9" not in text + str(as_json(report))


@pytest.mark.parametrize("known_cause", [None, "The sandbox has no disk"])
def test_most_specific_message_of_any_source_is_the_cause(known_cause: str | None) -> None:
    tail = EventTail()
    tail.add([event(1, "failed", payload={"error": "Exit code 1"})])
    row = FAILED._replace(error="The run failed because of an internal service error.", cause=known_cause)
    assert failure_report(row, tail.lines, [], None, NOW).message == (known_cause or "Exit code 1")


def test_most_runs_of_a_model_failing_suggests_another_model() -> None:
    rows = [FAILED, *_runs("failed", 6, 0.5), *_runs("failed", 2, 3), *_runs("success", 3, 2)]
    report = failure_report(FAILED, [], rows, None, NOW, complete_since=NOW - timedelta(hours=2))
    assert (report.history.hour, report.history.day) == (FailureCount(7, True), FailureCount(9, False))
    assert report.history.shares[0][1:] == ("acme/nova", 9, 12)
    assert report.next_step.kind == "models" and "nova" in report.next_step.sentence
    # With fewer than eight runs nothing is said about the model.
    assert failure_report(FAILED, [], rows[:5], None, NOW).next_step.kind is None
    other = FAILED._replace(failure_class=FailureClass.SANDBOX)
    assert failure_report(other, [], [other, *rows], None, NOW).next_step.kind != "models"


def test_last_success_shares_the_most_with_the_failed_run() -> None:
    row = FAILED._replace(flow_id="f", step="review")
    step = _runs("success", 1, 5, flow_id="f", step="review", model="acme/star")
    flow = _runs("success", 1, 2, flow_id="f", step="fix")
    agent = _runs("success", 1, 1)
    later = _runs("success", 1, -1, flow_id="f", step="review")
    for rows, basis in (
        ([*step, *flow, *agent, *later], "of the same automation and step"),
        ([*flow, *agent], "of the same automation"),
        (agent, "of the same agent in the same repository"),
    ):
        found = failure_report(row, [], rows, None, NOW).success
        assert found is not None and found.basis == basis
    found = failure_report(row, [], step, None, NOW).success
    assert found is not None and ("model", "nova", "star") in found.differences
    assert failure_report(row, [], later, None, NOW).success is None
